"""Movement of the stage, by how the whole image moves."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import fft

KEY_SECONDS = 0.5  # between the frames that are compared
MIN_QUARTERS, SAME_SHIFT = 2, 2.0  # quarters of a field that moves show it; pixels
MIN_OVERLAP = 32  # pixels; of less, quarters show nothing
STILL = 1.0  # pixel between two key frames: less may come from noise
MIN_PEAK = 0.02  # of the phase correlation: with less, the images show different fields


class DriftMeter:
    """Measure how far the stage has moved since the first frame, from frames one by one."""

    def __init__(self, frame_rate: float):
        self.step = max(1, round(KEY_SECONDS * frame_rate))
        self.count = 0
        self.frames, self.places, self.jumps = [0], [np.zeros(2)], []

    def add_frame(self, frame: np.ndarray) -> None:
        """Take the next frame, uint8 (height, width)."""
        if self.count == 0:
            self.key = frame
        elif self.count % self.step == 0:
            self._compare(frame, self.count)
        self.last = frame
        self.count += 1

    def _compare(self, frame: np.ndarray, number: int) -> None:
        moved, peak = _find_shift(self.key, frame)
        if not _moves_as_whole(self.key, frame, moved):
            moved = np.zeros(2)
            if peak < MIN_PEAK:
                self.jumps.append(number)
        self.frames.append(number)
        self.places.append(self.places[-1] + moved)
        self.key = frame

    def positions(self) -> np.ndarray:
        """Return the movement of the field since the first frame, (frames, 2): x, y in pixels."""
        if self.frames[-1] < self.count - 1:  # between the last key frame and the end, too
            self._compare(self.last, self.count - 1)
        places, frames = np.array(self.places), np.arange(self.count)
        return np.stack([np.interp(frames, self.frames, places[:, axis]) for axis in (0, 1)], 1)

    def locate_jumps(self, changes: Sequence[float]) -> None:
        """Find the first frame after each jump: the one that differs most from the one before.

        Args:
            changes: from each frame to the next, see `measure_change`.
        """
        self.positions()
        keys = np.array(self.frames)
        for place, number in enumerate(self.jumps):
            start = keys[np.searchsorted(keys, number) - 1]
            self.jumps[place] = int(start + np.argmax(changes[start:number]) + 1)

    def select_still(self, changes: Sequence[float]) -> Iterator[Sequence[float]]:
        """Yield the changes between those key frames between which the stage stood still."""
        places = self.positions()
        for start, end in itertools.pairwise(self.frames):
            if np.hypot(*(places[end] - places[start])) < STILL:
                yield changes[start:end]


def _spectrum(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    spectrum = fft.rfft2((frame - frame.mean(dtype=np.float32)) * window)
    return spectrum / (np.abs(spectrum) + 1e-3 * np.abs(spectrum).max() + 1e-9)


def _moves_as_whole(before: np.ndarray, after: np.ndarray, moved: np.ndarray) -> bool:
    """Return whether several quarters of the field moved so: it might be a single cell."""
    x, y = moved.round().astype(int)
    if not x and not y:
        return True
    height, width = (length - abs(by) for length, by in zip(before.shape, (y, x), strict=True))
    before = before[max(-y, 0) :, max(-x, 0) :][:height, :width]
    after = after[max(y, 0) :, max(x, 0) :][:height, :width]
    if min(height, width) < MIN_OVERLAP:
        return False
    count = 0
    for quarter in itertools.product(*(_halve(length) for length in before.shape)):
        count += np.hypot(*_find_shift(before[quarter], after[quarter])[0]) < SAME_SHIFT
    return count >= MIN_QUARTERS


def _halve(length: int) -> tuple[slice, slice]:
    return slice(0, length // 2), slice(length // 2, length)


def _find_shift(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, float]:
    """Return by how much (x, y) the second image has moved, and how clear that is, 0 to 1."""
    shape = before.shape
    surface = fft.irfft2(_spectrum(after) * np.conj(_spectrum(before)), shape)
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
