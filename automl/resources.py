"""Where the candidates and the report's templates lie.

The bottom of the way of the data: everything that is content rather than code is
found through :func:`folder`, in a wheel as in a checkout.
"""

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Folder that holds the shipped content of that name.

    A wheel carries ``pipelines/`` and ``reports/`` as ``automl/_pipelines`` and
    ``automl/_reports``; a checkout, and an editable install of one, has them beside
    ``automl/``. ``importlib.resources`` would not do: a data folder is no module, and
    in an editable install it is not found.

    Parameters
    ----------
    name : {"pipelines", "reports"}
        Name of the folder as it is called in the repository.

    Returns
    -------
    Path
        Absolute path of an existing folder.

    Raises
    ------
    FileNotFoundError
        If neither the installed package nor the checkout has such a folder.

    Examples
    --------
    >>> from automl.resources import folder
    >>> folder("pipelines").is_dir()
    True
    >>> folder("recipes")
    Traceback (most recent call last):
    ...
    FileNotFoundError: No folder 'recipes' comes with automl: ...
    """
    shipped = _HERE / f"_{name}"
    if shipped.is_dir():
        return shipped
    beside = _HERE.parent / name
    if beside.is_dir():
        return beside
    raise FileNotFoundError(
        f"No folder {name!r} comes with automl: looked for {shipped} and {beside}. "
        "If the name is right, the installation is incomplete; install it again."
    )
