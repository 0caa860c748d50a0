"""The command that begins a run: `automl fit`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl.cli.command import Command
from automl.cli.frame import (
    NO_MODEL,
    USAGE,
    Json,
    Quiet,
    Verbose,
    Watch,
    fail,
    sentences,
)
from automl.cli.gate import FailOn, leave_by_gate, read_gate
from automl.exceptions import AutoMLDataError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FIT_HELP", "fit", "leave"]

DEFAULT_TIME_S = 60.0
"""Seconds of a run by default, as in the library."""

FIT_HELP = """Search pipelines for a table and keep the best, with a report.

\b
  automl fit bank.csv --target y
  automl fit bank.csv --target y --time-budget 600 --out runs/bank
  automl fit bank.csv --target y --trials 20 --candidates svm,lightgbm
  automl fit bank.csv --target y --fail-on AML002 --fail-on fail
  gunzip -c bank.csv.gz | automl fit - --target y --json

DATA is a CSV or TSV file (also .gz), a Parquet file, or - for CSV on standard input.
The checks of the run (leaks, noise, drift, ...) stand in its report, with their codes.
With --fail-on CODE the exit code is 5 if that check warns, fails or was not made; with
warn or fail, if any is that bad. Where no configuration could be scored and the model
is a constant, it is 4.
"""


def fit(
    data: Annotated[str, typer.Argument(metavar="DATA", help="File, or -.")],
    *,
    target: Annotated[
        list[str], typer.Option(metavar="COLUMN", help="Column to predict.")
    ],
    time_budget: Annotated[
        float | None,
        typer.Option(help="Seconds for the fit. [60, or none with --trials]"),
    ] = None,
    trials: Annotated[int | None, typer.Option(help="Configurations to start.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="New folder. [runs/DATA-DATE-TIME]")
    ] = None,
    task: Annotated[
        str, typer.Option(help="auto, binary, multiclass, classification, regression.")
    ] = "auto",
    metric: Annotated[
        str, typer.Option(help="Such as log_loss, f1, rmse or a scikit-learn scorer.")
    ] = "auto",
    candidates: Annotated[
        str, typer.Option(help="Names with commas between, or a folder.")
    ] = "auto",
    cv: Annotated[
        str, typer.Option(help="Number of folds, 1 for a holdout of 20 %, or auto.")
    ] = "auto",
    jobs: Annotated[int, typer.Option(help="Processes; -1 is all cores.")] = -1,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    ensemble: Annotated[
        bool, typer.Option(help="Whether a weighted average may win.")
    ] = True,
    deploy: Annotated[
        str, typer.Option(help="What predicts: auto, refit, bag (of folds).")
    ] = "auto",
    select: Annotated[
        str, typer.Option(help="Which wins: best, simplest (within a standard error).")
    ] = "best",
    max_predict_ms: Annotated[
        float | None, typer.Option(help="Milliseconds that a row may take.")
    ] = None,
    max_model_mib: Annotated[
        float | None, typer.Option(help="MiB that the saved model may have.")
    ] = None,
    groups: Annotated[
        str | None, typer.Option(help="Column of groups that stay together.")
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(help="Column of when each row was; folds train on the past."),
    ] = None,
    weight: Annotated[str | None, typer.Option(help="Column of weights.")] = None,
    test: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Rows, with the target, that only score the winner."
        ),
    ] = None,
    drop_missing_target: Annotated[
        bool,
        typer.Option("--drop-missing-target", help="Leave out rows without a target."),
    ] = False,
    trial_time_limit: Annotated[
        float | None, typer.Option(help="Seconds for the fits of one configuration.")
    ] = None,
    memory_limit_mib: Annotated[
        float | None, typer.Option(help="MiB for all processes together.")
    ] = None,
    fail_on: FailOn = None,
    watch: Watch = False,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Search pipelines for a table and keep the best."""
    if len(target) > 1:
        fail(
            f"--target was given {len(target)} times ({', '.join(target)}); one column "
            "was expected. Fit one model for each target.",
            USAGE,
        )
    with sentences(verbose) as stop:
        gate = read_gate(fail_on)
        folder = _new_folder(data, out)
        if time_budget is None and trials is None:
            time_budget = DEFAULT_TIME_S
        command = Command(
            data=data,
            target=target[0],
            time_budget=time_budget,
            trials=trials,
            task=task,
            metric=metric,
            candidates=_candidates(candidates),
            cv=_folds(cv),
            jobs=jobs,
            seed=seed,
            ensemble=ensemble,
            deploy=deploy,
            select=select,
            max_predict_ms=max_predict_ms,
            max_model_mib=max_model_mib,
            groups=groups,
            time=time,
            weight=weight,
            test=test,
            drop_missing_target=drop_missing_target,
            trial_time_limit=trial_time_limit,
            memory_limit_mib=memory_limit_mib,
        )
        model = command.run(
            folder, as_json=as_json, quiet=quiet, verbose=verbose, watch=watch
        )
    leave(model, gate, stop.code)


def leave(model: Any, gate: Sequence[str], stopped: int) -> None:
    """Leave with the exit code of what a run came to, if that is not 0.

    Parameters
    ----------
    model : AutoML
        Fitted.
    gate : sequence of str
        As `read_gate` gives it.
    stopped : int
        Exit code where the user stopped it.
    """
    if model.interrupted_:
        raise typer.Exit(stopped)
    from automl.trial import BASELINE

    constant = model.best_candidate_ == BASELINE
    if constant and not any(t.scores for t in model.trials_ if t.number):
        fail(
            "No configuration could be scored, so that the model is a constant. The "
            "report says why.",
            NO_MODEL,
        )
    leave_by_gate(model.checks_, gate)


def _new_folder(data: str, out: Path | None) -> Path:
    if out is None:
        stem = "stdin" if data == "-" else Path(data).name.partition(".")[0]
        out = Path("runs") / f"{stem}-{datetime.now():%Y%m%d-%H%M%S}"  # noqa: DTZ005 - the user's clock
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise AutoMLDataError(
            f"{out} exists and is not an empty folder; name a new one with --out.",
            code="E-out",
        )
    return out


def _candidates(given: str) -> str | list[str]:
    """Return names, or the path of a folder that has none of them."""
    from automl.candidates import load_candidates

    if given == "auto":
        return given
    if Path(given).exists() and given not in load_candidates():
        return str(Path(given).absolute())
    return [name.strip() for name in given.split(",") if name.strip()]


def _folds(given: str) -> str | int:
    if given != "auto" and not given.isdecimal():
        fail(f"--cv {given}: a number of folds or auto was expected.", USAGE)
    return given if given == "auto" else int(given)
