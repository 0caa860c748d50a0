"""W20–W23, F03, F06, M07: a fit works from wherever it is called, or says why not."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
from pathlib import Path

import pytest

from tests.faults.kit import start, wait_for

COMMON = """
import json, sys, warnings
from sklearn.datasets import load_breast_cancer
from automl import AutoML
from tests.faults.chaos import bad, light
{before}
X, y = load_breast_cancer(return_X_y=True, as_frame=True)

def fit(**options):
    given = dict(n_trials=3, n_jobs=2, cv=3, candidates=[light()], random_state=0,
                 verbose=0)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model = AutoML(**(given | options)).fit(X, y)
    return dict(
        score=float(model.score(X, y)), notes=list(model.notes_),
        warnings=[str(w.message) for w in seen if "AutoML" in w.category.__name__],
        workers=len({{f.worker for t in model.trials_ for f in t.folds if t.number}}),
        statuses=[t.status for t in model.trials_],
    )

def say(said):
    print("end", json.dumps(said), flush=True)
"""


def common(before=""):
    """Return the beginning of a script."""
    return COMMON.format(before=before)


def ended(run, timeout_s=60.0):
    """Return what the script said, whose processes and files are gone."""
    text = run.end(timeout_s)
    assert run.process.returncode == 0, run.everything()
    assert wait_for(lambda: not run.alive(), 5), run.alive()
    assert run.leftovers() == []
    lines = [line for line in text.splitlines() if line.startswith("end ")]
    said = [json.loads(line.removeprefix("end ")) for line in lines]
    assert said, run.everything()
    for one in said:
        assert one["score"] > 0.9
    return said


CALLS = {
    "thread": """
import threading
def work():
    say(fit())
thread = threading.Thread(target=work)
thread.start()
thread.join()
""",
    "asyncio": """
import asyncio
async def main():
    say(await asyncio.to_thread(fit))
asyncio.run(main())
""",
    "asyncio, in the loop": """
import asyncio
async def main():
    say(fit())
asyncio.run(main())
""",
    "executor": """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(1) as pool:
    say(pool.submit(fit).result())
""",
    "joblib threads": """
from joblib import Parallel, delayed
for said in Parallel(2, backend="threading")(delayed(fit)(n_jobs=1) for _ in range(2)):
    say(said)
""",
    "joblib processes": """
from joblib import Parallel, delayed
for said in Parallel(2)(delayed(fit)() for _ in range(2)):
    say(said)
""",
    "child process": """
import multiprocessing
def work():
    say(fit())
process = multiprocessing.get_context("fork").Process(target=work)
process.start()
process.join()
""",
    "daemon process": """
import multiprocessing
def work():
    say(fit())
process = multiprocessing.get_context("fork").Process(target=work, daemon=True)
process.start()
process.join()
""",
    "pool": """
import multiprocessing
with multiprocessing.get_context("fork").Pool(1) as pool:
    say(pool.apply(fit))
""",
    "twice in a row": """
say(fit())
say(fit())
""",
    "joblib's pool used before and after": """
from joblib import Parallel, delayed
assert Parallel(2)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]
say(fit())
assert Parallel(2)(delayed(abs)(-i) for i in range(4)) == [0, 1, 2, 3]
""",
}

FAST = ("thread", "daemon process")
IN_PROCESS = ("daemon process", "pool")


@pytest.mark.parametrize(
    "place",
    [c if c in FAST else pytest.param(c, marks=pytest.mark.slow) for c in CALLS],
)
def test_w22_a_fit_works_wherever_it_is_called(tmp_path, place):
    """W22: threads, loops, pools and daemons; where no worker may start, it is said."""
    said = ended(start(common() + CALLS[place], tmp_path))
    if place in IN_PROCESS:
        assert all(one["workers"] == 1 for one in said)
        words = [w for one in said for w in (*one["warnings"], *one["notes"])]
        assert any("process" in w for w in words)


def test_w22_two_threads_at_once(tmp_path):
    """W22: the second fit of a process runs in its own thread, and says so."""
    code = (
        common()
        + """
import threading
def work():
    said.append(fit(n_trials=6))
