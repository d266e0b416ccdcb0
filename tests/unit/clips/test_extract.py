"""From videos to clips: which frames at which rate, and what is recorded of them."""

import hashlib
import shutil
import subprocess

import h5py
import numpy as np
import pytest

from motilens.clips.extract import extract_clips, write_empty_clips
from motilens.clips.hdf5 import match_clips_to_samples, read_stacks
from motilens.clips.records import overridden_frame_rates
from motilens.clips.sampling import clip_positions
from motilens.core.errors import InputError
from motilens.reports.image_plots import measure_pixels
from support.recording_matrix import SETTINGS
from support.recordings import Recording, find_recording, list_warnings, make_recording, read_number

N_FRAMES = 120
LENGTH = SETTINGS["clip_length"]


def extract(recording, folder, facts=None, **settings):
    """Return clips as the numbers drawn in their frames, and the record."""
    path, file = make_recording(recording, folder), folder / "clips.h5"
    record = extract_clips(str(path), file, SETTINGS | settings, "1", facts)
    clips = read_stacks(str(file), LENGTH)
    return [[read_number(frame) for frame in clip] for clip in clips], record


def h264(name="video", suffix=".mp4", **rest):
    return Recording(name, suffix, "-c:v libx264 -bf 2", **rest)


def consecutive(positions):
    return [list(range(p, p + LENGTH)) for p in positions]


def test_the_right_rate_needs_no_warning(tmp_path):
    shown, record = extract(h264(), tmp_path, on_frame_rate_mismatch="error")
    assert shown == consecutive(clip_positions(N_FRAMES, 5, LENGTH)) and list_warnings(record) == ""
    assert record["video_frame_rate"] == record["frame_rate"] == 50
    extract(h264(rate="2509/50"), tmp_path, on_frame_rate_mismatch="error")  # 50.18


@pytest.mark.parametrize("name, issue", [
    ("h264 60.mp4", r"has 60 frames a second, not 50 \(frames\.frame_rate\)"),
    ("h264 gaps.mkv", r"not evenly spaced in time \(44\.958 a second on average, up to 0\.04 s"),
    ("mjpeg emptied yuvj420p.avi", "not evenly spaced.*"),
])  # fmt: skip
def test_another_rate_is_an_error_or_a_warning(tmp_path, name, issue):
    recording = find_recording(name)
    with pytest.raises(InputError, match=rf"{name}: .*{issue}.*: if the file is wrong, give"):
        extract(recording, tmp_path, on_frame_rate_mismatch="error")
    _, record = extract(recording, tmp_path, on_frame_rate_mismatch="warn")
    assert record["frame_rate"] == record["video_frame_rate"] != 50
    assert list_warnings(record).startswith(("has 60 frames", "its frames are not evenly"))


@pytest.mark.parametrize("name, rate, warning", [
    ("h264 60.mp4", 60, ""),
    ("h264 gaps.mkv", 44.958, "its frames are not evenly spaced in its own times"),
])  # fmt: skip
def test_the_rate_that_the_user_gives_counts(tmp_path, name, rate, warning):
    facts = {"participant": "7", "frame_rate": 50.0, "microns_per_pixel": 0.3}
    recording = find_recording(name)
    shown, record = extract(recording, tmp_path, facts, on_frame_rate_mismatch="error")
    assert record["frame_rate"] == record["video_frame_rate"] == record["given_frame_rate"] == 50
    assert record["participant"] == "7" and record["microns_per_pixel"] == 0.3
    assert record["file_frame_rate"] == pytest.approx(rate, abs=0.01)
    assert list_warnings(record) == warning and shown[0] == list(recording.numbers[:LENGTH])
    [line] = overridden_frame_rates({"7": record})
    assert line == f"7 (50, not {record['file_frame_rate']:g})"


def test_wrong_and_missing_rates_are_reported(tmp_path):
    with pytest.raises(InputError, match="has 25 frames a second"):
        extract(h264(), tmp_path, {"frame_rate": 25.0}, on_frame_rate_mismatch="error")
    message = r"20 frames are too few .*120 frames at 300 per second, resampled"
    with pytest.raises(InputError, match=message):
        extract(h264(), tmp_path, {"frame_rate": 300.0}, on_frame_rate_mismatch="resample")
    picture = Recording("picture", ".png", "-frames:v 1", pixels="rgb24")
    with pytest.raises(InputError, match="does not say when its frames were taken"):
        extract(picture, tmp_path, clips_per_video=1, clip_length=1)


