"""From videos to clips: which frames at which rate, what is recorded, who is left out."""

import hashlib
import shutil
import subprocess

import h5py
import numpy as np
import pytest
from matrix import SETTINGS, recording
from recordings import Row, make, number_in

from motilens.clips.extract import extract_clips, write_empty_clips
from motilens.clips.hdf5 import match_clips_to_samples, read_stacks
from motilens.clips.records import overridden_frame_rates
from motilens.clips.sampling import clip_positions
from motilens.core.errors import InputError

FRAMES = 120


def extract(row, folder, facts=None, **settings):
    """Clips as the numbers drawn in their frames, and the record."""
    path, file = make(row, folder), folder / "clips.h5"
    record = extract_clips(str(path), file, SETTINGS | settings, "1", facts)
    found = read_stacks(str(file), SETTINGS["clip_length"])
    return [[number_in(frame) for frame in clip] for clip in found], record


def h264(**rest):
    return Row("video", ".mp4", "-c:v libx264 -bf 2", **rest)


def evenly(positions):
    return [list(range(p, p + 18)) for p in positions]


def test_the_right_rate_is_not_mentioned(tmp_path):
    shown, record = extract(h264(), tmp_path, other_frame_rate="stop")
    assert shown == evenly(clip_positions(FRAMES, 5, 18)) and record["warning"] == ""
    assert record["video_frame_rate"] == record["frame_rate"] == 50
    extract(h264(rate="2509/50"), tmp_path, other_frame_rate="stop")  # 50.18


@pytest.mark.parametrize(
    "name, told",
    [
        ("h264 60.mp4", r"has 60 frames a second, not 50 \(frames\.frame_rate\)"),
        ("h264 gaps.mkv", r"not evenly spaced in time \(44\.958 a second on average\)"),
        ("mjpeg emptied yuvj420p.avi", "not evenly spaced.*"),
    ],
)
def test_another_rate_stops_or_warns(tmp_path, name, told):
    with pytest.raises(InputError, match=rf"{name}: .*{told}: if the file is wrong, say"):
        extract(recording(name), tmp_path, other_frame_rate="stop")
    _, record = extract(recording(name), tmp_path, other_frame_rate="warn")
    assert record["frame_rate"] == record["video_frame_rate"] != 50
    assert record["warning"].startswith(("has 60 frames", "its frames are not evenly"))


def test_what_the_user_says_of_the_rate_counts(tmp_path):
    facts = {"participant": "7", "frame_rate": 50.0, "microns_per_pixel": 0.3}
    for name in ("h264 60.mp4", "h264 gaps.mkv"):
        shown, record = extract(recording(name), tmp_path, facts, other_frame_rate="stop")
        assert record["frame_rate"] == record["video_frame_rate"] == 50
        assert record["participant"] == "7" and record["microns_per_pixel"] == 0.3
        assert record["frame_rate_said"] == 50
        assert record["file_frame_rate"] == (
            60 if "60" in name else pytest.approx(44.958, abs=0.01)
        )
        [told] = overridden_frame_rates({"7": record})
        assert told.startswith("7 (50, not 60)" if "60" in name else "7 (50, not 44.9")
        assert ("not evenly spaced in its own times" in record["warning"]) == ("gaps" in name)
        assert shown[0] == list(recording(name).numbers[:18])
    with pytest.raises(InputError, match="has 25 frames a second"):
        extract(h264(), tmp_path, {"frame_rate": 25.0}, other_frame_rate="stop")


