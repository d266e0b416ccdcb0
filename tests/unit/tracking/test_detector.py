"""Places of heads are exact to a fraction of a pixel, also where heads move fast."""

import numpy as np
import pytest

from motilens.tracking.detector import detect_heads, load_detector, measure_contrast, refine_centers

SIZE, RATE = (200, 240), 50.0
CENTERS = np.array([[40, 40], [120, 50], [200, 60], [60, 140], [130, 130], [210, 150]], float)


def draw_heads(centers, noise=2.0, seed=0):
    """Return a frame of bright ovals, 13 pixels long, on gray: uint8 (height, width)."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    image = np.full(SIZE, 60.0)
    for number, (x, y) in enumerate(centers):
        along = (columns - x) * np.cos(number) + (rows - y) * np.sin(number)
        across = (rows - y) * np.cos(number) - (columns - x) * np.sin(number)
        image += 120 * np.exp(-((along / 4.5) ** 2 + (across / 3) ** 2))
    image += np.random.default_rng(seed).normal(0, noise, SIZE)
    return image.clip(0, 255).round().astype(np.uint8)


@pytest.mark.parametrize("invert", [False, True])
def test_places_follow_a_fast_swing(invert):
    """The network alone is off by half a pixel, and follows swings of 12 Hz by half."""
    swings = 1.5 * np.sin(2 * np.pi * 12 * np.arange(30) / RATE)
    frames = np.array([draw_heads(CENTERS + [swing, 0], seed=n) for n, swing in enumerate(swings)])
    frames = 255 - frames if invert else frames
    contrast = measure_contrast(frames[:4])
    found = list(detect_heads(load_detector(), frames, RATE, contrast, invert))
    errors = []
    for heads, swing in zip(found, swings, strict=True):
        distances = np.linalg.norm(heads[:, None, :2] - (CENTERS + [swing, 0]), axis=2)
        errors.append(distances.min(axis=0))
    assert np.median(errors) < 0.1 and np.max(errors) < 0.4


def test_centers_stay_near_the_heads_and_in_the_frame():
    frame = draw_heads(CENTERS, noise=0).astype(np.float32) - 60
    heads = np.column_stack([CENTERS + 1.5, np.full(len(CENTERS), 0.9)])
    refined = refine_centers(frame, heads)
    assert np.abs(refined[:, :2] - CENTERS).max() < 0.05 and (refined[:, 2] == 0.9).all()
    nothing = np.array([[0.0, 0.0, 0.5], [239.4, 199.4, 0.5], [20.0, 100.0, 0.5]])
    assert np.abs(refine_centers(np.zeros(SIZE, np.float32), nothing) - nothing).max() < 0.5
    far = np.column_stack([CENTERS + 8, np.full(len(CENTERS), 0.9)])
    assert np.abs(refine_centers(frame, far) - far).max() <= 2.5
    assert refine_centers(frame, np.zeros((0, 3))).shape == (0, 3)
