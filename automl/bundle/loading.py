"""From a bundle's folder to a predictor: everything is verified before it is run.

Loading a model runs the code in it. Checksums show damage, not who made the bundle, so
load only what you trust.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from automl.bundle.portable import version_of
from automl.bundle.predictor import Predictor
from automl.encoding_frame import as_fitted
from automl.exceptions import AutoMLConfigError, AutoMLIntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["load"]

FORMAT = 1
"""Version of the folder's layout; a newer one is refused."""

KIND = "automl-bundle"
MANIFEST = "manifest.json"
FILES = frozenset(
    ["README.md", "expected.json", "model.pkl", "model_card.md", "predict.py",
     "requirements.txt", "sample.csv", "schema.json"]
)  # fmt: skip
"""What a bundle holds beside its manifest."""

RUNNABLE = frozenset(
    [".dll", ".joblib", ".onnx", ".pickle", ".pkl", ".pth", ".py", ".pyc", ".pyd",
     ".skops", ".so"]
)  # fmt: skip
"""Files beside the listed ones that could be taken for a part of the model."""

TOLERANCE = 1e-6
"""Largest difference from the stored predictions, as a share of the largest of them for
a regression: other processors round otherwise."""


def load(folder: str | Path, *, allow_version_drift: bool = False) -> Predictor:
    """Return the predictor in a bundle.

    Loading runs the code that is in the model, so load only what you trust. Checksums
    show damage, not who made the bundle.

    Parameters
    ----------
    folder : str or Path
        A folder that `save_bundle` wrote, on this machine.
    allow_version_drift : bool, default=False
        Whether other versions of the packages will do, if the model predicts its
        sample as before. Another Python never does: the model holds code compiled for
        one.

    Raises
    ------
    AutoMLConfigError
        If there is no such folder, or a URL came.
    AutoMLIntegrityError
        If a file is missing or damaged, versions differ, or the model no longer
        predicts what it did. Nothing is unpickled unless files and versions fit.
    """
    place = local_path(folder)
    if not place.is_dir():
        raise AutoMLConfigError(
            f"There is no folder {str(folder)!r}; a bundle's folder was expected.",
            code="E-no-bundle",
        )
    _check_links(place)
    manifest = _read_manifest(place)
    contents = _read_files(place, manifest)
    _check_versions(manifest, allow_version_drift=allow_version_drift)
    try:
        pipeline = pickle.loads(contents["model.pkl"])  # noqa: S301 - verified above
        predictor = Predictor(pipeline, json.loads(contents["schema.json"]), manifest)
        difference = _difference(
            predictor, contents["sample.csv"], contents["expected.json"]
        )
    except Exception as error:  # of other packages: whatever an object of theirs raises
        raise AutoMLIntegrityError(
            "The model cannot be loaded, or does not predict, with the packages "
            f"installed here: {type(error).__name__}: {error}. Install the bundle's "
            "requirements.txt.",
            code="E-version",
        ) from error
    _check_parity(difference)
    return predictor


def local_path(folder: str | Path) -> Path:
    if "://" in str(folder):
        raise AutoMLConfigError(
            f"{str(folder)!r} is a URL; a folder on this machine was expected. "
            "Download the bundle from a source that you trust first.",
            code="E-url",
        )
    return Path(folder).expanduser()


def _damaged(what: str) -> AutoMLIntegrityError:
    return AutoMLIntegrityError(
        f"{what} Nothing was loaded; copy the whole bundle again from where "
        "it was made.",
        code="E-integrity",
    )


def _check_links(place: Path) -> None:
    environments = {path.parent for path in place.glob("*/pyvenv.cfg")}
    for path in sorted(place.rglob("*")):
        if not environments.isdisjoint(path.parents):
            continue  # full of links and code that the model does not run
        name = path.relative_to(place).as_posix()
        if path.is_symlink():
            raise _damaged(f"{name} is a symbolic link; a file was expected.")
        known = path.parent == place and name in FILES
        if not known and path.suffix.lower() in RUNNABLE and "__pycache__" not in name:
            raise _damaged(f"{name} is not of the bundle, but could be run.")


def _read_manifest(place: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((place / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(
            f"{MANIFEST} in {str(place)!r} is missing or no JSON "
            f"({type(error).__name__}); every bundle has one."
        ) from error
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise _damaged(f"{MANIFEST} is not that of a bundle.")
    version = manifest.get("format")
    if not isinstance(version, int) or version > FORMAT:
        raise AutoMLIntegrityError(
            f"The bundle is of format {version!r}; at most {FORMAT} was expected. Load "
            "it with a newer version of this library.",
            code="E-version",
        )
    if manifest.get("sha256") != seal(manifest):
        raise _damaged(f"{MANIFEST} is not as it was written: its checksum differs.")
    return manifest


def _read_files(place: Path, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the listed files, each read once: what is verified is what is used."""
    listed = manifest.get("files")
    if not isinstance(listed, dict) or set(listed) != FILES:
        raise _damaged(f"{MANIFEST} does not list the files of a bundle.")
    contents = {}
    for name, expected in listed.items():
        try:
            contents[name] = (place / name).read_bytes()
        except OSError as error:
            raise _damaged(f"{name} is missing or cannot be read.") from error
        found = sha256(contents[name])
        if found != expected:
            raise _damaged(
                f"{name} is not the file that was written: SHA-256 "
                f"{str(expected)[:12]}… was expected, {found[:12]}… came."
            )
    return contents


def _check_versions(manifest: Mapping[str, Any], *, allow_version_drift: bool) -> None:
    made, here = manifest["python"], python_minor()
    if made != here:
        raise AutoMLIntegrityError(
            f"The model was made with Python {made} and holds code compiled for it; "
            f"this is Python {here}. Load it with Python {made}, or fit it anew.",
            code="E-version",
        )
    if allow_version_drift:
        return
    for name, expected in manifest["packages"].items():
        found = version_of(name) or "not installed"
        if found != expected:
            raise AutoMLIntegrityError(
                f"The model was made with {name} {expected}; here it is {found}. "
                "Install the bundle's requirements.txt, or give "
                "allow_version_drift=True (--allow-version-drift) to load it if its "
                "sample is predicted as before.",
                code="E-version",
            )


def _difference(predictor: Predictor, sample: bytes, stored: bytes) -> float:
    """Return how far predictions of the sample are from those made with the model."""
    expected = json.loads(stored)
    found = predictor.predict_sample(read_sample(sample, predictor))
    key = "probability" if "probability" in expected else "prediction"
    if key == "prediction" and predictor.task_ != "regression":
        return float(found[key] != expected[key])
    wanted = np.array(expected[key], dtype=np.float64)
    scale = float(np.abs(wanted).max()) or 1.0 if key == "prediction" else 1.0
    return float(np.abs(np.array(found[key]) - wanted).max()) / scale


def _check_parity(difference: float) -> None:
    if not difference <= TOLERANCE:
        raise AutoMLIntegrityError(
            f"The model predicts its sample otherwise than where it was made: the "
            f"largest difference is {difference:.3g}, at most {TOLERANCE:g} was "
            "expected. Install the bundle's requirements.txt.",
            code="E-parity",
        )


def read_sample(content: bytes, predictor: Predictor) -> pd.DataFrame:
    frame = pd.read_csv(
        io.BytesIO(content), dtype=str, keep_default_na=False, na_values=[""]
    )
    return as_fitted(frame, predictor.feature_names_in_)


def python_minor() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def seal(manifest: Mapping[str, Any]) -> str:
    """Return the checksum of everything in the manifest but itself."""
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return sha256(json.dumps(rest, sort_keys=True).encode())
