"""Near-duplicate videos: re-encoded, brightened or cut copies, which no digest finds."""

import base64
from collections.abc import Iterable

import numpy as np

THUMBNAIL_SIZE = 32  # pixels
# Correlation of two thumbnails' edges. Of 85 simulated fields, no two reached 0.21; a re-encoded
# video, or one that is a frame shorter or brighter, has 0.98 and more with its original.
MIN_CORRELATION = 0.9
BLOCK_SIZE = 500  # videos: all pairs of 10,000 at once would take much memory


def make_thumbnail(frame: np.ndarray) -> str:
    """Reduce a frame to THUMBNAIL_SIZE x THUMBNAIL_SIZE gray levels, as base-64 text.

    A black border, which padding makes, is cut off: its edges would make all videos look alike.
    """
    rows, columns = (np.flatnonzero(frame.any(axis)) for axis in (1, 0))
    if len(rows):
        frame = frame[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    small = _block_means(_block_means(frame.astype(float), 0), 1)
    spread = np.ptp(small) or 1
    return base64.b64encode((255 * (small - small.min()) / spread).astype(np.uint8)).decode()


def _block_means(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the means of THUMBNAIL_SIZE blocks along an axis."""
    edges = np.linspace(0, values.shape[axis], THUMBNAIL_SIZE + 1)
    starts, ends = np.floor(edges[:-1]).astype(int), np.ceil(edges[1:]).astype(int)
    bounds = zip(starts, ends, strict=True)
    means = [values.take(range(start, end), axis).mean(axis) for start, end in bounds]
    return np.stack(means, axis)


def find_near_duplicates(records: Iterable[dict]) -> list[tuple[dict, dict]]:
    """Find pairs of records of different participants whose videos show nearly the same field.

    A record's `thumbnail` is that of the mean of the clips' first frames; samples that were skipped
    have none.
    """
    shown = [record for record in records if "thumbnail" in record]
    vectors = np.array([_edge_vector(record["thumbnail"]) for record in shown], np.float32)
    pairs = []
    for start in range(0, len(shown), BLOCK_SIZE):
        similar = vectors[start : start + BLOCK_SIZE] @ vectors.T > MIN_CORRELATION
        for row, other in np.argwhere(similar):
            first, second = shown[start + row], shown[other]
            if start + row < other and first["participant"] != second["participant"]:
                pairs.append((first, second))
    return pairs


def _edge_vector(thumbnail: str) -> np.ndarray:
    """Return differences of neighbors, of length 1: uneven light, which videos share, has none."""
    small = np.frombuffer(base64.b64decode(thumbnail), np.uint8)
    small = small.reshape(THUMBNAIL_SIZE, THUMBNAIL_SIZE).astype(float)
    vector = np.concatenate([np.diff(small, axis=axis).ravel() for axis in (0, 1)])
    return vector / (np.linalg.norm(vector) or 1)
