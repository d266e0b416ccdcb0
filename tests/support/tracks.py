"""Tracks of cells whose movement is known."""

import numpy as np
import pandas as pd

FRAME_RATE = 50.0


def make_track(xy, cell=0) -> pd.DataFrame:
    """A cell at these places, (frames, 2)."""
    x, y = np.asarray(xy, float).T
    return pd.DataFrame({"cell": cell, "frame": np.arange(len(x)), "x": x, "y": y})


def straight_track(speed, frames=60, cell=0) -> pd.DataFrame:
    """A cell that swims by so many pixels a frame."""
    return make_track([(speed * k, 0.0) for k in range(frames)], cell)
