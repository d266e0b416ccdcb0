"""What a video holds, without decoding it."""

import numpy as np
import pytest

from motilens.video.probe import probe_video


def test_a_video_is_counted_and_timed(video):
    info = probe_video(str(video))
    assert (info.codec, info.width, info.height, info.pixel_aspect) == ("h264", 64, 48, 1)
    assert info.frames == 120 and info.frame_rate == pytest.approx(50) and not info.is_uneven
    assert info.times == pytest.approx(np.arange(120) / 50)
