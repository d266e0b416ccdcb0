"""Movement that cells share: the stage shakes, or the liquid flows, turns or is sheared."""

import warnings

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from sklearn.linear_model import RANSACRegressor

from motilens.tracking.drift import measure_velocities, subtract_drift

# Up to 0.1 in five real videos; 0.2 to 1 where the field turns, is sheared or changes its scale.
MAX_COMMON_MOTION = 0.18
COMMON_SECONDS, MIN_CELLS, SIGNIFICANT = 0.2, 5, 2.5  # standard errors
NEAREST, NOT_TOUCHING = 6, 2.0  # neighbors that are looked at; head lengths
MIN_SECONDS, FIELD_ERROR = 0.5, 0.15  # of a track; head lengths/s
MIN_MOVE = 0.05  # head lengths, in COMMON_SECONDS: of what is at rest, the way is chance
MIN_SHAKEN = 3  # cells in a frame, of each half, to tell how the stage has moved
N_ITERATIONS = 20
JITTER, PRIOR = 0.05, 0.2  # pixels, by which positions are inexact; frames of a typical cell
MAX_REST = 5.0  # pixels/s, where a head has 13: slower cells are immotile
JOLT, EDGE_OF_JOLT = 5.0, 2.5  # standard errors: of one step of a jolt, of those beside it
MIN_JOLT = 2.0  # pixels
MAX_JOLTS = 0.1  # share of the frames: more is shaking
DRIFTS = 0.1  # pixels from frame to frame: here, a jolt is in the drift
MIN_AGREEMENT = 0.5  # between the halves: up to 0.35 in videos at rest, from 0.76 where it shakes


def measure_shake(tracks: pd.DataFrame, drift: np.ndarray, frame_rate: float) -> np.ndarray:
    """Return how far the field has moved besides its drift since the first frame, (frames, 2).

    By the steps of cells from frame to frame, if one half of the cells steps as the other does;
    else by those steps alone that are far too great for chance.

    Args:
        tracks: cell, frame, x, y, without gaps.
        drift: of the stage, which is removed first, (frames, 2), pixels.
        frame_rate: 1/s.
    """
    steps = subtract_drift(tracks, drift).groupby(tracks["cell"]).diff()
    is_even = tracks["cell"].rank(method="dense") % 2 == 0
    even, odd, every = (
        _find_common_steps(steps[chosen], tracks[chosen], len(drift), MAX_REST / frame_rate)
        for chosen in (is_even, ~is_even, slice(None))
    )
    chance = 1.4826 * (even - odd).abs().median().max() / 2  # of the mean of both
    lengths = pd.Series(np.hypot(*(even + odd).to_numpy().T) / 2)
    # One cell at rest is exact, in whichever half it is.
    of_every = pd.Series(np.hypot(*every.to_numpy().T))
    is_clear = of_every > np.maximum(MIN_JOLT, JOLT * of_every.median())
    is_long, is_jolt = lengths > EDGE_OF_JOLT * chance, lengths > JOLT * chance
    is_long, is_jolt = is_long | is_clear, is_jolt | is_clear
    is_jolt = is_long & is_jolt.groupby((is_long != is_long.shift()).cumsum()).transform("any")
    common = every.fillna(0.0)
    if is_jolt.mean() < MAX_JOLTS and not _agree(even[~is_jolt], odd[~is_jolt]):
        has_drift = np.hypot(*np.diff(drift, axis=0, prepend=drift[:1]).T) > DRIFTS
        common[~is_jolt | has_drift | ~(_cosines(even, odd) >= MIN_AGREEMENT)] = 0.0
    elif not _agree(even, odd):
        common[:] = 0.0
    return common.cumsum().to_numpy()


def _find_common_steps(
    steps: pd.DataFrame, tracks: pd.DataFrame, frames: int, max_rest: float
) -> pd.DataFrame:
    """Return the mean step of cells in each frame, NaN where there are too few.

    Cells that hardly move by themselves count most, since a swimmer says little about the stage
    (iteratively reweighted least squares; the first means are medians).

    Args:
        steps: from the frame before, x and y, NaN in the first frame of a cell.
        tracks: cell and frame of each step.
        frames: how many there are.
        max_rest: pixels from frame to frame of what still counts as at rest.
    """
    is_known = steps["x"].notna()
    steps, numbers = steps[is_known].to_numpy(), tracks["frame"][is_known].to_numpy(int)
    cells = pd.factorize(tracks["cell"][is_known])[0]
    counts = np.bincount(numbers, minlength=frames)
    common = pd.DataFrame(steps, columns=["x", "y"]).groupby(numbers).median()
    common = common.reindex(range(frames)).to_numpy()
    for _ in range(N_ITERATIONS if len(steps) else 0):
        squares = np.square(steps - common[numbers]).sum(axis=1)
        variances = pd.Series(squares).groupby(cells).mean()
        # A few frames of a cell may be alike by chance.
        lengths = np.bincount(cells)
        variances = (lengths * variances + PRIOR * variances.median()) / (lengths + PRIOR)
        weights = 1 / (variances.to_numpy()[cells] + JITTER**2)
        sums = [np.bincount(numbers, weights * values, frames) for values in (1, *steps.T)]
        common = np.column_stack(sums[1:]) / np.maximum(sums[0], 1e-12)[:, None]
    common = pd.DataFrame(common, columns=["x", "y"])[counts >= MIN_SHAKEN].reindex(range(frames))
    # A steady way is no shaking: it is that of a swimmer, or of some who go side by side.
    off = np.hypot(*(common - common.median()).to_numpy().T)
    steady = common[off <= JOLT * pd.Series(off).median()].mean()
    return common - steady if np.hypot(*steady) > max_rest else common


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
    places = places[np.hypot(places["dx"], places["dy"]) > MIN_MOVE * head_length]
    return max(
        _mean_cosine(places, head_length),
        _share_of_field(tracks, drift, frame_rate, head_length),
    )


def _share_of_field(
    tracks: pd.DataFrame, drift: np.ndarray, frame_rate: float, head_length: float
) -> float:
    """Return the share of cells that move as points of a field that turns, is sheared or scaled.

    It is 0 if more cells are at rest. RANSAC (Fischler and Bolles, Comm. ACM 1981) finds the field
    among swimmers.
    """
    frames = tracks.groupby("cell")["frame"]
    is_long = (frames.last() - frames.first()) / frame_rate >= MIN_SECONDS
    if is_long.sum() < 2 * MIN_CELLS:
        return 0.0
    ways = measure_velocities(tracks, drift, frame_rate)[is_long] / head_length
    # Not the middle of the way, which depends on the speed.
    places = subtract_drift(tracks, drift).groupby(tracks["cell"])
    starts = places.first()[is_long] / head_length
    model = RANSACRegressor(residual_threshold=FIELD_ERROR, max_trials=500, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about three cells that no field fits
        try:
            moves = model.fit(starts, ways).predict(starts)
        except ValueError:  # no three cells have one
            return 0.0
    with_field = model.inlier_mask_ & (np.hypot(*moves.T) > FIELD_ERROR)
    at_rest = np.abs(ways).sum(axis=1) <= FIELD_ERROR
    if with_field.sum() < MIN_CELLS or with_field.sum() < 2 * at_rest.sum():
        return 0.0
    return float(with_field.mean())


def _mean_cosine(places: pd.DataFrame, head_length: float) -> float:
    """Return the mean cosine between neighbors' movements, 0 if it may be chance.

    Args:
        places: cell, frame, x, y, dx and dy (its movement, not 0).
        head_length: pixels.
    """
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
