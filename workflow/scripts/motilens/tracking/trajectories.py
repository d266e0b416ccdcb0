"""Tracks as tables: cell, frame, x, y."""

import zlib

import numpy as np
import pandas as pd

from motilens.core.errors import InputError
from motilens.core.faults import is_machine_fault
from motilens.video.ffmpeg import DamagedVideo
from motilens.video.probe import VideoInfo, probe_video

TRACKING_WIDTH = 640  # pixels of the longer side, as VISEM's, in which the pipeline keeps tracks
TRACK_COLUMNS = ["cell", "frame", "x", "y"]


def count_first_frames(
    path: str, duration: float, frame_rate: float | None = None, video: VideoInfo | None = None
) -> int:
    """Return how many frames the first `duration` seconds of a video have, at least one.

    Raises:
        DamagedVideo: nobody knows its frame rate.
    """
    video = video or probe_video(path)
    rate = frame_rate or video.frame_rate
    if np.isnan(rate):
        raise DamagedVideo(
            f"{path}: it does not say when its frames were taken: give the true rate (a column "
            "`frame_rate` beside the video's name; for new videos --frame-rate)"
        )
    return max(1, min(round(duration * rate), video.frames))


def empty_tracks() -> pd.DataFrame:
    """Return tracks of no cell."""
    return pd.DataFrame(columns=TRACK_COLUMNS, dtype=float)


def fill_gaps(tracks: pd.DataFrame) -> pd.DataFrame:
    """Interpolate frames in which cells were lost; number the cells from 0, in their order."""
    parts = []
    for number, (_, track) in enumerate(tracks.groupby("cell")):
        track = track.set_index("frame")[["x", "y"]]
        every = np.arange(track.index.min(), track.index.max() + 1)
        track = track.reindex(every).interpolate().rename_axis("frame").reset_index()
        parts.append(track.assign(cell=number))
    return pd.concat(parts, ignore_index=True)[TRACK_COLUMNS] if parts else empty_tracks()


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
