"""Kinematics of tracks are those of the movements that the tracks are made of."""

import numpy as np
import pandas as pd
import pytest

from motilens.tracking.kinematics import (
    LAGS,
    casa_motility,
    compute_kinematics,
    log_mean_squared_displacements,
)
from motilens.tracking.trajectories import empty_tracks
from support.tracks import FRAME_RATE, make_track, straight_track


def circling_track(radius, period, frames):
    angle = 2 * np.pi * np.arange(frames) / period
    return make_track(radius * np.stack([np.cos(angle), np.sin(angle)], 1))


def test_a_straight_swimmer():
    [cell] = compute_kinematics(straight_track(2), FRAME_RATE).to_dict("records")
    assert (cell["vcl"], cell["vap"], cell["vsl"]) == pytest.approx((100, 100, 100))
    assert (cell["lin"], cell["str"], cell["amplitude"]) == pytest.approx((1, 1, 0))
    assert cell["frames"] == 60


def test_a_head_that_sways_and_one_that_circles():
    k = np.arange(111)
    swaying = make_track(np.stack([k, 2 * np.sin(2 * np.pi * k / 11)], 1))
    [cell] = compute_kinematics(swaying, FRAME_RATE).to_dict("records")
    assert cell["vsl"] == pytest.approx(50, rel=0.01) == cell["vap"]  # a beat is averaged away
    assert cell["vcl"] > 1.2 * cell["vap"] and cell["amplitude"] == pytest.approx(1.27, rel=0.03)
    [cell] = compute_kinematics(circling_track(30, 100, 111), FRAME_RATE).to_dict("records")
    assert cell["vcl"] == pytest.approx(2 * np.pi * 30 / 2, rel=0.01) and cell["str"] < 0.05


def test_displacements_grow_with_the_square_of_time_for_a_swimmer_and_not_for_noise():
    swimmer = log_mean_squared_displacements(straight_track(2))[0]
    assert swimmer == pytest.approx(np.log((2 * LAGS) ** 2 + 1e-3), abs=1e-6)
    noise = make_track(np.random.default_rng(0).normal(size=(500, 2)))
    displacements = log_mean_squared_displacements(noise)[0]
    assert displacements[-1] == pytest.approx(displacements[0], abs=0.2)


def test_cells_are_classified_by_the_cut_offs_of_who():
    """At half a micrometer a pixel: 50, 5, and 1 µm/s; twice as long in sight counts twice."""
    tracks = [straight_track(2, 120), straight_track(0.2, 60, 1), straight_track(0.04, 60, 2)]
    motility = casa_motility(compute_kinematics(pd.concat(tracks), FRAME_RATE), 0.5)
    assert motility == pytest.approx({"progressive": 75, "nonprogressive": 0, "immotile": 25})
    motility = casa_motility(compute_kinematics(circling_track(3, 30, 60), FRAME_RATE), 0.5)
    assert motility == {"progressive": 0, "nonprogressive": 100, "immotile": 0}


def test_without_cells_nothing_is_measured():
    kinematics = compute_kinematics(empty_tracks(), FRAME_RATE)
    assert kinematics.empty and np.isnan(casa_motility(kinematics, 0.5)["immotile"])
    assert log_mean_squared_displacements(empty_tracks()).shape == (0, 25)
