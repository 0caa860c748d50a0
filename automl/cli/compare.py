"""The command that has several runs side by side: `automl compare`."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated

import typer

from automl.cli.console import WIDTH, figure, print_json, print_table
from automl.cli.frame import Json, Verbose, sentences

__all__ = ["COMPARE_HELP", "compare"]

COMPARE_HELP = """Show several runs side by side, in one page.

\b
  automl compare runs/bank-a runs/bank-b
  automl compare runs/a runs/b old/report.json --out compare.html
  automl compare runs/* --json

Winners are compared fold by fold where the runs scored on the same folds.
"""


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Folders of runs, or report.json."),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Page to write.")] = Path(
        "compare.html"
    ),
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show several runs side by side."""
    with sentences(verbose):
        from automl.facts.comparison import compare_runs
        from automl.report.comparing import compare_reports, read_facts

        path = compare_reports(runs, out)
        found = compare_runs([read_facts(run) for run in runs])
        if as_json:
            print_json({**found, "path": str(path)})
            return
        print_table(
            ["", "run", "metric", "score", "from", "to", "interval", "winner", "tried"],
            [
                [r["letter"], r["name"], r["metric"], figure(r["natural"]),
                 figure(r["low"]), figure(r["high"]), r["kind"], r["winner"],
                 str(r["n_trials"])]
                for r in found["runs"]
            ],
            gap=1,
        )  # fmt: skip
        print()
        for sentence in found["sentences"]:
            print(textwrap.fill(sentence, WIDTH))
        print(f"\nReport  {path}")
