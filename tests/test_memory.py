"""What a run may use, what it uses, and who has to go."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from automl.exceptions import AutoMLResourceError
from automl.memory import (
    Guard,
    Meter,
    allowed_mib,
    choose,
    least_mib,
    tree_mib,
)

MIB = 2**20
HOLD = "import sys; held = b'x' * ({mib} << 20); print(1, flush=True); sys.stdin.read()"


def group(tmp_path, line):
    """Return where a fake kernel tells of the group of this process."""
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "self" / "cgroup").write_text(line + "\n")
    cgroup.mkdir()
    return {"proc": proc, "cgroup": cgroup}


@pytest.fixture
def child():
    """Return what starts children that hold some MiB; they are ended."""
    children = []

    def start(mib):
        child = subprocess.Popen(
            [sys.executable, "-c", HOLD.format(mib=mib)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        children.append(child)
        assert child.stdout.readline()
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def write(path, text):
    """Write a file with a dot in its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


GIB = 1024**3


@pytest.mark.parametrize(
    ("line", "place", "name"),
    [
        pytest.param("0::/a/b", "a/b", "memory.max", id="v2"),
        pytest.param("0::/a/b", "a", "memory.max", id="v2-above"),
        pytest.param("0::/", "", "memory.max", id="v2-mounted"),
        pytest.param("0::/host/docker", "", "memory.max", id="v2-path-of-host"),
        pytest.param("0::/a", "unified/a", "memory.max", id="v2-beside-v1"),
        pytest.param("4:cpu,memory:/a", "memory/a", "memory.limit_in_bytes", id="v1"),
        pytest.param("4:memory:/x", "memory", "memory.limit_in_bytes", id="v1-above"),
    ],
)
def test_m04_the_limit_of_the_control_group_counts(tmp_path, line, place, name):
    """M04: a limit of this group or of one above it is the limit of the run."""
    kernel = group(tmp_path, line)
    write(kernel["cgroup"] / place / name, GIB)
    assert allowed_mib(None, **kernel) == 1024.0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a/memory.max", "max"),
        ("a/memory.max", "nonsense"),
        ("memory/a/memory.limit_in_bytes", "9223372036854771712"),
    ],
)
def test_no_limit_of_a_group_is_none(tmp_path, name, text):
    """The word max, and the huge number of the first version, limit nothing."""
    kernel = group(tmp_path, "4:memory:/a\n0::/a")
    write(kernel["cgroup"] / name, text)
    machine = psutil.virtual_memory().total / MIB
    assert 0.2 * machine < allowed_mib(None, **kernel) <= machine


def test_what_others_of_the_group_use_is_not_allowed(tmp_path):
    """A container in which 2 of 4 GiB are used, .5 of it cache, allows 2.5 and ours."""
    kernel = group(tmp_path, "0::/a")
    folder = kernel["cgroup"] / "a"
    write(folder / "memory.max", 4 * GIB)
    write(folder / "memory.current", 2 * GIB)
    write(folder / "memory.stat", f"anon 5\ninactive_file {GIB // 2}")
    here = sum(tree_mib(os.getpid()).values())
    assert allowed_mib(None, **kernel) == pytest.approx(2.5 * 1024 + here, abs=30)


def test_the_users_limit_counts_where_it_is_the_least():
    """``memory_limit_mib`` below what the machine has is what is allowed."""
    own = least_mib(1, sum(tree_mib(os.getpid()).values())) + 100
    assert allowed_mib(own) == own


def test_c03_a_limit_too_small_is_refused_with_the_least():
    """C03: 1 MiB is refused, and the least that would do is told and does."""
    with pytest.raises(
        AutoMLResourceError, match="memory_limit_mib allows 1"
    ) as caught:
        allowed_mib(1.0)
    assert caught.value.code == "E-memory"
    told = float(
        str(caught.value).split("at least ")[1].split(" MiB")[0].replace(",", "")
    )
    assert allowed_mib(told + 20) == told + 20


def test_a_small_container_is_told_as_such(tmp_path):
    """The error says that it is the container's limit, not the user's."""
    kernel = group(tmp_path, "0::/")
    write(kernel["cgroup"] / "memory.max", 64 * MIB)
    with pytest.raises(AutoMLResourceError, match="container"):
        allowed_mib(None, **kernel)


