"""Cuts and missing frames, by what they do to tracks."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from motilens.tracking.drift import measure_velocities, subtract_drift

SWIMMER_SPEED = 1.0  # head lengths/s, from start to end
MIN_FRAMES, MIN_CELLS = 5, 5  # of a track before a cut; tracks, to tell
MAX_BROKEN = 0.5  # of the tracks that end in one frame: more is a cut
MIN_SWIMMERS, MIN_JUDGED = 8, 25  # in a frame, and frames with so many, to tell
SKIPPED_STEP = 1.3  # times as far as usual, of most swimmers at once: a frame is missing


def find_cuts(tracks: pd.DataFrame, jumps: Sequence[int], speeds: pd.Series) -> list[int]:
    """Return the first frame after each cut: where most tracks, or those of swimmers, end at once.

    Where a stretch of the film is missing, cells at rest go on, and swimmers would count again.

    Args:
        tracks: cell, frame.
        jumps: where images may show another field; it does not if most tracks go on.
        speeds: see `measure_speeds`.
    """
    frames = int(tracks["frame"].max()) + 1 if len(tracks) else 0
    spans = tracks.groupby("cell")["frame"].agg(["min", "max"])

    def share_broken(chosen: pd.DataFrame) -> np.ndarray:
        """Return the share of tracks that end before each frame, 0 if there are too few."""
        chosen = chosen[chosen["max"] - chosen["min"] >= MIN_FRAMES]
        began = np.bincount(chosen["min"] + MIN_FRAMES, minlength=frames + 1)
        ended = np.bincount(chosen["max"] + 1, minlength=frames + 1)
        alive = np.cumsum(began) - (np.cumsum(ended) - ended)
        share = np.where(alive >= MIN_CELLS, ended / np.maximum(alive, 1), 0.0)
        return share[:frames]

    swimmers = share_broken(spans[speeds[spans.index] >= SWIMMER_SPEED])
    every = share_broken(spans)
    known = spans["max"].sub(spans["min"]).ge(MIN_FRAMES).sum() >= MIN_CELLS
    confirmed = [j for j in jumps if not known or every[max(j - 1, 0) : j + 2].max() > MAX_BROKEN]
    found = np.flatnonzero(swimmers > MAX_BROKEN).tolist()
    return sorted({*confirmed, *(f for f in found if all(abs(f - j) > 1 for j in confirmed))})


def measure_speeds(
    tracks: pd.DataFrame, drift: np.ndarray, frame_rate: float, head_length: float
) -> pd.Series:
    """Return, by cell, its speed from its first to its last place (head lengths/s)."""
    velocities = measure_velocities(tracks, drift, frame_rate)
    return np.hypot(velocities["x"], velocities["y"]) / head_length


def share_skipped(tracks: pd.DataFrame, drift: np.ndarray, speeds: pd.Series) -> float:
    """Return the share of frames before which a frame is missing: all swimmers go twice as far.

    Args:
        tracks: cell, frame, x, y, without gaps.
        drift: of the stage, (frames, 2), pixels.
        speeds: see `measure_speeds`.
    """
    tracks = tracks[tracks["cell"].map(speeds) >= SWIMMER_SPEED]
    steps = subtract_drift(tracks, drift).groupby(tracks["cell"]).diff()
    lengths = pd.Series(np.hypot(steps["x"], steps["y"]), tracks.index)
    ratios = lengths / lengths.groupby(tracks["cell"]).transform("median")
    groups = ratios.replace(np.inf, np.nan).groupby(tracks["frame"])
    # Most of them, since a few may swing far by chance.
    quartiles = groups.quantile(0.25)[groups.count() >= MIN_SWIMMERS]
    return float((quartiles > SKIPPED_STEP).mean()) if len(quartiles) >= MIN_JUDGED else 0.0
