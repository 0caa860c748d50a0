"""Facts to Markdown: the report for a terminal, a pull request or a mail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from automl.facts.compact import shorten
from automl.facts.verdict import figure
from automl.report.reproduce import Own, code_of, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["markdown", "plain"]

TOP = 10
"""Rows of a table; all stand in report.json."""

LONGEST = 200
"""Characters of a text within a table."""

_MARKS = re.compile(r"([\\`*\[\]<>|~$])|(?<!\w)(_)|(_)(?!\w)")
"""Characters that Markdown, or GitHub's, would read as more than themselves. An
underscore within a word is none."""


def plain(text: Any, length: int = LONGEST) -> str:
    r"""Return a user's text that Markdown shows as it stands, on one line.

    A name with an @ must not call somebody, so the @ is written as a character of HTML.

    Examples
    --------
    >>> plain("a|b *c*"), plain("max_depth"), plain("<b>"), plain("@team")
    ('a\\|b \\*c\\*', 'max_depth', '\\<b\\>', '&#64;team')
    """
    line = shorten(" ".join(str(text).split()), length).replace("&", "&amp;")
    return _MARKS.sub(lambda m: "\\" + m[0], line).replace("@", "&#64;")


def markdown(facts: Mapping[str, Any]) -> str:
    """Return the report in Markdown: what was found, by what, and how to do it again.

    Parameters
    ----------
    facts : dict
        As `automl.facts.build_facts` returns; nothing else is needed.
    """
    parts = [
        _head(facts),
        _verdict(facts),
        _estimate(facts),
        _checks(facts),
        _leaderboard(facts),
        _pipelines(facts),
        _columns(facts),
        _weak(facts),
        _failures(facts),
        _notes(facts),
        _again(facts),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table whose cells are escaped already, figures on the right."""
    cells = [[str(c) for c in row] for row in rows]
    right = [
        bool(cells) and all(re.fullmatch(r"[–\d.,e±% +−-]*", row[i]) for row in cells)
        for i in range(len(head))
    ]
    rule = ["---:" if r else "---" for r in right]
    lines = [head, rule, *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _head(facts: Mapping[str, Any]) -> str:
    run, metric = facts["run"], facts["metric"]
    return (
        f"# Predicting {plain(run['target'])}\n\n"
        f"{run['task_text'].capitalize()}; {run['n_rows']:,} rows, "
        f"{run['n_columns']:,} columns; {plain(metric['label'])} "
        f"({metric['better']} is better), {plain(run['cv'])}; "
        f"{plain(run['started_utc'])}."
    )


def _verdict(facts: Mapping[str, Any]) -> str:
    verdict, run = facts["verdict"], facts["run"]
    lines = ["## Verdict", f"**{plain(verdict['sentence'], 600)}**"]
    if run["interrupted"]:
        lines.append("The search was interrupted; this is the best that had finished.")
    if verdict["second"]:
        lines.append(plain(verdict["second"], 600))
    tried = (
        f"{run['n_trials']:,} configurations, {run['n_finished']:,} of them finished"
    )
    if run["n_failed"]:
        tried += f", {run['n_failed']:,} failed"
    total = run["timeline"].get("total")
    lines.append(f"{tried}{'' if total is None else f'; {total:.1f} seconds'}.")
    advice = verdict.get("advice") or ()
    if advice:
        lines.append("What to look at next:")
        lines.append("\n".join(f"- {plain(a)} {plain(b, 600)}" for a, b in advice[:6]))
    return "\n\n".join(lines)


def _estimate(facts: Mapping[str, Any]) -> str:
    found = facts.get("estimate")
    if not found:
        return ""
    low, high = figure(found.get("low")), figure(found.get("high"))
    said = [plain(found[k], 600) for k in ("text", "warning") if found.get(k)]
    return "\n\n".join(
        ["## What to expect on new rows",
         f"{figure(found.get('natural'))} ({low} to {high}).", *said]
    )  # fmt: skip


def _checks(facts: Mapping[str, Any]) -> str:
    checks = facts.get("checks") or ()
    found = [c for c in checks if c["status"] not in ("pass", "skipped")]
    skipped = [c for c in checks if c["status"] == "skipped"]
    parts = ["## Checks"] if found or skipped else []
    if found:
        parts.append(
            _table(
                ["check", "status", "evidence", "what to do"],
                [
                    [
                        f"{c['code']} {plain(c['title'])}",
                        c["status"],
                        plain(c["evidence"], 400),
                        plain(c["action"], 400),
                    ]
                    for c in found
                ],
            )
        )
    if skipped:
        lines = [
            f"- {c['code']} {plain(c['title'])}: {plain(c['evidence'], 400)}"
            for c in skipped
        ]
        parts += ["Not checked:", "\n".join(lines)]
    return "\n\n".join(parts)  # fmt: skip


def _weak(facts: Mapping[str, Any]) -> str:
    found = facts.get("weak_slices")
    if not found or not found["rows"]:
        return ""
    table = _table(
        ["column", "slice", "rows", plain(facts["metric"]["label"]), "from", "to",
         "beyond chance"],
        [[plain(r["column"], 80), plain(r["slice"], 80), f"{r['n']:,}",
          figure(r["natural"]), figure(r["low"]), figure(r["high"]),
          "yes" if r["significant"] else "no"] for r in found["rows"][:TOP]],
    )  # fmt: skip
    note = found.get("note")
    return "\n\n".join(
        ["## Where it is weak", *([plain(note, 600)] if note else []), table]
    )


def _leaderboard(facts: Mapping[str, Any]) -> str:
    board, metric = facts["leaderboard"], facts["metric"]
    rows = [r for r in board["rows"] if r["rank"] is not None or r["baseline"]]
    shown = rows[:TOP] + [r for r in rows[TOP:] if r["baseline"]]
    score = plain(metric["label"])
    table = _table(
        ["rank", "pipeline", "trial", score, "± sd", "fit s", "params"],
        [
            ["–" if r["rank"] is None else r["rank"], plain(r["title"], 60),
             r["trial"], figure(r["natural"]), figure(r["std"], r["natural"]),
             figure(r["fit_s"]), plain(", ".join(f"{k}={v}" for k, v in r["params"]))]
            for r in shown
        ],
    )  # fmt: skip
    more = len(rows) - len(shown)
    return f"## Leaderboard\n\n{table}" + (f"\n\n{more:,} more ranked." if more else "")


def _pipelines(facts: Mapping[str, Any]) -> str:
    search = facts.get("search")
    if not search or not search["candidates"]:
        return ""
    tuned = {row["candidate"]: row["rows"] for row in search["importance"]}
    return "## Pipelines\n\n" + _table(
        ["pipeline", "best", "median", "tried", "failed", "time", "what mattered"],
        [
            [plain(c["title"], 60), figure(c["best"]), figure(c["median"]),
             c["n_trials"], c["n_failed"], f"{100 * c['share']:.0f} %",
             plain(", ".join(r["name"] for r in tuned.get(c["candidate"], ())
                             if r["p"] <= 0.05)) or "–"]
            for c in search["candidates"][: 2 * TOP]
        ],
    )  # fmt: skip


def _columns(facts: Mapping[str, Any]) -> str:
    found = facts["importance"]
    if not found:
        return ""
    return f"## Columns that matter\n\n{plain(found['note'], 600)}\n\n" + _table(
        ["column", "drop when shuffled", "± sd"],
        [[plain(name, 80), figure(m), figure(s)] for name, m, s in found["rows"][:TOP]],
    )


def _failures(facts: Mapping[str, Any]) -> str:
    found = facts["failures"]
    if not found["rows"]:
        return ""
    lines = [
        f"- trial {f['trial']}, {plain(f['title'], 60)}: {f['status']}"
        + (f", {plain(f['reason'])}" if f["reason"] else "")
        for f in found["rows"][:TOP]
    ]
    more = found["n_all"] - len(lines)
    return "\n".join(
        ["## What failed\n", *lines, *([f"- and {more:,} more"] if more else [])]
    )


def _notes(facts: Mapping[str, Any]) -> str:
    notes = facts["run"]["notes"]
    if not notes:
        return ""
    return "\n".join(["## Notes\n", *[f"- {plain(note, 600)}" for note in notes[:TOP]]])


def _again(facts: Mapping[str, Any]) -> str:
    shown = [
        f"- {plain(k)}: {_setting(v)}"
        for k, v in settings_of(facts).items()
        if v is not None
    ]
    code = code_of(facts)
    data = f"- data: {plain(facts['run']['fingerprint'] or '–')}"
    return "\n\n".join(
        [
            "## Settings",
            "\n".join([*shown, data]),
            "## How to run it again",
            _fenced(code["shell"], "sh"),
            _fenced(code["python"], "python"),
            "## Versions",
            _fenced(code["pins"] or "# unknown", "text"),
        ]
    )


def _setting(value: Any) -> str:
    return f"{plain(value.text)} (yours)" if isinstance(value, Own) else plain(value)


def _fenced(code: str, language: str) -> str:
    """Return a block of code that no line within it can end."""
    longest = max((len(run) for run in re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"
