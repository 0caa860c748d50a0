"""Who is selected from in each drawing of the score's estimate."""

import pytest
from sklearn.metrics import accuracy_score, make_scorer

from automl.appraisal import appraise, contenders_of
from automl.budget import Budget
from automl.trial import FoldResult, Trial
from tests.appraisal_kit import noise_of, problem_of, searched

pytestmark = pytest.mark.usefixtures("all_unexplained", "all_drawings")


def test_what_was_given_up_stands_with_the_leader_where_it_was_not_scored():
    """A raced configuration is selected from, but has no rows it never scored."""
    problem = problem_of()
    history, predictions = searched(problem, {0: 4, 1: 2})
    first, raced = history

    kept = contenders_of([first], [raced], 4, predictions, 9)

    half = len(problem.folds.splits[0][1]) + len(problem.folds.splits[1][1])
    assert (kept[0][half:] == kept[1][half:]).all()
    assert (kept[0][:half] != kept[1][:half]).all()
    assert list(contenders_of([first], [raced], 4, predictions, 1)) == [0]


def test_what_was_given_up_late_comes_before_what_began_on_an_easy_fold():
    """Means over other folds are no comparison: the near winner went further."""
    problem = problem_of()
    _, predictions = searched(problem, {0: 4, 1: 4, 2: 4})

    def trial(number, *scores):
        folds = tuple(FoldResult(number, k, "ok", s) for k, s in enumerate(scores))
        status = "ok" if len(scores) == 4 else "raced"
        return Trial(number, "ridge", {}, "", status, folds)

    leader = trial(0, -0.1, -1.0, -1.0, -1.0)
    lucky, near = trial(1, -0.2), trial(2, -0.1, -1.0, -1.1)
    kept = contenders_of([leader], [lucky, near], 4, predictions, 2)
    assert list(kept) == [0, 2]


def test_what_was_given_up_keeps_a_fair_share_of_the_places():
    """The best of the finished ones are not all that is selected from."""
    problem = problem_of()
    history, predictions = searched(problem, {0: 4, 1: 4, 2: 4, 3: 2, 4: 2, 5: 1})
    trials = history.trials

    kept = contenders_of(trials[:3], trials[3:], 4, predictions, 4)

    assert sum(number < 3 for number in kept) == 2
    assert len(kept) == 4


@pytest.mark.parametrize("metric", ["f1_micro", make_scorer(accuracy_score)])
def test_a_slower_metric_selects_from_all_configurations_too(metric):
    """On noise the estimate of a metric that is asked is that of chance."""
    problem, history, predictions = noise_of(metric)
    leader = history.finished()[0]

    found = appraise(leader, history, problem, predictions, Budget(None, 40, 0.0))

    assert found.estimate.n_configurations == 40
    assert found.warning is None
    assert found.estimate.score < leader.score - 0.02
    assert found.estimate.score == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("metric", ["f1", "mcc"])
def test_labels_that_are_chosen_are_chosen_anew_in_each_drawing(metric):
    """On noise the estimate is that of naming all rows, or of a guess: chance."""
    problem, history, predictions = noise_of(metric)
    leader = history.finished()[0]

    found = appraise(leader, history, problem, predictions, Budget(None, 40, 0.0))

    chance = {"f1": 2 / 3, "mcc": 0.0}[metric]
    assert found.estimate.score < chance + 0.06
    assert found.estimate.low < chance < found.estimate.high + 0.02
    assert leader.score >= found.estimate.score
