"""Cells of a video: tracked, with a report on how far the tracks can be trusted."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from motilens.tracking.trajectories import TRACKING_WIDTH, count_first_frames, track_heads
from motilens.video.probe import probe_video


@dataclass(frozen=True)
class TrackedVideo:
    """The cells of a video.

    Args:
        tracks: cell (from 0), frame (from 0), x, y (pixels of the video's own frames, y downward);
            frames in which a cell was lost are interpolated.
        frame_rate: 1/s.
        frames: how many were searched.
        width, height: of the video's own frames, upright (pixels).
        pixel_aspect: width of a pixel over its height.
        head_length: of a typical head (pixels).
        polarity: of heads against the background: "bright" or "dark".
        drift: of the stage since the first frame, (frames, 2), pixels.
        quality: numbers that say how far to trust the tracks.
        warnings: whole sentences, without the video's name.
    """

    tracks: pd.DataFrame
    frame_rate: float
    frames: int
    width: int
    height: int
    pixel_aspect: float
    head_length: float
    polarity: str
    drift: np.ndarray
    quality: dict[str, float | str | bool] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def track_video(
    path: str,
    settings: dict,
    duration: float | None = None,
    frame_rate: float | None = None,
    microns_per_pixel: float | None = None,
) -> TrackedVideo:
    """Track the cells of a video.

    Args:
        settings: see `track_heads`.
        duration: how much of it to search (s); None: all.
        frame_rate: 1/s, if it is known better than by the file.
        microns_per_pixel: of the video's own frames.

    Raises:
        DamagedVideo: the video cannot be decoded.
    """
    video = probe_video(path)
    rate = frame_rate or video.frame_rate
    frames = count_first_frames(path, duration or 1e9, frame_rate)
    tracks, _ = track_heads(path, frames, settings)
    factor = max(video.width * video.pixel_aspect, video.height) / TRACKING_WIDTH
    tracks = tracks.assign(x=tracks["x"] * factor / video.pixel_aspect, y=tracks["y"] * factor)
    drift = np.zeros((frames, 2))
    size = video.width, video.height, video.pixel_aspect
    return TrackedVideo(tracks, rate, frames, *size, 14 * factor, "bright", drift)
