"""W21: a fit in a notebook shows itself, and its stop button works."""

from __future__ import annotations

import json
import signal

import pytest

from tests.faults.kit import start, wait_for

CELLS = [
    (
        "from sklearn.datasets import load_breast_cancer\n"
        "from automl import AutoML\n"
        "from tests.faults.chaos import light\n"
        "X, y = load_breast_cancer(return_X_y=True, as_frame=True)"
    ),
    (
        "model = AutoML(n_trials=4, n_jobs=2, cv=3, candidates=[light(pause_s=0.2)],\n"
        "               random_state=0).fit(X, y)\nmodel"
    ),
    "print(model.score(X, y) > 0.9)",
]


RUN = """
import json, sys
import nbformat
from nbclient import NotebookClient
book = nbformat.read("book.ipynb", 4)
NotebookClient(book, timeout=90, kernel_name="python3").execute()
outputs = [[dict(o) for o in cell.outputs] for cell in book.cells]
print("end", json.dumps(outputs), flush=True)
"""


def run_notebook(cells, tmp_path):
    """Return the outputs of each cell of code, run by a kernel of its own."""
    # The three are among the tests' own extras; who left them out has no notebooks.
    pytest.importorskip("ipykernel")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells]
    )
    nbformat.write(book, tmp_path / "book.ipynb")
    folders = ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")
    environment = {name: str(tmp_path / name) for name in folders}
    run = start(RUN, tmp_path, environment=environment)
    text = run.end(120)
    assert run.process.returncode == 0, run.everything()
    assert wait_for(lambda: not run.alive(), 5), run.alive()
    assert [name for name in run.leftovers() if "automl" in name] == []
    line = next(line for line in text.splitlines() if line.startswith("end "))
    return json.loads(line.removeprefix("end "))


@pytest.mark.slow
def test_w21_a_notebook(tmp_path):
    """W21: progress is one output that renews itself; the model shows itself."""
    _, (progress, shown), (score,) = run_notebook(CELLS, tmp_path)
    assert progress["output_type"] == "display_data"
    assert " wins. On new rows, expect " in progress["data"]["text/plain"]
    assert shown["output_type"] == "execute_result"
    assert "AutoML" in shown["data"]["text/html"]
    assert score["text"].strip() == "True"


@pytest.mark.slow
def test_w21_the_kernel_is_interrupted(tmp_path):
    """W21: the notebook's stop button ends the search, and the model is there."""
    stop = (
        "import os, signal, threading, time\n"
        "began = []\n"
        "def stop(seen):\n"
        "    if seen.n_finished and not began:\n"
        "        began.append(time.monotonic())\n"
        f"        threading.Timer(0.2, os.kill, (os.getpid(), {int(signal.SIGINT)}))"
        ".start()"
    )
    fit = (
        "model = AutoML(n_trials=500, n_jobs=2, cv=3, random_state=0, callback=stop,\n"
        "               candidates=[light(pause_s=0.2)]).fit(X, y)\n"
        "seconds = time.monotonic() - began[0]"
    )
    look = "print(model.interrupted_, seconds < 6, model.score(X, y) > 0.9)"
    outputs = run_notebook([CELLS[0], stop, fit, look], tmp_path)
    assert outputs[3][0]["text"].strip() == "True True True"
