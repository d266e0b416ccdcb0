"""Frames that repeat the one before: frozen, or recorded at a lower rate than the file says."""

from collections.abc import Iterable, Sequence

import numpy as np

# Cameras have noise. Successive frames of six real videos differ by at least 0.38 of what the most
# changed ones do; repeated frames, encoded with losses, by up to 0.1, and deinterlaced by 0.26.
MIN_CHANGE = 0.3
MAX_REPEATED = 0.05  # share of the frames


def measure_change(before: np.ndarray, after: np.ndarray) -> float:
    """Return by how many gray levels two frames, uint8, differ, but for their brightness."""
    difference = after.astype(np.float32) - before
    return float(np.abs(difference - difference.mean()).mean())


def share_repeated(changes: Iterable[Sequence[float]]) -> float:
    """Return the share of repeated frames.

    Args:
        changes: from each frame to the next, of parts of a video. Most parts decide how much frames
            change anyway: in some, the stage may move.
    """
    parts = [np.asarray(part) for part in changes if len(part)]
    if not parts:
        return 0.0
    usual = np.quantile([np.quantile(part, 0.9) for part in parts], 0.7)
    return float((np.concatenate(parts) <= MIN_CHANGE * usual).mean())
