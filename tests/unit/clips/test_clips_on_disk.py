"""Clips on disk: the right frames, once; damage is noticed; what their records tell together."""

import hashlib
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from motilens.clips import hdf5, records
from motilens.clips.previews import make_preview_images, mean_first_frame
from motilens.clips.sampling import clip_positions
from support.errors import assert_refused


def numbered(count, size=4):
    """Frames whose gray level is their number."""
    return ((number, np.full((size, size), number, np.uint8)) for number in range(count))


def frame_numbers(count, clips, length):
    return clip_positions(count, clips, length)[:, None] + np.arange(length)


def write(path, numbers=None, count=40, sample="1"):
    """Write clips of these frames, by default four of six frames."""
    numbers = frame_numbers(count, 4, 6) if numbers is None else np.array(numbers)
    digest = hdf5.write_clips(path, numbered(count), numbers, 4)
    with h5py.File(path, "a") as file:
        file["clips"].attrs.update({"sample": sample, "content_sha256": digest})
    return digest


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "a.h5")


@pytest.mark.parametrize("numbers", [
    frame_numbers(40, 4, 6), frame_numbers(10, 4, 6),  # of 10 frames, clips overlap
    np.array([[0, 0, 2, 2], [2, 4, 6, 6], [3, 4, 6, 9]]),
], ids=["apart", "overlapping", "repeated or skipped"])  # fmt: skip
def test_each_clip_holds_the_frames_that_were_chosen(path, numbers):
    digest = write(path, numbers)
    clips = hdf5.read_stacks(path, numbers.shape[1])
    assert clips[:, :, 0, 0].tolist() == numbers.tolist()
    with h5py.File(path) as file:
        assert file["frame_numbers"][:].tolist() == numbers.tolist()
    assert clips.shape == (*numbers.shape, 4, 4) and clips.dtype == np.uint8
    assert digest == hashlib.sha256(clips.tobytes()).hexdigest()
    assert np.array_equal(hdf5.read_stacks(path, 1), clips[:, :1]), "shorter stacks: the first"
    assert np.array_equal(hdf5.memmap_clips(path), clips)


def test_damaged_and_unsuitable_files_are_refused(path, tmp_path):
    with h5py.File(path, "w") as file:
        file.create_dataset("clips", data=np.zeros((2, 6, 4, 4), np.uint8), chunks=True)
    assert_refused("a.h5 is not stored contiguously: delete it", hdf5.memmap_clips, path)
    write(path)
    assert_refused(r"a.h5 holds clips .*\(7, 4, 4\)", hdf5.read_stacks, path, 7)
    data, half, flipped = (
        bytearray(Path(path).read_bytes()),
        tmp_path / "half.h5",
        tmp_path / "b.h5",
    )
    half.write_bytes(data[:1000])
    assert_refused("half.h5 cannot be read", hdf5.read_stacks, str(half), 1)
    data[data.index(bytes([20]) * 16)] ^= 1  # in a frame of gray level 20
    flipped.write_bytes(data)
    assert_refused("b.h5 has been damaged: delete it", hdf5.read_stacks, str(flipped), 1)
    hdf5.write_clips(flipped, numbered(40, size=8), frame_numbers(40, 4, 6), 8)
    assert hdf5.common_frame_size([path], 6) == (4, 4)
    message = r"b.h5 holds clips of shape \(6, 8, 8\) where \(6, 4, 4\)"
    assert_refused(message, hdf5.common_frame_size, [path, str(flipped)], 6)


def test_no_stack_is_stored_twice(path):
    frames = np.random.default_rng(0).integers(0, 255, (200, 64, 64), np.uint8)
    hdf5.write_clips(path, enumerate(frames), frame_numbers(200, 10, 18), 64)
    assert Path(path).stat().st_size < 1.02 * 10 * 18 * 64 * 64


def test_files_are_matched_by_sample_and_content(tmp_path):
    paths, contents = [], {}
    for sample, count in (("10", 40), ("2", 60)):
        paths.append(str(tmp_path / f"{sample}.h5"))
        digest = write(paths[-1], count=count, sample=sample)
        contents[sample] = {"clips": digest[:16], "head": 90.0}
    match = hdf5.match_clips_to_samples
    assert list(match(paths[::-1], contents).items()) == [("10", paths[0]), ("2", paths[1])]
    assert_refused("no clips of samples .'2'.", match, paths[:1], contents)
    message = "2.h5 holds other clips than its record: delete it"
    for other in ({"clips": "0" * 16}, {"clips": None}):
        assert_refused(message, match, paths, contents | {"2": other})
    assert_refused("2.h5 holds other clips", match, paths, {"10": contents["10"]})
    shutil.copy(paths[0], paths[1])
    assert_refused(message, match, paths, contents)
    with h5py.File(paths[1], "w") as file:
        file["something"] = 1
    assert_refused(message, match, paths, contents)


