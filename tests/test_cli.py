"""The command says one sentence and one code, and keeps data apart from talk."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import automl
from automl.checks import Finding
from automl.cli import app
from automl.exceptions import (
    AutoMLDataError,
    AutoMLIntegrityError,
    AutoMLNoModelError,
)
from automl.facts import build_facts
from automl.metrics import resolve_metric
from automl.report import write_report
from tests.report_kit import record

BANK = Path(__file__).parents[1] / "examples" / "data" / "bank.csv"


class FakeModel:
    """A fitted model of three columns that gives everyone the same odds."""

    task_ = "binary"
    classes_ = np.array(["=no", "yes"], dtype=object)
    metric_ = resolve_metric("log_loss", "binary")
    best_score_ = -0.25
    best_candidate_ = "ridge"
    weights_ = {1: 1.0}  # noqa: RUF012 - a stand-in
    best_params_ = {"alpha": 0.5}  # noqa: RUF012 - a stand-in
    summary_ = "Logistic wins."
    facts_ = {  # noqa: RUF012 - a stand-in
        "estimate": {
            "method": "bbc",
            "natural": 0.2712, "low": 0.25, "high": 0.3, "level": 0.95,
            "warning": "40 scored rows are too few to conclude.",
        },
    }  # fmt: skip
    manifest = {"metric": {"name": "log_loss"}}  # noqa: RUF012 - a stand-in
    schema = {"target": "y"}  # noqa: RUF012 - a stand-in
    interrupted_ = False
    checks_ = ()
    error = None
    seen = {}  # noqa: RUF012 - a stand-in

    def __init__(self, **params):
        self.params = params

    def fit(self, X, y, **columns):
        """Take note of what came."""
        if self.error is not None:
            raise self.error
        type(self).seen = {**self.params, "X": X, "y": y, **columns}
        self.params["run_dir"].mkdir(parents=True, exist_ok=True)
        return self

    @property
    def leaderboard_(self):
        """Return a table of twelve rows, the last without a rank."""
        n = 12
        return pd.DataFrame(
            {
                "rank": pd.array([*range(1, n), None], dtype="Int64"),
                "candidate": ["logistic"] * n,
                "score": [-0.25] * (n - 1) + [np.nan],
                "score_std": [0.01] * (n - 1) + [np.nan],
                "value": [0.25] * (n - 1) + [np.nan],
                "origin": ["start: the known good point"] * n,
                "status": ["ok"] * (n - 1) + ["raced"],
                "fit_s": [0.1] * n,
                "params": [{"alpha": 0.5}] * n,
                "reason": [None] * n,
            }
        )

    def report(self, path):
        """Write a page."""
        path.write_text("<html>")

    def save(self, folder):
        """Write the two descriptions."""
        folder.mkdir(exist_ok=True)
        (folder / "manifest.json").write_text('{"metric": {"name": "log_loss"}}')
        columns = [{"name": "age", "kind": "number"}]
        (folder / "schema.json").write_text(json.dumps({"columns": columns}))

    def predict_proba(self, X):
        """Return the same odds for all."""
        if "age" not in X:
            raise AutoMLDataError("The column 'age' is missing.", column="age")
        return np.tile([0.75, 0.25], (len(X), 1))

    def predict(self, X):
        """Return the likelier label."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.fixture
def fake(monkeypatch):
    """Stand in for the library: nothing is searched."""
    kind = type("Fake", (FakeModel,), {})
    monkeypatch.setitem(vars(automl), "AutoML", kind)
    monkeypatch.setitem(vars(automl), "load", lambda _: kind())
    return kind


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A small file in the working directory."""
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(
        {"age": [30, 40, 50, 60], "w": [1, 2, 1, 2], "y": ["=no", "yes", "=no", "yes"]}
    )
    frame.to_csv("data.csv", index=False)
    return frame


def call(*args, **kwargs):
    """Run the command inside this process."""
    return CliRunner().invoke(app, [str(a) for a in args], **kwargs)


def assert_one_sentence(result, code, *parts):
    """Exit code, one line on standard error, nothing on standard output."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    for part in parts:
        assert part in result.stderr


