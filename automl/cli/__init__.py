"""The command: `automl fit`, `resume`, `compare`, `predict`, `evaluate` and more.

The upper end of the way of the data. Data go to standard output, everything else to
standard error; each error is one sentence and an exit code. Whatever takes time to
import is imported inside the command that needs it.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

import automl
from automl.cli.again import REPLAY_HELP, RESUME_HELP, Run, replay, resume
from automl.cli.compare import COMPARE_HELP, compare
from automl.cli.console import figure, plain_value, print_json, print_table
from automl.cli.fit import FIT_HELP, fit
from automl.cli.frame import Drift, Json, Model, Verbose, bundle_of, sentences
from automl.exceptions import AutoMLIntegrityError

__all__ = ["app", "main"]

TASK_WORDS = {3: "all", 2: "classification"}
"""What fits so many tasks; one has a name of its own."""

DESCRIPTIONS = ("manifest", "schema")
"""Files of a model that say what it is."""

PREDICT_HELP = """Predict the rows of a file.

\b
  automl predict runs/bank new.csv -o predictions.csv
  automl predict runs/bank/model - --no-proba < new.csv

Text that a spreadsheet would run as a formula gets a ' in front.
"""
EVALUATE_HELP = """Score a model on rows whose target is known.

\b
  automl evaluate runs/bank test.csv --target y
  automl evaluate runs/bank test.csv --target y --json
"""
CANDIDATES_HELP = """List what can be searched.

\b
  automl candidates --json
"""
REPORT_HELP = """Print where a run's report is, and write it if it is gone.

\b
  automl report runs/bank
  automl report runs/bank --out bank.md
"""
INSPECT_HELP = """Show what a model is and which columns it expects.

\b
  automl inspect runs/bank
  automl inspect runs/bank/model --json

Only the descriptions are read; nothing of the model is run.
"""

app = typer.Typer(
    name="automl",
    help="Tuned pipelines for tables.\n\n\b\n  automl fit bank.csv --target y\n"
    "  automl predict runs/bank-20260102-030405 new.csv -o predictions.csv\n\n"
    "Exit codes: 0 done, 1 unexpected, 2 usage, 3 data, settings, files or memory,\n"
    "4 nothing could be scored and the model is a constant, 5 --fail-on, 6 a model\n"
    "that is damaged, of other versions or not replayed, 129, 130 and 143 stopped.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"automl {automl.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version and exit.",
            is_eager=True,
            callback=_show_version,
        ),
    ] = False,
) -> None:
    pass


app.command(help=FIT_HELP, short_help="Search pipelines for a table.")(fit)
app.command(help=RESUME_HELP, short_help="Go on with a run.")(resume)
app.command(help=REPLAY_HELP, short_help="Fit a run's winner again.")(replay)
app.command(help=COMPARE_HELP, short_help="Show several runs side by side.")(compare)


@app.command(help=PREDICT_HELP, short_help="Predict the rows of a file.")
def predict(
    run: Model,
    new: Annotated[str, typer.Argument(metavar="NEW", help="File of rows, or -.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            dir_okay=False,
            help="CSV file, or .tsv. [standard output]",
        ),
    ] = None,
    proba: Annotated[bool, typer.Option(help="A column for each class.")] = True,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            min=0,
            max=1,
            help="Probability from which the second of two classes is predicted. "
            "[as the model has it]",
        ),
    ] = None,
    allow_version_drift: Drift = False,
    verbose: Verbose = False,
) -> None:
    """Predict the rows of a file."""
    with sentences(verbose):
        import pandas as pd

        from automl.cli.predicting import predicted_columns
        from automl.cli.reading import read_table
        from automl.cli.writing import check_output, write_csv

        to_stdout = output is None or str(output) == "-"
        check_output(None if to_stdout else output, new)
        model = automl.load(bundle_of(run), allow_version_drift=allow_version_drift)
        frame = read_table(new, model)
        target = model.schema["target"]
        if target not in model.feature_names_in_:
            frame = frame.drop(columns=target, errors="ignore")
        columns = predicted_columns(model, frame, proba=proba, threshold=threshold)
        write_csv(pd.DataFrame(columns), None if to_stdout else output)


@app.command(help=EVALUATE_HELP, short_help="Score a model on known rows.")
def evaluate(
    run: Model,
    new: Annotated[str, typer.Argument(metavar="NEW", help="File of rows, or -.")],
    target: Annotated[str, typer.Option(metavar="COLUMN", help="Column of the truth.")],
    allow_version_drift: Drift = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Score a model on rows whose target is known."""
    with sentences(verbose):
        from automl.cli.reading import read_table, take_column
        from automl.cli.rescore import scores_of

        model = automl.load(bundle_of(run), allow_version_drift=allow_version_drift)
        frame, truth = take_column(
            read_table(new, model, target=target), target, "--target"
        )
        scores = scores_of(model, frame, truth)
        if as_json:
            print_json({"rows": len(frame), "metric": next(iter(scores)), **scores})
        else:
            title = f"{len(frame)} rows"
            print_table(["metric", title], [[k, figure(v)] for k, v in scores.items()])


@app.command(help=CANDIDATES_HELP, short_help="List what can be searched.")
def candidates(as_json: Json = False, verbose: Verbose = False) -> None:
    """List what can be searched."""
    with sentences(verbose):
        from automl.candidates import load_candidates

        rows: list[dict[str, Any]] = [
            {
                "name": c.name,
                "title": c.title,
                "tasks": list(c.tasks),
                "tuned": len(c.space),
                "starts": len(c.starts),
            }
            for c in load_candidates().values()
        ]
        if as_json:
            print_json({"candidates": rows})
            return
        for row in rows:
            row["tasks"] = TASK_WORDS.get(len(row["tasks"]), row["tasks"][-1])
        print_table(list(rows[0]), [[str(v) for v in r.values()] for r in rows], gap=1)


@app.command(help=REPORT_HELP, short_help="Print where a run's report is.")
def report(
    run: Run,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Write it there: .html, .json or .md.")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Print where a run's report is, and write it if it is gone."""
    with sentences(verbose):
        path = out or run / "report.html"
        if out is not None or not path.is_file():
            from automl.report import write_report
            from automl.report.comparing import read_facts

            _, facts = read_facts(run)
            write_report(facts, path)
        print(path)


@app.command(help=INSPECT_HELP, short_help="Show what a model expects.")
def inspect(run: Model, as_json: Json = False, verbose: Verbose = False) -> None:
    """Show what a model is and which columns it expects."""
    with sentences(verbose):
        folder = bundle_of(run)
        found = {name: _described(folder / f"{name}.json") for name in DESCRIPTIONS}
        if as_json:
            print_json(found)
            return
        described = found["schema"].pop("columns", [])
        facts = {**found["schema"], **found["manifest"]}
        shown = {
            k: v
            for k, v in facts.items()
            if v not in (None, "", [], {}) and k not in ("files", "sha256")
        }
        print_table(["", ""], [[k, plain_value(v)] for k, v in shown.items()])
        if described:
            print()
            keys = list(dict.fromkeys(k for column in described for k in column))[:5]
            rows = [[plain_value(c.get(k, "")) for k in keys] for c in described]
            print_table(keys, rows)


def _described(path: Path) -> dict[str, Any]:
    """Return what a file of a model says of it."""
    found = None
    with suppress(ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise AutoMLIntegrityError(
            f"{path} is damaged. Copy the folder again, or save the model again.",
            code="E-integrity",
        )
    return found


def main() -> None:
    """Run the command; the console's entry point."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # a name in the data never ends the command
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    app()
