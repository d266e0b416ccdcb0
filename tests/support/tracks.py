"""Tracks of cells whose movement is known."""

import numpy as np
import pandas as pd

from motilens.tracking.tracker import TrackedVideo

FRAME_RATE = 50.0


def make_track(xy, cell=0) -> pd.DataFrame:
    """A cell at these places, (frames, 2)."""
    x, y = np.asarray(xy, float).T
    return pd.DataFrame({"cell": cell, "frame": np.arange(len(x)), "x": x, "y": y})


def straight_track(speed, frames=60, cell=0) -> pd.DataFrame:
    """A cell that swims by so many pixels a frame."""
    return make_track([(speed * k, 0.0) for k in range(frames)], cell)


def make_tracked_video(tracks, frames=100, width=640, height=480, head_length=12.0, **others):
    """A video with these tracks."""
    drift = others.pop("drift", np.zeros((frames, 2)))
    size = width, height, others.pop("pixel_aspect", 1.0)
    return TrackedVideo(tracks, FRAME_RATE, frames, *size, head_length, "bright", drift, **others)