@pytest.mark.usefixtures("fake", "data")
def test_fit_shows_verdict_leaderboard_paths_and_next_step():
    """The end of a fit fits 80 columns and says what to do next."""
    result = call("fit", "data.csv", "--target", "y", "--out", "runs/a")

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "Logistic wins."
    assert all(len(line) <= 80 for line in lines)
    assert lines[2].startswith("rank  candidate  log_loss     ±  fit s  status  origin")
    assert "… and 2 more in runs/a/leaderboard.csv" in lines
    said = " ".join(lines)
    assert "The board shows selection scores (optimistic)." in said
    assert "expect log_loss 0.2712, 95 % interval 0.25 to 0.3." in said
    assert "40 scored rows are too few to conclude." in said
    assert lines[-1] == "Next    automl predict runs/a NEW.csv -o predictions.csv"
    assert Path("runs/a/report.html").is_file()
    assert Path("runs/a/model/manifest.json").is_file()
    assert len(pd.read_csv("runs/a/leaderboard.csv")) == 12


FINDINGS = (
    Finding(
        "AML001", "Copy of the target", "fail", "'w' tells it.", "Drop it.", ("w",)
    ),
    Finding("AML006", "Groups", "warn", "Levels of 'age' explain 80% of it."),
    Finding("AML020", "Perfect score", "note", "All are right."),
    Finding("AML016", "Rare classes", "pass", "None is rare."),
)


@pytest.mark.usefixtures("data")
def test_fit_shows_what_the_checks_found_in_few_lines(fake):
    """The worst come first; what a warning has said is not said again."""
    fake.checks_ = FINDINGS
    result = call("fit", "data.csv", "--target", "y", "--out", "runs/a")

    lines = result.stdout.splitlines()
    start = lines.index("Checks  1 of 4 passed, 1 failed, 1 warned, 1 note")
    assert lines[start + 1] == "  fail AML001 Copy of the target, see the warning."
    assert lines[start + 2].startswith("  warn AML006 Groups: Levels of 'age'")
    assert lines[start + 3] == ""
    assert "'w' tells it" not in result.stdout
    shown = json.loads(
        call("fit", "data.csv", "--target", "y", "--out", "b", "--json").stdout
    )
    assert [found["code"] for found in shown["checks"]] == [f.code for f in FINDINGS]


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("asked", "missed", "code"),
    [
        (["AML002"], True, 5), (["AML002"], False, 0), (["fail"], True, 0),
        (["AML006"], True, 0),
    ],
)  # fmt: skip
def test_a_gate_that_could_not_look_is_not_passed(fake, asked, missed, code):
    """A check that was asked for and not made ends with 5, unless nothing applies."""
    why = "There was no time left for it."
    fake.checks_ = (Finding("AML002", "Leak", "skipped", why, missed=missed),)
    options = [word for name in asked for word in ("--fail-on", name)]
    result = call("fit", "data.csv", "--target", "y", "--out", "runs/a", *options)

    assert result.exit_code == code, result.output
    assert ("AML002 was not made. There was no time" in result.stderr) == bool(code)


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (["AML001"], 5), (["aml006"], 5), (["AML020"], 0), (["AML016"], 0),
        (["fail"], 5), (["warn"], 5), (["AML016", "AML006"], 5), ([], 0),
    ],
)  # fmt: skip
def test_fit_fails_on_what_was_asked_for(fake, asked, code):
    """Codes count where the check warns or fails; the model is there all the same."""
    fake.checks_ = FINDINGS
    options = [word for name in asked for word in ("--fail-on", name)]
    result = call("fit", "data.csv", "--target", "y", "--out", "runs/a", *options)

    assert result.exit_code == code, result.output
    assert Path("runs/a/model/manifest.json").is_file()
    if code:
        assert result.stderr.startswith("Error: --fail-on: the checks found AML00")


@pytest.mark.usefixtures("fake", "data")
def test_an_unknown_check_is_refused_before_anything_starts():
    """The known ones are named, and no folder is made."""
    result = call(
        "fit", "data.csv", "--target", "y", "--out", "runs/a", "--fail-on", "AML099"
    )
    assert_one_sentence(result, 2, "AML099", "warn or fail was expected")
    assert not Path("runs/a").exists()


