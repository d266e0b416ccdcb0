"""What a cell is can be learned from what samples are made of, and no label of a cell is needed."""

import numpy as np
import pandas as pd
import pytest

from motilens.core.labels import MOTILITY
from motilens.tracking.baselines import predict_baseline
from motilens.tracking.kinematics import compute_kinematics
from motilens.tracking.label_proportions import (
    CELL_FEATURES,
    WEIGHT_DECAYS,
    LabelProportionModel,
    fit_label_proportions,
)
from motilens.tracking.trajectories import empty_tracks

SPEEDS = (60.0, 8.0, 1.5)  # pixels/s along the average path, of cells of three kinds
SAMPLES, CELLS = 40, 25


def sample(draw, shares):
    """Cells of three kinds by these shares, and which is of which."""
    kinds = draw.choice(3, CELLS, p=shares)
    speed = np.take(SPEEDS, kinds) * draw.lognormal(0, 0.25, CELLS)
    cells = {"vcl": 1.3 * speed, "vap": speed, "vsl": 0.9 * speed, "amplitude": np.ones(CELLS)}
    return pd.DataFrame(cells | {"frames": draw.integers(30, 60, CELLS)}), kinds


@pytest.fixture(scope="module")
def drawn():
    """Samples, the kinds of their cells, and their percentages."""
    draw = np.random.default_rng(0)
    shares = draw.dirichlet(np.ones(3), SAMPLES)
    samples, kinds = zip(*(sample(draw, one) for one in shares), strict=True)
    counted = [[100 * np.mean(one == kind) for kind in range(3)] for one in kinds]
    return list(samples), kinds, np.array(counted)


PARTICIPANTS = [str(number // 2) for number in range(SAMPLES)]


@pytest.mark.parametrize("whole", [True, False], ids=["adding up", "each for itself"])
def test_each_cell_is_told_from_percentages_alone(drawn, whole):
    samples, kinds, percentages = drawn
    kept = [0, 1, 2] if whole else [0, 2]  # the middle one is no matter of more or less
    percentages, kinds = percentages[:, kept], np.concatenate(kinds[30:])
    found = fit_label_proportions(samples[:30], percentages[:30], PARTICIPANTS[:30], whole)
    assert found.decay in WEIGHT_DECAYS
    chances = np.concatenate([found.of(one) for one in samples[30:]])
    for place, kind in enumerate(kept):
        assert np.mean((chances[:, place] > 0.5) == (kinds == kind)) > 0.95
    answers = found.percentages(samples[30:])
    zero_r = np.abs(percentages[30:] - percentages[:30].mean(0)).mean()
    assert np.abs(answers - percentages[30:]).mean() < 3 < zero_r / 3
    assert answers.min() >= 0 and answers.max() <= 100
    if whole:
        assert answers.sum(1) == pytest.approx(100)


def test_a_cell_counts_by_the_frames_it_was_seen_in(drawn):
    samples, _, percentages = drawn
    found = fit_label_proportions(samples, percentages, PARTICIPANTS, True)
    row = dict.fromkeys(CELL_FEATURES, 1.0) | {"frames": 30.0}
    two = pd.DataFrame([row, row | {"vap": 60.0, "vsl": 55.0, "vcl": 80.0, "frames": 90.0}])
    slow, fast = found.of(two)
    assert found.percentages([two])[0] == pytest.approx(100 * (slow + 3 * fast) / 4)


def test_shuffled_percentages_teach_nothing(drawn):
    samples, _, percentages = drawn
    shuffled = np.random.default_rng(1).permutation(percentages[:30])
    found = fit_label_proportions(samples[:30], shuffled, PARTICIPANTS[:30], True)
    zero_r = np.abs(percentages[30:] - percentages[:30].mean(0)).mean()
    assert np.abs(found.percentages(samples[30:]) - percentages[30:]).mean() > 0.8 * zero_r


def test_without_cells_it_is_zero_r(drawn):
    samples, _, percentages = drawn
    none = compute_kinematics(empty_tracks(), 50.0)
    mean = percentages[:4].mean(0)
    found = fit_label_proportions([*samples[:3], none], percentages[:4], PARTICIPANTS[:4], True)
    assert found.percentages([none])[0] == pytest.approx(mean)
    found = fit_label_proportions([none] * 4, percentages[:4], PARTICIPANTS[:4], True)
    assert found.decay is None and found.percentages(samples[:1])[0] == pytest.approx(mean)


def test_cells_that_do_not_move_at_all_are_numbers(drawn):
    samples, _, percentages = drawn
    still = samples[0].assign(vcl=0.0, vap=0.0, vsl=0.0, amplitude=0.0)
    found = fit_label_proportions([still, *samples[1:9]], percentages[:9], PARTICIPANTS[:9], True)
    assert np.isfinite(found.percentages([still])).all()


def test_one_participant_leaves_no_choice(drawn):
    samples, _, percentages = drawn
    found = fit_label_proportions(samples[:2], percentages[:2], ["1", "1"], True)
    assert found.decay == WEIGHT_DECAYS[-1]
    assert np.isfinite(found.percentages(samples[:2])).all()


def test_motility_adds_up_to_100_and_other_percentages_need_not():
    k = np.arange(60)[:, None]

    def moving(speed, cell):
        x, y = (speed * k * np.array([1.0, 0.2])).T
        return pd.DataFrame({"cell": cell, "frame": k[:, 0], "x": x, "y": y})

    def paths(fast):
        return pd.concat([moving(2.0 if cell < fast else 0.05, cell) for cell in range(5)])

    seen = {str(fast): paths(fast) for fast in range(6)}
    rates = dict.fromkeys(seen, 50.0)
    share = np.arange(6) * 20.0
    whole = dict(zip(MOTILITY, (share, (100 - share) / 2, (100 - share) / 2), strict=True))
    for columns, adds_up in ((whole, True), ({"head": share, "tail": share}, False)):
        labels = pd.DataFrame({"participant": list(seen)} | columns)
        answers, fitted = predict_baseline("cells", labels, seen, {"3": seen["3"]}, rates, {}, 0)
        assert answers[0, 0] == pytest.approx(60, abs=12)
        assert fitted["whole"] == adds_up and np.shape(fitted["weights"]) == (5, len(columns))
        assert (abs(answers.sum() - 100) < 1e-6) == adds_up


@pytest.mark.parametrize(
    "changed",
    [
        {"mean": [0.0]},
        {"deviation": ["wide"] * 4},
        {"weights": [[0.0, 1.0]]},
        {"otherwise": [50.0]},
        {"numbers": ["constant"]},
    ],
)
def test_what_was_edited_is_no_regression_of_cells(drawn, changed):
    made = fit_label_proportions(drawn[0], drawn[2], PARTICIPANTS, True)
    fitted = made.described()
    assert np.array_equal(LabelProportionModel.restored(fitted).weights, made.weights)
    with pytest.raises(ValueError):
        LabelProportionModel.restored(fitted | changed)
