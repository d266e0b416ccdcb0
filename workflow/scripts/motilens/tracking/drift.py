"""Movement of the stage, by how the whole image moves."""

import numpy as np
from scipy import fft

KEY_SECONDS = 0.5  # between the frames that are compared
MIN_PEAK = 0.012  # of the phase correlation: with less, the images do not show the same field


class DriftMeter:
    """Measure how far the stage has moved since the first frame, from frames one by one."""

    def __init__(self, frame_rate: float):
        self.step = max(1, round(KEY_SECONDS * frame_rate))
        self.count, self.previous = 0, None
        self.frames, self.places, self.jumps = [0], [np.zeros(2)], []

    def add_frame(self, frame: np.ndarray) -> None:
        """Take the next frame, uint8 (height, width)."""
        if self.count % self.step == 0:
            spectrum = _spectrum(frame)
            if self.previous is not None:
                moved, peak = _find_shift(self.previous, spectrum, frame.shape)
                if peak < MIN_PEAK:
                    self.jumps.append(self.count)
                    moved = np.zeros(2)
                self.frames.append(self.count)
                self.places.append(self.places[-1] + moved)
            self.previous = spectrum
        self.count += 1

    def positions(self) -> np.ndarray:
        """Return the movement of the field since the first frame, (frames, 2): x, y in pixels."""
        places, frames = np.array(self.places), np.arange(self.count)
        return np.stack([np.interp(frames, self.frames, places[:, axis]) for axis in (0, 1)], 1)


def _spectrum(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    spectrum = fft.rfft2((frame - frame.mean(dtype=np.float32)) * window)
    return spectrum / (np.abs(spectrum) + 1e-3 * np.abs(spectrum).max() + 1e-9)


def _find_shift(
    before: np.ndarray, after: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, float]:
    """Return by how much (x, y) the second image has moved, and how clear that is, 0 to 1."""
    surface = fft.irfft2(after * np.conj(before), shape)
    row, column = np.unravel_index(np.argmax(surface), shape)
    shift = []
    for axis, at in ((1, column), (0, row)):
        around = np.take(surface, [at - 1, at, at + 1], axis, mode="wrap")
        low, middle, high = around[row] if axis == 1 else around[:, column]
        curve = low - 2 * middle + high
        part = 0.5 * (low - high) / curve if curve else 0.0
        size = shape[axis]
        shift.append((at + part + size / 2) % size - size / 2)
    return np.array(shift), float(surface[row, column])
