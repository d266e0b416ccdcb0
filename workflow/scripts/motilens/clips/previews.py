"""Images by which people recognize a video."""

import numpy as np

from motilens.clips.hdf5 import open_for_reading


def make_preview_images(path: str) -> dict[str, np.ndarray]:
    """Return images of a file of clips by title, (height, width).

    The first frames of the first, middle and last clip; and over all stored frames, the mean
    (what stands still) and the standard deviation over time (what moves).
    """
    with open_for_reading(path) as file:
        clips = file["clips"]
        count, length = clips.shape[:2]
        places = {"first clip": 0, "middle clip": count // 2, "last clip": count - 1}
        images = {title: clips[place, 0] for title, place in places.items()}
        total, squares = np.zeros((2, *clips.shape[2:]))
        for clip in clips:  # one at a time: a file may be big
            total += clip.sum(axis=0, dtype=float)
            squares += np.square(clip, dtype=float).sum(axis=0)
    mean = total / (count * length)
    variance = np.maximum(squares / (count * length) - mean**2, 0)
    return images | {"mean": mean, "standard deviation": np.sqrt(variance)}


def mean_first_frame(path: str) -> np.ndarray:
    """Return the mean of the first frames of all clips in a file, float64 (height, width)."""
    with open_for_reading(path) as file:
        return file["clips"][:, 0].mean(0)
