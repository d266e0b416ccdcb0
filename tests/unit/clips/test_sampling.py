"""Where clips lie in a video."""

import numpy as np
import pytest

from motilens.clips.sampling import clip_positions
from support.errors import assert_refused


@pytest.mark.parametrize("frames", [40, 41, 100, 1501])
def test_positions_are_spread_evenly_and_fit(frames):
    positions = clip_positions(frames, 4, 6)
    assert positions[0] == 0 and positions[-1] + 6 <= frames
    steps = np.diff(positions)
    assert steps.min() > 0 and steps.max() - steps.min() <= 1


def test_the_smallest_number_of_frames_and_one_fewer():
    assert clip_positions(9, 4, 6).tolist() == [0, 1, 2, 3]
    assert_refused("8 frames are too few .* at least 9", clip_positions, 8, 4, 6)
