"""Encoding: the same file each time, or a message."""

import pytest

from motilens.core.errors import InputError
from motilens.video.encode import encode_video
from support.recordings import draw_number


def test_same_frames_make_the_same_file(tmp_path):
    for name in ("a.avi", "b.avi"):
        encode_video(tmp_path / name, map(draw_number, range(20)), 50.0)
    assert (tmp_path / "a.avi").read_bytes() == (tmp_path / "b.avi").read_bytes()


def test_a_folder_that_does_not_exist_is_reported(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        encode_video(tmp_path / "nowhere" / "a.avi", map(draw_number, range(50)), 50.0)
