"""Movement that cells share: the stage shakes, or the liquid flows, turns or is sheared."""

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from motilens.tracking.drift import subtract_drift

# Up to 0.1 in five real videos; 0.2 to 1 where the field turns, is sheared or changes its scale.
MAX_COMMON_MOTION = 0.18
COMMON_SECONDS, MIN_CELLS, SIGNIFICANT = 0.2, 5, 2.5  # standard errors
NEAREST, NOT_TOUCHING = 6, 2.0  # neighbors that are looked at; head lengths
MIN_SHAKEN = 3  # cells in a frame, of each half, to tell how the stage has moved
JOLT, MAX_JOLTS = 5.0, 0.1  # standard errors of a step; share of the frames: more is shaking
DRIFTS = 0.1  # pixels from frame to frame: here, a jolt is in the drift
MIN_AGREEMENT = 0.5  # between the halves: up to 0.35 in videos at rest, from 0.76 where it shakes


def measure_shake(tracks: pd.DataFrame, drift: np.ndarray) -> np.ndarray:
    """Return how far the field has moved besides its drift since the first frame, (frames, 2).

    By the median of the cells' steps from frame to frame, if one half of the cells steps as the
    other does; else by those steps alone that are far too great for chance.

    Args:
        tracks: cell, frame, x, y, without gaps.
        drift: of the stage, which is removed first, (frames, 2), pixels.
    """
    steps = subtract_drift(tracks, drift).groupby(tracks["cell"]).diff()
    is_even = tracks["cell"].rank(method="dense") % 2 == 0

    def take_medians(chosen: pd.Series | slice) -> pd.DataFrame:
        groups = steps[chosen].groupby(tracks["frame"][chosen])
        medians = groups.median().where(groups.count() >= MIN_SHAKEN)
        return medians.reindex(range(len(drift)))

    even, odd = take_medians(is_even), take_medians(~is_even)
    chance = 1.4826 * (even - odd).abs().median().max() / 2  # of the mean of both
    is_jolt = np.hypot(*(even + odd).to_numpy().T) / 2 > JOLT * chance
    medians = take_medians(slice(None)).fillna(0.0)
    if is_jolt.mean() < MAX_JOLTS and not _agree(even[~is_jolt], odd[~is_jolt]):
        has_drift = np.hypot(*np.diff(drift, axis=0, prepend=drift[:1]).T) > DRIFTS
        medians[~is_jolt | has_drift | (_cosines(even, odd) < MIN_AGREEMENT)] = 0.0
    elif not _agree(even, odd):
        medians[:] = 0.0
    return medians.cumsum().to_numpy()


def _agree(even: pd.DataFrame, odd: pd.DataFrame) -> bool:
    squares = np.sqrt((even**2).sum().sum() * (odd**2).sum().sum())
    return bool(squares) and (even * odd).sum().sum() / squares >= MIN_AGREEMENT


def _cosines(even: pd.DataFrame, odd: pd.DataFrame) -> np.ndarray:
    lengths = np.hypot(*even.to_numpy().T) * np.hypot(*odd.to_numpy().T)
    return (even * odd).sum(axis=1).to_numpy() / np.maximum(lengths, 1e-9)


def measure_common_motion(
    tracks: pd.DataFrame, drift: np.ndarray, frame_rate: float, head_length: float
) -> float:
    """Return how much neighbors move alike: 0 if not at all, as cells; 1 if the field moves.

    The mean cosine between the movements, in COMMON_SECONDS, of each cell and its nearest neighbor
    that does not touch it; 0, too, if it may be chance.

    Args:
        tracks: cell, frame, x, y, without gaps.
        drift: of the stage, which is removed first, (frames, 2), pixels.
        frame_rate: 1/s.
        head_length: pixels.
    """
    step = max(1, round(COMMON_SECONDS * frame_rate))
    places = tracks[["cell", "frame"]].assign(**subtract_drift(tracks, drift))
    places = places[places["frame"] % step == 0].sort_values(["cell", "frame"])
    moves = places.groupby("cell").diff().shift(-1)  # to the next place; none crosses cells
    places = places.assign(dx=moves["x"], dy=moves["y"])[moves["frame"] == step]
    places = places[(places["dx"] != 0) | (places["dy"] != 0)]
    cosines = [pd.Series(dtype=float)]
    for _, part in places.groupby("frame"):
        distances, others = cKDTree(part[["x", "y"]]).query(part[["x", "y"]], NEAREST)
        apart = (distances > NOT_TOUCHING * head_length) & np.isfinite(distances)
        has_neighbor = apart.any(axis=1)
        nearest = others[np.arange(len(part)), apart.argmax(axis=1)][has_neighbor]
        ways = part[["dx", "dy"]].to_numpy()
        ways /= np.hypot(*ways.T)[:, None]
        values = (ways[has_neighbor] * ways[nearest]).sum(1)
        cosines.append(pd.Series(values, part["cell"][has_neighbor]))
    of_cells = pd.concat(cosines).groupby(level=0).mean()
    if len(of_cells) < MIN_CELLS:
        return 0.0
    # Of two neighbors, one says nothing new; cells that swim straight say the same all the time.
    error = of_cells.std() / np.sqrt(len(of_cells) / 2)
    return float(of_cells.mean()) if of_cells.mean() > SIGNIFICANT * error else 0.0
