"""What `automl fit` was asked for: kept in the run's folder, so as to do it again.

A run that is resumed does the same as the first time, from the same description.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import automl
from automl.cli.console import show_fit
from automl.cli.frame import USAGE, fail
from automl.exceptions import AutoMLDataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from automl.snapshot import Snapshot

__all__ = ["Command", "check_test_rows", "read_command"]

NAME = "command.json"

LATER = {
    "ensemble": True, "deploy": "auto", "select": "best",
    "max_predict_ms": None, "max_model_mib": None, "test": None,
    "drop_missing_target": False, "trial_time_limit": None, "memory_limit_mib": None,
}  # fmt: skip
"""What runs have that were begun before there was the option."""


@dataclass(frozen=True)
class Command:
    """What `automl fit` was asked for.

    Attributes
    ----------
    data : str
        Path of the table, or ``-`` for standard input.
    target : str
        Name of the column to predict.
    time_budget, trials : float, int or None
        The budget.
    task, metric, candidates, cv, jobs, seed, ensemble, deploy, select
        As `automl.AutoML` takes them.
    max_predict_ms, max_model_mib : float or None
        As `automl.AutoML` takes them, too.
    groups, time, weight : str or None
        Names of columns.
    test : str or None
        Path of rows that only score what predicts.
    drop_missing_target : bool
        As `automl.AutoML` takes it.
    trial_time_limit, memory_limit_mib : float or None
        Seconds and MiB, as `automl.AutoML` takes them.
    """

    data: str
    target: str
    time_budget: float | None
    trials: int | None
    task: str
    metric: str
    candidates: str | list[str]
    cv: str | int
    jobs: int
    seed: int
    ensemble: bool
    deploy: str
    select: str
    max_predict_ms: float | None
    max_model_mib: float | None
    groups: str | None
    time: str | None
    weight: str | None
    test: str | None
    drop_missing_target: bool
    trial_time_limit: float | None
    memory_limit_mib: float | None

    def keep(self, folder: Path) -> int:
        """Write it to a run's folder, for the user alone, all of it or nothing.

        Returns
        -------
        int
            Number of the file, to know it by from that of another process.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = asdict(self)
        for name in ("data", "test"):
            if kept[name] not in (None, "-"):
                kept[name] = str(Path(kept[name]).absolute())
        part = folder / f".{NAME}.part"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
            number = os.fstat(file.fileno()).st_ino
        part.replace(folder / NAME)
        return number

    def table(self) -> tuple[pd.DataFrame, pd.Series | None]:
        """Return the table and the weights that stand in it."""
        from automl.cli.reading import read_table, take_column

        frame, weights = read_table(self.data), None
        if self.weight is not None:
            frame, weights = take_column(frame, self.weight, "--weight")
        return frame, weights

    def test_rows(self, frame: pd.DataFrame) -> dict[str, Any]:
        """Return the test rows as `fit` takes them, read like the table; or nothing."""
        from automl.cli.reading import read_table

        if self.test is None:
            return {}
        if self.test == "-":
            fail("--test -: a file was expected, as the table comes first.", USAGE)
        rows = read_table(self.test, like=frame)
        if self.drop_missing_target and self.target in rows:
            rows = rows[rows[self.target].notna()]
        if self.weight is not None:
            rows = rows.drop(columns=self.weight, errors="ignore")
        return {"X_test": rows, "y_test": self.target}

    def run(
        self,
        folder: Path,
        *,
        as_json: bool,
        quiet: bool,
        verbose: bool,
        watch: bool = False,
    ) -> Any:
        """Fit, write what a run leaves, show it; return the fitted model.

        Parameters
        ----------
        folder : Path
            Of the run, new or begun.
        as_json, quiet, verbose : bool
            How much is shown.
        watch : bool, default=False
            Whether a page in the folder shows the search as it goes.

        Raises
        ------
        AutoMLError
            If there is no model, or not all of its files could be written.
        """
        from automl.cli.writing import write_run

        frame, weights = self.table()
        test = self.test_rows(frame)
        given = {"time_budget_s": self.time_budget, "n_trials": self.trials}
        begun = (folder / NAME).exists()  # a refused resume changes nothing

        def keep_once_taken_up(snapshot: Snapshot) -> None:
            if begun and snapshot.phase == "start":  # a kill does not lose what is new
                self.keep(folder)

        model = automl.AutoML(
            task=self.task,
            metric=self.metric,
            candidates=self.candidates,
            cv=self.cv,
            n_jobs=self.jobs,
            random_state=self.seed,
            ensemble=self.ensemble,
            deploy=self.deploy,
            select=self.select,
            max_predict_ms=self.max_predict_ms,
            max_model_mib=self.max_model_mib,
            drop_missing_target=self.drop_missing_target,
            trial_time_limit_s=self.trial_time_limit,
            memory_limit_mib=self.memory_limit_mib,
            run_dir=folder,
            verbose=2 if verbose else int(not quiet),
            callback=keep_once_taken_up,
            **{name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
        )
        mine = None if begun else self.keep(folder)
        try:
            with _shown(folder, watch=watch, quiet=quiet):
                model.fit(
                    frame, self.target, groups=self.groups, time=self.time,
                    sample_weight=weights, **test,
                )  # fmt: skip
                if begun:
                    self.keep(folder)
                paths = write_run(model, folder)
        except BaseException:
            _forget(folder, mine)
            raise
        both = sys.stdout.isatty() and sys.stderr.isatty()
        show_fit(model, paths, as_json=as_json, said=both and not quiet)
        return model


@contextmanager
def _shown(folder: Path, *, watch: bool, quiet: bool) -> Iterator[None]:
    """Show the search on a page in its folder, if that is asked for."""
    if not watch:
        yield
        return
    from automl.candidates import load_candidates
    from automl.live import NAME, Live

    if not quiet:
        print(f"Watch   {folder / NAME}", file=sys.stderr)
    with Live(folder, {c.name: c.title for c in load_candidates().values()}) as live:
        yield
    if live.failure is not None and not quiet:
        print(f"Warning: {live.failure}", file=sys.stderr)


def _forget(folder: Path, mine: int | None) -> None:
    """Remove what this process made for a run that never began."""
    if mine is None or (folder / "journal.jsonl").exists():
        return
    with suppress(OSError):
        if (folder / NAME).stat().st_ino == mine:  # else another run begins there
            (folder / NAME).unlink()
        folder.rmdir()  # only if nothing is in it


def read_command(
    folder: Path,
    *,
    data: str | None,
    test: str | None = None,
    time_budget: float | None = None,
    trials: int | None = None,
    jobs: int | None = None,
) -> Command:
    """Return what a run was begun with, but for what is given here.

    Parameters
    ----------
    folder : Path
        Of the run.
    data, test : str or None
        Where the table and the test rows are now.
    time_budget, trials, jobs : default=None
        Instead of those of the run.

    Raises
    ------
    AutoMLDataError
        If the folder has no description, a damaged one, or the data are not known.
    """
    kept = _read(folder)
    changes: dict[str, Any] = {
        "data": data, "test": test, "time_budget": time_budget, "trials": trials,
        "jobs": jobs,
    }  # fmt: skip
    command = Command(**{**kept, **{k: v for k, v in changes.items() if v is not None}})
    if data is None:
        _check_data(command.data)
    return command


def check_test_rows(command: Command) -> None:
    """Refuse test rows that are where they were no more.

    Raises
    ------
    AutoMLDataError
        If there is no such file.
    """
    if command.test is not None:
        _check_there(command.test, "test rows", "--test")


def _read(folder: Path) -> dict[str, Any]:
    path = folder / NAME
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AutoMLDataError(
            f"{folder} holds no {NAME}; a folder that automl fit made was expected.",
            code="E-file",
        ) from None
    except ValueError:
        kept = None
    if isinstance(kept, dict):
        kept = {**LATER, **kept}
    if not isinstance(kept, dict) or set(kept) != {f.name for f in fields(Command)}:
        raise AutoMLDataError(
            f"{path} is damaged. Begin a new run with automl fit.", code="E-file"
        )
    return kept


def _check_data(data: str) -> None:
    if data == "-":
        raise AutoMLDataError(
            "The data of the run came from standard input; give them again with "
            "--data FILE, or --data - for standard input.",
            code="E-file",
        )
    _check_there(data, "data", "--data")


def _check_there(path: str, what: str, option: str) -> None:
    if not Path(path).exists():
        raise AutoMLDataError(
            f"The {what} of the run, {path}, are gone; say with {option} where they "
            "are.",
            code="E-file",
        )
