"""The page that shows a run while it searches: from its journal, never in its way."""

import json
import time
from dataclasses import asdict

import numpy as np

from automl.journal import Journal, journal_line
from automl.live import EVERY_S, NAME, Live, live_facts, pause_after, render_live
from tests.report_kit import HOSTILE, TITLES, record
from tests.test_report import Outline

START = {
    "event": "start", "format": 1, "identity": {}, "task": "binary", "at": 0.2,
    "target": "outcome", "metric": "roc_auc", "n_folds": 5, "folds": "5 folds",
    "random_state": 0, "n_rows": 569, "n_columns": 28, "ordered": False,
    "budget": {"time_s": 60.0, "n_trials": None},
}  # fmt: skip


def events(*, target="outcome", trials=None):
    """Return the journal of a run that searches."""
    found = [{**START, "target": target}]
    for trial in trials or record("binary").trials:
        head = {"event": "trial", "trial": trial.number, "candidate": trial.candidate}
        found.append({**head, "params": trial.params, "origin": trial.origin})
        found += [
            {"event": "fold", **asdict(fold), "at": 0.5 + fold.started_s}
            for fold in trial.folds
        ]
        if trial.status != "running":
            end = {"event": "end", "trial": trial.number, "status": trial.status}
            found.append({**end, "reason": trial.reason})
    return json.loads(json.dumps(found))


def written(folder, some):
    """Write a journal as a run does."""
    folder.mkdir(exist_ok=True)
    (folder / "journal.jsonl").write_bytes(b"".join(map(journal_line, some)))


def test_live_facts_are_those_of_the_search():
    """Best, counts and charts come from the journal alone, as JSON."""
    facts = live_facts(events(), TITLES)

    assert facts == json.loads(json.dumps(facts, allow_nan=False))
    assert "Linear model" == facts["top"][0]["title"]
    assert (25, 3) == (facts["run"]["n_trials"], facts["run"]["n_failed"])
    assert 4 == len(facts["search"]["candidates"])
    assert 2 == len(facts["search"]["timeline"]["workers"])


def test_a_run_that_has_not_begun_has_no_page(tmp_path):
    """Nothing is written into a folder before its run is there."""
    assert live_facts([], {}) is None
    with Live(tmp_path, {}):
        pass
    assert [] == list(tmp_path.iterdir())


def test_page_renews_itself_until_the_run_is_over():
    """It asks for itself again; at the end it links the report and stays."""
    facts = live_facts(events(), TITLES)
    going, over = (
        render_live(facts, refresh_s=s, report=r)
        for s, r in ((3.2, None), (None, "report.html"))
    )

    assert ("meta", "content", "4") in Outline(going).attributes
    assert "renewed every 4 seconds" in going
    assert 'http-equiv="refresh"' not in over
    assert ("a", "href", "report.html") in Outline(over).attributes


def test_the_end_shows_what_won():
    """An ensemble is no trial of the journal, and its estimate no best score."""
    over = [*events(), {"event": "finish", "at": 60.0}]
    estimate = {"natural": 0.91, "low": 0.87, "high": 0.94}
    ended = {"verdict": {"title": "Weighted ensemble", "natural": 0.955}}
    facts = live_facts(over, TITLES, ended | {"estimate": estimate})
    text = " ".join(Outline(render_live(facts, refresh_s=None)).text)
    going = " ".join(
        Outline(render_live(live_facts(events(), TITLES), refresh_s=3)).text
    )

    assert "Weighted ensemble" in text
    assert "0.9100" in text
    assert "so far by" not in text
    assert "so far by" in going
    assert "selection score (optimistic)" in going


def test_the_end_names_what_predicts_though_it_was_never_scored():
    """The score of the best that was scored is not taken for its own."""
    over = [*events(), {"event": "finish", "at": 60.0}]
    verdict = {"title": "Weighted ensemble", "natural": 0.955, "unscored": "Tree"}
    facts = live_facts(over, TITLES, {"verdict": verdict})
    text = " ".join(Outline(render_live(facts, refresh_s=None)).text)

    assert (facts["final"]["title"], facts["final"]["selection"]) == ("Tree", None)
    assert "never scored in the form that predicts" in text
    assert "Weighted ensemble" not in text


