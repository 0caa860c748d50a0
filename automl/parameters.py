"""The classes that candidates name, and the parameters that these take.

Below candidates. A name that a class does not take is refused before the search.
"""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING

from automl.specs import check_known, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

__all__ = ["check_parameters", "find_class"]


def find_class(path: str) -> type:
    """Return the class that is written ``module.Class``.

    Examples
    --------
    >>> find_class("sklearn.linear_model.Ridge").__name__
    'Ridge'
    """
    module, _, name = path.rpartition(".")
    found: type = getattr(importlib.import_module(module), name)
    return found


def check_parameters(
    where: str,
    classes: Mapping[str, tuple[str, Iterable[str]]],
    searched: AbstractSet[str],
    grows: str | None,
) -> None:
    """Refuse classes that cannot be fitted, and names that they do not take.

    Parameters
    ----------
    where : str
        The file or the candidate, for complaints.
    classes : mapping of str to (str, iterable of str)
        For each task the class, as ``module.Class``, and its fixed parameters.
    searched : set of str
        Its searched parameters.
    grows : str or None
        The parameter that grows with time.

    Raises
    ------
    AutoMLConfigError
        If one stands in two places, or is unknown (``E-candidates``).
    """
    resource = set() if grows is None else {grows}
    for path, given in classes.values():
        fixed = set(given)
        for key in sorted((searched | resource) & fixed | searched & resource):
            raise refuse(
                where,
                f"{key!r} stands in two of fixed, resource and space; one is enough.",
            )
        try:
            known = _known_parameters(find_class(path))
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            raise refuse(
                where,
                f"{path!r} is no class that can be made without arguments and has "
                f"get_params: {error}.",
            ) from None
        if known is not None:
            check_known(where, path, sorted(searched | resource | fixed), known)


def _known_parameters(kind: type) -> set[str] | None:
    """Return the names that a class takes; None where it takes any."""
    known = set(kind().get_params())
    parameters = inspect.signature(kind).parameters.values()
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        return known
    more = _library_parameters(kind)
    return None if more is None else known | more


def _library_parameters(kind: type) -> set[str] | None:
    """Return what LightGBM takes beyond its constructor; None where nobody knows."""
    if not kind.__module__.startswith("lightgbm"):
        return None
    from lightgbm import basic

    aliases = getattr(basic, "_ConfigAliases", None)  # the only place that lists them
    listed = getattr(aliases, "_get_all_param_aliases", None)
    if listed is None:
        return None
    found: dict[str, list[str]] = listed()
    return set(found).union(*found.values())
