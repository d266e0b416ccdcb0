"""Clips of frames and feature images on disk (HDF5), and the views of them that models see.

A clip is the longest run of consecutive frames that any input type needs. Clips are stored
once; the stack of an input type is the first frames of each clip, so that all input types
see the same moments of a video.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np

from motilens import InputError


def clip_positions(frames: int, clips: int, clip_length: int) -> np.ndarray:
    """First frames of `clips` clips spread evenly over a video of `frames` frames, int64.

    The paper (its code) steps by frames / 250; here the last clip must end inside the video,
    so the step is (frames - clip_length + 1) / clips.

    Raises:
        InputError: the video has fewer different positions than clips.
    """
    room = frames - clip_length + 1
    if room < clips:
        raise InputError(
            f"{frames} frames are too few for {clips} clips of {clip_length} frames, which need "
            f"at least {clips + clip_length - 1}: lower frames.clips_per_video, shorten the "
            "longest input type, or leave this participant out (video and labels)"
        )
    return np.arange(clips) * room // clips


def write_clips(
    path: str | Path,
    frames: Iterable[np.ndarray],
    positions: np.ndarray,
    shape: tuple[int, int, int],
) -> tuple[int, str]:
    """Cut clips out of a stream of frames, holding one frame in memory.

    Args:
        path: HDF5 file to write; see docs/formats.md.
        frames: uint8 (height, width) each; read to the end.
        positions: first frame of each clip, ascending; clips may overlap.
        shape: (clip length, height, width).

    Returns:
        The number of frames read, and the SHA-256 of the clips' number, shape and positions
        (decimal, in the text of a list) and their grey levels in the order of the video.
    """
    digest = hashlib.sha256(str([len(positions), *shape, *positions.tolist()]).encode())
    count = 0
    with h5py.File(path, "w") as file:
        # One frame a chunk: any stack is read without touching other frames. fletcher32 makes
        # HDF5 itself refuse a chunk whose bits have changed.
        clips = file.create_dataset(
            "clips", (len(positions), *shape), np.uint8, chunks=(1, 1, *shape[1:]), fletcher32=True
        )
        for index, frame in enumerate(frames):
            for clip in np.flatnonzero((positions <= index) & (index < positions + shape[0])):
                clips[clip, index - positions[clip]] = frame
                digest.update(frame)
            count = index + 1
        file["positions"] = positions
    return count, digest.hexdigest()


def read_stacks(paths: Sequence[str], frames: int) -> np.ndarray:
    """The first `frames` frames of every clip of every file, in order.

    Returns:
        uint8 (stacks, frames, height, width).

    Raises:
        InputError: a file cannot be read, or its clips are shorter or of another size.
    """
    shapes = [clips_shape(path) for path in paths]
    height, width = shapes[0][2:]
    stacks = np.empty((sum(shape[0] for shape in shapes), frames, height, width), np.uint8)
    start = 0
    for path, shape in zip(paths, shapes, strict=True):
        if shape[1] < frames or shape[2:] != (height, width):
            raise InputError(
                f"{path} holds clips of shape {shape[1:]} where ({frames}, {height}, {width}) is "
                "needed: delete it and run again"
            )
        with _opened(path) as file:
            target = np.s_[start : start + shape[0]]
            file["clips"].read_direct(stacks, np.s_[:, :frames], target)
        start += shape[0]
    return stacks


def mean_and_deviation(stacks: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of all grey levels of uint8 `stacks`, in units of white (255).

    Raises:
        InputError: there is nothing to see, all pixels are alike.
    """
    # Counting levels stack by stack needs no copy of stacks that may fill the memory.
    counts = sum(np.bincount(stack.ravel(), minlength=256) for stack in stacks)
    levels, share = np.arange(256) / 255, counts / counts.sum()
    mean = (share * levels).sum()
    deviation = np.sqrt((share * (levels - mean) ** 2).sum())
    if deviation == 0:
        raise InputError("all pixels of all training frames are alike: look at the videos")
    return float(mean), float(deviation)


def clips_shape(path: str) -> tuple[int, int, int, int]:
    """(clips, clip length, height, width) of a file of frames."""
    with _opened(path) as file:
        return file["clips"].shape


def by_participant(paths: Sequence[str], known: dict[str, dict]) -> dict[str, str]:
    """Whose clips each file of frames holds, in the order of `known`.

    Args:
        known: for each participant, the first digits of the clips' digest under `frames`.

    Raises:
        InputError: a file holds other clips, or a participant's are missing.
    """
    found = {}
    for path in paths:
        with _opened(path) as file:
            attributes = dict(file["clips"].attrs)
        participant = attributes["participant"]
        digest = known.get(participant, {}).get("frames") or "unknown"
        if not attributes["content_sha256"].startswith(digest):
            raise InputError(f"{path} holds other clips than were listed: delete it and run again")
        found[participant] = path
    if missing := known.keys() - found.keys():
        raise InputError(f"no clips of participants {sorted(missing)}: run again")
    return {participant: found[participant] for participant in known}


def write_feature_images(
    path: str | Path, images: Iterable[tuple[str, np.ndarray]], attributes: dict
) -> None:
    """Write each participant's feature images, float32 (stacks, channels, height, width)."""
    with h5py.File(path, "w") as file:
        for participant, features in images:
            file.create_dataset(
                f"features/{participant}",
                data=features,
                chunks=(1, *features.shape[1:]),
                fletcher32=True,
            )
        file["features"].attrs.update(attributes)


@contextlib.contextmanager
def _opened(path: str) -> Iterator[h5py.File]:
    try:
        # Files are published by renaming, so nobody writes to one that is read, and locking
        # fails on many clusters' file systems.
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error}): delete it and run again") from error
