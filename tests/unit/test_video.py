"""Decoding: each clip holds exactly its frames, and damaged files end in one clear line."""

import subprocess

import h5py
import imageio_ffmpeg
import numpy as np
import pytest

from motilens import InputError, stacks, video

FRAMES = 120
SETTINGS = {"size": 32, "clips_per_video": 5, "clip_length": 18}


def picture(number):
    """48 x 64 with the frame's number as eight black or white bars, least bit left."""
    bits = [(number >> k) & 1 for k in range(8)]
    row = np.repeat([235 * bit + 10 for bit in bits], 8).astype(np.uint8)
    return np.broadcast_to(row[None, :, None], (48, 64, 3))


def number_in(frame):
    """The number drawn in a decoded frame of any size."""
    middle = frame[len(frame) // 2].reshape(8, -1)[:, 1:-1].mean(1)
    return sum(1 << k for k, level in enumerate(middle) if level > 128)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "3_09.03.10 a note_XY.avi"
    video.encode(path, map(picture, range(FRAMES)), 50.0)
    return path


def test_probe_counts_frames(source):
    found = video.probe(str(source))
    assert found == video.Video(FRAMES, 64, 48, 50.0, "h264")


def test_every_frame_is_decoded_once_in_order(source):
    assert [number_in(f) for f in video.decode(str(source), 32)] == list(range(FRAMES))


@pytest.mark.parametrize(
    "name, options",
    [
        ("b.mp4", ["-c:v", "libx264", "-bf", "3", "-g", "30"]),
        ("m.avi", ["-c:v", "mpeg4", "-q:v", "2"]),
        ("b.avi", ["-c:v", "mpeg4", "-bf", "2", "-q:v", "2"]),
        ("j.avi", ["-c:v", "mjpeg", "-q:v", "2"]),
        ("r.avi", ["-c:v", "rawvideo", "-pix_fmt", "gray"]),
        ("v.mkv", ["-c:v", "ffv1"]),
    ],
)
def test_clips_are_frame_accurate_for_other_codecs(source, tmp_path, name, options):
    other = tmp_path / name
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([ffmpeg, "-loglevel", "error", "-i", source, *options, other], check=True)
    video.extract_clips(str(other), tmp_path / "a.h5", SETTINGS, "1")
    clips = stacks.read_stacks([str(tmp_path / "a.h5")], 18)
    positions = stacks.clip_positions(FRAMES, 5, 18)
    assert [[number_in(f) for f in clip] for clip in clips] == [
        list(range(p, p + 18)) for p in positions
    ]


def test_limited_range_is_spread_over_all_grey_levels(source):
    frame = next(iter(video.decode(str(source), 32)))
    assert frame.min() < 15  # 10 was drawn; 16 + is what the file's own Y plane holds
    brightest = max(int(f.max()) for f in video.decode(str(source), 32))
    assert brightest > 240


def test_file_says_how_it_was_made(source, tmp_path):
    record = video.extract_clips(str(source), tmp_path / "a.h5", SETTINGS, "3")
    with h5py.File(tmp_path / "a.h5") as file:
        attributes = dict(file["clips"].attrs)
        assert file["positions"][:].tolist() == stacks.clip_positions(FRAMES, 5, 18).tolist()
    assert attributes["video"] == source.name and attributes["participant"] == "3"
    assert attributes["video_frame_rate"] == 50 and attributes["video_codec"] == "h264"
    assert "scale=32:32" in attributes["filters"]
    assert {"ffmpeg", "video_sha256", "content_sha256"} <= set(attributes) and attributes == record


def test_too_short_video_is_named(tmp_path):
    path = tmp_path / "short.avi"
    video.encode(path, map(picture, range(10)), 50.0)
    with pytest.raises(InputError, match=r"short\.avi: 10 frames are too few .* at least 22"):
        video.extract_clips(str(path), tmp_path / "a.h5", SETTINGS, "1")


@pytest.mark.parametrize("damage", ["empty", "text", "missing", "half", "middle"])
def test_damaged_files_are_named(source, tmp_path, damage):
    path = tmp_path / "bad.avi"
    data = source.read_bytes()
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("participant;video\n" * 100)
    elif damage == "half":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "middle":
        third = len(data) // 3
        noise = np.random.default_rng(0).bytes(third)
        path.write_bytes(data[:third] + noise + data[2 * third :])
    with pytest.raises(InputError, match=r"bad\.avi: .*"):
        video.extract_clips(str(path), tmp_path / "a.h5", SETTINGS | {"clips_per_video": 40}, "1")


def test_what_ffmpeg_complains_of_is_damage_even_if_it_ends_well(tmp_path):
    rng = np.random.default_rng(0)
    whole, path = tmp_path / "whole.avi", tmp_path / "flipped.avi"
    video.encode(whole, rng.integers(0, 255, (40, 48, 64, 3), np.uint8), 50.0)
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-xerror"]
    command = [*ffmpeg, "-i", whole, "-c:v", "mjpeg", "-q:v", "2", path]
    subprocess.run(command, check=True)
    data = bytearray(path.read_bytes())
    frame = data.index(b"00dc", len(data) // 3) + 8
    for place in (450, 1350, 1500):
        data[frame + place] ^= 0x10
    path.write_bytes(data)
    subprocess.run([*ffmpeg, "-i", path, "-f", "null", "-"], check=True, stderr=subprocess.DEVNULL)
    with pytest.raises(InputError, match=r"flipped\.avi: ffmpeg cannot read"):
        video.extract_clips(str(path), tmp_path / "a.h5", SETTINGS, "1")


@pytest.mark.parametrize("name", ["1_10 fps.avi", "1_Duration: 01:00:00.00, 3.avi", "frame= 9.avi"])
def test_names_and_comments_are_not_taken_for_ffmpegs_words(source, tmp_path, name):
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    comment = ["-metadata", "comment=recorded at 25 fps, Duration: 00:10:00.00"]
    path = tmp_path / name
    command = [ffmpeg, "-loglevel", "error", "-i", source, "-c", "copy", *comment]
    subprocess.run([*command, f"file:{path}"], check=True)
    assert video.probe(str(path)) == video.Video(FRAMES, 64, 48, 50.0, "h264")


def test_sound_that_goes_on_longer_is_no_damage(source, tmp_path):
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    sound = ["-f", "lavfi", "-i", "sine=duration=9", "-c:v", "copy", "-c:a", "pcm_s16le"]
    path = tmp_path / "sound.avi"
    subprocess.run([ffmpeg, "-loglevel", "error", "-i", source, *sound, path], check=True)
    assert video.probe(str(path)).frames == FRAMES


def test_an_encoder_that_cannot_write_says_where(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        video.encode(tmp_path / "nowhere" / "a.avi", map(picture, range(50)), 50.0)


def test_same_frames_same_file(tmp_path):
    for name in ("a.avi", "b.avi"):
        video.encode(tmp_path / name, map(picture, range(20)), 50.0)
    assert (tmp_path / "a.avi").read_bytes() == (tmp_path / "b.avi").read_bytes()
