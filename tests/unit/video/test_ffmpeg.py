"""Running ffmpeg: any file name works, only the file itself is opened, every complaint counts."""

import subprocess

import imageio_ffmpeg
import numpy as np
import pytest

from motilens.video.decode import FrameReader
from motilens.video.encode import encode_video
from motilens.video.probe import probe_video
from support.errors import assert_refused
from support.recordings import run_ffmpeg


@pytest.mark.parametrize("name", ["1_10 fps.avi", "1%03d:x.avi", "frame= 9.avi", "-1.avi"])
def test_characters_in_a_file_name_have_no_meaning(video, tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(video.read_bytes())
    assert probe_video(name).frames == len(list(FrameReader(name, 32))) == 120


@pytest.mark.parametrize(
    "text", ["ffconcat version 1.0\nfile 1.avi\n", "#EXTM3U\n#EXTINF:3,\n1.avi\n"]
)
def test_a_list_of_other_files_is_refused(video, tmp_path, text):
    (tmp_path / "1.avi").write_bytes(video.read_bytes())
    path = tmp_path / "list.avi"
    path.write_text(text)
    assert_refused("list.avi: it is a list of other files", probe_video, str(path))


def test_a_complaint_is_damage_even_if_ffmpeg_exits_with_0(tmp_path):
    rng = np.random.default_rng(0)
    whole, path = tmp_path / "whole.avi", tmp_path / "flipped.avi"
    encode_video(whole, rng.integers(0, 255, (40, 48, 64, 3), np.uint8), 50.0)
    run_ffmpeg(["-i", whole, "-c:v", "mjpeg", "-q:v", "2"], path)
    data = bytearray(path.read_bytes())
    frame = data.index(b"00dc", len(data) // 3) + 8
    for offset in (450, 1350, 1500):
        data[frame + offset] ^= 0x10
    path.write_bytes(data)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-xerror", "-i", path, "-f", "null", "-"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    assert_refused(r"flipped\.avi: ffmpeg cannot read", list, FrameReader(str(path), 32))
