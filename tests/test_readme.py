"""The README's code runs as it stands, with a smaller budget."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_readmes_python_runs(tmp_path, monkeypatch, capsys):
    """Both blocks of Python run one after the other, and print a leaderboard."""
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 2
    code = "\n".join(blocks)
    code = code.replace("time_budget_s=60", "n_trials=2, n_jobs=1, verbose=0")
    code = code.replace("examples/data", str(ROOT / "examples" / "data"))
    code = code.replace('bank.csv")', 'bank.csv", nrows=600)')
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - our own text
    assert "candidate" in capsys.readouterr().out
    assert (tmp_path / "report.html").exists()
    assert (tmp_path / "model" / "model.pkl").exists()


def test_the_readme_names_what_is_there():
    """Every file and picture that the README links to exists."""
    text = (ROOT / "README.md").read_text("utf-8")
    links = re.findall(r'(?:\]\(|src(?:set)?=")([^")#:]+)[")]', text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
    assert "@@" not in text
