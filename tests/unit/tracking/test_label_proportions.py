"""Classes of cells are learned from the percentages of samples alone."""

import numpy as np
import pandas as pd
import pytest

from motilens.tracking.kinematics import compute_kinematics
from motilens.tracking.label_proportions import (
    CELL_FEATURES,
    WEIGHT_DECAYS,
    LabelProportionModel,
    fit_label_proportions,
)
from motilens.tracking.trajectories import empty_tracks

SPEEDS = (60.0, 8.0, 1.5)  # pixels/s along the average path, of the three classes
SAMPLES, CELLS = 40, 25


def draw_cells(rng, shares):
    """Cells of three classes by these shares, and the class of each."""
    classes = rng.choice(3, CELLS, p=shares)
    speed = np.take(SPEEDS, classes) * rng.lognormal(0, 0.25, CELLS)
    cells = {"vcl": 1.3 * speed, "vap": speed, "vsl": 0.9 * speed, "amplitude": np.ones(CELLS)}
    return pd.DataFrame(cells | {"frames": rng.integers(30, 60, CELLS)}), classes


@pytest.fixture(scope="module")
def data():
    """Samples, the classes of their cells, and their percentages."""
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(3), SAMPLES)
    samples, classes = zip(*(draw_cells(rng, row) for row in shares), strict=True)
    counts = [[100 * np.mean(row == number) for number in range(3)] for row in classes]
    return list(samples), classes, np.array(counts)


PARTICIPANTS = [str(number // 2) for number in range(SAMPLES)]


@pytest.mark.parametrize("sums_to_one", [True, False])
def test_cells_are_classified_by_percentages_alone(data, sums_to_one):
    samples, classes, percentages = data
    kept = [0, 1, 2] if sums_to_one else [0, 2]  # the middle one is no matter of more or less
    percentages, classes = percentages[:, kept], np.concatenate(classes[30:])
    model = fit_label_proportions(samples[:30], percentages[:30], PARTICIPANTS[:30], sums_to_one)
    assert model.decay in WEIGHT_DECAYS
    proba = np.concatenate([model.predict_proba(cells) for cells in samples[30:]])
    for place, number in enumerate(kept):
        assert np.mean((proba[:, place] > 0.5) == (classes == number)) > 0.95
    predicted = model.predict(samples[30:])
    zero_r = np.abs(percentages[30:] - percentages[:30].mean(0)).mean()
    assert np.abs(predicted - percentages[30:]).mean() < 3 < zero_r / 3
    assert predicted.min() >= 0 and predicted.max() <= 100
    if sums_to_one:
        assert predicted.sum(1) == pytest.approx(100)


def test_cells_are_weighted_by_the_frames_of_their_tracks(data):
    samples, _, percentages = data
    model = fit_label_proportions(samples, percentages, PARTICIPANTS, True)
    cell = dict.fromkeys(CELL_FEATURES, 1.0) | {"frames": 30.0}
    two = pd.DataFrame([cell, cell | {"vap": 60.0, "vsl": 55.0, "vcl": 80.0, "frames": 90.0}])
    slow, fast = model.predict_proba(two)
    assert model.predict([two])[0] == pytest.approx(100 * (slow + 3 * fast) / 4)


def test_shuffled_percentages_teach_nothing(data):
    samples, _, percentages = data
    shuffled = np.random.default_rng(1).permutation(percentages[:30])
    model = fit_label_proportions(samples[:30], shuffled, PARTICIPANTS[:30], True)
    zero_r = np.abs(percentages[30:] - percentages[:30].mean(0)).mean()
    assert np.abs(model.predict(samples[30:]) - percentages[30:]).mean() > 0.8 * zero_r


def test_without_cells_the_prediction_is_that_of_zero_r(data):
    samples, _, percentages = data
    none = compute_kinematics(empty_tracks(), 50.0)
    mean = percentages[:4].mean(0)
    model = fit_label_proportions([*samples[:3], none], percentages[:4], PARTICIPANTS[:4], True)
    assert model.predict([none])[0] == pytest.approx(mean)
    model = fit_label_proportions([none] * 4, percentages[:4], PARTICIPANTS[:4], True)
    assert model.decay is None and model.predict(samples[:1])[0] == pytest.approx(mean)


def test_cells_that_do_not_move_at_all_are_no_infinity(data):
    samples, _, percentages = data
    still = samples[0].assign(vcl=0.0, vap=0.0, vsl=0.0, amplitude=0.0)
    model = fit_label_proportions([still, *samples[1:9]], percentages[:9], PARTICIPANTS[:9], True)
    assert np.isfinite(model.predict([still])).all()


def test_one_participant_leaves_no_choice(data):
    samples, _, percentages = data
    model = fit_label_proportions(samples[:2], percentages[:2], ["1", "1"], True)
    assert model.decay == WEIGHT_DECAYS[-1]
    assert np.isfinite(model.predict(samples[:2])).all()


@pytest.mark.parametrize("changed", [
    {"mean": [0.0]}, {"deviation": ["wide"] * 4}, {"weights": [[0.0, 1.0]]}, {"fallback": [50.0]},
    {"features": ["constant"]},
])  # fmt: skip
def test_an_edited_model_is_refused(data, changed):
    model = fit_label_proportions(data[0], data[2], PARTICIPANTS, True)
    values = model.to_dict()
    assert np.array_equal(LabelProportionModel.from_dict(values).weights, model.weights)
    with pytest.raises(ValueError):
        LabelProportionModel.from_dict(values | changed)
