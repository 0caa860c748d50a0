#!/usr/bin/env python3
"""Predict with the model in this folder.

python predict.py new.csv -o predictions.csv
python predict.py --check
"""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    sys.path.pop(0)  # no file of this folder stands in for a library

import argparse
import bz2
import gzip
import hashlib
import io
import json
import lzma
import pickle
import stat
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
FORMAT = 1
FILES = frozenset(
    ["README.md", "expected.json", "model.pkl", "model_card.md", "predict.py",
     "requirements.txt", "sample.csv", "schema.json"]
)  # fmt: skip
TOLERANCE = 1e-6  # as a share of the largest prediction of a regression
DATA_ERROR, INTEGRITY_ERROR = 3, 6  # exit codes
OPENERS: dict[str, Any] = {".bz2": bz2.open, ".gz": gzip.open, ".xz": lzma.open}
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
MISSING = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND",
     "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
)  # fmt: skip
GAPS = frozenset(["?", "-", "--", ".", "nil", "inf", "-inf"])  # in numbers and dates
EXACT: dict[str, Any] = (
    {"float_precision": "round_trip"} if pd.__version__.startswith("2.") else {}
)  # later ones read numbers exactly unasked


class RefusedError(Exception):
    """What is wrong, in a sentence, with the exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def load_model(*, allow_version_drift: bool = False) -> tuple[Any, float]:
    """Return the model, and how far its sample's predictions are from those expected.

    Files and versions are checked before anything of the model is run.
    """
    manifest, contents = read_files()
    check_versions(manifest, allow_version_drift=allow_version_drift)
    try:
        model = pickle.loads(contents["model.pkl"])  # noqa: S301 - verified above
        found = difference(model, contents["sample.csv"], contents["expected.json"])
    except Exception as error:  # whatever an object of other packages raises
        raise unsuited(error) from error
    if not found <= TOLERANCE:
        raise RefusedError(
            f"The sample's predictions differ by {found:.3g}; {TOLERANCE:g} at most "
            "was expected. Install requirements.txt exactly.",
            INTEGRITY_ERROR,
        )
    return model, found


def read_files() -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the manifest and the files, each read once and as it was written."""
    try:
        manifest = json.loads(content_of("manifest.json"))
        listed = dict(manifest["files"])
        known = int(manifest["format"]) <= FORMAT
        sealed = manifest["sha256"] == seal(manifest)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RefusedError(
            f"manifest.json is missing or damaged ({type(error).__name__}); copy the "
            "whole folder again.",
            INTEGRITY_ERROR,
        ) from error
    if not known:
        raise RefusedError("The bundle is of a newer format.", INTEGRITY_ERROR)
    if not sealed or set(listed) != FILES:
        raise RefusedError(
            "manifest.json is not as it was written; copy the whole folder again.",
            INTEGRITY_ERROR,
        )
    contents = {name: content_of(name) for name in listed}
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != listed[name]:
            raise RefusedError(
                f"{name} is missing, a link, or not the file that was written; copy "
                "the whole folder again.",
                INTEGRITY_ERROR,
            )
    return manifest, contents


def content_of(name: str) -> bytes:
    """Return what a file of this folder holds; nothing if it is none, or a link."""
    path = HERE / name
    try:
        return b"" if path.is_symlink() else path.read_bytes()
    except OSError:
        return b""


def seal(manifest: dict[str, Any]) -> str:
    """Return the checksum of everything in the manifest but itself."""
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def unsuited(error: Exception) -> RefusedError:
    """Return what to say of a model that other packages do not load or run."""
    return RefusedError(
        "The model cannot be loaded, or does not predict, with the packages installed "
        f"here ({type(error).__name__}: {error}). Run pip install -r requirements.txt.",
        INTEGRITY_ERROR,
    )


def check_versions(manifest: dict[str, Any], *, allow_version_drift: bool) -> None:
    """Refuse another Python, and other packages unless they are allowed."""
    python = "{}.{}".format(*sys.version_info)
    if python != manifest["python"]:
        raise RefusedError(
            f"The model was made with Python {manifest['python']} and holds code for "
            f"it; this is Python {python}. Use Python {manifest['python']}.",
            INTEGRITY_ERROR,
        )
    for name, expected in manifest["packages"].items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            found = "not installed"
        if found != expected and not allow_version_drift:
            raise RefusedError(
                f"The model was made with {name} {expected}; here it is {found}. Run "
                "pip install -r requirements.txt, or pass --allow-version-drift to use "
                "it if its sample is predicted as before.",
                INTEGRITY_ERROR,
            )


