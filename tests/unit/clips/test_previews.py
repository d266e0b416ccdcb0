"""Images by which people recognize a video."""

import numpy as np
import pytest

from motilens.clips.hdf5 import write_clips
from motilens.clips.previews import make_preview_images, mean_first_frame


def test_preview_images_are_those_of_the_stored_frames(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (40, 8, 8), np.uint8)
    numbers = np.array([0, 11, 22, 34])[:, None] + np.arange(6)
    path = tmp_path / "a.h5"
    write_clips(path, enumerate(frames), numbers, 8)
    images = make_preview_images(str(path))
    for title, number in {"first clip": 0, "middle clip": 22, "last clip": 34}.items():
        assert np.array_equal(images[title], frames[number])
    stored = frames[numbers.ravel()]
    assert images["mean"] == pytest.approx(stored.mean(0))
    assert images["standard deviation"] == pytest.approx(stored.std(0))
    assert mean_first_frame(str(path)) == pytest.approx(frames[numbers[:, 0]].mean(0))
