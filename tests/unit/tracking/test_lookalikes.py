"""Cells at rest are found by the look of those that swim."""

import numpy as np
import pandas as pd
import pytest
from draw_bright_field import Field

from motilens.tracking.lookalikes import FEWEST_SWIMMERS, find_lookalikes, measure_looks
from motilens.tracking.tracker import select_tracks, track_video
from motilens.video.encode import encode_video

RATE = 10.0
SIZE = 100, 400


def draw_spots(spots):
    """Draw bright ovals on black: x, y, length, width, brightness of each."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    frame = np.zeros(SIZE)
    for column, row, length, width, gray in spots:
        inside = ((x - column) / length) ** 2 + ((y - row) / width) ** 2 <= 0.25
        frame[inside] = gray
    return frame.astype(np.uint8)


def make_field(swimmers, resting):
    """Swimmers, in a row of their own; others at rest: frames, and heads with their scores."""
    frames, heads = {}, []
    for number in range(11):
        moving = [(20 + 40 * cell + 2 * number, 30, 12, 8, 100) for cell in range(swimmers)]
        frames[number] = draw_spots([*moving, *resting])
        for cell, (x, y, *_) in enumerate([*moving, *resting]):
            heads.append((cell, number, float(x), float(y), 0.9 if cell < swimmers else 0.4))
    return frames, pd.DataFrame(heads, columns=["cell", "frame", "x", "y", "score"])


ALIKE, FAINT = (30, 70, 12, 8, 100), (80, 70, 12, 8, 40)
LARGE, SMALL = (130, 70, 20, 16, 100), (180, 70, 5, 5, 100)


def find(frames, heads, drift=0.0):
    places = np.outer(np.arange(len(frames)), [drift, 0])
    return find_lookalikes(heads, frames, places, RATE, 100.0, invert=False)


def test_what_looks_like_the_swimmers_is_found_whether_it_moves_or_not():
    frames, heads = make_field(8, [ALIKE, FAINT, LARGE, SMALL])
    assert find(frames, heads) == {*range(8), 8}


def test_few_swimmers_are_no_measure():
    frames, heads = make_field(FEWEST_SWIMMERS - 1, [ALIKE, FAINT])
    assert find(frames, heads) == set()
    assert find(*make_field(FEWEST_SWIMMERS, [ALIKE])) != set()


def test_the_stage_makes_nobody_swim():
    frames, heads = make_field(8, [ALIKE])
    assert find(frames, heads, drift=2.0) == set()  # they rest, and the field moves


def test_without_heads_nothing_is_alike():
    frames, heads = make_field(0, [])
    assert find(frames, heads) == set()


def test_dark_heads_look_as_bright_ones_do():
    bright = draw_spots([ALIKE])
    dark = 200 - bright
    heads = np.array([ALIKE[:2]], float)
    looks = measure_looks(bright, heads, 100.0, False), measure_looks(dark, heads, 100.0, True)
    np.testing.assert_allclose(*looks, atol=1e-4)
    [[middle, _, length, width]] = looks[0]
    assert middle == pytest.approx(0.95, abs=0.1) and length / width == pytest.approx(1.5, abs=0.1)


def test_a_lookalike_needs_less_of_a_score():
    _, heads = make_field(0, [ALIKE, FAINT])
    size = np.array(SIZE[::-1])
    assert select_tracks(heads, 0.5, RATE, 11, size).empty
    assert set(select_tracks(heads, 0.5, RATE, 11, size, {1})["cell"]) == {1}
    assert select_tracks(heads, 0.7, RATE, 11, size, {1}).empty


@pytest.mark.slow
def test_immotile_cells_of_a_clean_bright_field_are_found(tmp_path):
    """Some of those at rest have scores below 0.5, as debris has."""
    truth, path = [], tmp_path / "clean.mp4"
    frames = Field(60, 10, 30, gray=90, seed=2).iter_frames(1.0, truth)
    encode_video(path, frames, 60.0, 18)
    tracked = track_video(str(path), {"min_score": 0.5})
    assert tracked.polarity == "dark"
    assert 0.95 * len(truth) < len(tracked.tracks) <= len(truth)  # 0.90 without their look
