"""Clips and feature images on disk (HDF5, docs/formats.md).

A clip is the longest run of consecutive frames that any input type needs. Clips are stored once;
the stack of an input type is the first frames of each clip, so all input types see the same
moments of a video.
"""

import contextlib
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
    """Put frames together to clips, holding little more than a clip in memory.

    Args:
        path: HDF5 file to write; see docs/formats.md.
        frames: number and grey levels, uint8 (size, size), of at least all frames that are
            needed, in their order; read to the end.
        numbers: int (clips, clip length), which frame each frame of each clip is; no clip begins
            or ends before the one before it. Clips may overlap.

    Returns:
        The SHA-256 of the clips, in the order of the file.
    """
    digest, waiting = hashlib.sha256(), list(range(len(numbers)))
    begun: dict[int, np.ndarray] = {}
    with open_for_writing(path) as file:
        # Contiguous, which is read fastest; the digest takes the place of checksums by chunk.
        clips = file.create_dataset("clips", (*numbers.shape, size, size), np.uint8)
        file["frame_numbers"] = numbers
        for number, frame in frames:
            while waiting and numbers[waiting[0], 0] <= number:
                begun[waiting.pop(0)] = np.empty(clips.shape[1:], np.uint8)
            for clip in list(begun):
                begun[clip][numbers[clip] == number] = frame
                if numbers[clip, -1] <= number:
                    clips[clip] = begun[clip]
                    digest.update(begun.pop(clip))
    return digest.hexdigest()


def read_clips(path: str) -> np.ndarray:
    """All there is in a file of frames; see `read_stacks`."""
    return read_stacks(path, read_clips_shape(path)[1])


def read_stacks(path: str, frames: int) -> np.ndarray:
    """The first `frames` frames of every clip, uint8 (clips, frames, height, width).

    Raises:
        InputError: the file cannot be read, its clips are shorter, or not those that were written.
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
    """All clips, uint8 (clips, frames, height, width), read from disk where they are looked at."""
    with open_for_reading(path) as file:
        clips = file["clips"]
        offset = clips.id.get_offset()
        if offset is None:
            raise InputError(f"{path} does not lie in one piece: delete it and run again")
        return np.memmap(path, np.uint8, "r", offset, clips.shape)


def common_frame_size(paths: Iterable[str], frames: int) -> tuple[int, int]:
    """Height and width of the clips in all files.

    Raises:
        InputError: they differ, or clips are shorter than `frames`.
    """
    sizes = {path: read_clips_shape(path) for path in paths}
    height, width = next(iter(sizes.values()))[2:]
    for path, shape in sizes.items():
        if shape[1] < frames or shape[2:] != (height, width):
            raise InputError(
                f"{path} holds clips of shape {shape[1:]} where ({frames}, {height}, {width}) is "
                "needed: delete it and run again"
            )
    return height, width


def read_clips_shape(path: str) -> tuple[int, int, int, int]:
    """(clips, clip length, height, width) of a file of frames."""
    with open_for_reading(path) as file:
        return file["clips"].shape


def clip_paths(path: str, samples: Iterable[str]) -> list[str]:
    """Files of the samples' clips, which lie beside the folder of the list in `path`.

    Raises:
        InputError: one has gone since it was listed.
    """
    files = [Path(path).parents[1] / f"{sample}.h5" for sample in samples]
    for file in files:
        if not file.exists():
            raise InputError(f"{file} is gone: have it made again (snakemake frames)")
    return list(map(str, files))


def match_clips_to_samples(paths: Sequence[str], known: dict[str, dict]) -> dict[str, str]:
    """The file of frames of each sample, in the order of `known`; those left out are skipped.

    Args:
        known: for each sample, the first digits of the clips' digest under `frames`.

    Raises:
        InputError: a file holds other clips, or a sample's are missing.
    """
    found = {}
    for path in paths:
        with open_for_reading(path) as file:
            clips = file.get("clips")
            attributes = dict(clips.attrs) if clips is not None else {}
            empty = clips is not None and not len(clips)
        sample = attributes.get("sample")
        if empty and sample not in known:
            continue
        digest = known.get(sample, {}).get("frames") or "unknown"
        if sample != Path(path).stem or not attributes.get("content_sha256", "").startswith(digest):
            raise InputError(f"{path} holds other clips than were listed: delete it and run again")
        found[sample] = path
    if missing := known.keys() - found.keys():
        raise InputError(f"no clips of samples {sorted(missing)}: run again")
    return {sample: found[sample] for sample in known}


def write_feature_images(
    path: str | Path, images: Iterable[tuple[str, np.ndarray]], attributes: dict
) -> None:
    """Write each sample's feature images, float32 (stacks, channels, height, width)."""
    with open_for_writing(path) as file:
        for sample, features in images:
            file.create_dataset(
                f"features/{sample}",
                data=features,
                chunks=(1, *features.shape[1:]),
                fletcher32=True,
            )
        file["features"].attrs.update(attributes)


@contextlib.contextmanager
def open_for_writing(path: str | Path, mode: str = "w") -> Iterator[h5py.File]:
    """An HDF5 file to write to, under a name that nobody else uses yet.

    Raises:
        OSError: the disk is full, for one.
    """
    try:
        # Reading goes without locks (see `_opened`), so a lock here would protect nobody.
        with h5py.File(path, mode, locking=False) as file:
            yield file
    except RuntimeError as error:  # of h5py, when the last bytes cannot be written
        if found := re.search(r"errno = (\d+)", str(error)):
            raise OSError(int(found[1]), os.strerror(int(found[1])), str(path)) from error
        raise


@contextlib.contextmanager
def open_for_reading(path: str) -> Iterator[h5py.File]:
    try:
        # Files are published by renaming, so nobody writes to one that is read, and locking
        # fails on many clusters' file systems.
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error}): delete it and run again") from error
