"""Transformers of our own: only where no library class will do, one file each.

They travel inside a deployed model by value, so none of them imports this library.
"""
