"""Frames that repeat the one before, whatever else changes."""

import numpy as np
import pytest

from motilens.video.repeats import measure_change, share_repeated

RNG = np.random.default_rng(0)


def test_brightness_alone_is_no_change():
    frame = RNG.integers(50, 100, (20, 20)).astype(np.uint8)
    assert measure_change(frame, frame + 40) == 0
    assert measure_change(frame, np.flipud(frame)) > 5


@pytest.mark.parametrize("repeated", [0, 0.2, 0.5])
def test_repeats_are_counted_though_the_stage_moves_at_times(repeated):
    changes = RNG.uniform(0.6, 1, (20, 25))
    changes[17:] = 8  # it moves
    changes.flat[: round(repeated * changes.size)] = 0.05
    assert share_repeated(changes) == pytest.approx(repeated, abs=0.01)


def test_without_changes_nothing_repeats():
    assert share_repeated([]) == share_repeated([[], []]) == 0
    assert share_repeated([[0.0, 0.0]]) == 1


def test_repeats_that_were_deinterlaced_count():
    """Lines between are made of the frames before and after: a quarter of the usual change."""
    assert share_repeated([[2.3, 2.2, 2.1, 0.55, 2.2, 2.2] * 5]) == pytest.approx(1 / 6)