said = []
options = dict(n_trials=6)
threads = [threading.Thread(target=work) for _ in range(2)]
warnings.simplefilter("always")
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for one in said:
    say(one)
"""
    )
    said = ended(start(code, tmp_path))
    assert len(said) == 2
    # which of the two records the warning is chance: filters are a process's own


def test_w21_a_script_without_a_guard(tmp_path):
    """W21: a plain script that fits at its top level is run once, not by workers."""
    path = tmp_path / "script.py"
    path.write_text(common() + "print('begin', flush=True)\nsay(fit())\n")
    run = start("", tmp_path, arguments=(str(path),))
    ended(run)
    assert "".join(run.said).count("begin") == 1


@pytest.mark.slow
def test_w21_a_script_with_its_own_metric(tmp_path):
    """W21: a scorer that a script defines at its top level reaches the workers."""
    path = tmp_path / "script.py"
    code = """
def accuracy(estimator, X, y):
    return float((estimator.predict(X) == y).mean())
say(fit(metric=accuracy))
"""
    path.write_text(common() + code)
    ended(start("", tmp_path, arguments=(str(path),)))


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("-",), ("-i", "-"), ()])
def test_w21_standard_input(tmp_path, arguments):
    """W21: code that is piped into Python has no file, and fits all the same."""
    code = common() + "\nsay(fit())\n"
    run = start(code, tmp_path, arguments=arguments, stdin=True)
    ended(run)


FORK = """
import multiprocessing
multiprocessing.set_start_method("fork")
import numpy
from lightgbm import LGBMClassifier
"""


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_w20_fork_is_forced_and_openmp_was_used(tmp_path, n_jobs):
    """W20: threads that the parent started before do not hang what it starts."""
    code = (
        common(FORK)
        + f"""
LGBMClassifier(n_jobs=2, verbosity=-1).fit(X, y)
say(fit(n_jobs={n_jobs}, candidates=["lightgbm", light()]))
LGBMClassifier(n_jobs=2, verbosity=-1).fit(X, y)
assert multiprocessing.get_start_method() == "fork"
"""
    )
    ended(start(code, tmp_path))


@pytest.mark.slow
def test_w20_a_forked_child_fits_after_openmp(tmp_path):
    """W20: a child that was forked after OpenMP was used fits or is refused in time."""
    code = (
        common(FORK)
        + """
LGBMClassifier(n_jobs=2, verbosity=-1).fit(X, y)
def work():
    say(fit())
process = multiprocessing.Process(target=work)
process.start()
process.join()
"""
    )
    ended(start(code, tmp_path))


@pytest.mark.slow
def test_w23_many_more_jobs_than_cores(tmp_path):
    """W23: 16 processes on fewer cores have one thread each; the run ends well."""
    code = (
        common()
        + """
import psutil, threading
most = [0]
def look(_):
    for child in psutil.Process().children(recursive=True):
        try:
            rows = child.num_threads()
        except psutil.Error:
            continue
        most[0] = max(most[0], rows)