def test_facts_of_an_earlier_end_are_none_of_this_session():
    """A run that is searched longer shows no winner before its own end."""
    ended = {"verdict": {"title": "Weighted ensemble", "natural": 0.955}}

    assert None is live_facts(events(), TITLES, ended)["final"]


def test_page_of_hostile_names_is_inert():
    """A target's name that looks like markup is shown as it stands."""
    facts = live_facts(events(target=HOSTILE[0]), dict.fromkeys(TITLES, HOSTILE[1]))
    outline = Outline(render_live(facts, refresh_s=3.0))

    assert "img" not in outline.tags
    assert 5 == outline.tags.count("script")
    assert HOSTILE[0] in " ".join(outline.text)


def test_page_before_anything_finished_says_so():
    """Not even the baseline is through: no chart, no error."""
    text = render_live(live_facts(events()[:3], TITLES), refresh_s=3.0)

    assert "No configuration has finished all folds yet" in text


def test_pages_take_a_hundredth_of_the_time():
    """The longer a page took, the later comes the next."""
    assert EVERY_S == pause_after(0.0)
    assert all(cost / (cost + pause_after(cost)) <= 0.01 for cost in (0.01, 0.1, 2.0))


def test_page_of_five_hundred_trials_is_drawn_in_a_moment():
    """A page takes less than a third of a second, so it is renewed twice a minute."""
    rng = np.random.default_rng(0)
    run = record("binary")
    some = events()
    for number in range(len(run.trials), 500):
        params = {"alpha": float(rng.random()), "scale": "none"}
        head = {"event": "trial", "trial": number, "candidate": "linear"}
        some.append({**head, "params": params, "origin": "tpe"})
        fold = {"event": "fold", "trial": number, "fold": 0, "status": "ok"}
        some.append({**fold, "score": float(rng.random())})
    render_live(live_facts(some[:50], TITLES), refresh_s=3.0)  # imports

    began = time.thread_time()
    render_live(live_facts(some, TITLES), refresh_s=3.0)

    assert time.thread_time() - began < 0.3


def test_live_follows_a_journal_and_ends_with_the_report(tmp_path, monkeypatch):
    """What a run writes is shown, by a thread of its own; the end links the report."""
    monkeypatch.setattr("automl.live.EVERY_S", 0.05)
    folder = tmp_path / "run"
    page = folder / NAME
    with Journal(folder, durable=False) as journal, Live(folder, TITLES) as live:
        for event in events()[:40]:
            journal.write(event.pop("event"), event)
        ends = time.monotonic() + 60
        while not page.exists() and time.monotonic() < ends:
            time.sleep(0.05)
        assert "Searching" in page.read_text("utf-8")
        (folder / "report.html").write_text("<html>")

    assert live.failure is None
    assert 'href="report.html"' in page.read_text("utf-8")
    assert {NAME, "journal.jsonl", "journal.lock", "oof", "report.html"} == {
        path.name for path in folder.iterdir()
    }


def test_a_page_that_cannot_be_made_ends_no_run(tmp_path):
    """What went wrong is kept for the command to say, once."""
    written(tmp_path, [{**START, "metric": "no such metric"}])
    with Live(tmp_path, {}) as live:
        pass

    assert "live.html was not renewed any more: AutoMLConfigError" in live.failure


def test_a_torn_line_is_no_obstacle(tmp_path):
    """The journal is read while it is written."""
    written(tmp_path, events())
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"n": 300, "crc": "00000000", "fact": {"event"')
    with Live(tmp_path, TITLES) as live:
        pass

    assert live.failure is None
    assert "Linear model" in (tmp_path / NAME).read_text("utf-8")
