"""What is public, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import automl

ROOT = Path(__file__).parent.parent


def test_the_public_names_are_these():
    """Adding or losing a public name is a decision."""
    assert automl.__all__ == [
        "AutoML",
        "AutoMLClassifier",
        "AutoMLError",
        "AutoMLRegressor",
        "Candidate",
        "compare_reports",
        "load",
    ]
    assert all(getattr(automl, name) is not None for name in automl.__all__)
    assert set(automl.__all__) <= set(dir(automl))
    with pytest.raises(AttributeError, match="nothing"):
        _ = automl.nothing


def test_importing_the_package_imports_nothing_heavy():
    """`import automl` and its command load no pandas, scikit-learn or hyperopt."""
    code = (
        "import sys, automl, automl.cli; "
        "print([m for m in ('pandas', 'sklearn', 'hyperopt', 'lightgbm') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_versions_agree():
    """The package and its metadata name the same version."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert automl.__version__ == project["version"]


def test_a_script_needs_no_main_guard(tmp_path):
    """A plain script that fits on two processes runs once, and to the end."""
    script = tmp_path / "fit.py"
    script.write_text(
        "import numpy as np\n"
        "from automl import AutoML\n"
        "rng = np.random.default_rng(0)\n"
        "X = rng.normal(size=(80, 3))\n"
        "model = AutoML(n_trials=2, n_jobs=2, candidates='ridge', verbose=0)\n"
        "model.fit(X, X[:, 0] + rng.normal(size=80))\n"
        "print('once', model.best_candidate_)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False,
        timeout=90, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("once ridge") == 1
