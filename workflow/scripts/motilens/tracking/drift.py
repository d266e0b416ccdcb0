"""Movement of the stage, by how the whole image moves."""

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import fft

from motilens.video.repeats import measure_change

KEY_SECONDS = 0.5  # between the frames that are compared
EVERY = 4  # pixels, in both directions: enough to see that frames change
MIN_QUARTERS, SAME_SHIFT = 2, 2.0  # quarters of a field that moves show it; pixels
MIN_OVERLAP = 32  # pixels; of less, quarters show nothing
MAX_BEND = 2.0  # pixels, off a straight line between two frames; of more, others are looked at
STILL = 1.0  # pixel between two key frames: less may come from noise
MIN_PEAK = 0.02  # of the phase correlation: with less, the images show different fields


class DriftMeter:
    """Measure how far the stage has moved since the first frame, from frames one by one.

    `changes` are those from each frame to the next, see `measure_change`; `jumps` the numbers of
    the key frames that show another field than the ones before.
    """

    def __init__(self, frame_rate: float):
        self.step = max(1, round(KEY_SECONDS * frame_rate))
        self.count, self.changes = 0, []
        self.frames, self.places, self.jumps = [0], [np.zeros(2)], []
        self.between: dict[int, np.ndarray] = {}  # places at frames that are no key frames
        self.since_key: list[np.ndarray] = []

    def add_frame(self, frame: np.ndarray) -> None:
        """Take the next frame, uint8 (height, width)."""
        if self.count == 0:
            self.key = frame
        else:
            views = (image[::EVERY, ::EVERY] for image in (self._last(), frame))
            self.changes.append(measure_change(*views))
            self.since_key.append(frame)
            if self.count % self.step == 0:
                self._compare(frame, self.count)
        self.count += 1

    def _last(self) -> np.ndarray:
        return self.since_key[-1] if self.since_key else self.key

    def compare_last(self) -> None:
        """Compare the last frame, too, which may lie behind the last key frame."""
        if self.frames[-1] < self.count - 1:
            self._compare(self._last(), self.count - 1)

    def _compare(self, frame: np.ndarray, number: int) -> None:
        moved, peak = _find_shift(self.key, frame)
        if not _moves_as_whole(self.key, frame, moved):
            moved = np.zeros(2)
            if peak < MIN_PEAK:
                self.jumps.append(number)
        if np.hypot(*moved) >= MAX_BEND:
            first = self.frames[-1]
            self._follow({0: np.zeros(2), number - first: moved}, 0, number - first)
        self.frames.append(number)
        self.places.append(self.places[-1] + moved)
        self.key, self.since_key = frame, []

    def _follow(self, moved: dict[int, np.ndarray], start: int, end: int) -> None:
        """Find out how the field moved from one frame since the key frame to another.

        `moved` holds by how much since the key frame; of more frames, where the way is bent.
        """
        middle = (start + end) // 2
        if middle == start:
            return
        frame, straight = self.since_key[middle - 1], (moved[start] + moved[end]) / 2
        moved[middle], _ = _find_shift(self.key, frame)
        is_bent = np.hypot(*(moved[middle] - straight)) >= MAX_BEND
        if is_bent and _moves_as_whole(self.key, frame, moved[middle]):
            self.between[self.frames[-1] + middle] = self.places[-1] + moved[middle]
            self._follow(moved, start, middle)
            self._follow(moved, middle, end)

    def positions(self) -> np.ndarray:
        """Return the movement of the field since the first frame, (frames, 2): x, y in pixels."""
        known = dict(zip(self.frames, self.places, strict=True)) | self.between
        numbers = sorted(known)
        places = np.array([known[number] for number in numbers])
        frames = np.arange(self.count)
        return np.stack([np.interp(frames, numbers, places[:, axis]) for axis in (0, 1)], 1)

    def locate_jumps(self) -> list[int]:
        """Return the first frame after each jump: the one that differs most from the one before."""
        starts = (self.frames[self.frames.index(number) - 1] for number in self.jumps)
        return [
            int(start + np.argmax(self.changes[start:number]) + 1)
            for start, number in zip(starts, self.jumps, strict=True)
        ]

    def select_still(self) -> Iterator[list[float]]:
        """Yield the changes between those key frames between which the stage stood still."""
        steps = np.hypot(*np.diff(self.places, axis=0).T)
        for (start, end), step in zip(itertools.pairwise(self.frames), steps, strict=True):
            if step < STILL:
                yield self.changes[start:end]


def subtract_drift(tracks: pd.DataFrame, drift: np.ndarray) -> pd.DataFrame:
    """Return x and y of tracks as if the stage had stood still; `drift`: (frames, 2), pixels."""
    return tracks[["x", "y"]] - drift[tracks["frame"].to_numpy(int)]


def measure_velocities(tracks: pd.DataFrame, drift: np.ndarray, frame_rate: float) -> pd.DataFrame:
    """Return, by cell, x and y of its velocity from its first to its last place (pixels/s)."""
    places = subtract_drift(tracks, drift).groupby(tracks["cell"])
    frames = tracks.groupby("cell")["frame"]
    seconds = (frames.last() - frames.first()).clip(lower=1) / frame_rate
    return (places.last() - places.first()).div(seconds, axis=0)


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
