"""The commands that take up a run: `automl resume` and `automl replay`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl.cli.command import check_test_rows, read_command
from automl.cli.fit import leave
from automl.cli.frame import (
    INTEGRITY,
    Json,
    Quiet,
    Verbose,
    Watch,
    sentences,
)
from automl.cli.gate import FailOn, read_gate

__all__ = ["REPLAY_HELP", "RESUME_HELP", "Run", "replay", "resume"]

RESUME_HELP = """Go on with a run that was killed, interrupted or is to search longer.

\b
  automl resume runs/bank
  automl resume runs/bank --time-budget 3600
  automl resume runs/bank --data moved/bank.csv

Folds that are in the run's journal are not fitted again, but what predicts is. The
budget is that of the whole run: what earlier sessions took counts.
"""
REPLAY_HELP = """Fit the winner of a finished run again, and compare.

\b
  automl replay runs/bank
  automl replay runs/bank --out again

Exit code 0: the same winner and predictions, byte for byte; 6: others.
"""

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]
Data = Annotated[
    str | None, typer.Option(metavar="FILE", help="Where the data are now, or -.")
]


def resume(
    run: Run,
    *,
    data: Data = None,
    test: Annotated[
        str | None, typer.Option(metavar="FILE", help="Where the test rows are now.")
    ] = None,
    time_budget: Annotated[
        float | None, typer.Option(help="Seconds for the whole run. [as before]")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="Configurations of the whole run. [as before]")
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes. [as before]")] = None,
    fail_on: FailOn = None,
    watch: Watch = False,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Go on with a run."""
    with sentences(verbose) as stop:
        gate = read_gate(fail_on)
        command = read_command(
            run, data=data, test=test, time_budget=time_budget, trials=trials,
            jobs=jobs,
        )  # fmt: skip
        check_test_rows(command)
        model = command.run(
            run, as_json=as_json, quiet=quiet, verbose=verbose, watch=watch
        )
    leave(model, gate, stop.code)


def replay(
    run: Run,
    *,
    data: Data = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to save the model to. [none]")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Fit the winner of a finished run again, and compare."""
    with sentences(verbose):
        command = read_command(run, data=data)
        from automl.replay import replay as replayed

        frame, weights = command.table()
        found = replayed(
            run, frame, command.target, groups=command.groups, time=command.time,
            sample_weight=weights,
        )  # fmt: skip
        print(f"The winner of {found.n_trials} configurations: {found.winner}.")
        if not found.same_leader:
            print("The journal has another best configuration than was recorded.")
        if found.identical:
            print("identical: it predicts as it did, byte for byte.")
        elif found.difference is None:
            print("different: its earlier predictions are gone.")
        else:
            print(f"different: predictions are up to {found.difference:.3g} apart.")
        if out is not None:
            print(f"Model   {found.save(out)}")
    if not (found.identical and found.same_leader):
        raise typer.Exit(INTEGRITY)