def read_table(path: Path, encoder: Any, separator: str) -> pd.DataFrame:
    """Return the rows of a CSV or Parquet file, read as the model reads them."""
    names = {str(name): name for name in encoder.columns}
    if path.suffix.lower() in {".parquet", ".pq"}:
        return pd.read_parquet(path).rename(columns=names)
    header = list(pd.read_csv(path, nrows=0, sep=separator).columns)
    place = dict(enumerate(header))
    dtypes, missing = {}, dict.fromkeys(header, sorted(MISSING))
    by_name = encoder.named or {str(p.name) for p in encoder.plan} <= set(header)
    for plan in encoder.plan:
        name = str(plan.name) if by_name else place.get(plan.position)
        if name in missing and plan.kind not in {"number", "boolean"}:
            dtypes[name] = str  # 007 is no number, and NA may be a level
            missing[name] = sorted(MISSING - set(plan.levels))
    alone = len(header) == 1  # so that an empty line is a cell
    frame = pd.read_csv(
        without_blank_ends(path) if alone else path,
        skip_blank_lines=not alone,
        sep=separator,
        index_col=False if ends_empty(path, len(header), separator) else None,
        dtype=dtypes,
        na_values=missing,
        keep_default_na=False,
        low_memory=False,
        **EXACT,
    )
    return frame.rename(columns=names)


def without_blank_ends(path: Path) -> io.BytesIO:
    """Return a text file without the blank lines before and after its rows."""
    with OPENERS.get(path.suffix.lower(), open)(path, "rb") as file:
        text = file.read().lstrip(b"\r\n")
    kept = text.rstrip()
    end_of_line = text[len(kept) :].splitlines(keepends=True)[:1]
    return io.BytesIO(kept + b"".join(end_of_line))


def ends_empty(path: Path, width: int, separator: str) -> bool:
    """Return whether the rows have one cell more than there are names, and it is empty.

    pandas would take the first cell for a name of the row, as R writes it.
    """
    try:
        rows = pd.read_csv(
            path, header=None, skiprows=1, nrows=100, sep=separator, dtype=str,
            keep_default_na=False,
        )  # fmt: skip
    except (pd.errors.EmptyDataError, pd.errors.ParserError):
        return False
    return rows.shape[1] == width + 1 and bool((rows.iloc[:, -1] == "").all())


def predict(model: Any, encoded: pd.DataFrame) -> pd.DataFrame:
    """Return predictions, with the probability of each class if there are any."""
    rest = model[1:]
    classes = list(getattr(model, "classes_", ()))
    with_probability = bool(classes) and hasattr(rest, "predict_proba")
    names = [f"probability_{label}" for label in classes] if with_probability else []
    if len(encoded) == 0:
        return pd.DataFrame(columns=["prediction", *names])
    columns = {"prediction": rest.predict(encoded)}
    if with_probability:
        columns |= dict(zip(names, rest.predict_proba(encoded).T, strict=True))
    return pd.DataFrame(columns)


def unread_cells(encoder: Any, frame: pd.DataFrame, encoded: pd.DataFrame) -> int:
    """Return how many cells hold what is no number, flag or date of their column."""
    count = 0
    for plan in encoder.plan:
        if plan.kind in {"category", "text"}:
            continue
        lost = encoded[plan.id].isna().to_numpy()
        known = plan.name in frame.columns
        place = frame.columns.get_loc(plan.name) if known else plan.position
        cells = frame.iloc[:, place][lost].dropna().astype(str).str.strip().str.lower()
        count += int((~cells.isin(GAPS | {m.lower() for m in MISSING})).sum())
    return count


def without_formulas(result: pd.DataFrame) -> pd.DataFrame:
    """Return the table with texts that a spreadsheet would run made harmless."""
    labels = [guarded(label) for label in result["prediction"]]
    return result.assign(prediction=labels) if len(result) else result


