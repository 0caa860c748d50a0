"""What is shipped is complete, and a user's own folders do not stand in its way."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHIPPED_AS = {
    "automl": "automl",
    "pipelines": "automl/_pipelines",
    "reports": "automl/_reports",
}


def run(*command, cwd):
    """Standard output of a command that must succeed, without our environment."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Wheel built from this checkout."""
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    run(*build, "--outdir", out, ROOT, cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def tracked():
    """Paths of the files that git tracks in the folders we ship."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        # In an unpacked source distribution nothing says what was tracked.
        pytest.skip("not a git checkout")
    # A clone that somebody else owns is still ours to list.
    listed = run(
        "git", "-c", "safe.directory=*", "ls-files", "-z", *SHIPPED_AS, cwd=ROOT
    )
    return [Path(name) for name in listed.split("\0") if name]


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Programs' folder of a virtual environment that holds the wheel.

    The dependencies come from the environment of the tests by a path file, which
    spares a download. Path files over there are not followed, so neither is an
    editable install of this checkout.
    """
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    run(*pip, "--no-deps", "--no-index", wheel, cwd=home)
    site = run(
        python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home
    )
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(site.strip()) / "dependencies.pth").write_text("\n".join(sorted(paths)))
    return scripts


@pytest.fixture
def users_project(tmp_path):
    """Working directory with packages of our folders' names that must not load."""
    trap = "raise RuntimeError('a file of the user was imported')\n"
    for package in ("pipelines", "reports"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(trap)
    (tmp_path / "reports.py").write_text(trap)
    return tmp_path


def test_wheel_holds_every_tracked_file(wheel, tracked):
    """Every tracked file of code, candidates and templates is in the wheel."""
    shipped = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        "/".join((SHIPPED_AS[path.parts[0]], *path.parts[1:])) for path in tracked
    }

    assert expected, "nothing is tracked: the test would prove nothing"
    assert set() == expected - shipped


def test_wheel_puts_only_our_own_name_into_site_packages(wheel):
    """No top-level name but automl and its metadata is installed."""
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {"automl"} == {name for name in names if not name.endswith(".dist-info")}


def test_wheel_is_typed(wheel):
    """The marker is shipped that lets a user's type checker read our annotations."""
    assert "automl/py.typed" in zipfile.ZipFile(wheel).namelist()


@pytest.mark.cleanenv
def test_import_ignores_a_users_own_folders(installed, users_project):
    """The installed package finds its own content beside a user's namesakes."""
    code = (
        "import automl\n"
        "from automl.resources import folder\n"
        "print(automl.__file__)\n"
        "print(folder('pipelines'))\n"
        "print(folder('reports'))\n"
    )

    module, pipelines, reports = run(
        installed / "python", "-c", code, cwd=users_project
    ).splitlines()

    home = installed.parent.resolve()
    assert Path(module).resolve().is_relative_to(home)
    assert Path(pipelines).resolve().is_relative_to(home)
    assert Path(reports).resolve().is_relative_to(home)
    assert "_pipelines" == Path(pipelines).name
    assert "_reports" == Path(reports).name


@pytest.mark.cleanenv
def test_command_lists_the_shipped_candidates(installed, users_project):
    """`automl candidates` names every shipped candidate in a user's own project."""
    printed = run(installed / "automl", "candidates", cwd=users_project)

    specs = {p.stem: p.read_text("utf-8") for p in (ROOT / "pipelines").glob("*.toml")}
    # those of an extra are listed only where it is installed
    expected = {name for name, text in specs.items() if "\nrequires" not in text}
    assert expected, "no candidate in the checkout: the test would prove nothing"
    assert set() == {name for name in expected if name not in printed}
