"""`automl fit` says one sentence and one code, and keeps data apart from talk."""

import json
from pathlib import Path

import pandas as pd
import pytest

from automl.checks import Finding
from automl.exceptions import (
    AutoMLDataError,
    AutoMLIntegrityError,
)
from automl.trial import FoldResult, Trial
from tests.cli.kit import BANK, assert_one_sentence, call


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


@pytest.mark.usefixtures("data")
def test_fit_hands_over_limits_and_rows_that_only_score(fake):
    """Text of the table is text in the test rows, too; their weights are left out."""
    pd.DataFrame(
        {"age": [30, 40], "zip": ["007", "x1"], "w": [1, 2], "y": ["=no", "yes"]}
    ).to_csv("rows.csv", index=False)
    pd.DataFrame(
        {"age": [35, 1], "zip": ["008", "x"], "w": [3, 3], "y": ["yes", None]}
    ).to_csv("test.csv", index=False)
    result = call(
        "fit", "rows.csv", "--target", "y", "--test", "test.csv", "--weight", "w",
        "--drop-missing-target", "--trial-time-limit", 3, "--memory-limit-mib", 900,
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    seen = fake.seen
    assert (seen["drop_missing_target"], seen["y_test"]) == (True, "y")
    assert (seen["trial_time_limit_s"], seen["memory_limit_mib"]) == (3, 900)
    assert list(seen["X_test"]) == ["age", "zip", "y"]
    assert seen["X_test"]["zip"].tolist() == ["008"]


@pytest.mark.usefixtures("data")
def test_fit_hands_over_what_is_learnt_and_how(fake):
    """Task, metric, columns of a meaning and what predicts."""
    result = call(
        "fit", "data.csv", "--target", "y", "--task", "binary", "--metric", "f1",
        "--no-ensemble", "--deploy", "bag", "--groups", "w", "--time", "age", "-v",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    seen = fake.seen
    assert (seen["task"], seen["metric"], seen["verbose"]) == ("binary", "f1", 2)
    assert (seen["ensemble"], seen["deploy"]) == (False, "bag")
    assert (seen["groups"], seen["time"]) == ("w", "age")


@pytest.mark.usefixtures("data")
def test_a_folder_of_candidates_is_handed_over_as_a_path(fake):
    """It is found again from wherever the run goes on."""
    Path("mine").mkdir()
    call("fit", "data.csv", "--target", "y", "--candidates", "mine")
    assert fake.seen["candidates"] == str(Path("mine").absolute())
    Path("ridge").mkdir()  # such as an earlier run
    call("fit", "data.csv", "--target", "y", "--candidates", "ridge", "--out", "b")
    assert fake.seen["candidates"] == ["ridge"]


@pytest.mark.usefixtures("fake", "data")
def test_test_rows_are_a_file():
    """Standard input has the table, and nothing waits for a second one."""
    result = call("fit", "data.csv", "--target", "y", "--test", "-")
    assert_one_sentence(result, 2, "--test -", "a file was expected")


@pytest.mark.usefixtures("data")
def test_a_constant_for_want_of_scores_has_a_code_of_its_own(fake):
    """A schedule must not take it for a model; what was written stays."""
    fake.best_candidate_ = "baseline"
    fake.trials_ = (Trial(0, "baseline", {}, ""), Trial(1, "ridge", {}, ""))
    fake.checks_ = (Finding("AML010", "Better than the baseline", "fail", "None is."),)
    result = call("fit", "data.csv", "--target", "y", "--out", "a", "--fail-on", "fail")

    assert result.exit_code == 4, result.output
    assert "No configuration could be scored" in result.stderr
    assert Path("a/model/manifest.json").is_file()
    scored = FoldResult(1, 0, "ok", 0.5)
    fake.trials_ = (Trial(1, "ridge", {}, "", folds=(scored,)),)
    result = call("fit", "data.csv", "--target", "y", "--out", "b")
    assert result.exit_code == 0, result.output


@pytest.mark.usefixtures("fake", "data")
def test_fit_prints_one_json_object():
    """With --json standard output is one object without NaN."""
    result = call("fit", "data.csv", "--target", "y", "--out", "a", "--json")

    facts = json.loads(result.stdout)
    assert facts["winner"] == "ridge"
    assert (facts["score"], facts["value"]) == (-0.25, 0.25)
    assert facts["estimate"]["natural"] == 0.2712
    assert facts["temperature"] == 0.7
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


@pytest.mark.usefixtures("data")
def test_watched_run_that_never_began_leaves_nothing(fake):
    """Its folder is removed again: the page comes after the journal."""
    fake.error = AutoMLDataError("No rows.")
    result = call("fit", "data.csv", "--target", "y", "--out", "a", "--watch")

    assert result.exit_code == 3
    assert not Path("a").exists()


@pytest.mark.usefixtures("data")
def test_a_fit_that_fails_leaves_the_description_of_another(fake):
    """Two that begin in one folder at once: what the other wrote stays."""
    other = Path("a") / "command.json"

    def fit(*_given, **_columns):
        other.with_name("part").write_text("{}")
        other.with_name("part").replace(other)
        raise AutoMLDataError("The target is missing.")

    fake.fit = fit
    assert_one_sentence(call("fit", "data.csv", "--target", "y", "--out", "a"), 3)
    assert other.read_text() == "{}"
