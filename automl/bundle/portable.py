"""A fitted pipeline to bytes that load where this library is not installed.

Below the bundle. What a package index can install is stored by name and pinned; what
it cannot (this library's own transformers, a user's own module) travels as code.
"""

from __future__ import annotations

import dis
import importlib
import io
import pickle
import pickletools
import re
import sys
import threading
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec, resolve_name
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import cloudpickle

from automl.exceptions import AutoMLConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Portable", "as_code", "make_portable", "named_modules", "version_of"]

PROTOCOL = 5
"""Of the pickle: known since Python 3.8, so a change of Python does not change it."""

LIBRARY = "automl"
SEARCH_ONLY = frozenset({LIBRARY, "hyperopt"})
"""Packages that a deployed model never needs."""

TRAVELLERS = ("automl.encoding", "automl.preprocess", "automl.estimators")
"""Modules whose classes stand in pipelines; others are found when they are met."""

LEVEL = 3
"""Of zlib: 3.3 times smaller than the pickle of extremely random trees, 7.4 of a forest
of ten classes, 2.7 of LightGBM, at 70 to 170 MB a second; a level of 6 halves that and
gains 2 to 15 %. It is read at 130 to 480 MB a second."""

_REGISTERING = threading.Lock()
"""What is stored as code is registered with cloudpickle, for all threads."""

_STRINGS = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"})
_IMPORTERS = frozenset({("cloudpickle.cloudpickle", "subimport")})


@dataclass(frozen=True)
class Portable:
    """A pickle and what it needs.

    Attributes
    ----------
    payload : bytes
        For `pickle.load`: what it expands, and then loads.
    packages : mapping of str to str
        Distributions that the pickle names, and their installed versions.
    beneath : mapping of str to str
        What those need in turn.
    markers : mapping of str to str
        On which systems they do (PEP 508), of those that are not needed on all.
    """

    payload: bytes
    packages: Mapping[str, str]
    beneath: Mapping[str, str]
    markers: Mapping[str, str]


def make_portable(pipeline: Any) -> Portable:
    """Return the pickle of a fitted pipeline with the packages that it needs.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.

    Raises
    ------
    AutoMLConfigError
        If it cannot be loaded without this library (``E-not-portable``).

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> sorted(make_portable(StandardScaler()).packages)
    ['scikit-learn']
    """
    own = {name for name in sys.modules if name.startswith(TRAVELLERS)}
    while True:
        payload, imported = _pickle(pipeline, own)
        named = named_modules(payload)
        strays = {name for name in named if _travels(name)} - own
        if not strays:
            break
        _refuse({name for name in strays if name in SEARCH_ONLY}, "names")
        own |= strays
    needed = {name.partition(".")[0] for name in named | imported}
    _refuse(needed & SEARCH_ONLY, "imports")
    hidden = {name for name in imported if _travels(name) and _is_here(name)}
    _refuse(hidden, "imports within functions", "Or import them at the head.")
    packages = _installed(needed)
    return Portable(_packed(payload), packages, *_beneath(packages))


def as_code(pipeline: Any) -> bytes:
    """Return a pickle in which classes that no module has are stored as code.

    Loading it leaves alone those that are here already.
    """
    return _pickle(pipeline, ())[0]


@dataclass(frozen=True)
class _Packed:
    """Pickled, it is a call that expands and loads what it holds."""

    content: Any

    def __reduce__(self) -> tuple[Any, tuple[Any]]:
        return pickle.loads, (_Deflated(self.content),)


@dataclass(frozen=True)
class _Deflated:
    """Pickled, it is a call that expands what it holds."""

    content: bytes

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        return zlib.decompress, (self.content,)


def _packed(payload: bytes) -> bytes:
    """Return a smaller pickle of the same object, which needs nothing but Python.

    Examples
    --------
    >>> pickle.loads(_packed(pickle.dumps([1.5] * 3)))
    [1.5, 1.5, 1.5]
    """
    return pickle.dumps(_Packed(zlib.compress(payload, LEVEL)), protocol=PROTOCOL)


def _refuse(modules: set[str], verb: str, or_else: str = "") -> None:
    if modules:
        message = (
            f"The pipeline cannot be deployed: its code {verb} "
            f"{', '.join(sorted(modules))}; only packages that the bundle can require "
            "were expected. Leave out the candidate, or change its transformer. "
        )
        raise AutoMLConfigError((message + or_else).strip(), code="E-not-portable")


class _Pickler(cloudpickle.Pickler):
    """Stores code without the paths of the machine that it was loaded from.

    Attributes
    ----------
    imported : set of str
        Modules that stored functions import when they run.
    """

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=PROTOCOL)
        self.imported: set[str] = set()
        self._package = ""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, CodeType):
            self.imported |= set(_imports_of(obj, self._package))
            bare = obj.replace(co_filename=f"<{LIBRARY}>")
            return self.dispatch_table[CodeType](bare)
        if isinstance(obj, FunctionType):  # its code comes next
            self._package = str(obj.__globals__.get("__package__") or "")
            # filled, so that cloudpickle does not put __file__ there
            kept = {"__name__": obj.__globals__.get("__name__")}
            self.globals_ref.setdefault(id(obj.__globals__), kept)
        reduced = super().reducer_override(obj)
        if isinstance(obj, type) and isinstance(reduced, tuple) and len(reduced) > 2:
            # without the mark by which cloudpickle finds a class that is here already:
            # the verification of a bundle would write over the library's own classes
            make, (*given, _, extra), *state = reduced
            return (make, (*given, None, extra), *state)
        return reduced


