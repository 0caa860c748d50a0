"""The deployable folder: the last stop on the way of the data.

A bundle holds the fitted pipeline and all that is needed to use it without this
library. Saving is all or nothing: what is written is loaded once before it takes the
place of an earlier bundle.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.bundle.loading import (
    FILES,
    FORMAT,
    KIND,
    MANIFEST,
    load,
    local_path,
    python_minor,
    read_sample,
    seal,
    sha256,
)
from automl.bundle.portable import make_portable, version_of
from automl.bundle.predictor import Predictor
from automl.bundle.schema import plain, sample_rows
from automl.estimators.labels import factors_in
from automl.exceptions import AutoMLConfigError, AutoMLResourceError
from automl.resources import folder as shipped_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sklearn.pipeline import Pipeline


__all__ = ["BundleInfo", "Predictor", "load", "save_bundle"]

DISTRIBUTION = "automl-pipelines"

RAW_SCORE = (
    "raw cross-validated value of the metric; optimistic, as it took part in the "
    "choice of the model on the same folds"
)


@dataclass(frozen=True)
class BundleInfo:
    """What is known of the model beside the pipeline and its data.

    Attributes
    ----------
    metric : str
        Name of the metric.
    score : float
        Natural value of the raw cross-validated score.
    score_std : float or None
        Standard deviation over the folds.
    candidate : str
        Name of the candidate.
    params : mapping
        Its hyperparameters.
    cv : str
        Name of the folds, a sentence.
    random_state : int
        Seed of the run.
    created_utc : str
        When the model was made.
    estimate : mapping or None
        What to expect on new rows, as in the facts of the report.
    members : sequence of mapping
        What an ensemble averages: ``trial``, ``candidate``, ``weight``, ``params``.
    """

    metric: str
    score: float
    score_std: float | None
    candidate: str
    params: Mapping[str, Any]
    cv: str
    random_state: int
    created_utc: str
    estimate: Mapping[str, Any] | None = None
    members: Sequence[Mapping[str, Any]] = ()


def save_bundle(
    folder: str | Path, pipeline: Pipeline, schema: Mapping[str, Any], info: BundleInfo
) -> Path:
    """Return the folder of the written bundle.

    Parameters
    ----------
    folder : str or Path
        Where to write; an earlier bundle there is replaced, other files are not.
    pipeline : Pipeline
        Fitted, from the raw table to the user's labels or numbers; its first step is
        the table's encoder.
    schema : mapping
        Of what it was fitted on, as `automl.bundle.schema.describe_table` returns it.
    info : BundleInfo
        Where it comes from and how good it is.

    Raises
    ------
    AutoMLConfigError
        If the folder holds files that are of no bundle, or the pipeline cannot be
        loaded without this library.
    AutoMLResourceError
        If the disk refuses (``E-disk``); an earlier bundle is then as it was.
    """
    target = local_path(folder).resolve()
    _check_target(target)
    contents = _make_files(pipeline, schema, info)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # beside the target, as a rename does not cross file systems; of mode 0700
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        earlier = work / "earlier"
        try:
            fresh = work / "bundle"
            fresh.mkdir(mode=0o700)
            for name, content in contents.items():
                _write(fresh / name, content)
            load(fresh)
            _swap(fresh, target, earlier)
        finally:
            if not target.exists():  # refused or interrupted between two renames
                with suppress(FileNotFoundError):
                    earlier.rename(target)
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise AutoMLResourceError(
            f"The bundle could not be written to {target}: {error.strerror or error}. "
            "What was there before is unchanged; free space or choose another folder.",
            code="E-disk",
        ) from error
    return target


def _make_files(
    pipeline: Pipeline, schema: Mapping[str, Any], info: BundleInfo
) -> dict[str, bytes]:
    """Return all files of the bundle, the manifest last."""
    portable = make_portable(pipeline)
    # this end of lines has names with either half of it quoted
    sample = sample_rows(schema).to_csv(index=False, lineterminator="\r\n").encode()
    predictor = Predictor(pipeline, schema, {})
    expected = predictor.predict_sample(read_sample(sample, predictor))
    manifest = {
        "kind": KIND,
        "format": FORMAT,
        "library": DISTRIBUTION,
        "library_version": version_of(DISTRIBUTION) or "unknown",
        "python": python_minor(),
        "packages": dict(portable.packages),
        "packages_beneath": dict(portable.beneath),
        "created_utc": info.created_utc,
        "random_state": info.random_state,
        "data": schema["data"],
        "metric": {
            "name": info.metric,
            "score": info.score,
            "std": info.score_std,
            "meaning": RAW_SCORE,
            "estimate": None if info.estimate is None else dict(info.estimate),
        },
        "candidate": info.candidate,
        "params": info.params,
        "factors": factors_in(pipeline),
        "cv": info.cv,
        "members": [dict(member) for member in info.members],
    }
    manifest = plain(manifest)
    files = {
        "model.pkl": portable.payload,
        "schema.json": _to_json(schema),
        "sample.csv": sample,
        "expected.json": _to_json(expected),
        "predict.py": (
            shipped_folder("reports") / "bundle" / "predict.py"
        ).read_bytes(),
    }
    used = [column for column in schema["columns"] if column["used"]]
    for name in ("README.md", "model_card.md", "requirements.txt"):
        files[name] = _render(
            name, schema=schema, manifest=manifest, used=used, markers=portable.markers
        )
    manifest["files"] = {name: sha256(files[name]) for name in sorted(files)}
    manifest["sha256"] = seal(manifest)
    return files | {MANIFEST: _to_json(manifest)}


def _render(name: str, **facts: Any) -> bytes:
    import jinja2

    environment = jinja2.Environment(  # noqa: S701 - Markdown, escaped by finalize
        loader=jinja2.FileSystemLoader(shipped_folder("reports") / "bundle"),
        undefined=jinja2.StrictUndefined,
        finalize=_markdown if name.endswith(".md") else None,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(f"{name}.jinja").render(facts).encode()


def _markdown(value: Any) -> str:
    r"""Return ``value`` as text that stands in a cell and starts no markup.

    Examples
    --------
    >>> _markdown("a|b <i>")
    'a\\|b &lt;i>'
    """
    text = " ".join(str(value).split()) if str(value).strip() else str(value)
    text = text.replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for sign in "|`*[]":
        text = text.replace(sign, f"\\{sign}")
    return text


def _check_target(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise AutoMLConfigError(
            f"{target} is a file; a folder to write the bundle to was expected.",
            code="E-target-folder",
        )
    if not target.is_dir():
        return
    present = {path.name for path in target.iterdir()}
    is_bundle = MANIFEST in present and _is_bundle(target)
    foreign = sorted(
        present - (FILES | {MANIFEST, "__pycache__"} if is_bundle else set())
    )
    if foreign:
        raise AutoMLConfigError(
            f"{target} holds {foreign[0]!r}, which is of no bundle and would be lost; "
            "an empty folder or only a bundle was expected. Choose another folder.",
            code="E-target-folder",
        )


def _is_bundle(target: Path) -> bool:
    try:
        manifest = json.loads((target / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("kind") == KIND


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _swap(fresh: Path, target: Path, earlier: Path) -> None:
    """Put the new folder in the old one's place, and the old one aside."""
    if target.exists():
        target.rename(earlier)
    fresh.rename(target)


def _to_json(value: Any) -> bytes:
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()
