"""Tracks of single cells: heads are detected and linked (Crocker and Grier), by trackpy.

Heads are found and linked by the algorithm of Crocker and Grier (J. Colloid Interface Sci. 179,
1996). Lengths are in pixels of an image whose longer side has 640, as VISEM's.
"""

import functools
import warnings
import zlib
from collections.abc import Callable

import numpy as np
import pandas as pd
import trackpy

from motilens.core.errors import InputError
from motilens.video.decode import FrameReader
from motilens.video.ffmpeg import DamagedVideo
from motilens.video.probe import probe_video

TRACKING_WIDTH = 640  # pixels
TRACK_COLUMNS = ["cell", "frame", "x", "y"]
trackpy.quiet()
# It uses pandas in ways that will end some day, and divides by spots of no mass: not the user's
# business.
warnings.filterwarnings("ignore", category=RuntimeWarning, module="trackpy")
warnings.filterwarnings("ignore", category=DeprecationWarning, module="trackpy")
warnings.filterwarnings("ignore", message="Image is completely black", module="trackpy")


def track_first_seconds(
    path: str, settings: dict, rate: float | None = None, tell: Callable[[str], None] = str
) -> tuple[pd.DataFrame, np.ndarray]:
    """Paths in the first seconds of a video.

    Args:
        settings: seconds, and those of `follow`.
        rate: 1/s, if it is known better than by the file.
        tell: told now and then how far it has come.

    Returns, raises: as `follow`.
    """
    return track_heads(path, count_first_frames(path, settings["seconds"], rate), settings, tell)


def count_first_frames(path: str, seconds: float, rate: float | None = None) -> int:
    """How many frames the first seconds of a video have, one at least; `rate` as of `beginning`."""
    found = probe_video(path)
    return max(1, min(round(seconds * (rate or found.frame_rate)), found.frames))


def explain_no_tracks(frames: int, settings: dict) -> str:
    """Why no path was found in the first frames of a video, in words.

    Args:
        frames: how many were looked at.
        settings: as of `beginning`.
    """
    seen, shortest = f"{frames} frames in the first {settings['seconds']:g} s", settings["shortest"]
    if frames < shortest:
        return (
            f"too short to follow cells: a path has {shortest} frames or more (tracks.shortest), "
            f"and there are {seen}"
        )
    return f"no cell is seen in {shortest} frames (tracks.shortest) of {seen}"


def track_heads(
    path: str, frames: int, settings: dict, tell: Callable[[str], None] = str
) -> tuple[pd.DataFrame, np.ndarray]:
    """Paths of bright heads in the first frames of a video.

    Args:
        frames: how many to look at, at most.
        settings: diameter (pixels, odd), brightness (of a head at least, as a share of the
            brightest one's in a frame), reach (pixels from frame to frame), memory (frames that
            it may be lost for), shortest (frames that a path has at least).
        tell: told now and then how far it has come.

    Returns:
        One row a cell and frame: cell (from 0), frame, x, y (pixels, two decimals), ascending;
        frames in which a cell was lost are filled in between. And the first frame, in whose pixels
        they are: uint8 (height, width).

    Raises:
        Damaged: the video cannot be decoded, or heads are too close to be told apart.
    """
    needed, found, picture = np.arange(frames), [], None
    # Of any one frame, part or all may be black.
    lit = functools.reduce(
        np.maximum, (frame for _, frame in FrameReader(path, TRACKING_WIDTH, "pad", needed))
    )
    inside = _crop_padding(lit)
    for number, whole in FrameReader(path, TRACKING_WIDTH, "pad", needed):
        frame = whole[inside]
        picture = frame if picture is None else picture
        heads = trackpy.locate(frame, settings["diameter"], max_iterations=3, engine="python")
        if number % 50 == 49:
            tell(f"{number + 1} of {frames} frames")
        found.append(heads.assign(frame=number).astype(float))  # without heads it is no number
    heads = pd.concat(found, ignore_index=True)[["frame", "x", "y", "mass"]]
    if heads.empty:
        return empty_tracks(), picture
    heads["frame"] = heads["frame"].astype(int)
    brightest = heads.groupby("frame")["mass"].max().median()
    heads = heads[heads["mass"] >= settings["brightness"] * brightest]
    try:
        linked = trackpy.link(heads, settings["reach"], memory=settings["memory"])
    except trackpy.SubnetOversizeException as error:
        raise DamagedVideo(
            f"{path}: too many heads lie within tracks.reach of each other to tell their paths "
            "apart: if it shows cells at all, raise tracks.brightness or diameter of the run, or "
            "lower tracks.reach"
        ) from error
    long = linked.groupby("particle")["frame"].transform("size") >= settings["shortest"]
    paths = [_fill_gaps(path) for _, path in linked[long].groupby("particle")]
    numbered = [path.assign(cell=number) for number, path in enumerate(paths)]
    made = (
        pd.concat(numbered)[TRACK_COLUMNS].round({"x": 2, "y": 2}) if numbered else empty_tracks()
    )
    return made, picture


def empty_tracks() -> pd.DataFrame:
    """Tracks of no cell."""
    return pd.DataFrame(columns=TRACK_COLUMNS, dtype=float)


def _crop_padding(lit: np.ndarray) -> tuple[slice, slice]:
    """What of frames is not the bars that make them square: their edges would be found, too.

    Args:
        lit: the brightest that each pixel becomes, (size, size).
    """
    if not lit.any():
        return slice(None), slice(None)
    sides = [np.flatnonzero(lit.any(axis)) for axis in (1, 0)]
    return tuple(slice(side[0], side[-1] + 1) for side in sides)


def _fill_gaps(path: pd.DataFrame) -> pd.DataFrame:
    path = path.set_index("frame")[["x", "y"]]
    every = np.arange(path.index.min(), path.index.max() + 1)
    return path.reindex(every).interpolate().rename_axis("frame").reset_index()


def downscale_factor(record: dict) -> float:
    """Pixels of a video in one of ours.

    Args:
        record: of its clips, see docs/formats.md.
    """
    return (
        max(record["video_width"] * record["video_pixel_aspect"], record["video_height"])
        / TRACKING_WIDTH
    )


def read_tracks(path: str) -> pd.DataFrame:
    """Tracks as the step `track_cells` wrote them.

    Raises:
        InputError: the file is damaged.
    """
    try:
        table = pd.read_csv(path)[TRACK_COLUMNS].astype(float)
        if not np.isfinite(table).all(axis=None):
            raise ValueError("a place is no number")
        return table
    except (OSError, EOFError, ValueError, KeyError, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it and run again") from error