def _pickle(pipeline: Any, own: Iterable[str]) -> tuple[bytes, set[str]]:
    buffer = io.BytesIO()
    with _REGISTERING, _by_value(own):
        pickler = _Pickler(buffer)
        try:
            pickler.dump(pipeline)
        except (pickle.PicklingError, TypeError) as error:
            raise AutoMLConfigError(
                f"The pipeline cannot be stored: {error}. A pipeline of picklable "
                "objects was expected.",
                code="E-not-portable",
            ) from error
    return buffer.getvalue(), pickler.imported


@contextmanager
def _by_value(names: Iterable[str]) -> Iterator[None]:
    """Have these modules' classes and functions stored as code, for a while."""
    known = cloudpickle.list_registry_pickle_by_value()
    modules = [importlib.import_module(n) for n in sorted(set(names) - known)]
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)


def _imports_of(code: CodeType, package: str) -> Iterator[str]:
    """Yield what a function of a package imports; of an unknown one, with its dots."""
    steps = [s for s in dis.get_instructions(code) if s.opname != "EXTENDED_ARG"]
    for i, step in enumerate(steps):
        if step.opname == "IMPORT_NAME":
            level = steps[i - 2].argval  # before it: the level, and the names
            name = "." * level + str(step.argval)
            inside = len(package.split(".")) >= level and package
            yield resolve_name(name, package) if inside else name


def named_modules(payload: bytes) -> set[str]:
    """Return the modules that a pickle of protocol 4 or 5 imports, without loading it.

    Examples
    --------
    >>> import pickle
    >>> from fractions import Fraction
    >>> named_modules(pickle.dumps(Fraction(1, 2), protocol=5))
    {'fractions'}
    """
    found: set[str] = set()
    memo: list[Any] = []
    before = last = None
    for opcode, argument, _ in pickletools.genops(payload):
        name = opcode.name
        if name == "FRAME":
            continue
        if name == "MEMOIZE":
            memo.append(last)
            continue
        value: Any = None
        if name in _STRINGS:
            value = argument
        elif name in {"BINGET", "LONG_BINGET"}:
            value = memo[argument]  # type: ignore[index]  # a number here
        elif name == "STACK_GLOBAL":
            value = (before, last)
            found.add(str(before))
        if isinstance(value, str) and last in _IMPORTERS:
            found.add(value)
        before, last = last, value
    return found


def _travels(module: str) -> bool:
    """Return whether no requirement could bring this module."""
    top = module.partition(".")[0]
    if top in {LIBRARY, ""}:  # nothing before the dot: of a package of the user's
        return True
    if top in sys.stdlib_module_names or top == "__mp_main__":
        return False
    return top not in _distributions()


def _is_here(module: str) -> bool:
    """Return whether a module can be imported: some are asked for in vain."""
    top = module.partition(".")[0]
    return not top or top in sys.modules or find_spec(top) is not None


@cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def _installed(modules: Iterable[str]) -> dict[str, str]:
    """Return the distributions of top-level modules with their versions."""
    known = _distributions()
    names = {_normal(d) for m in modules for d in known.get(m, ())}
    return {name: metadata.version(name) for name in sorted(names)}


def _beneath(packages: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what these need, and what that needs, if it is installed.

    And where those are needed that are not everywhere, as a marker (PEP 508).
    """
    ways: dict[str, list[frozenset[str]]] = {}
    ahead = [(name, frozenset[str]()) for name in packages]
    while ahead:
        needing, where = ahead.pop()
        for line in metadata.requires(needing) or ():
            requirement, _, marker = line.partition(";")
            match = re.match(r"[A-Za-z0-9._-]+", requirement)
            if match is None or "extra" in marker:
                continue
            name = _normal(match.group())
            way = where | ({marker.strip()} - {""})
            if version_of(name) is None or name in packages:
                continue
            if not any(known <= way for known in ways.get(name, ())):
                ways.setdefault(name, []).append(way)
                ahead.append((name, way))
    names = sorted(ways)
    found = {name: metadata.version(name) for name in names}
    return found, {name: _any_of(ways[name]) for name in names if all(ways[name])}


def _any_of(ways: Iterable[frozenset[str]]) -> str:
    """Return a marker that holds where all markers of one of the ways do.

    Examples
    --------
    >>> _any_of([frozenset(["sys_platform == 'win32'"]), frozenset(["b", "a"])])
    "(a) and (b) or (sys_platform == 'win32')"
    """
    return " or ".join(sorted(" and ".join(f"({m})" for m in sorted(w)) for w in ways))


def version_of(distribution: str) -> str | None:
    """Return the installed version, or None.

    Examples
    --------
    >>> version_of("no-such-distribution") is None
    True
    """
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