@pytest.mark.usefixtures("data")
def test_fit_hands_its_options_over(fake):
    """Options reach the library under its names; the weights leave the features."""
    result = call(
        "fit", "data.csv", "--target", "y", "--trials", 5, "--cv", 3, "--jobs", 1,
        "--candidates", "ridge, logistic", "--weight", "w", "--seed", 7, "-q",
        "--select", "simplest",
        "--max-predict-ms", 20, "--max-model-mib", 1.5,
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    seen = fake.seen
    assert (seen["max_predict_ms"], seen["max_model_mib"]) == (20, 1.5)
    assert list(seen["X"]) == ["age", "y"]
    assert seen["sample_weight"].tolist() == [1, 2, 1, 2]
    assert seen["candidates"] == ["ridge", "logistic"]
    assert (seen["n_trials"], seen["cv"], seen["n_jobs"]) == (5, 3, 1)
    assert (seen["random_state"], seen["verbose"], seen["y"]) == (7, 0, "y")
    assert seen["select"] == "simplest"
    assert "time_budget_s" not in seen
    assert seen["run_dir"].parent == Path("runs")
    assert seen["run_dir"].name.startswith("data-2")


@pytest.mark.usefixtures("fake", "data")
def test_fit_prints_one_json_object():
    """With --json standard output is one object without NaN."""
    result = call("fit", "data.csv", "--target", "y", "--out", "a", "--json")

    facts = json.loads(result.stdout)
    assert facts["winner"] == "ridge"
    assert (facts["score"], facts["value"]) == (-0.25, 0.25)
    assert facts["estimate"]["natural"] == 0.2712
    assert facts["paths"]["report"] == str(Path("a/report.html"))
    assert facts["leaderboard"][-1]["score"] is None
    assert facts["leaderboard"][0]["params"] == {"alpha": 0.5}


@pytest.mark.usefixtures("data")
def test_a_model_without_a_score_is_one_json_object_too(fake):
    """The small model that is fitted first was never scored: null."""
    fake.best_score_ = float("nan")
    result = call("fit", "data.csv", "--target", "y", "--out", "a", "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["score"] is None


@pytest.mark.usefixtures("data")
def test_interrupted_fit_writes_its_outputs(fake):
    """Ctrl-C during the search: what was found is kept, the code is the shell's."""
    fake.interrupted_ = True
    result = call("fit", "data.csv", "--target", "y", "--out", "a")

    assert result.exit_code == 130
    assert Path("a/report.html").is_file()


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AutoMLNoModelError("Nothing could be fitted."), 4),
        (AutoMLIntegrityError("The model is damaged."), 6),
        (PermissionError(13, "Permission denied", "a"), 3),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("division by zero"), 1),
    ],
)
def test_errors_have_codes(fake, error, code):
    """Each kind of failure is one sentence with its own exit code."""
    fake.error = error
    assert_one_sentence(call("fit", "data.csv", "--target", "y"), code)


@pytest.mark.usefixtures("data")
def test_traceback_is_shown_on_request(fake):
    """An unexpected error hints at -v, and -v shows where it came from."""
    fake.error = ZeroDivisionError("division by zero")

    assert "again with -v" in call("fit", "data.csv", "--target", "y").stderr
    assert "Traceback" in call("fit", "data.csv", "--target", "y", "-v").stderr


@pytest.mark.usefixtures("fake", "data")
def test_folder_in_use_is_refused():
    """Nothing is ever overwritten."""
    Path("a").mkdir()
    Path("a/x").touch()
    result = call("fit", "data.csv", "--target", "y", "--out", "a")

    assert_one_sentence(result, 3, "not an empty folder", "--out")


@pytest.mark.usefixtures("fake", "data")
def test_several_targets_are_a_mistake_of_usage():
    """One model has one target."""
    result = call("fit", "data.csv", "--target", "age", "--target", "y")

    assert_one_sentence(result, 2, "2 times (age, y)", "one model for each")


@pytest.mark.usefixtures("fake", "data")
def test_folds_must_be_a_number():
    """--cv takes a number or auto."""
    result = call("fit", "data.csv", "--target", "y", "--cv", "x")

    assert_one_sentence(result, 2, "--cv x: a number of folds")


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--target", "z"], "'z' is not in the table"),
        (["--target", "y", "--candidates", "logistc"], "Did you mean 'logistic'?"),
        (["--target", "y", "--time-budget", "0"], "time_budget_s"),
        (["--target", "y", "--metric", "log_los"], "Did you mean"),
        (["--target", "y", "--weight", "z"], "--weight: the column 'z'"),
        (["--target", "y", "--groups", "z"], "groups='z' names no column"),
    ],
)
def test_mistakes_are_found_before_the_search(tmp_path, options, part):
    """What the library refuses is one sentence, and no folder is left behind."""
    out = tmp_path / "out"

    assert_one_sentence(call("fit", BANK, "-q", "--out", out, *options), 3, part)
    assert not out.exists()


