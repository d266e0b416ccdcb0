"""Tracks of bright spots, by trackpy: the detector that needs no network.

The algorithm is that of Crocker and Grier (J. Colloid Interface Sci. 179, 1996). It cannot tell
heads from bright debris. Lengths are in pixels of an image whose longer side has TRACKING_WIDTH.
"""

import functools
import logging
import warnings

import numpy as np
import pandas as pd
import trackpy

from motilens.tracking.trajectories import TRACKING_WIDTH, empty_tracks, fill_gaps
from motilens.video.decode import FrameReader
from motilens.video.ffmpeg import DamagedVideo
from motilens.video.gray_levels import find_gray_levels
from motilens.video.probe import probe_video

logger = logging.getLogger(__name__)
trackpy.quiet()
# It uses pandas in deprecated ways, and divides by spots of no mass: users cannot do anything
# about it.
warnings.filterwarnings("ignore", category=RuntimeWarning, module="trackpy")
warnings.filterwarnings("ignore", category=DeprecationWarning, module="trackpy")
warnings.filterwarnings("ignore", message="Image is completely black", module="trackpy")


def track_blobs(
    path: str, frames: int, min_track_length: int, settings: dict
) -> tuple[pd.DataFrame, np.ndarray]:
    """Track bright heads in the first `frames` frames of a video.

    Args:
        min_track_length: frames.
        settings: diameter (pixels, odd), min_mass_fraction (the least brightness of a head, as a
            share of the brightest one's in a frame), search_range (pixels from frame to frame),
            memory (frames for which a head may be lost).

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
    tracks = linked[sizes >= min_track_length].rename(columns={"particle": "cell"})
    return fill_gaps(tracks).round({"x": 2, "y": 2}), first


def _without_padding(brightest: np.ndarray) -> tuple[slice, slice]:
    """Return the part of square frames that is not padding: its edges would be detected, too.

    `brightest` is the maximum of each pixel over time, (size, size).
    """
    if not brightest.any():
        return slice(None), slice(None)
    sides = [np.flatnonzero(brightest.any(axis)) for axis in (1, 0)]
    return tuple(slice(side[0], side[-1] + 1) for side in sides)
