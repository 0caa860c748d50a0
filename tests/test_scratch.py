"""The private folder of a run: gone at its end, after a kill at the next start."""

from __future__ import annotations

import errno
import shutil
import stat
import subprocess
import sys
import tempfile

import psutil
import pytest

from automl.exceptions import AutoMLResourceError
from automl.scratch import LOCK, Scratch

HOLD = """
import sys
from pathlib import Path
from automl.scratch import Scratch
with Scratch(Path(sys.argv[1])) as folder:
    (folder / "numbers.npy").write_bytes(b"x" * 1000)
    print(folder, flush=True)
    sys.stdin.read()
"""


MANY = """
import sys
from pathlib import Path
from automl.scratch import Scratch
for _ in range(20):
    with Scratch(Path(sys.argv[1])) as folder:
        (folder / "file").touch()
        with Scratch(Path(sys.argv[1])):
            assert (folder / "file").exists()
"""


@pytest.fixture
def owner(tmp_path):
    """Return a process that holds a folder in ``tmp_path``, and the folder's name."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield process, tmp_path / process.stdout.readline().strip()
    process.kill()
    process.communicate()


def test_the_folder_is_private_and_gone_at_the_end(tmp_path):
    """Nobody else can read it, and nothing of it is left."""
    with Scratch(tmp_path) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.parent == tmp_path
        (folder / "deep").mkdir()
        (folder / "deep" / "file").touch()
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_gone_after_an_error(tmp_path):
    """An exception leaves nothing either."""
    with pytest.raises(ZeroDivisionError), Scratch(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_no_descriptor_is_left_open(tmp_path):
    """The lock's file is closed at the end."""
    before = psutil.Process().num_fds()
    with Scratch(tmp_path):
        assert psutil.Process().num_fds() == before + 1
    assert psutil.Process().num_fds() == before


def test_the_next_start_removes_what_a_killed_run_left(owner, tmp_path):
    """The folder of a process that was killed is gone once another run starts."""
    process, left = owner
    process.kill()
    process.wait()
    assert (left / "numbers.npy").exists()
    with Scratch(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_a_run_that_is_alive_is_left_alone(owner, tmp_path):
    """A folder whose owner lives keeps every file."""
    _, held = owner
    with Scratch(tmp_path) as one, Scratch(tmp_path) as two:
        assert (held / "numbers.npy").exists()
        assert one.exists()
        assert two.exists()


def test_what_another_machine_left_is_its_own(tmp_path, monkeypatch):
    """Its locks may not be seen here, though its run is alive."""
    monkeypatch.setattr("platform.node", lambda: "another")
    with Scratch(tmp_path) as folder:
        monkeypatch.undo()
        monkeypatch.setattr("fcntl.flock", lambda *_: None)  # all are free
        with Scratch(tmp_path):
            assert folder.is_dir()


def test_what_is_not_a_left_over_folder_is_left_alone(owner, tmp_path):
    """No folder without our lock, no link, no other name, no file is touched."""
    process, left = owner
    process.kill()
    process.wait()
    target = tmp_path / "precious"
    shutil.copytree(left, target)
    (tmp_path / "automl-link").symlink_to(target)
    (tmp_path / "automl-unlocked").mkdir()
    (tmp_path / "automl-file").touch()
    linked = tmp_path / "automl-lock-is-link"
    linked.mkdir()
    (linked / LOCK).symlink_to(target / LOCK)
    with Scratch(tmp_path):
        pass
    assert not left.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "automl-file", "automl-link", "automl-lock-is-link", "automl-unlocked",
        "precious",
    ]  # fmt: skip
    assert (target / "numbers.npy").exists()


def test_a_link_inside_a_left_over_folder_is_not_followed(owner, tmp_path):
    """What a link in it points to stays."""
    process, left = owner
    process.kill()
    process.wait()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    (left / "link").symlink_to(outside)
    with Scratch(tmp_path):
        pass
    assert not left.exists()
    assert (outside / "file").exists()


def test_runs_that_start_at_once_do_not_hurt_each_other(tmp_path):
    """Of four processes that make twenty folders each, none loses a file."""
    running = [
        subprocess.Popen([sys.executable, "-c", MANY, str(tmp_path)]) for _ in range(4)
    ]
    assert [process.wait() for process in running] == [0] * 4
    assert list(tmp_path.iterdir()) == []


def test_m07_without_a_temporary_folder_one_sentence_says_so(tmp_path, monkeypatch):
    """M07: where no folder can be made, the error names what to set."""
    with pytest.raises(AutoMLResourceError, match="TMPDIR") as caught:
        Scratch(tmp_path / "missing").__enter__()
    assert caught.value.code == "E-disk"

    def nowhere():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    with pytest.raises(AutoMLResourceError, match="No usable temporary directory"):
        Scratch().__enter__()


def test_a_lock_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch):
    """The folder could be made and is gone again; nothing else is said of it."""

    def full(_folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("automl.scratch._hold", full)
    with pytest.raises(AutoMLResourceError, match="No space left on device") as caught:
        Scratch(tmp_path).__enter__()
    assert caught.value.code == "E-disk"
    assert list(tmp_path.iterdir()) == []