@pytest.mark.usefixtures("fake", "data")
def test_predict_guards_formulas_and_adds_probabilities():
    """Labels that a spreadsheet would run are made harmless."""
    FakeModel().save(Path("model"))
    result = call("predict", "model", "data.csv")

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:2] == [
        "prediction,probability_=no,probability_yes",
        "'=no,0.75,0.25",
    ]


@pytest.mark.usefixtures("fake", "data")
def test_predict_writes_a_file_from_standard_input():
    """A run's folder names its model, and - is standard input."""
    Path("run").mkdir()
    FakeModel().save(Path("run/model"))
    options = ["-o", "p.csv", "--no-proba"]
    result = call("predict", "run", "-", *options, input="age\n30\n40\n")

    assert (result.exit_code, result.stdout) == (0, "")
    assert Path("p.csv").read_text() == "prediction\n'=no\n'=no\n"


@pytest.mark.usefixtures("fake")
def test_predict_without_a_needed_column(data):
    """A missing column is one sentence."""
    FakeModel().save(Path("model"))
    data[["w"]].to_csv("new.csv", index=False)

    assert_one_sentence(call("predict", "model", "new.csv"), 3, "'age' is missing")


@pytest.mark.usefixtures("data")
def test_predict_needs_a_model():
    """A folder without a manifest is no model."""
    assert_one_sentence(call("predict", ".", "data.csv"), 3, "no manifest.json")


@pytest.mark.usefixtures("fake", "data")
def test_evaluate_puts_the_metric_of_the_run_first():
    """The run's metric leads, others follow, each once."""
    FakeModel().save(Path("model"))
    result = call("evaluate", "model", "data.csv", "--target", "y", "--json")

    scores = json.loads(result.stdout)
    assert list(scores)[:3] == ["rows", "metric", "log_loss"]
    assert scores["log_loss"] == pytest.approx(-np.log(0.75 * 0.25) / 2)
    assert scores["accuracy"] == 0.5
    assert "log_loss" in call("evaluate", "model", "data.csv", "--target", "y").stdout


def test_candidates_have_a_line_each():
    """What can be searched fits 80 columns."""
    lines = call("candidates").stdout.splitlines()
    listed = json.loads(call("candidates", "--json").stdout)["candidates"]

    assert len(lines) == len(listed) + 1
    assert all(len(line) <= 80 for line in lines)
    assert "ridge" in {row["name"] for row in listed}


@pytest.mark.usefixtures("data")
def test_report_prints_its_path():
    """The report of a run is found; a folder that is no run is refused."""
    Path("run").mkdir()
    assert_one_sentence(call("report", "run"), 3, "neither report.html nor facts.json")
    Path("run/report.html").touch()

    assert call("report", "run").stdout.strip() == str(Path("run/report.html"))


def test_compare_puts_runs_side_by_side(tmp_path):
    """A table on standard output, a page on the disk; one run alone is refused."""
    for name, task in (("one", "binary"), ("two", "regression")):
        write_report(build_facts(record(task)), tmp_path / name / "report.json")
    page = tmp_path / "both.html"
    shown = call("compare", tmp_path / "one", tmp_path / "two", "--out", page)

    assert shown.exit_code == 0, shown.output
    assert "different metrics" in shown.stdout
    assert "interval" in shown.stdout.splitlines()[0].split()
    assert shown.stdout.strip().endswith(str(page))
    assert "2 runs compared" in page.read_text("utf-8")
    as_json = call("compare", tmp_path / "one", tmp_path / "two", "-o", page, "--json")
    assert ["one", "two"] == [r["name"] for r in json.loads(as_json.stdout)["runs"]]
    alone = call("compare", tmp_path / "one", "--out", page)
    assert_one_sentence(alone, 3, "2 to 20 runs are compared, and 1 was given")


@pytest.mark.usefixtures("data")
def test_watched_run_that_never_began_leaves_nothing(fake):
    """Its folder is removed again: the page comes after the journal."""
    fake.error = AutoMLDataError("No rows.")
    result = call("fit", "data.csv", "--target", "y", "--out", "a", "--watch")

    assert result.exit_code == 3
    assert not Path("a").exists()