said = fit(n_jobs=16, n_trials=20, callback=look, candidates=["lightgbm", light()])
say(said | dict(most=most[0]))
"""
    )
    run = start(code, tmp_path, environment={"OMP_NUM_THREADS": "64"})
    (said,) = ended(run, 120)
    assert said["most"] <= 64  # threads of a pool's own included; 16 × 64 would show


def limit(kind, most):
    """Return what sets a limit in the process before Python starts."""
    return lambda: resource.setrlimit(kind, (most, most))


@pytest.mark.slow
@pytest.mark.parametrize("most", [32, 40, 48, 64])
def test_f06_few_open_files(tmp_path, most):
    """F06: with few files allowed, fewer workers or none; the run has a model."""
    code = common() + "say(fit(n_jobs=8, n_trials=6))\n"
    preexec = limit(resource.RLIMIT_NOFILE, most)
    ended(start(code, tmp_path, preexec=preexec))


def as_nobody(most):
    """Return what gives up root, whom limits on processes do not bind, and sets one."""

    def preexec():
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))

    return preexec


def threads_of_nobody():
    """Return how many threads the user has that the tests become."""
    uid = os.getuid() or 65534
    total = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            if entry.stat().st_uid == uid:
                total += len(list((entry / "task").iterdir()))
        except OSError:
            continue
    return total


def open_to_all(folder):
    """Let anybody write in a folder, and reach it."""
    folder.chmod(0o777)
    for parent in list(folder.parents)[:3]:
        if parent.stat().st_uid == os.getuid() and parent.name.startswith("pytest"):
            parent.chmod(parent.stat().st_mode | stat.S_IXOTH)


@pytest.mark.slow
@pytest.mark.parametrize("spare", [2, 6, 12])
def test_f06_few_processes(tmp_path, spare):
    """F06: where no process or thread can start, fewer workers or none."""
    (tmp_path / "tmp").mkdir()
    for folder in (tmp_path, tmp_path / "tmp"):
        open_to_all(folder)
    few = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "HOME": str(tmp_path)}
    try:
        probe = start(
            "import automl", tmp_path, environment=few, preexec=as_nobody(500)
        )
    except PermissionError:
        pytest.skip("an ordinary user cannot reach this Python")
    probe.end()
    if probe.process.returncode:
        pytest.skip("an ordinary user cannot read the library")
    code = common() + "say(fit(n_jobs=2, n_trials=4))\n"
    most = threads_of_nobody() + spare
    run = start(code, tmp_path, environment=few, preexec=as_nobody(most))
    ended(run, 120)


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"TMPDIR": "/nowhere"},
        {"HOME": "/nowhere"},
        {"HOME": "/proc"},
        {"JOBLIB_TEMP_FOLDER": "/nowhere"},
        {"PYTHONOPTIMIZE": "2"},
        {"PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C", "PYTHONUTF8": "0"},
        {"LC_ALL": "xx_YY.UTF-8"},
        {"COLUMNS": "1", "TERM": ""},
    ],
    ids=lambda e: ", ".join(f"{k}={v}" for k, v in e.items()),
)
def test_m07_an_odd_environment(tmp_path, environment):
    """M07: folders that are missing or read-only, and odd variables, do not matter."""
    code = common() + "say(fit(verbose=1))\n"
    ended(start(code, tmp_path, environment=environment))


@pytest.mark.slow
def test_m07_no_folder_for_temporary_files(tmp_path):
    """M07: where nothing can be written, one clear error comes and nothing starts."""
    code = (
        common()
        + """
import tempfile, psutil
from automl.exceptions import AutoMLError
def nowhere(*arguments, **options):
    raise FileNotFoundError(2, "No usable temporary directory found in ['/nowhere']")
tempfile.gettempdir = tempfile._get_default_tempdir = nowhere
tempfile.mkdtemp = nowhere
try:
    fit()
except AutoMLError as error:
    print("error", error.code, str(error), flush=True)
print("children", len(psutil.Process().children()), flush=True)
"""
    )
    run = start(code, tmp_path)
    text = run.end()
    assert run.process.returncode == 0, run.everything()
    assert "error E-" in text
    assert "Traceback" not in text
    assert "children 0" in text


@pytest.mark.slow
@pytest.mark.parametrize("act", ["leak", "sigkill"])
def test_warnings_are_errors(tmp_path, act):
    """Where each warning is an error, as in strict tests, no fit hangs or fails."""
    leak = "act='leak'" if act == "leak" else ""
    options = f"n_trials=20, candidates=[light({leak}), bad({act!r})]"
    code = (
        common()
        + f"""
warnings.simplefilter("error")
model = AutoML(n_jobs=2, cv=3, random_state=0, verbose=0, {options}).fit(X, y)
say(dict(score=model.score(X, y)))
"""
    )
    ended(start(code, tmp_path), 150)


@pytest.mark.slow
def test_no_standard_streams(tmp_path):
    """A process without standard streams, as a service or a window has, fits."""
    code = (
        common()
        + """
out = sys.stdout
sys.stdout = sys.stderr = sys.stdin = None
said = fit(verbose=2)
sys.stdout = out
say(said)
"""
    )
    ended(start(code, tmp_path))


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
    assert " wins with " in progress["data"]["text/plain"]
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