def test_resampling_takes_the_frame_nearest_in_time(tmp_path):
    resample = {"on_frame_rate_mismatch": "resample", "clips_per_video": 2}
    shown, _ = extract(h264(), tmp_path, **resample)
    assert shown == consecutive([0, 51]), "the right rate stays as it is"
    shown, record = extract(h264(rate="100"), tmp_path, **resample)
    assert shown[0] == list(range(0, 36, 2)) and list_warnings(record) == ""
    assert (record["video_frame_rate"], record["frame_rate"]) == (100, 50)
    with h5py.File(tmp_path / "clips.h5") as file:
        assert file["frame_numbers"][:].tolist() == shown
    shown, record = extract(h264(rate="25"), tmp_path, **resample)
    assert list_warnings(record).startswith("has 25 frames a second: some are repeated to make 50")
    assert shown[0][:7] == [0, 0, 1, 1, 2, 2, 3], "half-way between two: the earlier"
    shown, _ = extract(find_recording("h264 gaps.mkv"), tmp_path, **resample)
    assert shown[0] == [0, 1, 2, 3, 4, 4, *range(6, 15), 14, 16, 17], "where one is missing"
    shown, _ = extract(h264(rate="30"), tmp_path, **resample)
    assert all(abs(n - 0.6 * k) <= 0.5 + 1e-9 for k, n in enumerate(shown[0]))


def test_a_file_of_clips_records_how_it_was_made_and_the_frames_alone_count(tmp_path):
    path = make_recording(h264(), tmp_path)
    facts = {"participant": "3", "microns_per_pixel": 0.25}
    record = extract_clips(str(path), tmp_path / "a.h5", SETTINGS, "3+2", facts)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["clips"].shape == (5, 18, 32, 32) and file["clips"].dtype == np.uint8
        attributes = dict(file["clips"].attrs)
        assert attributes["content_sha256"] == hashlib.sha256(file["clips"][:]).hexdigest()
    assert attributes == record and record["sample"] == "3+2" and record["participant"] == "3"
    assert record["video_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert record["video"] == "video.mp4" and record["video_codec"] == "h264"
    assert "scale=32:32" in record["filters"] and record["video_frames"] == N_FRAMES
    others = {"ffmpeg", "motilens", "video_width", "video_height", "video_pixel_aspect"}
    assert others <= set(record)
    _, other = extract(h264("other", ".mkv"), tmp_path)
    assert other["content_sha256"] == record["content_sha256"]
    assert other["video_sha256"] != record["video_sha256"]


def test_the_size_of_a_turned_video_is_that_of_the_frames_as_they_are_shown(tmp_path):
    path = make_recording(find_recording("h264 turned.mp4"), tmp_path)
    record = extract_clips(str(path), tmp_path / "a.h5", SETTINGS, "1")
    assert (record["video_width"], record["video_height"]) == (64, 48)
    assert measure_pixels(record, (32, 32)) == (0.75, None)


def test_an_excluded_video_has_a_file_without_clips(tmp_path):
    record = write_empty_clips(tmp_path / "a.h5", SETTINGS, "7", "lab/7.avi", "it is broken")
    assert read_stacks(str(tmp_path / "a.h5"), 18).shape == (0, 18, 32, 32)
    with h5py.File(tmp_path / "a.h5") as file:
        assert dict(file["clips"].attrs) == record
    assert record["skip_reason"] == "it is broken" and record["video"] == "7.avi"
    assert match_clips_to_samples([str(tmp_path / "a.h5")], {}) == {}


@pytest.mark.skipif(not shutil.which("h5dump"), reason="h5dump (hdf5-tools) is not installed")
def test_hdf5s_own_tools_read_a_file_of_clips(tmp_path):
    extract(h264(), tmp_path)
    command = ["h5dump", "-d", "/clips", "-s", "0,0,0,0", "-c", "1,1,1,4", tmp_path / "clips.h5"]
    dump = subprocess.check_output(command, text=True)
    assert "H5T_STD_U8LE" in dump and "( 5, 18, 32, 32 )" in dump and "video_sha256" in dump
