"""What the other commands show of a model, a run or the library."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import automl
from automl.cli.reading import read_table
from automl.facts import build_facts
from automl.report import write_report
from tests.cli.kit import BANK, FakeModel, assert_one_sentence, call
from tests.report_kit import record


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
def test_predict_names_the_second_class_from_a_threshold_on():
    """The one that was chosen in the report; a row at it is called so."""
    FakeModel().save(Path("model"))
    for threshold, label in (("0.25", "yes"), ("0.26", "'=no")):
        result = call("predict", "model", "data.csv", "--threshold", threshold)
        assert result.exit_code == 0, result.output
        assert result.stdout.splitlines()[1] == f"{label},0.75,0.25"
    few = call("predict", "model", "data.csv", "--threshold", "0.2", "--no-proba")
    assert few.stdout.splitlines()[:2] == ["prediction", "yes"]
    wrong = call("predict", "model", "data.csv", "--threshold", "25")
    assert wrong.exit_code == 2


@pytest.mark.usefixtures("data")
def test_other_versions_are_taken_only_where_that_is_asked_for(fake):
    """Both commands that load a model hand the option over."""
    FakeModel().save(Path("model"))
    for args in (("predict", "model", "data.csv"),
                 ("evaluate", "model", "data.csv", "--target", "y")):  # fmt: skip
        call(*args)
        assert fake.drift is False
        call(*args, "--allow-version-drift")
        assert fake.drift is True


@pytest.mark.usefixtures("fake", "data")
@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_a_threshold_is_for_two_classes(monkeypatch, task):
    """It is refused before anything is predicted."""
    FakeModel().save(Path("model"))
    monkeypatch.setattr(FakeModel, "task_", task)
    result = call("predict", "model", "data.csv", "--threshold", "0.3")
    assert_one_sentence(result, 3, "--threshold is for two classes", task)


@pytest.mark.usefixtures("fake", "data")
def test_predict_writes_a_file_from_standard_input():
    """A run's folder names its model, and - is standard input."""
    Path("run").mkdir()
    FakeModel().save(Path("run/model"))
    Path("p.csv").touch(mode=0o600)
    options = ["-o", "p.csv", "--no-proba"]
    result = call("predict", "run", "-", *options, input="age\n30\n40\n")

    assert (result.exit_code, result.stdout) == (0, "")
    assert Path("p.csv").read_text() == "prediction\n'=no\n'=no\n"
    assert stat.S_IMODE(Path("p.csv").stat().st_mode) == 0o600


@pytest.mark.usefixtures("fake")
def test_predict_does_not_write_over_the_rows(data):
    """By whatever name they are called."""
    FakeModel().save(Path("model"))
    Path("link.csv").symlink_to("data.csv")
    result = call("predict", "model", "data.csv", "-o", "link.csv")
    assert_one_sentence(result, 3, "--output link.csv holds the rows")
    assert pd.read_csv("data.csv").equals(data)


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("save", "before the model was written; automl resume a writes it."),
        ("report", "with the model in a; automl resume a writes the rest."),
    ],
)
def test_an_interrupt_while_a_run_is_written_says_what_is_there(
    fake, monkeypatch, what, said
):
    """The model is not said to be missing that has been written already."""

    def stop(*_given):
        raise KeyboardInterrupt

    monkeypatch.setattr(fake, what, stop)
    result = call("fit", "data.csv", "--target", "y", "--out", "a")
    assert_one_sentence(result, 130, said)
    assert Path("a/model/manifest.json").is_file() == (what == "report")


@pytest.mark.usefixtures("fake", "data")
def test_predict_keeps_a_feature_called_like_the_target(monkeypatch):
    """Tomorrow's price is predicted from a column price."""
    monkeypatch.setattr(FakeModel, "schema", {"target": "age", "columns": ()})
    FakeModel().save(Path("model"))
    assert call("predict", "model", "data.csv").exit_code == 0


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
@pytest.mark.parametrize("command", [["predict"], ["evaluate", "--target", "y"]])
def test_new_rows_are_read_as_the_models_own(monkeypatch, command):
    """The reader is told whose rows they are, so that text stays text."""
    told = []

    def noted(source, model=None, **more):
        told.append(model)
        return read_table(source, model, **more)

    monkeypatch.setattr("automl.cli.reading.read_table", noted)
    FakeModel().save(Path("model"))
    name, *options = command
    assert call(name, "model", "data.csv", *options).exit_code == 0
    assert [isinstance(model, FakeModel) for model in told] == [True]


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


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("missing", ["", "NA,1,x\n"])
def test_the_truth_is_read_as_the_models_labels_are(monkeypatch, tmp_path, missing):
    """Text that looks like numbers stays text, NA may be a class."""
    monkeypatch.chdir(tmp_path)
    labels = np.array(["01", "02", "NA"], dtype=object)
    monkeypatch.setattr(FakeModel, "classes_", labels)
    Path("new.csv").write_text(f"y,age,note\n01,1,x\n02,2,y\n{missing}")
    truth = read_table("new.csv", FakeModel(), target="y")["y"]
    assert truth.tolist() == ["01", "02", *(["NA"] if missing else [])]
    assert read_table("new.csv", FakeModel())["y"].tolist() != truth.tolist()


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
    assert_one_sentence(call("report", "run"), 3, "holds no facts of a finished run")
    Path("run/facts.json").write_text('{"format": ')
    assert_one_sentence(call("report", "run"), 3, "damaged")
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
def test_inspect_shows_manifest_and_columns():
    """The descriptions are shown as words or as they are."""
    FakeModel().save(Path("model"))

    shown = call("inspect", "model").stdout
    assert "name log_loss" in shown
    assert "age" in shown
    as_json = json.loads(call("inspect", "model", "--json").stdout)
    assert as_json["schema"]["columns"] == [{"name": "age", "kind": "number"}]
    manifest = {"random_state": 0, "factors": None, "members": [], "params": {}}
    Path("model/manifest.json").write_text(json.dumps(manifest))
    assert "random_state  0" in call("inspect", "model").stdout
    assert not {"factors", "members", "params"} & set(
        call("inspect", "model").stdout.split()
    )
    Path("model/schema.json").write_text('{"columns": [')
    assert_one_sentence(call("inspect", "model"), 6, "schema.json is damaged")


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
    bank = tmp_path / "bank.csv"
    pd.read_csv(BANK).iloc[:600].to_csv(bank, index=False)
    fitted = call(
        "fit", bank, "--target", "y", "--trials", 2, "--jobs", 1, "--candidates",
        "logistic", "--out", run, "--json", "-q",
    )  # fmt: skip

    assert fitted.exit_code == 0, fitted.output
    assert json.loads(fitted.stdout)["best_candidate"] == "logistic"
    assert call("predict", run, bank, "-o", out).exit_code == 0
    refused = call("predict", run, bank, "-o", tmp_path)
    assert refused.exit_code == 2
    assert "is a directory" in refused.output
    assert list(pd.read_csv(out)) == ["prediction", "probability_no", "probability_yes"]
    scored = call("evaluate", run, bank, "--target", "y", "--json")
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
