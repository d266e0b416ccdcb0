"""Heads are linked by where they are expected; the stage's movement is known."""

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from motilens.tracking.drift import DriftMeter
from motilens.tracking.linking import assign_nearest, link_heads

HEAD_LENGTH = 13.0


def detections(*paths, score=0.9, frames=60):
    """Return the detections of each frame, of paths: functions from the frame to x, y or None."""
    found = []
    for frame in range(frames):
        places = [path(frame) for path in paths]
        heads = [(*place, score) for place in places if place is not None]
        found.append(np.reshape(heads, (-1, 3)).astype(float))
    return found


def cells_of(tracks):
    return [part[["frame", "x", "y"]].to_numpy() for _, part in tracks.groupby("cell")]


@pytest.mark.parametrize("frame_rate", [25, 50, 200])
def test_cells_that_cross_keep_their_identities(frame_rate):
    step = 150 / frame_rate  # a fast cell: 150 pixels/s at heads of 13
    right = lambda n: (20 + step * n, 50 + 0.3 * step * n)  # noqa: E731
    left = lambda n: (20 + step * 59 - step * n, 58 - 0.3 * step * (n - 59))  # noqa: E731
    tracks = link_heads(detections(right, left), frame_rate, HEAD_LENGTH)
    assert tracks["cell"].nunique() == 2
    for cell in cells_of(tracks):
        assert len(cell) == 60
        assert np.abs(np.diff(cell[:, 1], 2)).max() < 1e-6, "it goes on as it came"


@pytest.mark.parametrize(("frame_rate", "sway"), [(10, 0.2), (16, 0.2), (25, 0.12)])
def test_a_head_that_sways_is_one_cell_at_few_frames(frame_rate, sway):
    places = 100 + np.random.default_rng(0).normal(0, sway * HEAD_LENGTH, (160, 2))
    heads = detections(lambda n: places[n], frames=len(places))
    assert link_heads(heads, frame_rate, HEAD_LENGTH)["cell"].nunique() == 1


def test_short_gaps_are_bridged_and_long_ones_are_not():
    def path(gap):
        return lambda n: None if 20 <= n < 20 + gap else (10 + 3 * n, 40)

    assert link_heads(detections(path(8)), 50, HEAD_LENGTH)["cell"].nunique() == 1
    assert link_heads(detections(path(16)), 50, HEAD_LENGTH)["cell"].nunique() == 2


def test_weak_heads_continue_a_track_and_begin_none():
    still = lambda n: (40, 40)  # noqa: E731
    strong, weak = detections(still, frames=10), detections(still, frames=10, score=0.2)
    [cell] = cells_of(link_heads(strong + weak, 50, HEAD_LENGTH))
    assert len(cell) == 20
    assert link_heads(weak, 50, HEAD_LENGTH).empty
    assert link_heads([], 50, HEAD_LENGTH).empty


def test_pairs_are_the_nearest_and_within_reach():
    places, candidates = np.array([[0.0, 0], [4, 0], [50, 0]]), np.array([[3.0, 0], [7, 0]])
    assert assign_nearest(places, candidates, np.full(3, 5.0)) == [(0, 0), (1, 1)]
    assert assign_nearest(places, candidates, np.full(3, 0.5)) == []
    assert assign_nearest(places[:0], candidates, np.zeros(0)) == []


@pytest.mark.parametrize("has_texture", [True, False])
def test_a_cell_that_swims_alone_is_no_drift(has_texture):
    rng = np.random.default_rng(2)
    rows, columns = np.mgrid[:240, :320]
    field = 110 + 10 * has_texture * ndimage.gaussian_filter(rng.standard_normal((240, 320)), 1.5)
    meter = DriftMeter(frame_rate=10)
    for n in range(40):
        spot = 80 * np.exp(-(((columns - 40 - 4 * n) / 5) ** 2) - ((rows - 150) / 4) ** 2)
        frame = field + spot + rng.standard_normal(field.shape)
        meter.add_frame(frame.clip(0, 255).astype(np.uint8))
    assert np.abs(meter.positions()).max() < 0.5 and not meter.jumps
    for _ in range(10):
        meter.add_frame(np.zeros((240, 320), np.uint8))
    assert len(meter.jumps) <= 1, "black does not change"


@pytest.mark.slow
def test_thousands_of_cells_are_linked_in_time():
    rng = np.random.default_rng(0)
    start, velocity = rng.uniform(0, 2000, (2000, 2)), rng.normal(0, 1, (2000, 2))
    frames = [np.column_stack([start + n * velocity, np.full(2000, 0.9)]) for n in range(10)]
    tracks = link_heads(frames, 50, HEAD_LENGTH)
    assert tracks["cell"].nunique() < 2100


def test_linking_keeps_little_of_each_head():
    still = np.column_stack([20.0 * np.arange(100), np.zeros(100), np.full(100, 0.9)])
    tracemalloc.start()
    link_heads((still for _ in range(1000)), 50, HEAD_LENGTH)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * 100_000, "a video of ten minutes has millions of heads"


def test_drift_is_measured_and_another_field_is_no_drift():
    rng = np.random.default_rng(1)
    field = ndimage.gaussian_filter(rng.standard_normal((400, 500)), 2)
    field = (128 + 60 * field / field.std()).clip(0, 255).astype(np.uint8)
    other = np.rot90(field, 2)
    meter = DriftMeter(frame_rate=10)
    for n in range(40):
        meter.add_frame(field[100 + n : 340 + n, 100 + 2 * n : 420 + 2 * n])
    meter.compare_last()
    drift = meter.positions()
    assert drift.shape == (40, 2) and not meter.jumps
    assert drift[35] == pytest.approx([-70, -35], abs=0.5)
    assert drift[39] == pytest.approx([-78, -39], abs=0.5), "after the last key frame, too"
    for _ in range(10):
        meter.add_frame(other[:240, :320])
    assert meter.jumps == [40]
    assert meter.positions()[-1] == pytest.approx(drift[39], abs=1)
    assert len(meter.changes) == 49 and np.argmax(meter.changes) == 39
    meter.compare_last()
    assert meter.locate_jumps() == [40] and sum(map(len, meter.select_still())) == 10


def test_a_jolt_between_key_frames_is_where_it_was():
    rng = np.random.default_rng(1)
    field = ndimage.gaussian_filter(rng.standard_normal((400, 500)), 2)
    field = (128 + 60 * field / field.std()).clip(0, 255).astype(np.uint8)
    jolt = (18 * np.clip((np.arange(40) - 22) / 3, 0, 1)).astype(int)
    meter = DriftMeter(frame_rate=30)
    for step in jolt:
        meter.add_frame(field[100:340, 100 - step : 420 - step])
    meter.compare_last()
    places = meter.positions()
    assert places[-1] == pytest.approx([18, 0], abs=0.5)
    assert np.abs(places[:, 0] - jolt).max() < 2.5, "a straight line would be 14 pixels off"