def guarded(label: Any) -> Any:
    """Return a label that no spreadsheet runs; numbers in text stay as they are."""
    if not isinstance(label, str) or not label.startswith(FORMULA):
        return label
    try:
        float(label)
    except ValueError:
        return f"'{label}"
    return label


def refuse_overwriting(table: Path, out: Path) -> None:
    """Refuse to write the predictions over the rows."""
    if out.is_file() and out.samefile(table):
        raise RefusedError(
            f"{out} holds the rows; another file was expected for the predictions.",
            DATA_ERROR,
        )


def write_table(result: pd.DataFrame, out: Path, *, raw: bool) -> None:
    """Write the predictions beside their place and put them there, whole."""
    shown = result if raw else without_formulas(result)
    target = out.resolve()
    try:
        if out.exists() and not out.is_file() and not out.is_dir():
            shown.to_csv(out, index=False)  # a device or a pipe stays what it is
            return
        with tempfile.TemporaryDirectory(prefix=".", dir=target.parent) as folder:
            part = Path(folder) / target.name
            if out.suffix.lower() in {".parquet", ".pq"}:
                result.to_parquet(part, index=False)
            else:
                shown.to_csv(part, index=False)
            if target.is_file():  # who may read it stays as it was
                part.chmod(stat.S_IMODE(target.stat().st_mode))
            part.replace(target)
    except (OSError, ValueError, ImportError) as error:
        why = str(getattr(error, "strerror", None) or error).partition("\n")[0]
        raise RefusedError(
            f"{out} could not be written: {why.rstrip('.')}. What was there before is "
            "unchanged.",
            DATA_ERROR,
        ) from error


def difference(model: Any, sample: bytes, stored: bytes) -> float:
    """Return how far predictions of the sample are from those made with the model."""
    expected = json.loads(stored)
    rows = pd.read_csv(
        io.BytesIO(sample), dtype=str, keep_default_na=False, na_values=[""]
    )
    names = np.empty(len(model[0].columns), dtype=object)  # pairs stay pairs
    names[:] = model[0].columns
    rows = rows.set_axis(pd.Index(names, tupleize_cols=False), axis=1)
    result = predict(model, model[0].transform(rows))
    if "probability" in expected:
        found = result.iloc[:, 1:].to_numpy(dtype=float)
        return float(np.abs(found - np.array(expected["probability"])).max())
    if hasattr(model, "classes_"):
        return float(result["prediction"].tolist() != expected["prediction"])
    wanted = np.array(expected["prediction"], dtype=float)
    scale = float(np.abs(wanted).max()) or 1.0  # of small targets as of large ones
    return float(np.abs(result["prediction"].to_numpy() - wanted).max()) / scale


def run(options: argparse.Namespace) -> str:
    """Do what the command line asks for and return a sentence about it."""
    model, found = load_model(allow_version_drift=options.allow_version_drift)
    if options.check:
        return f"The sample's predictions are those expected (within {found:.1e})."
    try:
        refuse_overwriting(options.table, options.out)
        frame = read_table(options.table, model[0], options.sep)
        encoded = model[0].transform(frame)
        unread = unread_cells(model[0], frame, encoded)
        result = predict(model, encoded)
    except (OSError, ValueError, ImportError) as error:
        raise RefusedError(f"{options.table.name}: {error}", DATA_ERROR) from error
    if unread:
        sys.stderr.write(f"{unread} cells cannot be read and count as missing.\n")
    write_table(result, options.out, raw=options.raw)
    return f"{len(result)} predictions are in {options.out}."


def main() -> int:
    """Read the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Predict with this folder's model.")
    parser.add_argument("table", type=Path, nargs="?", help="CSV or Parquet file")
    parser.add_argument("-o", "--out", type=Path, default=Path("predictions.csv"))
    parser.add_argument("--sep", default=",", help="what separates the CSV's columns")
    parser.add_argument("--check", action="store_true", help="only predict the sample")
    parser.add_argument(
        "--raw", action="store_true", help="write labels such as =A1 as they are"
    )
    parser.add_argument("--allow-version-drift", action="store_true")
    options = parser.parse_args()
    if options.table is None and not options.check:
        parser.error("a table is needed, or --check")
    try:
        sys.stdout.write(run(options) + "\n")
    except RefusedError as error:
        sys.stderr.write(f"{error}\n")
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
