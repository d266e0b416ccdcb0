"""Weak heads that look like those of the video's own swimmers: cells at rest, rather than debris.

The detector sees no more than a head's surroundings, so one that rests may be debris to it, even on
a clean slide. But what swims is a cell, and the heads of a video look alike.
"""

import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from motilens.tracking.cuts import SWIMMER_SPEED, measure_speeds
from motilens.tracking.detector import HEAD_LENGTH, subtract_background

SAMPLED_FRAMES = 12  # evenly spaced, in which heads are looked at
SWIMMER_SCORE = 0.7  # of heads, in the mean
FEWEST_SWIMMERS = 5
WEAK_SHARE = 0.6  # of min_score, which a head that looks like a swimmer's needs
RADIUS = 9  # pixels, of what is looked at around the center of a head
MIDDLE, RIM = 3, 6  # pixels from the center
# Features of a look: mean brightness in the middle and in the rim (in units of the contrast),
# length and width as standard deviations of the brightness (pixels). They may differ from the
# swimmers' median by MAX_DEVIATIONS of their standard deviations, or by this, if it is more.
LEAST_TOLERANCE = pd.Series({"middle": 0.1, "rim": 0.1, "length": 0.3, "width": 0.2})
MAX_DEVIATIONS = 2.0


def measure_looks(
    frame: np.ndarray, heads: np.ndarray, contrast: float, invert: bool
) -> np.ndarray:
    """Return how heads look, (heads, features of LEAST_TOLERANCE).

    Args:
        frame: uint8 (height, width), scaled such that heads are HEAD_LENGTH long.
        heads: x, y of their centers, (heads, 2), pixels.
        contrast, invert: see `detect_heads`.
    """
    pixels = torch.tensor(frame, dtype=torch.float32)[None, None]
    pixels = subtract_background(pixels) / (-contrast if invert else contrast)
    padded = functional.pad(pixels, (RADIUS,) * 4, mode="replicate")[0, 0].numpy()
    side = np.arange(-RADIUS, RADIUS + 1)
    places = np.stack(np.meshgrid(side, side))  # x and y of each pixel of a patch
    distance = np.hypot(*places)
    is_middle, is_rim = distance <= MIDDLE, (distance > MIDDLE) & (distance <= RIM)
    looks = []
    for x, y in heads.round().astype(int):
        patch = padded[y : y + len(side), x : x + len(side)]
        weights = patch.clip(min=0).ravel() + 1e-6
        covariance = np.cov(places.reshape(2, -1), aweights=weights, ddof=0)
        width, length = np.sqrt(np.linalg.eigvalsh(covariance).clip(min=0))
        looks.append((patch[is_middle].mean(), patch[is_rim].mean(), length, width))
    return np.array(looks).reshape(-1, len(LEAST_TOLERANCE))


def find_lookalikes(
    heads: pd.DataFrame,
    frames: dict[int, np.ndarray],
    drift: np.ndarray,
    frame_rate: float,
    contrast: float,
    invert: bool,
) -> set[int]:
    """Return the cells that look like those that clearly swim; none, if few do.

    Args:
        heads: linked: cell, frame, x, y, score.
        frames: some of the video, by number, see `measure_looks`.
        drift: of the stage, (frames, 2), pixels.
        frame_rate: 1/s.
    """
    if heads.empty:
        return set()
    parts = [heads[heads["frame"] == number] for number in frames]
    features = [
        measure_looks(frame, part[["x", "y"]].to_numpy(float), contrast, invert)
        for frame, part in zip(frames.values(), parts, strict=True)
    ]
    table = pd.DataFrame(np.concatenate(features), columns=LEAST_TOLERANCE.index)
    looks = table.groupby(pd.concat(parts)["cell"].to_numpy()).median()
    swimmers = looks[_select_swimmers(heads, drift, frame_rate)[looks.index]]
    if len(swimmers) < FEWEST_SWIMMERS:
        return set()
    center = swimmers.median()
    spread = 1.4826 * (swimmers - center).abs().median()
    tolerance = (MAX_DEVIATIONS * spread).clip(lower=LEAST_TOLERANCE)
    return set(looks.index[((looks - center).abs() <= tolerance).all(axis=1)])


def _select_swimmers(heads: pd.DataFrame, drift: np.ndarray, frame_rate: float) -> pd.Series:
    """Return, by cell, whether its heads are clear and it gets away from where it was."""
    speeds = measure_speeds(heads, drift, frame_rate, HEAD_LENGTH)
    return (heads.groupby("cell")["score"].mean() >= SWIMMER_SCORE) & (speeds >= SWIMMER_SPEED)
