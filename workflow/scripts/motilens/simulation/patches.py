"""Small squares of pixels, added to layers on the torus on which simulated cells live."""

import numpy as np
from numpy.random import Generator
from scipy import ndimage

from motilens.simulation.cells import FRAME_HEIGHT, FRAME_WIDTH, TORUS_HEIGHT, TORUS_WIDTH


def smooth_step(distance: np.ndarray) -> np.ndarray:
    """Return a smooth step from 0 (far below zero) to 1 (far above)."""
    return 0.5 + 0.5 * np.tanh(distance / 2)


def smooth_noise(rng: Generator, scale: float) -> np.ndarray:
    """Draw a frame of blurred noise with standard deviation 1; `scale` in px."""
    noise = ndimage.gaussian_filter(rng.standard_normal((FRAME_HEIGHT, FRAME_WIDTH)), scale)
    return noise / noise.std()


def pixel_patches(
    x: np.ndarray, y: np.ndarray, reach: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return squares of pixels around points: dx (n, 1, p), dy (n, p, 1), indices (n, p, p)."""
    steps = np.arange(-reach, reach + 1)
    columns, rows = np.rint(x)[:, None] + steps, np.rint(y)[:, None] + steps
    dx = (columns - x[:, None])[:, None, :].astype(np.float32)
    dy = (rows - y[:, None])[:, :, None].astype(np.float32)
    columns, rows = columns.astype(int) % TORUS_WIDTH, rows.astype(int) % TORUS_HEIGHT
    return dx, dy, rows[:, :, None] * TORUS_WIDTH + columns[:, None, :]


def add_values(layer: np.ndarray, pixels: np.ndarray, values: np.ndarray) -> None:
    """Add values at indices of pixels, which may overlap, to a layer."""
    np.add.at(layer.reshape(-1), pixels.reshape(-1), values.reshape(-1))


def add_spots(layer: np.ndarray, x, y, sigma, weight, reach: int) -> None:
    """Add Gaussian spots to a layer."""
    dx, dy, pixels = pixel_patches(x, y, reach)
    scale = as_column(1 / (np.sqrt(2) * sigma))
    spots = np.exp(-((dy * scale) ** 2)) * np.exp(-((dx * scale) ** 2))
    add_values(layer, pixels, as_column(weight) * spots)


def as_column(values: np.ndarray) -> np.ndarray:
    """Return one value for each patch; float32 is exact enough and twice as fast."""
    return values.astype(np.float32)[:, None, None]
