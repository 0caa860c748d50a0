"""A table, a pipeline of it, and what is done to a bundle of that."""

import hashlib
import json
import os
import pickletools
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from automl.bundle import BundleInfo
from automl.bundle.loading import seal

INFO = BundleInfo(
    metric="roc_auc",
    score=0.87,
    score_std=0.02,
    candidate="logistic",
    params={"C": 1.0},
    cv="5 stratified folds",
    random_state=7,
    created_utc="2030-01-01T00:00:00Z",
    estimate={
        "natural": 0.8421,
        "low": 0.81,
        "high": 0.88,
        "level": 0.95,
        "text": "Selected anew.",
        "warning": "9 rows of a class are too few.",
    },
    members=({"trial": 3, "candidate": "svm", "weight": 0.6, "params": {"C": 2.0}},),
)


def passengers(n_rows=160):
    """Table of numbers, categories, dates, texts, holes and an identifier."""
    rng = np.random.default_rng(0)
    words = ["slow", "fast", "cabin", "deck", "window", "family", "single", "late"]
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 12, n_rows).round(1),
            "fare": [f"{v:,.2f}" for v in rng.uniform(5, 3000, n_rows)],
            "port": rng.choice(["Rome", "Oslo", "007"], n_rows),
            "boarded": pd.date_range("2020-01-01", periods=n_rows).strftime("%d.%m.%Y"),
            "remark": [" ".join(rng.choice(words, 6)) + f" {i}" for i in range(n_rows)],
            "alone": rng.choice([True, False], n_rows),
            "ticket_id": [f"T{i:05d}" for i in range(n_rows)],
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame.loc[::9, "port"] = None
    survived = (frame["age"].fillna(40) < 40) ^ (frame["port"] == "Oslo")
    return frame, np.where(survived, "yes", "no").astype(object)


def new_passengers():
    """Rows with an unseen category and holes."""
    frame, _ = passengers(30)
    frame["port"] = ["Lima", None, "Rome"] * 10
    return frame


def linear_pipeline(table):
    """Unfitted pipeline of library classes behind the table's encoder."""
    steps = [
        ("n", SimpleImputer(), table.ids("number", "boolean", "date")),
        ("c", OneHotEncoder(handle_unknown="ignore"), table.ids("category")),
        *((i, TfidfVectorizer(), i) for i in table.ids("text")),
    ]
    model = LogisticRegression(max_iter=2000, C=0.5)
    scaled = ColumnTransformer(steps, sparse_threshold=0)
    from sklearn.preprocessing import StandardScaler

    return Pipeline(
        [("encode", table.encoder), ("prepare", scaled), ("s", StandardScaler()),
         ("model", model)]
    )  # fmt: skip


def rewrite(bundle, **changes):
    """Change the manifest as somebody would who also renews its checksums."""
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text()) | changes
    for name in manifest["files"]:
        content = (bundle / name).read_bytes()
        manifest["files"][name] = hashlib.sha256(content).hexdigest()
    manifest["sha256"] = seal(manifest)
    path.write_text(json.dumps(manifest))


def python(code_or_file, *arguments, cwd, interpreter=sys.executable):
    """Run Python where the library is not on the path."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [str(interpreter), *map(str, (code_or_file, *arguments))],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


NO_LIBRARY = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"automl", "hyperopt"}:
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
"""


def predicted_elsewhere(bundle, rows, folder, method="predict"):
    """Return what `pickle.load` alone gives where importing the library raises."""
    rows.to_pickle(folder / "rows.pkl")
    code = NO_LIBRARY + (
        "import pickle, pandas, json\n"
        f"model = pickle.load(open({str(bundle / 'model.pkl')!r}, 'rb'))\n"
        "rows = pandas.read_pickle('rows.pkl')\n"
        f"print(json.dumps(model.{method}(rows).tolist()))\n"
        "assert not [m for m in sys.modules if m.startswith(('automl', 'hyperopt'))]\n"
    )
    done = python("-c", code, cwd=folder)
    assert done.returncode == 0, done.stderr
    return np.array(json.loads(done.stdout))


class Canary:
    """Leaves a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def expanded(payload):
    """Return the pickle within a pickle."""
    within = [a for op, a, _ in pickletools.genops(payload) if "BINBYTES" in op.name]
    assert len(within) == 1
    return zlib.decompress(within[0])