def test_feature_images_are_written_by_sample(tmp_path):
    rng = np.random.default_rng(0)
    images = {name: rng.random((n, 3, 4, 4), np.float32) for name, n in (("2", 3), ("10", 2))}
    hdf5.write_feature_images(tmp_path / "features.h5", images.items(), {"made": "{}"})
    with h5py.File(tmp_path / "features.h5") as file:
        assert file["features"].attrs["made"] == "{}"
        for name, features in images.items():
            assert np.array_equal(file["features"][name], features)


@pytest.mark.parametrize("frames", [40, 41, 100, 1501])
def test_positions_are_spread_evenly_from_the_smallest_number_of_frames_on(frames):
    positions = clip_positions(frames, 4, 6)
    assert positions[0] == 0 and positions[-1] + 6 <= frames
    steps = np.diff(positions)
    assert steps.min() > 0 and steps.max() - steps.min() <= 1
    assert clip_positions(9, 4, 6).tolist() == [0, 1, 2, 3]
    assert_refused("8 frames are too few .* at least 9", clip_positions, 8, 4, 6)


def test_preview_images_are_those_of_the_stored_frames(path):
    frames = np.random.default_rng(0).integers(0, 255, (40, 8, 8), np.uint8)
    numbers = np.array([0, 11, 22, 34])[:, None] + np.arange(6)
    hdf5.write_clips(path, enumerate(frames), numbers, 8)
    images = make_preview_images(path)
    for title, number in {"first clip": 0, "middle clip": 22, "last clip": 34}.items():
        assert np.array_equal(images[title], frames[number])
    stored = frames[numbers.ravel()]
    assert images["mean"] == pytest.approx(stored.mean(0))
    assert images["standard deviation"] == pytest.approx(stored.std(0))
    assert mean_first_frame(path) == pytest.approx(frames[numbers[:, 0]].mean(0))


@pytest.fixture
def write_record(tmp_path):
    def write(sample, digest, **rest):
        record = {"sample": sample, "video": f"{sample}.avi", "content_sha256": digest * 64}
        (tmp_path / f"{sample}.json").write_text(json.dumps(record | rest))
        return record | rest

    return write


def test_a_record_is_read_if_it_is_there_and_the_samples_own(tmp_path, write_record):
    assert records.read_clips_record(tmp_path, "1") == {}
    cached = records.ClipRecords(tmp_path)
    assert cached.read("1") == {}
    record = write_record("1", "a", skip_reason="damaged")
    assert records.read_clips_record(tmp_path, "1") == record == cached.read("1")
    (tmp_path / "2.json").write_text(json.dumps(record))
    message = "2.json is no record of clips of 2: delete it"
    assert_refused(message, records.read_clips_record, tmp_path, "2")
    write_record("2", "z")
    assert_refused(message, records.read_clips_record, tmp_path, "2")


def test_two_videos_with_the_same_frames_are_reported(write_record):
    used = [write_record("1", "a"), write_record("2", "b")]
    excluded = [write_record(sample, "c", skip_reason="damaged") for sample in "34"]
    records.check_clips_differ([*used, *excluded, used[0]])
    message = r"samples 1 and 5 \(1.avi and 5.avi\) show the same"
    assert_refused(message, records.check_clips_differ, [*used, write_record("5", "a")])


def test_the_end_of_a_run_reports_what_the_user_should_know(tmp_path, write_record):
    write_record("1", "a", video_frame_rate=50.0, given_frame_rate=50.0, file_frame_rate=25.0)
    write_record("2", "b", video_frame_rate=50.5, given_frame_rate=50.5, file_frame_rate=50.0)
    assert "1 (50, not 25)." in records.describe_run_end(tmp_path, tmp_path, "12", True, skip=False)
    assert records.describe_run_end(tmp_path, tmp_path, "2", True, skip=False) == ""
    write_record("3", "c", video_frame_rate=60.0, video_bits=12)
    write_record("4", "d", skip_reason="damaged")
    assert "bits" not in records.describe_run_end(tmp_path, tmp_path, "23", True, skip=False)
    write_record("6", "e", video_bits=10)
    report = records.describe_run_end(tmp_path, tmp_path, "36", True, skip=False)
    assert "Videos use 10, 12 bits of their pixels of 16" in report
    (tmp_path / "5.log").write_text("...\nERROR: 5.avi: is empty\n")
    report = records.describe_run_end(tmp_path, tmp_path, "2345", True, skip=False)
    assert "Videos have 50.5 to 60 frames a second" in report
    assert "2 of 4 videos could not be used:" in report
    assert "  4 was skipped: damaged\n  5 failed: 5.avi: is empty\n" in report
    assert "snakemake --keep-going clips" in report
    report = records.describe_run_end(tmp_path, tmp_path, "234", False, skip=True)
    assert "1 of 3 videos" in report and "frames a second" not in report
    assert "keep-going" not in report
