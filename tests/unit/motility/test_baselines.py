"""Baselines learn percentages from tracks, and from nothing else."""

import json

import numpy as np
import pandas as pd
import pytest

from motilens.core.labels import MOTILITY
from motilens.motility import baselines
from motilens.motility.kinematics import compute_kinematics
from motilens.motility.label_proportions import CELL_FEATURES, WEIGHT_DECAYS
from motilens.motility.label_proportions import LabelProportionModel as Model
from motilens.motility.label_proportions import fit_label_proportions as fit
from motilens.tracking.trajectories import empty_tracks
from support.errors import assert_refused
from support.tracks import FRAME_RATE, straight_track

FRAME_RATES = {str(number): FRAME_RATE for number in range(24)}


def draw_tracks(rng, share):
    """Twenty cells, this share of them fast."""
    speeds = np.where(np.arange(20) < 20 * share, 2.0, 0.1) * rng.uniform(0.8, 1.2, 20)
    return pd.concat([straight_track(speed, 40, cell) for cell, speed in enumerate(speeds)])


@pytest.fixture(scope="module")
def laboratory():
    """Tracks of 24 samples, their percentages, and their participants, with two samples each."""
    rng = np.random.default_rng(0)
    shares = rng.uniform(0, 1, 24)
    samples = [draw_tracks(rng, share) for share in shares]
    labels = np.stack([100 * shares, 100 - 100 * shares], 1)
    return samples, labels, [str(number // 2) for number in range(24)]


def by_sample(samples, first=0):
    """As steps have them."""
    return {str(number): tracks for number, tracks in enumerate(samples, first)}


@pytest.mark.parametrize("method", ["msd", "kinematics"])
def test_percentages_are_learned(laboratory, method):
    samples, labels, participants = laboratory
    training, held_out = by_sample(samples[:18]), by_sample(samples[18:], 18)
    extract = baselines.FEATURE_EXTRACTORS[method]
    features, others = extract(training, held_out, FRAME_RATES, 0)
    assert method != "msd" or features.sum(1) == pytest.approx(1)
    predicted, c = baselines.predict_by_svr(features, labels[:18], participants[:18], others)
    assert np.abs(predicted - labels[18:]).mean() < 8 < np.abs(labels[18:] - 50).mean()
    assert c in baselines.C_GRID and predicted.min() >= 0 and predicted.max() <= 100
    # Held-out samples change nothing that was learned.
    fewer = extract(training, by_sample(samples[18:19], 18), FRAME_RATES, 0)
    assert np.array_equal(fewer[0], features) and np.array_equal(fewer[1], others[:1])


def test_shuffled_labels_teach_nothing_and_samples_without_cells_have_a_prediction(laboratory):
    samples, labels, participants = laboratory
    sides = by_sample(samples[:18]), by_sample(samples[18:], 18)
    features, others = baselines.kinematics_statistics(*sides, FRAME_RATES, 0)
    shuffled = np.random.default_rng(1).permutation(labels[:18])
    predicted, _ = baselines.predict_by_svr(features, shuffled, participants[:18], others)
    zero_r = np.abs(labels[18:] - labels[:18].mean(0)).mean()
    assert np.abs(predicted - labels[18:]).mean() > 0.8 * zero_r
    sides = by_sample(samples[:18]), by_sample([empty_tracks()], 18)
    features, others = baselines.bag_of_displacement_words(*sides, FRAME_RATES, 0)
    assert not others.any()
    predicted, _ = baselines.predict_by_svr(features, labels[:18], participants[:18], others)
    assert np.isfinite(predicted).all()
    assert np.isfinite(baselines.kinematics_statistics(*sides, FRAME_RATES, 0)[1]).all()


def predict_c(method, tracks):
    """Predict sample c by samples a and b, all with these tracks."""
    values = {"progressive": [10.0, 30.0], "immotile": [0.0, 8.0]}
    labels = pd.DataFrame({"participant": ["a", "b"]} | values)
    sides, rates = (dict.fromkeys("ab", tracks), {"c": tracks}), dict.fromkeys("abc", FRAME_RATE)
    return baselines.predict_baseline(method, labels, *sides, rates, {"c": 1.0}, 0)


@pytest.mark.parametrize("method", ["msd", "kinematics", "cells", "casa"])
def test_without_any_cell_the_prediction_is_that_of_zero_r(method):
    assert predict_c(method, empty_tracks())[0].tolist() == [[20, 4]]


@pytest.mark.parametrize("method", ["msd", "kinematics", "cells", "casa"])
@pytest.mark.parametrize("frames", [1, 12, 13, 25, 26])
def test_tracks_of_any_length_have_a_prediction(method, frames):
    """Those that are too short for one measure are too short for all."""
    short, long = straight_track(2, frames, cell=1), straight_track(1, 60)
    predicted = predict_c(method, short)[0]
    assert np.isfinite(predicted).all()
    assert frames > 25 or predicted.tolist() == [[20, 4]], "as without any cell"
    both = predict_c(method, pd.concat([long, short]))[0]
    assert frames > 25 or np.array_equal(both, predict_c(method, long)[0])


def test_speed_knows_its_scale_by_itself_or_by_the_heads_and_keeps_the_order_of_the_values():
    shares = {str(number): number / 5 for number in range(6)}
    rng = np.random.default_rng(0)
    tracks = {name: draw_tracks(rng, share) for name, share in shares.items()}
    rows = {name: [100 - 80 * s, 70 * s, 10 * s] for name, s in shares.items()}
    names = ["immotile", "progressive", "nonprogressive"]
    labels = pd.DataFrame(rows, index=names).T.assign(participant=[*rows])

    def predict(scales, heads):
        sides = tracks, {"a": draw_tracks(rng, 0.95), "b": empty_tracks()}
        rates = dict.fromkeys([*tracks, "a", "b"], FRAME_RATE)
        return baselines.predict_baseline("speed", labels, *sides, rates, scales, 0, heads)

    facts = dict.fromkeys([*tracks, "a", "b"], 0.5), dict.fromkeys([*tracks, "a", "b"], 10.0)
    predicted, fitted = predict(facts[0], {})
    assert predicted[0, 0] < 40 < predicted[0, 1] and predicted[0].sum() == pytest.approx(100)
    assert predicted[1] == pytest.approx(labels[names].mean().to_numpy())
    assert json.loads(json.dumps(fitted)) == fitted
    assert predict({}, facts[1])[0] == pytest.approx(predicted, abs=2)
    unknown, _ = predict({}, {})
    assert unknown[0] == pytest.approx(predicted[1])


def test_predictions_that_are_not_numbers_are_refused(monkeypatch):
    nothing = np.full((1, 2), np.nan), 1
    monkeypatch.setattr(baselines, "predict_by_svr", lambda *arguments: nothing)
    message = "kinematics: its predictions are not numbers"
    assert_refused(message, predict_c, "kinematics", straight_track(2))


def test_motility_adds_up_to_100_and_other_percentages_need_not():
    def tracks(fast):
        """Five cells, so many of them fast."""
        return pd.concat([straight_track(2 if n < fast else 0.05, 60, n) for n in range(5)])

    training = {str(fast): tracks(fast) for fast in range(6)}
    rates, share = dict.fromkeys(training, FRAME_RATE), np.arange(6) * 20.0
    motility = dict(zip(MOTILITY, (share, (100 - share) / 2, (100 - share) / 2), strict=True))
    for values, adds_up in ((motility, True), ({"head": share, "tail": share}, False)):
        labels = pd.DataFrame({"participant": list(training)} | values)
        sides = training, {"3": training["3"]}
        predicted, fitted = baselines.predict_baseline("cells", labels, *sides, rates, {}, 0)
        assert predicted[0, 0] == pytest.approx(60, abs=12)
        assert fitted["sums_to_one"] == adds_up and np.shape(fitted["weights"]) == (5, len(values))
        assert (abs(predicted.sum() - 100) < 1e-6) == adds_up


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
    model = fit(samples[:30], percentages[:30], PARTICIPANTS[:30], sums_to_one)
    assert model.decay in WEIGHT_DECAYS
    proba = np.concatenate([model.predict_proba(cells) for cells in samples[30:]])
    for place, number in enumerate(kept):
        assert np.mean((proba[:, place] > 0.5) == (classes == number)) > 0.95
    predicted = model.predict(samples[30:])
    zero_r = np.abs(percentages[30:] - percentages[:30].mean(0)).mean()
    assert np.abs(predicted - percentages[30:]).mean() < 3 < zero_r / 3
    assert predicted.min() >= 0 and predicted.max() <= 100
    assert not sums_to_one or predicted.sum(1) == pytest.approx(100)


def test_cells_are_weighted_by_frames_and_shuffled_percentages_teach_nothing(data):
    samples, _, percentages = data
    model = fit(samples, percentages, PARTICIPANTS, True)
    cell = dict.fromkeys(CELL_FEATURES, 1.0) | {"frames": 30.0}
    two = pd.DataFrame([cell, cell | {"vap": 60.0, "vsl": 55.0, "vcl": 80.0, "frames": 90.0}])
    slow, fast = model.predict_proba(two)
    assert model.predict([two])[0] == pytest.approx(100 * (slow + 3 * fast) / 4)
    shuffled = np.random.default_rng(1).permutation(percentages[:30])
    model = fit(samples[:30], shuffled, PARTICIPANTS[:30], True)
    zero_r = np.abs(percentages[30:] - percentages[:30].mean(0)).mean()
    assert np.abs(model.predict(samples[30:]) - percentages[30:]).mean() > 0.8 * zero_r


def test_samples_without_cells_movement_or_choice_have_a_prediction(data):
    samples, _, percentages = data
    none, mean = compute_kinematics(empty_tracks(), 50.0), percentages[:4].mean(0)
    model = fit([*samples[:3], none], percentages[:4], PARTICIPANTS[:4], True)
    assert model.predict([none])[0] == pytest.approx(mean)
    model = fit([none] * 4, percentages[:4], PARTICIPANTS[:4], True)
    assert model.decay is None and model.predict(samples[:1])[0] == pytest.approx(mean)
    still = samples[0].assign(vcl=0.0, vap=0.0, vsl=0.0, amplitude=0.0)
    model = fit([still, *samples[1:9]], percentages[:9], PARTICIPANTS[:9], True)
    assert np.isfinite(model.predict([still])).all()
    model = fit(samples[:2], percentages[:2], ["1", "1"], True)
    assert model.decay == WEIGHT_DECAYS[-1] and np.isfinite(model.predict(samples[:2])).all()


def test_an_edited_model_is_refused(data):
    model = fit(data[0], data[2], PARTICIPANTS, True)
    values = model.to_dict()
    assert np.array_equal(Model.from_dict(values).weights, model.weights)
    edits = {"mean": [0.0], "deviation": ["wide"] * 4, "weights": [[0.0, 1.0]]}
    for name, value in (edits | {"fallback": [50.0], "features": ["constant"]}).items():
        pytest.raises(ValueError, Model.from_dict, values | {name: value})
