"""The benchmark of quality runs on a small set, and its figures hang together."""

import json

import numpy as np
import pandas as pd

from benchmarks.quality import main


def test_a_small_set_is_measured(tmp_path, capsys):
    """One line of JSON a fit: scores, regrets against both oracles, and the costs."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(160, 3)), columns=list("abc"))
    X["y"] = np.where(X["a"] + 0.7 * rng.normal(size=160) > 0, "yes", "no")
    X.to_parquet(tmp_path / "small.parquet")
    index = {"name": "small", "file": "small.parquet", "task": "binary", "target": "y"}
    pd.DataFrame([index]).to_csv(tmp_path / "index.csv", index=False)
    out = tmp_path / "rows.jsonl"
    settings = {"candidates": ["logistic", "k_nearest"], "n_trials": 4, "cv": 2}
    arguments = [
        str(tmp_path), "--budget", "30", "--jobs", "1", "--out", str(out),
        "--settings", json.dumps(settings),
    ]  # fmt: skip
    assert main(arguments) == 0
    (line,) = out.read_text(encoding="utf-8").splitlines()
    row = json.loads(line)
    assert row["failure"] is None
    assert row["baseline"] < row["test"] <= 1
    assert row["oracle_single"] <= row["oracle_ensemble"] <= 1
    assert row["regret_single"] <= row["regret_ensemble"]
    assert row["oracle_models"] >= 2
    assert 0 < row["busy"] <= 1
    assert row["orchestration"] > 0
    assert 0 < row["overrun"] < 1
    assert 0 <= row["wasted_folds"] <= 1
    assert row["peak_mib"] > 50
    assert row["row_ms"] > 0
    assert row["model_mb"] > 0
    assert {"commit", "environment", "seed"} <= set(row)
    assert "path" not in row
    assert main(arguments) == 0  # what is there is not measured again
    assert len(out.read_text(encoding="utf-8").splitlines()) == 1
    assert "regret_single" in capsys.readouterr().out