def test_the_tree_is_this_process_and_all_below(child):
    """A child of 100 MiB is counted, shared pages once."""
    process = child(100)
    usage = tree_mib(os.getpid())
    assert usage[process.pid] > 100
    assert os.getpid() in usage
    plain = tree_mib(os.getpid(), exact=False)
    assert sum(plain.values()) >= sum(usage.values()) - 5


def test_a_process_that_is_gone_holds_nothing(child):
    """The pid of an ended process is no error."""
    process = child(1)
    process.kill()
    process.communicate()
    assert tree_mib(process.pid) == {}


def test_without_lists_of_children_the_processes_are_searched(tmp_path, child):
    """Where the kernel tells nothing, or of no children, psutil's way is gone."""
    process = child(50)
    assert tree_mib(os.getpid(), proc=tmp_path)[process.pid] > 50
    thread = tmp_path / str(os.getpid()) / "task" / str(os.getpid())
    thread.mkdir(parents=True)
    (tmp_path / "self").symlink_to(str(os.getpid()))
    assert tree_mib(os.getpid(), proc=tmp_path)[process.pid] > 50


def test_a_meter_counts_shared_pages_once_when_it_matters(child):
    """Far below the limit resident sizes do; near it the true ones are asked for."""
    child(100)
    exact = sum(tree_mib(os.getpid()).values())
    rough = sum(tree_mib(os.getpid(), exact=False).values())
    assert sum(Meter(os.getpid(), 10 * rough).look().values()) >= rough - 20
    near = Meter(os.getpid(), exact / 0.7)
    for _ in range(3):
        assert sum(near.look().values()) == pytest.approx(exact, abs=10)
    assert near.peak_mib == pytest.approx(exact, abs=10)


def test_a_meter_sees_growth_between_exact_looks(child):
    """A process that starts between two exact looks is counted at once."""
    exact = sum(tree_mib(os.getpid()).values())
    meter = Meter(os.getpid(), exact / 0.65)
    meter.look()
    process = child(200)
    assert meter.look()[process.pid] > 200


def test_looking_costs_little(child):
    """Ten looks a second take a small part of a core (bound twenty times that)."""
    child(100)
    meter = Meter(os.getpid(), 1e6)
    began = time.process_time()
    for _ in range(50):
        meter.look()
    assert (time.process_time() - began) / 50 < 0.02


USAGE = {1: 200.0, 2: 300.0, 3: 300.0}
STARTED = {2: 10.0, 3: 20.0}


@pytest.mark.parametrize(
    ("limit", "ended"),
    [(1001.0, ()), (999.0, (3,)), (890.0, (3,)), (888.0, (2, 3)), (100.0, (2, 3))],
)
def test_m03_the_newest_goes_first_and_near_the_limit_all(limit, ended):
    """M03: at 80 % of the limit the newest task is ended, at 90 % every task."""
    assert choose(USAGE, STARTED, limit) == ended


def test_one_that_holds_half_of_the_limit_goes_before_the_newest():
    """The process that is the cause is ended, though another began later."""
    assert choose({1: 200.0, 2: 550.0, 3: 80.0}, STARTED, 1000.0) == (2,)


def test_who_runs_no_task_is_never_ended():
    """Neither the parent nor a process that is gone is chosen."""
    assert choose({1: 2000.0}, {}, 1000.0) == ()
    assert choose({1: 2000.0}, {7: 1.0}, 1000.0) == ()
    assert choose({1: 2000.0, 2: 1.0}, {2: 1.0, 7: 2.0}, 1000.0) == (2,)


def test_a_guard_ends_a_child_that_holds_too_much(child):
    """Told which process runs a task, it names that one when the limit is near."""
    process = child(300)
    started = {process.pid: 1.0}
    used = sum(tree_mib(os.getpid()).values())
    assert Guard(used / 0.5)(started) == ()
    assert Guard(used / 0.85)(started) == (process.pid,)


@pytest.mark.parametrize("here", [50.0, 900.0])
def test_more_workers_need_more(here):
    """The least limit grows by a worker's own memory, and with what is held."""
    one, two = least_mib(1, here), least_mib(2, here)
    assert 100 < two - one < 400
    assert one > here
