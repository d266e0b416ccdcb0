"""Measures of cells against movements whose measures are known, at any frame rate."""

import numpy as np
import pandas as pd
import pytest

from motilens.motility import kinematics
from motilens.motility.kinematics import MEASURES, classify_cells, measure_cells
from motilens.tracking.trajectories import empty_tracks
from support.tracks import make_track, straight_track

RATES = [25, 30, 49, 50, 60, 100, 200]
HEAD = 12.0  # pixels


def sample_path(place, frame_rate, seconds=4.0):
    """Return the track of a cell whose place (x, y) is a function of time (s)."""
    time = np.arange(round(seconds * frame_rate)) / frame_rate
    return make_track(np.stack(np.broadcast_arrays(*place(time)), 1))


def swinging(speed, amplitude, frequency):
    def place(time):
        return speed * time, amplitude * np.sin(2 * np.pi * frequency * time)

    return place


def circling(radius, seconds):
    def place(time):
        angle = 2 * np.pi * time / seconds
        return radius * np.cos(angle), radius * np.sin(angle)

    return place


def measure(place, frame_rate, **options):
    [cell] = measure_cells(sample_path(place, frame_rate), frame_rate, HEAD, **options).to_dict(
        "records"
    )
    return cell


@pytest.mark.parametrize("rate", RATES)
def test_a_straight_path_has_one_speed_and_no_beat(rate):
    cell = measure(swinging(60, 0, 8), rate)
    assert [cell[name] for name in ("vcl", "vsl", "vap", "progression")] == pytest.approx([60] * 4)
    assert [cell[name] for name in ("lin", "str", "wob")] == pytest.approx([1, 1, 1])
    assert (cell["frames"], cell["first_frame"], cell["seconds"]) == (4 * rate, 0, 4.0)
    if rate >= 49:
        assert (cell["alh"], cell["bcf"]) == (0, 0)
    else:
        assert np.isnan([cell["alh"], cell["bcf"]]).all()


@pytest.mark.parametrize("rate", RATES)
def test_a_circle_has_its_circumference_and_no_progression(rate):
    cell = measure(circling(30, 2), rate)
    assert cell["vcl"] == pytest.approx(np.pi * 30, rel=0.01)
    assert cell["vap"] == pytest.approx(np.pi * 30, rel=0.02) and cell["vsl"] < 0.02 * cell["vcl"]
    # In a second it comes to the other side: a large circle is progressive.
    assert cell["progression"] == pytest.approx(60, rel=0.02)
    assert measure(circling(30, 1), rate)["progression"] < 3
    assert rate < 49 or (cell["alh"], cell["bcf"]) == (0, 0)


@pytest.mark.parametrize("frequency", [6.5, 8, 10])
@pytest.mark.parametrize("rate", [49, 50, 60, 100, 200])
def test_swings_are_counted_and_as_wide_as_they_are(rate, frequency):
    """By closed form: width twice the amplitude, two crossings in a period, the sine's length."""
    cell = measure(swinging(60, 3, frequency), rate)
    assert cell["alh"] == pytest.approx(6, rel=0.03)
    assert cell["bcf"] == pytest.approx(2 * frequency, rel=0.02)
    assert cell["vsl"] == pytest.approx(60, rel=0.01) and cell["vap"] == pytest.approx(60, rel=0.02)
    if rate == 200:
        fine = np.stack(swinging(60, 3, frequency)(np.linspace(0, 4, 100_001)))
        length = np.linalg.norm(np.diff(fine), axis=0).sum()
        assert cell["vcl"] == pytest.approx(length / 4, rel=0.01)


def test_swings_across_a_curved_path_are_measured_all_the_same():
    def place(time):
        angle, radius = 2 * np.pi * time / 4, 80 + 3 * np.sin(2 * np.pi * 9 * time)
        return radius * np.cos(angle), radius * np.sin(angle)

    cell = measure(place, 100)
    assert cell["alh"] == pytest.approx(6, rel=0.03) and cell["bcf"] == pytest.approx(18, rel=0.03)


def test_the_stage_and_oblong_pixels_do_not_move_cells():
    track = sample_path(swinging(60, 3, 8), 50)
    still = measure_cells(track, 50, HEAD)
    drift = np.cumsum(np.random.default_rng(0).normal(0.4, 1, (300, 2)), 0)
    later = track.assign(frame=track["frame"] + 100)
    moved = later.assign(x=later["x"] + drift[100:, 0], y=later["y"] + drift[100:, 1])
    measured = measure_cells(moved, 50, HEAD, drift)
    pd.testing.assert_frame_equal(measured, still.assign(first_frame=100))
    oblong = track.assign(x=track["x"] / 1.2)
    pd.testing.assert_frame_equal(measure_cells(oblong, 50, HEAD, pixel_aspect=1.2), still)


@pytest.mark.parametrize("rate", [1, 5, 25, 50, 200])
def test_what_is_too_short_for_a_value_has_none(rate):
    for frames in [*range(1, 60), 99, 100, 199, 200]:
        [cell] = measure_cells(straight_track(1, frames), rate, HEAD).to_dict("records")
        seconds = frames / rate
        measured = {name for name in MEASURES if not np.isnan(cell[name])}
        if seconds < 0.5 or frames < 3:
            assert not measured, frames
        elif seconds < 1 or rate < 45:
            assert measured == {*MEASURES} - {"alh", "bcf"}, frames
        else:
            assert measured == {*MEASURES}, frames
    none = measure_cells(empty_tracks(), rate, HEAD)
    assert none.empty and [*none] == ["cell", "frames", "first_frame", "seconds", *MEASURES]


def test_noise_of_a_resting_head_is_no_movement():
    path = np.random.default_rng(0).normal(0, 0.3, (250, 2))
    cells = measure_cells(make_track(path), 50, HEAD)
    assert cells["progression"].item() < 1 and cells["vap"].item() < 3
    assert classify_cells(cells, 0.5).item() == "immotile"
    assert (measure_cells(make_track(np.zeros((250, 2))), 50, HEAD)[MEASURES] == 0).all(axis=None)


def test_categories_are_those_of_who():
    """At half a micrometer a pixel: rapid from 50 pixels in a second, slow from 10."""
    speeds = [50.2, 49.8, 10.2, 9.8, 5.2, 4.8]
    tracks = [straight_track(speed / 50, 100, cell) for cell, speed in enumerate(speeds)]
    cells = measure_cells(pd.concat([*tracks, straight_track(1, 20, 6)]), 50, HEAD)
    assert [*classify_cells(cells, 0.5)] == [
        "rapid_progressive", "slow_progressive", "slow_progressive", "nonprogressive",
        "nonprogressive", "immotile", None,
    ]  # fmt: skip
    small = measure_cells(sample_path(circling(3, 1), 50), 50, HEAD)
    assert [*classify_cells(small, 0.5)] == ["nonprogressive"]
    assert kinematics.WHO_RAPID == 25 and kinematics.WHO_PROGRESSIVE == 5
