"""Clips and feature images on disk: the right frames, once, and damage is noticed."""

import hashlib
import shutil

import h5py
import numpy as np
import pytest

from motilens.clips import hdf5
from motilens.clips.sampling import clip_positions
from motilens.core.errors import InputError
from support.errors import assert_refused


def numbered(count, size=4):
    """Frames whose gray level is their number."""
    return ((number, np.full((size, size), number, np.uint8)) for number in range(count))


def frame_numbers(count, clips, length):
    return clip_positions(count, clips, length)[:, None] + np.arange(length)


def write(path, count=40, clips=4, length=6, sample="1"):
    numbers = frame_numbers(count, clips, length)
    digest = hdf5.write_clips(path, numbered(count), numbers, 4)
    with h5py.File(path, "a") as file:
        file["clips"].attrs.update({"sample": sample, "content_sha256": digest})
    return numbers, digest


@pytest.mark.parametrize("count", [40, 10])  # with 10 frames the clips overlap
def test_each_clip_holds_the_frames_from_its_position_on(tmp_path, count):
    numbers, _ = write(tmp_path / "a.h5", count)
    clips = hdf5.read_stacks(str(tmp_path / "a.h5"), 6)
    assert clips[:, :, 0, 0].tolist() == numbers.tolist()
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["frame_numbers"][:].tolist() == numbers.tolist()


def test_frames_may_be_repeated_or_skipped(tmp_path):
    numbers = np.array([[0, 0, 2, 2], [2, 4, 6, 6], [3, 4, 6, 9]])
    digest = hdf5.write_clips(tmp_path / "a.h5", numbered(12), numbers, 4)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["clips"].attrs["content_sha256"] = digest
    clips = hdf5.read_stacks(str(tmp_path / "a.h5"), 4)
    assert clips[:, :, 0, 0].tolist() == numbers.tolist()


def test_shorter_stacks_are_the_first_frames_of_the_same_clips(tmp_path):
    write(tmp_path / "a.h5")
    path = str(tmp_path / "a.h5")
    whole = hdf5.read_stacks(path, 6)
    assert whole.shape == (4, 6, 4, 4) and whole.dtype == np.uint8
    assert np.array_equal(hdf5.read_stacks(path, 1), whole[:, :1])
    assert np.array_equal(hdf5.memmap_clips(path), whole)


def test_clips_that_are_not_contiguous_cannot_be_mapped(tmp_path):
    path = str(tmp_path / "a.h5")
    with h5py.File(path, "w") as file:
        file.create_dataset("clips", data=np.zeros((2, 6, 4, 4), np.uint8), chunks=True)
    assert_refused("a.h5 is not stored contiguously: delete it", hdf5.memmap_clips, path)


def test_files_with_frames_of_different_sizes_are_refused(tmp_path):
    write(tmp_path / "a.h5")
    hdf5.write_clips(tmp_path / "b.h5", numbered(40, size=8), frame_numbers(40, 4, 6), 8)
    paths = [str(tmp_path / name) for name in ("a.h5", "b.h5")]
    assert hdf5.common_frame_size(paths[:1], 6) == (4, 4)
    with pytest.raises(
        InputError, match=r"b.h5 holds clips of shape \(6, 8, 8\) where \(6, 4, 4\)"
    ):
        hdf5.common_frame_size(paths, 6)


def test_no_stack_is_stored_twice(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (200, 64, 64), np.uint8)
    hdf5.write_clips(tmp_path / "a.h5", enumerate(frames), frame_numbers(200, 10, 18), 64)
    assert (tmp_path / "a.h5").stat().st_size < 1.02 * 10 * 18 * 64 * 64


def test_the_digest_is_of_the_gray_levels(tmp_path):
    _, digest = write(tmp_path / "a.h5", clips=4, length=6)
    content = hdf5.read_stacks(str(tmp_path / "a.h5"), 6)
    assert digest == hashlib.sha256(content.tobytes()).hexdigest()


def test_a_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "a.h5"
    write(path)
    data = bytearray(path.read_bytes())
    place = data.index(bytes([20]) * 16)  # a whole frame of gray level 20
    data[place] ^= 1
    path.write_bytes(data)
    assert_refused("a.h5 has been damaged: delete it", hdf5.read_stacks, str(path), 1)


def test_too_short_clips_and_half_files_are_refused(tmp_path):
    write(tmp_path / "a.h5")
    assert_refused(r"a.h5 holds clips .*\(7, 4, 4\)", hdf5.read_stacks, str(tmp_path / "a.h5"), 7)
    half = tmp_path / "half.h5"
    half.write_bytes((tmp_path / "a.h5").read_bytes()[:1000])
    assert_refused("half.h5 cannot be read", hdf5.read_stacks, str(half), 1)


def test_files_are_matched_by_sample_and_content(tmp_path):
    paths, contents = [], {}
    for sample, count in (("10", 40), ("2", 60)):
        paths.append(str(tmp_path / f"{sample}.h5"))
        _, digest = write(paths[-1], count, sample=sample)
        contents[sample] = {"clips": digest[:16], "head": 90.0}
    assert list(hdf5.match_clips_to_samples(paths[::-1], contents).items()) == [
        ("10", paths[0]), ("2", paths[1]),
    ]  # fmt: skip
    assert_refused("no clips of samples .'2'.", hdf5.match_clips_to_samples, paths[:1], contents)
    for other in ({"clips": "0" * 16}, {"clips": None}):
        with pytest.raises(InputError, match="2.h5 holds other clips than its record"):
            hdf5.match_clips_to_samples(paths, contents | {"2": other})
    assert_refused(
        "2.h5 holds other clips", hdf5.match_clips_to_samples, paths, {"10": contents["10"]}
    )
    shutil.copy(paths[0], paths[1])
    with pytest.raises(InputError, match="2.h5 holds other clips than its record: delete it"):
        hdf5.match_clips_to_samples(paths, contents)
    with h5py.File(paths[1], "w") as file:
        file["something"] = 1
    with pytest.raises(InputError, match="2.h5 holds other clips than its record: delete it"):
        hdf5.match_clips_to_samples(paths, contents)


def test_feature_images_are_written_by_sample(tmp_path):
    rng = np.random.default_rng(0)
    images = {name: rng.random((n, 3, 4, 4), np.float32) for name, n in (("2", 3), ("10", 2))}
    hdf5.write_feature_images(tmp_path / "features.h5", images.items(), {"made": "{}"})
    with h5py.File(tmp_path / "features.h5") as file:
        assert file["features"].attrs["made"] == "{}"
        for name, features in images.items():
            assert np.array_equal(file["features"][name], features)