def test_resampling_takes_the_frame_nearest_in_time(tmp_path):
    same = {"other_frame_rate": "resample", "clips_per_video": 2}
    shown, record = extract(h264(), tmp_path, **same)
    assert shown == evenly([0, 51]), "what is right stays as it is"
    shown, record = extract(h264(rate="100"), tmp_path, **same)
    assert shown[0] == list(range(0, 36, 2))
    assert (record["video_frame_rate"], record["frame_rate"]) == (100, 50)
    assert record["warning"] == ""
    with h5py.File(tmp_path / "clips.h5") as file:
        assert file["frame_numbers"][:].tolist() == shown
    shown, record = extract(h264(rate="25"), tmp_path, **same)
    assert record["warning"].startswith("has 25 frames a second: some are shown twice to make 50")
    assert shown[0][:7] == [0, 0, 1, 1, 2, 2, 3], "half-way between two: the earlier"
    shown, _ = extract(recording("h264 gaps.mkv"), tmp_path, **same)
    assert shown[0] == [0, 1, 2, 3, 4, 4, *range(6, 15), 14, 16, 17], "where one is missing"
    shown, _ = extract(h264(rate="30"), tmp_path, **same)
    assert all(abs(n - 0.6 * k) <= 0.5 + 1e-9 for k, n in enumerate(shown[0]))


def test_too_few_frames_at_a_rate_that_was_mistyped(tmp_path):
    with pytest.raises(InputError, match=r"20 frames are too few .*120 at 300 a second, resampled"):
        extract(h264(), tmp_path, {"frame_rate": 300.0}, other_frame_rate="resample")


def test_a_single_picture_has_no_rate(tmp_path):
    row = Row("picture", ".png", "-frames:v 1", pixels="rgb24")
    with pytest.raises(InputError, match="does not say when its frames were taken"):
        extract(row, tmp_path, other_frame_rate="warn", clips_per_video=1, clip_length=1)


def test_the_file_says_how_it_was_made(tmp_path):
    path = make(h264(), tmp_path)
    facts = {"participant": "3", "microns_per_pixel": 0.25}
    record = extract_clips(str(path), tmp_path / "a.h5", SETTINGS, "3+2", facts)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["clips"].shape == (5, 18, 32, 32) and file["clips"].dtype == np.uint8
        attributes = dict(file["clips"].attrs)
        assert attributes["content_sha256"] == hashlib.sha256(file["clips"][:]).hexdigest()
    assert attributes == record and record["sample"] == "3+2" and record["participant"] == "3"
    assert record["video_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert record["video"] == "video.mp4" and record["video_codec"] == "h264"
    assert "scale=32:32" in record["filters"] and record["video_frames"] == FRAMES
    assert set(record) >= {
        "ffmpeg",
        "motilens",
        "video_width",
        "video_height",
        "video_pixel_aspect",
    }


def test_the_same_frames_in_another_file_are_the_same_clips(tmp_path):
    _, first = extract(h264(), tmp_path)
    _, second = extract(Row("other", ".mkv", "-c:v libx264 -bf 2"), tmp_path)
    assert first["content_sha256"] == second["content_sha256"]
    assert first["video_sha256"] != second["video_sha256"]


def test_too_short_a_video_is_named(tmp_path):
    with pytest.raises(InputError, match=r"video\.mp4: 120 frames are too few .* at least 121"):
        extract(h264(), tmp_path, clips_per_video=104)


def test_who_is_left_out_has_a_file_without_clips(tmp_path):
    record = write_empty_clips(tmp_path / "a.h5", SETTINGS, "7", "lab/7.avi", "it is broken")
    assert read_stacks(str(tmp_path / "a.h5"), 18).shape == (0, 18, 32, 32)
    with h5py.File(tmp_path / "a.h5") as file:
        assert dict(file["clips"].attrs) == record
    assert record["problem"] == "it is broken" and record["video"] == "7.avi"
    assert match_clips_to_samples([str(tmp_path / "a.h5")], {}) == {}


@pytest.mark.skipif(not shutil.which("h5dump"), reason="h5dump (hdf5-tools) is not installed")
def test_hdf5s_own_tools_read_it(tmp_path):
    extract(h264(), tmp_path)
    told = subprocess.run(
        ["h5dump", "-d", "/clips", "-s", "0,0,0,0", "-c", "1,1,1,4", tmp_path / "clips.h5"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "H5T_STD_U8LE" in told and "( 5, 18, 32, 32 )" in told and "video_sha256" in told
