"""A video that shows its own frame numbers."""

import pytest

from motilens.video.encode import encode_video
from support.recordings import ALL, draw_number


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "3_09.03.10 a note_XY.avi"
    encode_video(path, map(draw_number, ALL), 50.0)
    return path
