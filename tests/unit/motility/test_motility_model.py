"""A few numbers turn the speed of cells into percentages; where they say little, into ZeroR."""

import json

import numpy as np
import pandas as pd
import pytest

from motilens.motility.motility_model import MotilityModel, fit_motility_model, score_samples
from motilens.tracking.trajectories import empty_tracks
from support.tracks import FRAME_RATE, straight_track

SCALE = 0.5  # µm per pixel
ZERO_R = [[30, 20, 50]]


def draw_sample(fast, cells=10):
    """So many cells, this share of them at 40 µm/s, the others at rest."""
    speeds = np.where(np.arange(cells) < fast * cells, 80 / FRAME_RATE, 0.0)
    return pd.concat([straight_track(speed, 100, cell) for cell, speed in enumerate(speeds)])


def score(tracks, scale=SCALE, head=None, rate=FRAME_RATE):
    return score_samples([tracks], [rate], [scale], [head]).item()


def predict(model, *samples, scale=SCALE, head=None):
    count = len(samples)
    return model.predict([*samples], [FRAME_RATE] * count, [scale] * count, [head] * count)


def fit(samples, percentages, participants=None, scale=SCALE, head=None):
    count = len(samples)
    participants = participants or [str(number) for number in range(count)]
    facts = [FRAME_RATE] * count, [scale] * count, [head] * count
    return fit_motility_model(samples, np.array(percentages, float), participants, *facts)


@pytest.fixture(scope="module")
def model():
    """Of 14 participants whose immotile cells are those that rest."""
    shares = np.linspace(0, 1, 14).round(1)
    percentages = [[70 * share, 20 + 10 * share, 80 - 80 * share] for share in shares]
    return fit([draw_sample(share) for share in shares], percentages)


def test_the_score_is_the_time_weighted_mean_of_the_log_of_speed():
    assert score(draw_sample(0)) == 0
    assert score(draw_sample(1)) == pytest.approx(np.log(1 + 40 / 5))
    fast, resting = straight_track(80 / FRAME_RATE, 150), straight_track(0, 50, cell=1)
    assert score(pd.concat([fast, resting])) == pytest.approx(0.75 * np.log(9))
    # Too short for a speed.
    assert score(pd.concat([fast, straight_track(0, 20, cell=1)])) == pytest.approx(np.log(9))


def test_the_score_is_the_same_in_another_laboratory():
    """Twice the magnification and the frame rate; heads of 6.2 µm where no scale is known."""
    sample = draw_sample(0.5)
    larger = sample.assign(x=2 * sample["x"], y=2 * sample["y"])
    assert score(larger, scale=0.25) == pytest.approx(score(sample))
    assert score(larger, scale=None, head=6.2 / 0.25) == pytest.approx(score(sample))
    assert score(larger, scale=0.25, head=7.0) == pytest.approx(score(sample)), "heads count less"
    quick = pd.concat([straight_track(40 / FRAME_RATE, 200, 0), straight_track(0, 200, 1)])
    assert score(quick, rate=2 * FRAME_RATE) == pytest.approx(score(sample))


def test_faster_cells_are_less_immotile_and_percentages_add_up(model):
    predicted = predict(model, *(draw_sample(share) for share in (0, 0.3, 0.7, 1)))
    assert predicted.sum(1) == pytest.approx(100) and (predicted > 0).all()
    assert (np.diff(predicted[:, 0]) > 0).all() and (np.diff(predicted[:, 2]) < 0).all()
    assert predicted[0, 2] > 55 and predicted[-1, 2] < 20


def test_beyond_the_training_samples_the_prediction_stays(model):
    fast, faster = draw_sample(1), draw_sample(1)
    faster["x"] *= 20
    assert np.array_equal(predict(model, faster), predict(model, fast))


@pytest.mark.parametrize("scale, head, tracks", [
    (None, None, draw_sample(1)), (SCALE, None, empty_tracks()), (SCALE, 9.0, draw_sample(1)[:9]),
])  # fmt: skip
def test_what_has_no_score_gets_the_mean_of_the_participants(model, scale, head, tracks):
    assert predict(model, tracks, scale=scale, head=head)[0] == pytest.approx(model.fallback)
    nothing = fit([tracks] * 2, [[20, 20, 60], [40, 20, 40]], scale=scale, head=head)
    assert predict(nothing, draw_sample(1)) == pytest.approx(np.array(ZERO_R), abs=0.1)


def test_one_participant_and_equal_ones_give_the_mean():
    sample = draw_sample(0.5)
    for count in (1, 6):
        alike = fit([sample] * count, ZERO_R * count)
        assert predict(alike, draw_sample(1)) == pytest.approx(np.array(ZERO_R), abs=1)


def test_labels_that_have_nothing_to_do_with_the_tracks_teach_next_to_nothing():
    rng = np.random.default_rng(0)
    samples = [draw_sample(share) for share in np.linspace(0, 1, 14).round(1)]
    spread = np.mean([
        np.abs(predict(fit(samples, 100 * rng.dirichlet([3, 2, 5], 14)), *samples).std(0))
        for _ in range(5)
    ])  # fmt: skip
    assert spread < 6, "of labels that vary by 14"


def test_zeros_and_hundreds_are_learned_from():
    model = fit([draw_sample(0), draw_sample(1)] * 3, [[0, 0, 100], [100, 0, 0]] * 3)
    predicted = predict(model, draw_sample(0), draw_sample(1))
    assert np.isfinite(predicted).all() and predicted[0, 2] > 60 and predicted[1, 0] > 60


def test_participants_have_the_same_weight_whatever_the_number_of_their_samples():
    samples = [draw_sample(share) for share in (0, 0.5, 1)]
    percentages = [[10, 20, 70], [30, 30, 40], [60, 20, 20]]
    once = fit(samples, percentages)
    thrice = fit(samples + [samples[0]] * 2, percentages + [percentages[0]] * 2, [*"abcaa"])
    assert predict(thrice, *samples) == pytest.approx(predict(once, *samples))


def test_a_model_is_plain_numbers_of_a_few_bytes(model):
    text = json.dumps(model.to_dict())
    assert len(text) < 1000
    same = MotilityModel.from_dict(json.loads(text))
    sample = draw_sample(0.4)
    assert np.array_equal(predict(same, sample), predict(model, sample))


@pytest.mark.parametrize("change, message", [
    ({"score": "another"}, "another score"), ({"mean": None}, "not complete"),
    ({"weights": [[1, 2], [3, 4]]}, "not complete"), ({"fallback": [1, 2]}, "not complete"),
    ({"new": 1}, "not complete"), ({"mean": [1.0, 2.0]}, "not complete"),
    ({"low": float("nan")}, "not complete"),
])  # fmt: skip
def test_a_damaged_model_is_refused(model, change, message):
    with pytest.raises(ValueError, match=message):
        MotilityModel.from_dict(model.to_dict() | change)
    values = model.to_dict()
    del values["mean"]
    with pytest.raises(ValueError, match="not complete"):
        MotilityModel.from_dict(values)
