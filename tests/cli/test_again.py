"""`automl resume` goes on with a run, `automl replay` makes its model again."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

import automl
from tests.cli.kit import assert_one_sentence, call


def test_watched_run_ends_with_a_page_that_links_the_report(begun):
    """`--watch` says where to look, for `resume` as for `fit`."""
    result = call("resume", begun, "--trials", 3, "--jobs", 1, "--watch")

    assert result.exit_code == 0, result.output
    assert f"Watch   {begun / 'live.html'}" in result.stderr
    page = (begun / "live.html").read_text("utf-8")
    assert 'href="report.html"' in page
    assert "The search is over" in page


def test_resume_goes_on_with_what_fit_was_asked_for(begun, monkeypatch):
    """From any directory; with more configurations; model and report anew."""
    kept = json.loads((begun / "command.json").read_text())
    assert kept["data"] == str(begun.parent / "bank.csv")
    assert (begun / "command.json").stat().st_mode & 0o777 == 0o600
    (begun / "report.html").unlink()
    monkeypatch.chdir("/")
    result = call("resume", begun, "--trials", 4, "--jobs", 1, "-q", "--json")

    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["leaderboard"]) == 5
    assert (begun / "report.html").is_file()
    assert (begun / "model" / "manifest.json").is_file()


def test_a_resume_that_is_killed_keeps_what_it_was_asked_for(begun, monkeypatch):
    """What is new stands in the description before the search begins."""
    kept = []

    def killed(*_, **__):
        kept.append(json.loads((begun / "command.json").read_text())["trials"])
        raise KeyboardInterrupt

    monkeypatch.setattr("automl.run.run_search", killed)
    call("resume", begun, "--trials", 9, "-q")
    assert kept == [9]


def test_resume_of_a_run_that_never_began_begins_it(begun):
    """Killed after its description was written: there is nothing but that."""
    for path in sorted(begun.rglob("*"), reverse=True):
        if path.name != "command.json":
            path.unlink() if path.is_file() else path.rmdir()
    assert call("resume", begun, "-q").exit_code == 0
    assert (begun / "journal.jsonl").is_file()


def test_resume_says_what_is_missing(begun):
    """Data that moved, came from standard input or are others; no run; damage."""
    assert_one_sentence(call("resume", "."), 3, "no command.json")
    Path("bank.csv").rename("moved.csv")
    assert_one_sentence(call("resume", begun), 3, "are gone; say with --data")
    assert call("resume", begun, "--data", "moved.csv", "-q").exit_code == 0
    pd.read_csv("moved.csv").iloc[1:].to_csv("other.csv", index=False)
    other = call("resume", begun, "--data", "other.csv", "--trials", 3, "-q")
    assert_one_sentence(other, 3, "holds a run with another target")
    command = begun / "command.json"
    kept = json.loads(command.read_text())
    assert kept["data"].endswith("moved.csv")  # a refused resume changes nothing
    assert kept["trials"] == 2
    command.write_text(json.dumps({**kept, "data": "-"}))
    assert_one_sentence(call("resume", begun), 3, "standard input", "--data")
    command.write_text("{")
    assert_one_sentence(call("resume", begun), 3, "is damaged")


def test_resume_takes_the_budget_in_seconds(fake, tmp_path, monkeypatch):
    """--time-budget and --jobs replace what the run was begun with."""
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"age": [1, 2], "y": ["a", "b"]}).to_csv("d.csv", index=False)
    assert call("fit", "d.csv", "--target", "y", "--out", "a").exit_code == 0
    assert fake.seen["time_budget_s"] == 60
    command = Path("a") / "command.json"  # as before there were limits of the model
    later = ("max_", "test", "drop", "tria", "memo")
    earlier = {
        k: v
        for k, v in json.loads(command.read_text()).items()
        if k == "trials" or not k.startswith(later)
    }
    command.write_text(json.dumps(earlier))
    options = ["--time-budget", 5, "--jobs", 2]
    assert call("resume", "a", *options).exit_code == 0
    assert (fake.seen["time_budget_s"], fake.seen["n_jobs"]) == (5, 2)


def test_resume_finds_the_test_rows_or_is_told_where_they_are(
    fake, tmp_path, monkeypatch
):
    """They are looked for before anything is read."""
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"age": [1, 2], "y": ["a", "b"]}).to_csv("d.csv", index=False)
    Path("t.csv").write_bytes(Path("d.csv").read_bytes())
    call("fit", "d.csv", "--target", "y", "--test", "t.csv", "--out", "a")
    assert call("resume", "a").exit_code == 0
    assert fake.seen["X_test"]["age"].tolist() == [1, 2]
    Path("t.csv").rename("u.csv")
    assert_one_sentence(call("resume", "a"), 3, "t.csv, are gone", "--test")
    assert call("resume", "a", "--test", "u.csv").exit_code == 0


def test_replay_needs_no_test_rows(begun):
    """They score the winner, and do not make it."""
    command = begun / "command.json"
    kept = json.loads(command.read_text())
    command.write_text(json.dumps({**kept, "test": "/gone/t.csv"}))
    assert call("replay", begun).exit_code == 0


def test_resume_says_which_limit_is_used_up(begun):
    """More seconds are of no use where all configurations are there."""
    result = call("resume", begun, "--time-budget", 3600)

    assert result.exit_code == 0, result.output
    said = " ".join(result.stderr.split())
    assert "the limit of 2 configuration(s) is used up; raise n_trials" in said


def test_an_interrupted_resume_has_the_shells_code(fake, tmp_path, monkeypatch):
    """As with fit: what was found is written, the code says that it was ended."""
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"age": [1, 2], "y": ["a", "b"]}).to_csv("d.csv", index=False)
    call("fit", "d.csv", "--target", "y", "--out", "a")
    fake.interrupted_ = True
    assert call("resume", "a").exit_code == 130


def test_replay_makes_the_same_model_and_says_so(begun):
    """Exit code 0 and nothing kept, unless a folder is named."""
    files = sorted(begun.rglob("*"))
    result = call("replay", begun, "--out", "again")

    assert result.exit_code == 0, result.output
    assert "identical" in result.stdout
    assert "trial" in result.stdout.splitlines()[0]
    assert sorted(begun.rglob("*")) == files
    new = pd.read_csv("bank.csv").drop(columns="y")
    old = automl.load(begun / "model").predict_proba(new)
    assert (automl.load("again").predict_proba(new) == old).all()


def test_replay_says_how_far_apart_the_predictions_are(begun):
    """Exit code 6 where the model is another one."""
    from automl.journal import journal_line, read_journal

    events, _ = read_journal(begun / "journal.jsonl")
    events[-1]["predictions"] = "0" * 64
    journal = begun / "journal.jsonl"
    journal.write_bytes(b"".join(map(journal_line, events)))
    kept = np.load(begun / "winner.npy")
    np.save(begun / "winner.npy", kept + 0.125)
    result = call("replay", begun, "--data", "bank.csv")
    assert result.exit_code == 6
    assert "different: predictions are up to 0.125 apart" in result.stdout
    (begun / "winner.npy").unlink()
    events[-1]["leader"] = 0
    journal.write_bytes(b"".join(map(journal_line, events)))
    result = call("replay", begun)
    assert "earlier predictions are gone" in result.stdout
    assert "another best configuration" in result.stdout


def test_replay_needs_a_finished_run(begun):
    """A run without an end is to be resumed first."""
    journal = begun / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-9])
    assert_one_sentence(call("replay", begun), 3, "resume it first")