def test_watched_run_ends_with_a_page_that_links_the_report(begun):
    """`--watch` says where to look, for `resume` as for `fit`."""
    result = call("resume", begun, "--trials", 3, "--jobs", 1, "--watch")

    assert result.exit_code == 0, result.output
    assert f"Watch   {begun / 'live.html'}" in result.stderr
    page = (begun / "live.html").read_text("utf-8")
    assert 'href="report.html"' in page
    assert "The search is over" in page


@pytest.mark.usefixtures("data")
def test_inspect_shows_manifest_and_columns():
    """The descriptions are shown as words or as they are."""
    FakeModel().save(Path("model"))

    shown = call("inspect", "model").stdout
    assert "name log_loss" in shown
    assert "age" in shown
    as_json = json.loads(call("inspect", "model", "--json").stdout)
    assert as_json["schema"]["columns"] == [{"name": "age", "kind": "number"}]


@pytest.mark.parametrize(
    "command", [[], ["fit"], ["resume"], ["replay"], ["predict"], ["evaluate"]], ids=str
)
def test_help_begins_with_examples(command):
    """Examples stand before the options, within 80 columns."""
    text = call(*command, "--help").stdout

    assert text.index("  automl ") < text.index("Options:")
    assert all(len(line) <= 80 for line in text.splitlines())


def test_version_is_shown():
    """The version of the library is the command's."""
    assert call("--version").stdout == f"automl {automl.__version__}\n"


def test_help_imports_nothing_slow():
    """The help is there before pandas or scikit-learn could be."""
    code = (
        "import sys, automl.cli\n"
        "slow = {'numpy', 'pandas', 'sklearn', 'hyperopt', 'rich.table'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"


def test_module_is_the_command():
    """``python -m automl`` is the command, with its exit codes."""
    command = [sys.executable, "-m", "automl", "fit", "nowhere.csv", "--target", "y"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 3
    assert done.stderr == "Error: The file nowhere.csv does not exist.\n"


def test_end_to_end_fit_predict_evaluate_report_inspect(tmp_path):
    """A table becomes a run, the run's model predicts, and all can be looked at."""
    run, out = tmp_path / "run", tmp_path / "predictions.csv"
    fitted = call(
        "fit", BANK, "--target", "y", "--trials", 2, "--jobs", 1, "--candidates",
        "logistic", "--out", run, "--json", "-q",
    )  # fmt: skip

    assert fitted.exit_code == 0, fitted.output
    assert json.loads(fitted.stdout)["best_candidate"] == "logistic"
    assert call("predict", run, BANK, "-o", out).exit_code == 0
    assert list(pd.read_csv(out)) == ["prediction", "probability_no", "probability_yes"]
    scored = call("evaluate", run, BANK, "--target", "y", "--json")
    assert json.loads(scored.stdout)["roc_auc"] > 0.8
    assert json.loads((run / "report.json").read_text("utf-8"))["format"] == 1
    assert (run / "report.md").read_text("utf-8").startswith("# Predicting y")
    assert (run / "leaderboard.csv").is_file()
    (run / "report.html").unlink()
    assert call("report", run).exit_code == 0
    assert (run / "report.html").is_file()
    assert call("report", run, "--out", tmp_path / "b.md").exit_code == 0
    assert (tmp_path / "b.md").read_text("utf-8").startswith("# Predicting y")
    assert "roc_auc" in call("inspect", run).stdout


# ---------------------------------------------------------- resuming and replaying


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A finished run of two configurations in the working directory."""
    monkeypatch.chdir(tmp_path)
    pd.read_csv(BANK).iloc[:400].to_csv("bank.csv", index=False)
    fitted = call(
        "fit", "bank.csv", "--target", "y", "--trials", 2, "--jobs", 1,
        "--candidates", "logistic", "--cv", 3, "--out", "run", "-q",
    )  # fmt: skip
    assert fitted.exit_code == 0, fitted.output
    return tmp_path / "run"


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
    earlier = {
        k: v for k, v in json.loads(command.read_text()).items() if k[:4] != "max_"
    }
    command.write_text(json.dumps(earlier))
    options = ["--time-budget", 5, "--jobs", 2]
    assert call("resume", "a", *options).exit_code == 0
    assert (fake.seen["time_budget_s"], fake.seen["n_jobs"]) == (5, 2)


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
