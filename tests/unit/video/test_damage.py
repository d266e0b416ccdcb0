"""Videos that are damaged, or put together, where no codec and no ffmpeg complains."""

import re

import numpy as np
import pytest

from motilens.clips.extract import extract_clips
from motilens.clips.image_quality import find_torn_frames
from motilens.video.decode import FrameReader
from motilens.video.probe import probe_video
from support.errors import assert_refused
from support.recording_matrix import SETTINGS
from support.recordings import find_recording, make_recording, run_ffmpeg

SHORT = SETTINGS | {"size": 64, "clips_per_video": 5, "clip_length": 8}
SUDDEN = "its picture changes suddenly at frame "
WIDTH, HEIGHT = 160, 120


def write_waves(path, *options, number=40, size=(WIDTH, HEIGHT)):
    """Encode frames in which everything moves."""
    width, height = size
    y, x = np.indices((height, width))
    noise = np.random.default_rng(0).normal(0, 3, (height, width))
    frames = [
        120 + 40 * np.sin(x / 9 + n / 3) + 30 * np.cos(y / 7 - n / 5) + np.roll(noise, 7 * n, 1)
        for n in range(number)
    ]
    source = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", "50"]
    data = b"".join(frame.astype(np.uint8).tobytes() for frame in frames)
    run_ffmpeg([*source, "-i", "pipe:", *options], path, data)
    return path


def warning_of(path, folder):
    return extract_clips(str(path), folder / "clips.h5", SHORT, "1")["warning"]


def overwrite(path, start, content):
    data = bytearray(path.read_bytes())
    data[start : start + len(content)] = content
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", ["mkv", "mov", "avi", "nut"])
@pytest.mark.parametrize("content", ["zeros", "noise"])
@pytest.mark.parametrize("share", [0.1, 1])
def test_overwritten_bytes_of_raw_pixels_are_reported(tmp_path, suffix, content, share):
    path = write_waves(tmp_path / f"1.{suffix}", "-c:v", "rawvideo")
    assert warning_of(path, tmp_path) == ""
    # Of one frame that is in a clip, or of a part of it, with no header of the container.
    n_bytes = int(WIDTH * HEIGHT * share) - 500
    random = np.random.default_rng(0).bytes(n_bytes)
    frame = probe_frame(path, 19)
    overwrite(path, frame + 200, bytes(n_bytes) if content == "zeros" else random)
    assert warning_of(path, tmp_path).startswith(f"{SUDDEN}19")


def probe_frame(path, number):
    """Return where in a file the raw pixels of a frame begin."""
    frames = write_waves(path.with_name("pixels.gray"), "-f", "rawvideo").read_bytes()
    start = np.frombuffer(frames, np.uint8)[number * WIDTH * HEIGHT :][: 2 * WIDTH]
    data = path.read_bytes()  # QuickTime stores white as 0
    at = max(data.find(line.tobytes()) for line in (start, ~start))
    assert at > 0
    return at


@pytest.mark.parametrize("codec", ["ffv1 -level 1", "libvpx-vp9 -deadline realtime -b:v 4M"])
def test_overwritten_bytes_of_codecs_without_checksums_are_reported(tmp_path, codec):
    path = write_waves(tmp_path / "1.mkv", "-c:v", *codec.split(), number=60)
    overwrite(path, path.stat().st_size // 2, np.random.default_rng(0).bytes(300))
    assert SUDDEN in warning_of(path, tmp_path)


@pytest.mark.parametrize("codec", ["ffv1 -level 1", "ffv1 -level 3", "huffyuv", "libx265"])
@pytest.mark.parametrize("suffix", ["mkv", "mov"])
def test_frames_whose_size_changes_unseen_by_the_codec_are_reported(tmp_path, codec, suffix):
    options = ["-c:v", *codec.split(), "-strict", "-2"]
    sizes = (WIDTH, HEIGHT), (2 * WIDTH, 2 * HEIGHT)
    parts = [write_waves(tmp_path / f"{s[0]}.mkv", *options, number=20, size=s) for s in sizes]
    for first, second in (parts, parts[::-1]):
        (tmp_path / "list.txt").write_text(f"file {first.name}\nfile {second.name}\n")
        joined = tmp_path / f"joined.{suffix}"
        run_ffmpeg(["-f", "concat", "-i", str(tmp_path / "list.txt"), "-c", "copy"], joined)
        assert re.search(rf"{SUDDEN}.*\b20\b", warning_of(joined, tmp_path))


def test_a_scene_that_changes_is_seen_outside_of_the_clips_too(tmp_path):
    path = tmp_path / "1.mkv"
    scenes = "testsrc2=s=160x120:r=50:d=0.6[a];mandelbrot=s=160x120:r=50,trim=duration=0.6[b]"
    source = ["-f", "lavfi", "-i", f"{scenes};[a][b]concat"]
    run_ffmpeg([*source, "-c:v", "libx264"], path)
    reader = FrameReader(str(path), 32, selected=np.arange(4))
    list(reader)
    assert reader.jumps == [30]


def test_cells_that_swim_and_light_that_flickers_tear_no_frame():
    y, x = np.indices((64, 64))
    rng = np.random.default_rng(0)
    frames = []
    for number in range(18):
        spots = sum(
            120 * np.exp(-((x - 7 * k - 3 * number) ** 2 + (y - 6 * k) ** 2) / 8) for k in range(9)
        )
        light = 3 * (number % 2)
        frames.append(80 + light + spots + rng.normal(0, 4, (64, 64)))
    clips = np.array([frames]).clip(0, 255).astype(np.uint8)
    assert not find_torn_frames(clips).any()
    clips[0, [0, 9, 17], 20:24] = 0
    assert np.flatnonzero(find_torn_frames(clips)[0]).tolist() == [0, 9, 17]
    assert not find_torn_frames(clips[:, :2]).any()


@pytest.mark.parametrize("name", [
    "h264.mp4", "h264 moov first.mp4", "h264 fragments.mp4", "h264.mov", "h264.mkv", "vp9.webm",
    "mpeg4.avi", "raw gray.avi", "h264.flv", "wmv2.wmv",
])  # fmt: skip
def test_a_second_file_in_a_file_is_refused_with_a_remedy_that_works(tmp_path, name):
    path = make_recording(find_recording(name), tmp_path)
    data = path.read_bytes()
    assert probe_video(str(path)).frames == 120
    path.write_bytes(data * 2)
    n_bytes = len(data)
    remedy = (
        rf"another file follows after {n_bytes} bytes.* head -c {n_bytes} .* -c \+{n_bytes + 1}"
    )
    assert_refused(remedy, probe_video, str(path))
