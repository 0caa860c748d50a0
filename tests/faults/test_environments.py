"""W20–W23, M07: a fit works from wherever it is called, or says why not."""

from __future__ import annotations

import pytest

from tests.faults.kit import common, ended, start

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

FAST = ("daemon process",)  # threads: the test of two at once
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


@pytest.mark.slow  # tests/test_claim.py has a smaller one
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
    assert any("Another fit" in note for one in said for note in one["notes"])
    # which of the two records the warning is chance: filters are a process's own


@pytest.mark.slow  # tests/test_api.py has a smaller one
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
