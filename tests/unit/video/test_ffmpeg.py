"""What fails by a fault of the machine never counts as a damaged video."""

import os
import re

import numpy as np
import pytest

from motilens.core.errors import InputError, MachineFault
from motilens.video.decode import FrameReader
from motilens.video.encode import encode_video
from motilens.video.ffmpeg import DamagedVideo, find_ffmpeg
from motilens.video.probe import probe_video
from support.recordings import draw_number, find_recording, make_recording

DEAD = "kill -KILL $$"


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "1.avi"
    encode_video(path, map(draw_number, range(40)), 50.0)
    return str(path)


@pytest.fixture
def replace_ffmpeg(tmp_path, monkeypatch):
    """Return a function that puts a shell script in the place of ffmpeg."""

    def replace(script, mode=0o755):
        path = tmp_path / "fake_ffmpeg"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(mode)
        monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(path))

    return replace


def read_error(read, *arguments):
    """Return the message of an error that is not the video's."""
    with pytest.raises(MachineFault) as caught:
        list(read(*arguments))
    return str(caught.value)


def probe(path):
    return [probe_video(path)]


@pytest.mark.parametrize("script, message", [
    (DEAD, r"1\.avi: ffmpeg was killed by signal 9 \(SIGKILL\): out of memory\?"),
    ("kill -SEGV $$", r"killed by signal 11 \(SIGSEGV\): run again"),
    ("exit 1", r"this ffmpeg does not work \(exit code 1"),
    ("echo '[error] Cannot load libcuda.so.1' >&2", "Cannot load libcuda.so.1"),
    ("echo libx.so: cannot open shared object >&2; exit 127", "exit code 127; libx.so: cannot"),
    *((f"echo '[out#0 @ 0x1] [error] Error closing file: {os.strerror(n)}' >&2; exit 1",
       rf"ffmpeg failed \({os.strerror(n)}\), as it does where the machine is at fault")
      for n in (5, 12, 24, 28, 122)),
])  # fmt: skip
def test_a_fault_of_the_machine_is_reported_as_such(video, replace_ffmpeg, script, message):
    replace_ffmpeg(script)
    for read in (probe, lambda path: FrameReader(path, 32)):
        error = read_error(read, video)
        assert re.search(message, error) and "\n" not in error
    with pytest.raises(InputError, match="ffmpeg"):
        encode_video(video, map(draw_number, range(20)), 50.0)


@pytest.mark.parametrize("script", ["exit 0", "echo hello"])
def test_an_ffmpeg_that_does_nothing_is_no_damage(video, replace_ffmpeg, script):
    replace_ffmpeg(script)
    for read in (probe, lambda path: FrameReader(path, 32)):
        assert "this ffmpeg does not work" in read_error(read, video)


def test_an_ffmpeg_that_dies_in_the_middle_is_no_damage(video, replace_ffmpeg):
    replace_ffmpeg(f'{find_ffmpeg()} "$@" | head -c 5000; {DEAD}')
    assert "killed by signal 9" in read_error(lambda path: FrameReader(path, 32), video)


@pytest.mark.parametrize("mode", [0o644, None])
def test_an_ffmpeg_that_cannot_be_started(video, replace_ffmpeg, mode, monkeypatch, tmp_path):
    replace_ffmpeg("exit 0", mode or 0o755)
    if mode is None:
        (tmp_path / "fake_ffmpeg").unlink()
    error = read_error(probe, video)
    assert "ffmpeg cannot be started" in error and "IMAGEIO_FFMPEG_EXE" in error


def test_a_video_that_is_gone_may_come_back(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        probe_video(str(tmp_path / "gone.avi"))
    assert caught.value.filename == str(tmp_path / "gone.avi")


def test_nothing_is_written_to_the_folder_of_temporary_files(video, monkeypatch, tmp_path):
    """It may be full, and a listing that is cut off would look like a damaged video."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    assert probe_video(video).frames == len(list(FrameReader(video, 32))) == 40


def test_a_video_that_is_cut_off_is_damaged_even_if_ffmpeg_speaks_of_input_and_output(tmp_path):
    path = make_recording(find_recording("h264 live.mkv"), tmp_path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 50])
    with pytest.raises(DamagedVideo, match="File ended prematurely"):
        probe_video(str(path))


def test_reading_can_end_before_the_video(video):
    numbers = [number for number, _ in zip(range(3), FrameReader(video, 32), strict=False)]
    assert numbers == [0, 1, 2] and np.isfinite(probe_video(video).times).all()
