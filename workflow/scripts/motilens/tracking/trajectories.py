"""Tracks of single cells: heads are detected and linked, by trackpy.

The algorithm is that of Crocker and Grier (J. Colloid Interface Sci. 179, 1996). Lengths are in
pixels of an image whose longer side has 640, as VISEM's.
"""

import functools
import logging
import warnings
import zlib

import numpy as np
import pandas as pd
import trackpy

from motilens.core.errors import InputError
from motilens.core.faults import is_machine_fault
from motilens.video.decode import FrameReader
from motilens.video.ffmpeg import DamagedVideo
from motilens.video.gray_levels import find_gray_levels
from motilens.video.probe import probe_video

TRACKING_WIDTH = 640  # pixels
TRACK_COLUMNS = ["cell", "frame", "x", "y"]
logger = logging.getLogger(__name__)
trackpy.quiet()
# It uses pandas in deprecated ways, and divides by spots of no mass: users cannot do anything
# about it.
warnings.filterwarnings("ignore", category=RuntimeWarning, module="trackpy")
warnings.filterwarnings("ignore", category=DeprecationWarning, module="trackpy")
warnings.filterwarnings("ignore", message="Image is completely black", module="trackpy")


def track_first_seconds(
    path: str, settings: dict, frame_rate: float | None = None
) -> tuple[pd.DataFrame, np.ndarray]:
    """Track the cells in the first seconds of a video, as `track_heads` does.

    Args:
        settings: duration (s), and those of `track_heads`.
        frame_rate: 1/s, if it is known better than by the file.
    """
    return track_heads(path, count_first_frames(path, settings["duration"], frame_rate), settings)


def count_first_frames(path: str, duration: float, frame_rate: float | None = None) -> int:
    """Return how many frames the first `duration` seconds of a video have, at least one.

    Raises:
        DamagedVideo: nobody knows its frame rate.
    """
    video = probe_video(path)
    rate = frame_rate or video.frame_rate
    if np.isnan(rate):
        raise DamagedVideo(
            f"{path}: it does not say when its frames were taken: give the true rate (a column "
            "`frame_rate` beside the video's name; for new videos --frame-rate)"
        )
    return max(1, min(round(duration * rate), video.frames))


def explain_no_tracks(frames: int, settings: dict) -> str:
    """Return why no track was found in so many frames, the first ones of a video."""
    shortest = settings["min_track_length"]
    searched = f"{frames} frames in the first {settings['duration']:g} s"
    if frames < shortest:
        return (
            f"too short to track cells: a track has {shortest} frames or more "
            f"(tracking.min_track_length), and there are {searched}"
        )
    return f"no cell is seen in {shortest} frames (tracking.min_track_length) of {searched}"


def track_heads(path: str, frames: int, settings: dict) -> tuple[pd.DataFrame, np.ndarray]:
    """Track bright heads in the first `frames` frames of a video.

    Args:
        settings: diameter (pixels, odd), min_mass_fraction (the least brightness of a head, as a
            share of the brightest one's in a frame), search_range (pixels from frame to frame),
            memory (frames for which a head may be lost), min_track_length (frames).

    Returns:
        One row for each cell and frame: cell (from 0), frame, x, y (pixels, two decimals),
        ascending; frames in which a cell was lost are interpolated. And the first frame, in whose
        pixels they are: uint8 (height, width).

    Raises:
        DamagedVideo: the video cannot be decoded, or heads are too close to be distinguished.
    """
    selected, detections, first = np.arange(frames), [], None
    # Part or all of any single frame may be black.
    levels = find_gray_levels(path, probe_video(path))

    def read_frames():
        return FrameReader(path, TRACKING_WIDTH, "pad", selected, levels)

    inside = _without_padding(functools.reduce(np.maximum, (frame for _, frame in read_frames())))
    for number, padded in read_frames():
        frame = padded[inside]
        first = frame if first is None else first
        spots = trackpy.locate(frame, settings["diameter"], max_iterations=3, engine="python")
        if number % 50 == 49:
            logger.info(f"{number + 1} of {frames} frames")
        # Without spots, trackpy returns columns of objects.
        detections.append(spots.assign(frame=number).astype(float))
    heads = pd.concat(detections, ignore_index=True)[["frame", "x", "y", "mass"]]
    if heads.empty:
        return empty_tracks(), first
    heads["frame"] = heads["frame"].astype(int)
    mass = heads.groupby("frame")["mass"].max().median()
    heads = heads[heads["mass"] >= settings["min_mass_fraction"] * mass]
    try:
        linked = trackpy.link(heads, settings["search_range"], memory=settings["memory"])
    except trackpy.SubnetOversizeException as error:
        raise DamagedVideo(
            f"{path}: too many heads are within tracking.search_range of each other to distinguish "
            "their tracks: if it shows cells at all, raise tracking.min_mass_fraction or diameter, "
            "or lower tracking.search_range"
        ) from error
    sizes = linked.groupby("particle")["frame"].transform("size")
    groups = linked[sizes >= settings["min_track_length"]].groupby("particle")
    tracks = [_fill_gaps(track).assign(cell=number) for number, (_, track) in enumerate(groups)]
    if not tracks:
        return empty_tracks(), first
    return pd.concat(tracks)[TRACK_COLUMNS].round({"x": 2, "y": 2}), first


def empty_tracks() -> pd.DataFrame:
    """Return tracks of no cell."""
    return pd.DataFrame(columns=TRACK_COLUMNS, dtype=float)


def _without_padding(brightest: np.ndarray) -> tuple[slice, slice]:
    """Return the part of square frames that is not padding: its edges would be detected, too.

    `brightest` is the maximum of each pixel over time, (size, size).
    """
    if not brightest.any():
        return slice(None), slice(None)
    sides = [np.flatnonzero(brightest.any(axis)) for axis in (1, 0)]
    return tuple(slice(side[0], side[-1] + 1) for side in sides)


def _fill_gaps(track: pd.DataFrame) -> pd.DataFrame:
    track = track.set_index("frame")[["x", "y"]]
    every = np.arange(track.index.min(), track.index.max() + 1)
    return track.reindex(every).interpolate().rename_axis("frame").reset_index()


def downscale_factor(record: dict) -> float:
    """Return how many pixels of a video (the record of its clips) are one pixel of its tracks."""
    width = record["video_width"] * record["video_pixel_aspect"]
    return max(width, record["video_height"]) / TRACKING_WIDTH


def read_tracks(path: str) -> pd.DataFrame:
    """Read tracks as the step `track_cells` wrote them.

    Raises:
        InputError: the file is damaged.
    """
    try:
        table = pd.read_csv(path)[TRACK_COLUMNS].astype(float)
        if not np.isfinite(table).all(axis=None):
            raise ValueError("a place is not a number")
        return table
    except (OSError, EOFError, ValueError, KeyError, zlib.error) as error:
        if is_machine_fault(error):
            raise
        raise InputError(f"{path} cannot be read ({error}): delete it and run again") from error
