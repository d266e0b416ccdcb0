"""What cells have in common is the field's movement, not theirs."""

import numpy as np
import pandas as pd
import pytest

from motilens.tracking.common_motion import (
    MAX_COMMON_MOTION,
    measure_common_motion,
    measure_shake,
)
from motilens.tracking.tracker import split_tracks
from support.tracks import make_track

FRAMES, RATE = 100, 50.0
STILL = np.zeros((FRAMES, 2))


def make_cells(field, count=20, seed=1):
    """Cells, half of them swimming, in a field that moves by `field` of places and frame."""
    rng = np.random.default_rng(seed)
    tracks = []
    for cell in range(count):
        way = rng.uniform(-1, 1, 2) * (cell % 2)
        steps = np.arange(FRAMES)[:, None] * way + rng.normal(0, 0.1, (FRAMES, 2))
        start = rng.uniform(50, 450, 2)
        tracks.append(make_track(start + steps + field(start), cell))
    return pd.concat(tracks, ignore_index=True)


def measure_common(tracks, drift=STILL):
    return measure_common_motion(tracks, drift, RATE, 13.0)


def test_cells_that_swim_by_themselves_have_nothing_in_common():
    tracks = make_cells(lambda start: STILL)
    assert measure_common(tracks) < MAX_COMMON_MOTION
    assert (measure_shake(tracks, STILL, RATE) == 0).all()


def test_a_stage_that_shakes_is_removed():
    seconds = np.arange(FRAMES) / RATE
    shake = np.column_stack([3 * np.sin(9 * seconds), 20.0 * (seconds > 1)])  # and one jerk
    tracks = make_cells(lambda start: shake)
    assert measure_common(tracks) > MAX_COMMON_MOTION
    found = measure_shake(tracks, STILL, RATE)
    assert np.abs(np.diff(found - shake, axis=0)).max() < 0.3
    assert measure_common(tracks, found) < MAX_COMMON_MOTION
    assert np.abs(measure_shake(tracks, shake, RATE)).max() == 0, "it is the drift already"
    few = tracks[tracks["cell"] < 4]
    assert (measure_shake(few, STILL, RATE) == 0).all() and measure_common(few) == 0, (
        "too few to tell"
    )


@pytest.mark.parametrize("field", ["turns", "is sheared"])
def test_a_field_that_moves_in_another_way_is_noticed(field):
    def displace_cell(start):
        angles = np.linspace(0, 0.3, FRAMES)
        x, y = start - 250
        if field == "is sheared":
            return np.column_stack([angles * y, 0 * angles])
        turned = [np.cos(angles) * x - np.sin(angles) * y, np.sin(angles) * x + np.cos(angles) * y]
        return np.column_stack(turned) - [x, y]

    tracks = make_cells(displace_cell, 40)
    assert measure_common(tracks, measure_shake(tracks, STILL, RATE)) > MAX_COMMON_MOTION


def test_no_track_goes_on_after_a_cut():
    tracks = pd.concat([make_track(STILL, 0), make_track(STILL[:50], 1)], ignore_index=True)
    assert split_tracks(tracks, []) is tracks
    cut = split_tracks(tracks, [50])
    assert cut.groupby("cell")["frame"].agg(["min", "max"]).values.tolist() == [
        [0, 49], [50, 99], [0, 49],
    ]  # fmt: skip


def test_a_jolt_among_few_cells_adds_no_movement_of_swimmers():
    """Before, all steps that cells had in common by chance were summed."""
    rng, frames = np.random.default_rng(3), 60
    speeds = rng.normal(0, 1.5, (12, 2)) * (np.arange(12) > 2)[:, None]
    jolt = 18 * np.clip((np.arange(frames) - 20) / 3, 0, 1)
    numbers, jitter = np.arange(frames), rng.normal(0, 0.2, (12, frames, 2))
    ways = [np.outer(numbers, speed) + np.outer(jolt, [1, 0]) for speed in speeds]
    cells = [
        make_track(300 + way + noise, c)
        for c, (way, noise) in enumerate(zip(ways, jitter, strict=True))
    ]
    tracks = pd.concat(cells, ignore_index=True)
    shake = measure_shake(tracks, np.zeros((frames, 2)), RATE)
    assert shake[-1] == pytest.approx([18, 0], abs=3) and np.abs(shake[:20]).max() == 0
    known = np.column_stack([jolt, np.zeros(frames)])
    assert np.abs(measure_shake(tracks, known, RATE)).max() == 0


def test_vibration_is_measured_by_the_cells_at_rest():
    """Before, swimmers counted as much, and 1 pixel at 6 Hz was in the swings of all cells."""
    seconds = np.arange(FRAMES) / RATE
    vibration = np.column_stack([np.sin(2 * np.pi * 6 * seconds), 0 * seconds])
    cells = []
    for cell in range(16):
        angle, phase = np.random.default_rng(cell).uniform(0, 2 * np.pi, 2)
        ahead = np.array([np.cos(angle), np.sin(angle)]) * (cell % 3 > 0)
        swing = 3 * np.sin(2 * np.pi * (9 + cell / 8) * seconds + phase)
        path = np.outer(60 * seconds, ahead) + np.outer(swing, ahead[::-1] * [-1, 1])
        cells.append(make_track(300 + path + vibration, cell))
    found = measure_shake(pd.concat(cells, ignore_index=True), STILL, RATE)
    assert np.abs(np.diff(found - vibration, axis=0)).max() < 0.1


def test_the_way_of_a_swimmer_is_no_movement_of_the_stage():
    seconds = np.arange(FRAMES) / RATE
    vibration = np.column_stack([2 * np.sin(2 * np.pi * 3 * seconds), 0 * seconds])
    speeds = np.random.default_rng(1).normal(0, 60, (12, 2))
    ways = [np.outer(seconds, speed) for speed in speeds]
    cells = [make_track(300 + way + vibration, cell) for cell, way in enumerate(ways)]
    found = measure_shake(pd.concat(cells, ignore_index=True), STILL, RATE)
    assert np.abs(found[-1] - vibration[-1]).max() < 5


@pytest.mark.parametrize(
    "field", [[[0, -0.08], [0.08, 0]], [[0, 0.12], [0, 0]], [[0.1, 0], [0, 0.1]]]
)
def test_a_field_that_turns_among_swimmers_is_noticed(field):
    """Before, half of the cells swimming hid it, and those at rest were slow progressive."""
    rng, seconds = np.random.default_rng(2), np.arange(FRAMES) / RATE
    cells = []
    for cell in range(36):
        start, way = rng.uniform(-300, 300, 2), rng.normal(0, 80, 2) * (cell % 2)
        speed = way + np.array(field) @ start
        noise = rng.normal(0, 0.05, (FRAMES, 2))
        cells.append(make_track(300 + start + np.outer(seconds, speed) + noise, cell))
    tracks = pd.concat(cells, ignore_index=True)
    assert measure_common(tracks) > MAX_COMMON_MOTION
    assert measure_common(make_cells(lambda start: STILL, 36)) < MAX_COMMON_MOTION


def test_swimmers_from_one_line_are_no_field_that_is_scaled():
    """The middle of a straight way depends on the speed, as if the field grew."""
    seconds = np.arange(FRAMES) / RATE
    speeds = np.random.default_rng(0).normal(0, 50, (20, 2))
    ways = [[50 + 20 * cell, 100] + np.outer(seconds, speed) for cell, speed in enumerate(speeds)]
    cells = [make_track(way, cell) for cell, way in enumerate(ways)]
    assert measure_common(pd.concat(cells, ignore_index=True)) < MAX_COMMON_MOTION
