"""How good and how fast, measured on folders of data sets."""
