"""Clips and feature images on disk (HDF5, docs/reference/formats.md).

A clip is the longest run of consecutive frames that any input type needs. Clips are stored once;
the stack of an input type is the first frames of each clip, so all input types see the same
moments of a video.
"""

import contextlib
import errno
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np

from motilens.core.errors import InputError


def write_clips(
    path: str | Path, frames: Iterable[tuple[int, np.ndarray]], numbers: np.ndarray, size: int
) -> str:
    """Assemble clips from frames, with little more than a clip in memory.

    Args:
        frames: number and gray levels, uint8 (size, size), in ascending order, of at least all
            frames that are needed; read to the end.
        numbers: int (clips, clip length), which frame of the video each frame of a clip is; no
            clip begins or ends before the one before it. Clips may overlap.

    Returns:
        The SHA-256 of the clips, in the order of the file.
    """
    digest, waiting = hashlib.sha256(), list(range(len(numbers)))
    unfinished: dict[int, np.ndarray] = {}
    with open_for_writing(path) as file:
        # Contiguous, which is read fastest; the digest takes the place of checksums by chunk.
        clips = file.create_dataset("clips", (*numbers.shape, size, size), np.uint8)
        file["frame_numbers"] = numbers
        for number, frame in frames:
            while waiting and numbers[waiting[0], 0] <= number:
                unfinished[waiting.pop(0)] = np.empty(clips.shape[1:], np.uint8)
            for index in list(unfinished):
                unfinished[index][numbers[index] == number] = frame
                if numbers[index, -1] <= number:
                    clips[index] = unfinished[index]
                    digest.update(unfinished.pop(index))
    return digest.hexdigest()


def read_clips(path: str) -> np.ndarray:
    """Return all clips of a file; see `read_stacks`."""
    return read_stacks(path, read_clips_shape(path)[1])


def read_stacks(path: str, frames: int) -> np.ndarray:
    """Return the first frames of every clip, uint8 (clips, frames, height, width).

    Raises:
        InputError: the file cannot be read, its clips are shorter, or it has been changed.
    """
    common_frame_size([path], frames)
    digest = hashlib.sha256()
    with open_for_reading(path) as file:
        clips = file["clips"]
        stacks = np.empty((len(clips), frames, *clips.shape[2:]), np.uint8)
        for stack, clip in zip(stacks, clips, strict=True):
            digest.update(clip)
            stack[:] = clip[:frames]
        if digest.hexdigest() != clips.attrs["content_sha256"]:
            raise InputError(f"{path} has been damaged: delete it and run again")
    return stacks


def memmap_clips(path: str) -> np.ndarray:
    """Return all clips, uint8 (clips, frames, height, width), read from disk on access.

    Raises:
        InputError: the file cannot be read, or its clips are not contiguous.
    """
    with open_for_reading(path) as file:
        clips = file["clips"]
        offset = clips.id.get_offset()
        if offset is None:
            raise InputError(f"{path} is not stored contiguously: delete it and run again")
        return np.memmap(path, np.uint8, "r", offset, clips.shape)


def common_frame_size(paths: Iterable[str], frames: int) -> tuple[int, int]:
    """Return height and width of all clips; raise an InputError if they differ or are too short."""
    shapes = {path: read_clips_shape(path) for path in paths}
    height, width = next(iter(shapes.values()))[2:]
    for path, shape in shapes.items():
        if shape[1] < frames or shape[2:] != (height, width):
            raise InputError(
                f"{path} holds clips of shape {shape[1:]} where ({frames}, {height}, {width}) is "
                "needed: delete it and run again"
            )
    return height, width


def read_clips_shape(path: str) -> tuple[int, int, int, int]:
    """Return (clips, clip length, height, width) of a file of clips."""
    with open_for_reading(path) as file:
        return file["clips"].shape


def clip_paths(folder: str | Path, samples: Iterable[str]) -> list[str]:
    """Return the paths of the samples' files of clips; raise an InputError if one is missing."""
    paths = [Path(folder, f"{sample}.h5") for sample in samples]
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} is missing: make it again (snakemake clips)")
    return list(map(str, paths))


def match_clips_to_samples(paths: Sequence[str], contents: dict[str, dict]) -> dict[str, str]:
    """Return the file of clips of each sample, in the order of `contents`.

    Args:
        paths: files of clips; those of skipped samples are not read.
        contents: by sample, with the first digits of its clips' digest under `clips`.

    Raises:
        InputError: a file holds other clips, or those of a sample are missing.
    """
    matched = {}
    for path in paths:
        with open_for_reading(path) as file:
            clips = file.get("clips")
            attributes = dict(clips.attrs) if clips is not None else {}
            is_empty = clips is not None and not len(clips)
        sample = attributes.get("sample")
        if is_empty and sample not in contents:
            continue
        digest = contents.get(sample, {}).get("clips") or "unknown"
        if sample != Path(path).stem or not attributes.get("content_sha256", "").startswith(digest):
            raise InputError(f"{path} holds other clips than its record: delete it and run again")
        matched[sample] = path
    if missing := contents.keys() - matched.keys():
        raise InputError(f"no clips of samples {sorted(missing)}: run again")
    return {sample: matched[sample] for sample in contents}


def write_feature_images(
    path: str | Path, images: Iterable[tuple[str, np.ndarray]], attributes: dict
) -> None:
    """Write feature images by sample, float32 (stacks, channels, height, width)."""
    with open_for_writing(path) as file:
        for sample, features in images:
            name, chunks = f"features/{sample}", (1, *features.shape[1:])
            file.create_dataset(name, data=features, chunks=chunks, fletcher32=True)
        file["features"].attrs.update(attributes)


@contextlib.contextmanager
def open_for_writing(path: str | Path, mode: str = "w") -> Iterator[h5py.File]:
    """Open an HDF5 file to write to, under a name that nobody else uses yet.

    Raise an OSError if the disk is full, for example.
    """
    try:
        # Files are read without locks, so a lock here would protect nobody.
        with h5py.File(path, mode, locking=False) as file:
            yield file
    except RuntimeError as error:  # of h5py, when the last bytes cannot be written
        if number := re.search(r"errno = (\d+)", str(error)):
            raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
        raise


@contextlib.contextmanager
def open_for_reading(path: str) -> Iterator[h5py.File]:
    """Open an HDF5 file to read from.

    Raises:
        InputError: it is missing or damaged.
        OSError: the machine cannot read it.
    """
    try:
        # Nobody writes to files once they are renamed, and locking fails on many clusters.
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except OSError as error:
        if error.errno not in (None, errno.ENOENT):
            raise
        raise InputError(f"{path} cannot be read ({error}): delete it and run again") from error
