"""Heads without a network: bright blobs, measured and classified (see compare_trackers.py).

Blobs are maxima of differences of Gaussians, over places and sizes. Each is measured in a frame and
its neighbors: size, elongation, rings around it, tail-like lines, change and movement. A classifier
of scikit-learn tells heads from debris. Frames are those that the network sees, normalized alike,
at half their size, which quarters the time. Lengths here are in pixels of that half.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
import torch
from scipy import ndimage
from scipy.spatial import cKDTree
from sklearn.base import ClassifierMixin
from torch.nn.functional import avg_pool2d

from motilens.tracking.detector import (
    HEAD_LENGTH,
    MIN_SCORE,
    NEIGHBOR_SECONDS,
    _drop_doubles,
    subtract_background,
)

HALF_HEAD = HEAD_LENGTH / 2
SIGMAS = HALF_HEAD * np.array([0.12, 0.18, 0.27, 0.4, 0.6])  # of blobs
MIN_BLOB = 0.03  # of a difference of Gaussians, in units of the contrast
RADII = HALF_HEAD * np.array([0, 0.16, 0.31, 0.47, 0.62, 0.8, 1.0, 1.3, 1.7, 2.2])  # of rings
ANGLES = np.arange(16) * np.pi / 8
RING_X, RING_Y = (np.rint(RADII[:, None] * f(ANGLES)).astype(int) for f in (np.cos, np.sin))
INNER, OUTER = RADII < 0.55 * HALF_HEAD, RADII > 0.7 * HALF_HEAD
FAR = 2 * HALF_HEAD  # movements are not followed farther
CERTAIN, NEAR = 4.0, 6.0  # from a true head: a blob within is one, a blob beyond is none


class BlobFrame:
    """A normalized frame, its blobs, and what is measured around them."""

    def __init__(self, frame: np.ndarray):
        smooth = [ndimage.gaussian_filter(frame, sigma, truncate=3) for sigma in SIGMAS]
        smooth.append(ndimage.gaussian_filter(smooth[-1], SIGMAS[-1], truncate=3))
        self.image = smooth[0]
        self.blobs = np.stack([a - b for a, b in zip(smooth, smooth[1:], strict=False)])
        self.lines = -ndimage.laplace(smooth[0])
        best = self.blobs.max(0)
        is_peak = (best == ndimage.maximum_filter(best, 3)) & (best > MIN_BLOB)
        rows, columns = np.nonzero(is_peak)
        self.places = np.stack([columns, rows], 1)  # x, y


def measure_blobs(before: BlobFrame, frame: BlobFrame, after: BlobFrame) -> np.ndarray:
    """Return the features of the blobs of a frame, float32 (blobs, features)."""
    x, y = frame.places.T
    height, width = frame.image.shape
    rows = (y[:, None, None] + RING_Y).clip(0, height - 1)
    columns = (x[:, None, None] + RING_X).clip(0, width - 1)
    rings = frame.image[rows, columns]  # (blobs, radii, angles)
    lines = frame.lines[rows, columns][:, OUTER]
    waves = np.abs(np.fft.rfft(rings, axis=2))[:, 1:, 1:4] / len(ANGLES)  # elongated: second wave
    weights = (rings * RADII[:, None]).clip(0)[:, INNER]
    mass = weights.sum((1, 2)) + 1e-6
    elongation = np.abs((weights * np.exp(2j * ANGLES)).sum((1, 2))) / mass
    size = (weights * RADII[INNER, None]).sum((1, 2)) / mass
    others = [other.image[rows, columns] for other in (before, after)]
    change = sum(np.abs(other - rings) for other in others) / 2
    strength = np.sort([other.blobs[:, y, x].max(0) for other in (before, after)], 0)
    moved = np.sort([_find_nearest(frame.places, other.places) for other in (before, after)], 0)
    crowd = _find_nearest(frame.places, frame.places, 2)
    features = [
        frame.blobs[:, y, x].T, rings.mean(2), rings.std(2), rings.min(2), rings.max(2),
        *np.moveaxis(waves, 2, 0), lines.min(2), lines.max(2), change[:, INNER].mean((1, 2)),
        change.mean(2), strength.T, moved.T, crowd, elongation, size,
    ]  # fmt: skip
    return np.column_stack(features).astype(np.float32)


def _find_nearest(places: np.ndarray, others: np.ndarray, neighbor: int = 1) -> np.ndarray:
    """Return the distance of each place to the nearest of the others, at most FAR."""
    if not len(others):
        return np.full(len(places), FAR)
    distance = cKDTree(others).query(places, [neighbor], distance_upper_bound=FAR)[0][:, 0]
    return distance.clip(0, FAR)


def normalize_frame(frame: np.ndarray, contrast: float, invert: bool) -> np.ndarray:
    """Return a uint8 frame as the network sees it, at half its size: float32 (height, width)."""
    tensor = subtract_background(torch.tensor(frame, dtype=torch.float32)[None, None])
    return avg_pool2d(tensor, 2)[0, 0].numpy() / (-contrast if invert else contrast)


def iterate_blobs(
    frames: np.ndarray, frame_rate: float, contrast: float, invert: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield places (blobs, 2) and features (blobs, features) of the blobs of each frame.

    `frames`, `frame_rate` (1/s), `contrast` and `invert` are those of the network.
    """
    step, last = max(1, round(NEIGHBOR_SECONDS * frame_rate)), len(frames) - 1

    @lru_cache(2 * step + 1)
    def look(number: int) -> BlobFrame:
        return BlobFrame(normalize_frame(frames[number], contrast, invert))

    for number in range(len(frames)):
        before, frame, after = (look(min(max(number + k, 0), last)) for k in (-step, 0, step))
        yield frame.places, measure_blobs(before, frame, after)


def label_blobs(places: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """Return 1 for the blob nearest to a head (heads, 2; full size), 0 for debris, -1 between."""
    if not len(heads) or not len(places):
        return np.zeros(len(places), int)
    heads = (heads - 0.5) / 2
    labels = np.where(cKDTree(heads).query(places)[0] <= NEAR, -1, 0)
    distance, nearest = cKDTree(places).query(heads)
    labels[nearest[distance <= CERTAIN]] = 1
    return labels


def fit_classifier(
    sources: list[tuple[np.ndarray, np.ndarray]], make: Callable[[], ClassifierMixin]
) -> ClassifierMixin:
    """Fit a classifier to pairs of features (blobs, features) and labels (blobs,)."""
    features, labels = (np.concatenate(part) for part in zip(*sources, strict=True))
    return make().fit(features[labels >= 0], labels[labels >= 0])


def score_blobs(
    classifier: ClassifierMixin, places: np.ndarray, features: np.ndarray
) -> np.ndarray:
    """Return heads of a frame at full size: x, y, score, (heads, 3); of nearby ones the best."""
    if not len(places):
        return np.zeros((0, 3))
    scores = classifier.predict_proba(features)[:, 1]
    heads = np.column_stack([2 * places + 0.5, scores])[scores >= MIN_SCORE]
    return _drop_doubles(heads)
