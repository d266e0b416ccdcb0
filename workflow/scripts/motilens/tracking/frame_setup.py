"""How a video's frames have to be shown to the detector: at which size, and whether inverted."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from motilens.core.labels import HEAD_MICRONS
from motilens.tracking.detector import (
    HEAD_LENGTH,
    HeadDetector,
    measure_contrast,
    neighbor_step,
    score_triplets,
)
from motilens.video.decode import FrameReader
from motilens.video.ffmpeg import DamagedVideo
from motilens.video.gray_levels import AS_THEY_ARE, GrayLevels, find_gray_levels
from motilens.video.interlacing import REMEDY, describe_interlacing
from motilens.video.probe import VideoInfo, find_upright_size

USUAL_SIDE = 640  # pixels of the longer side at which heads are HEAD_LENGTH long in most videos
SIDE_STEP = 2**0.5  # between the sizes that are tried
SMALLEST_SIDE, LARGEST_SIDE = 226, 1811
N_TRIPLETS = 4  # of frames that are looked at,
SAMPLE_SECONDS = 8.0  # from the beginning
CLEAR_SCORE = 0.45  # of a head that counts
CLEAR_EVIDENCE = 0.3  # with less, unusual sizes are tried, too
# Of the sums of scores at another size and at the given scale: 0.2 to 1 if the scale is right, 3 to
# 20 if it is half as much, 1.3 to 5 if it is twice; and the least sum that counts.
CLEARER, ALSO_CLEARER, MIN_CLEAR = 2.5, 1.5, 4.5
USUAL_OCTAVES = 0.8  # by which most videos' scale differs from the usual one


@dataclass(frozen=True)
class FrameSetup:
    """How frames are read for the detector.

    Args:
        width, height, pixel_aspect: of the video's own frames, upright.
        side: longer side of the frames (pixels), such that heads are HEAD_LENGTH long.
        levels: how pixels become gray levels; deinterlaced where needed.
        interlaced: the video is.
        invert: heads are darker than the background.
        contrast: see `measure_contrast`.
        seen_side: as `side`, where heads are seen far more clearly than by the scale that is given.
    """

    width: int
    height: int
    pixel_aspect: float
    side: int
    levels: GrayLevels = AS_THEY_ARE
    interlaced: bool = False
    invert: bool = False
    contrast: float = 1.0
    seen_side: int | None = None

    @property
    def longer_side(self) -> float:
        """Return the longer side of the video's own frames, in square pixels."""
        return max(self.width * self.pixel_aspect, self.height)

    @property
    def shape(self) -> tuple[int, int]:
        """Return height and width of the frames: as `pad` of RESIZE_FILTERS makes them."""
        sides = self.height, self.width * self.pixel_aspect
        # Rounded: 480.0000001 is 480.
        height, width = (int(np.ceil(round(self.side * s / max(sides), 6))) for s in sides)
        return height, width

    @property
    def scale(self) -> np.ndarray:
        """Return how many pixels of the frames a pixel of the video's own frames has, (2,)."""
        return np.array([self.shape[1] / self.width, self.shape[0] / self.height])

    def read_frames(self, path: str, selected: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the frames of these numbers, uint8 (height, width), without padding."""
        height, width = self.shape
        left, top = (self.side - width) // 2, (self.side - height) // 2
        for _, frame in FrameReader(path, self.side, "pad", selected, self.levels):
            yield frame[top : top + height, left : left + width]

    def read_sample(self, path: str, selected: np.ndarray) -> np.ndarray:
        """Return these frames, uint8 (n, height, width); nothing after them is decoded."""
        frames = self.read_frames(path, selected)
        sample = np.array(list(itertools.islice(frames, len(selected))))
        frames.close()
        return sample


def choose_setup(
    path: str,
    video: VideoInfo,
    detector: HeadDetector,
    frames: int,
    frame_rate: float,
    microns_per_pixel: float | None = None,
) -> FrameSetup:
    """Choose size and polarity by what the detector finds in a few of the first `frames`.

    Raises:
        DamagedVideo: the video cannot be decoded, or is interlaced and turned.
    """
    levels = find_gray_levels(path, video)
    interlaced = describe_interlacing(path, video, levels) is not None
    if interlaced and video.is_turned:
        raise DamagedVideo(f"{path}: is interlaced and turned: {REMEDY}")
    if interlaced:
        levels = dataclasses.replace(levels, filters=f"{levels.filters}bwdif=mode=send_frame,")
    width, height, aspect = find_upright_size(path, video)
    setup = FrameSetup(width, height, aspect, USUAL_SIDE, levels, interlaced)
    own_side = round(setup.longer_side)
    setup = dataclasses.replace(setup, side=int(np.clip(own_side, SMALLEST_SIDE, LARGEST_SIDE)))
    first = min(frames, max(3, round(SAMPLE_SECONDS * frame_rate)))
    samples = _read_triplets(path, setup, first, frame_rate)
    if first < frames and np.isinf(measure_contrast(samples[:, 1])):  # a dark beginning
        samples = _read_triplets(path, setup, frames, frame_rate)

    @functools.cache
    def see_heads(side: int, invert: bool) -> float:
        return _sum_clear_scores(detector, samples, side, invert)

    def weigh_evidence(side: int, invert: bool) -> float:
        """Return how clearly heads are seen at this size, and how usual it is."""
        octaves = np.log2(side / USUAL_SIDE) / USUAL_OCTAVES
        return see_heads(side, invert) * float(np.exp(-(octaves**2) / 2))

    def find_best(sides: list[int]) -> tuple[int, bool]:
        # Some debris looks like heads of the other polarity, but rarely at each size.
        sums = [sum(weigh_evidence(side, way) for side in sides) for way in (False, True)]
        invert = bool(np.argmax(sums))
        return max(sides, key=lambda side: weigh_evidence(side, invert)), invert

    if microns_per_pixel:
        side = own_side * microns_per_pixel * HEAD_LENGTH / HEAD_MICRONS
        side, invert = find_best([int(np.clip(side, SMALLEST_SIDE, LARGEST_SIDE))])
        largest = min(LARGEST_SIDE, 3 * max(samples.shape[-2:]))
        setup = dataclasses.replace(setup, seen_side=_find_clearer_side(see_heads, side, largest))
    else:
        sides = [round(USUAL_SIDE * SIDE_STEP**step) for step in range(-3, 4)]
        sides = [side for side in sides if side <= 3 * own_side] or sides[:1]
        near = [side for side in sides if 0.7 < side / USUAL_SIDE < 1.5] or sides[-1:]
        side, invert = find_best(near)
        if weigh_evidence(side, invert) < CLEAR_EVIDENCE or side != USUAL_SIDE:
            side, invert = find_best(sides)
    return dataclasses.replace(
        setup,
        side=side,
        invert=invert,
        contrast=measure_contrast(_resize(samples, side)[:, 1]),
    )


def _find_clearer_side(
    see_heads: Callable[[int, bool], float], side: int, largest: int
) -> int | None:
    """Return the side, twice or half as long or more, at which heads are far more clear, if any.

    Args:
        see_heads: returns how clearly heads of a polarity are seen at a side.
        side: that of the scale that is given.
        largest: side that is tried.
    """

    def sum_scores(side: int) -> float:
        return max(see_heads(side, False), see_heads(side, True))

    given = sum_scores(side)
    for steps in ((-2, -3), (2, 3)):
        sides = [round(side * SIDE_STEP**step) for step in steps]
        clear = {s: sum_scores(s) for s in sides if SMALLEST_SIDE <= s <= largest}
        best = max(clear, key=clear.get, default=None)
        # Of debris, only one size looks like heads.
        is_clear = best is not None and clear[best] > max(CLEARER * given, MIN_CLEAR)
        if is_clear and min(clear.values()) > ALSO_CLEARER * given:
            return best
    return None


def _sum_clear_scores(
    detector: HeadDetector, samples: np.ndarray, side: int, invert: bool
) -> float:
    """Return by how much the scores of heads are above CLEAR_SCORE, the sum in a frame."""
    triplets = _resize(samples, side)
    scores = score_triplets(detector, triplets, measure_contrast(triplets[:, 1]), invert)
    return float((scores - CLEAR_SCORE).clip(0).sum() / len(triplets))


def _read_triplets(path: str, setup: FrameSetup, frames: int, frame_rate: float) -> np.ndarray:
    """Return triplets of the first `frames`, uint8 (n, 3, height, width)."""
    step, last = neighbor_step(frame_rate), frames - 1
    middles = np.unique(np.linspace(min(step, last), max(last - step, 0), N_TRIPLETS).round())
    numbers = np.clip(middles[:, None] + [-step, 0, step], 0, last).astype(int)
    selected = np.unique(numbers)
    return setup.read_sample(path, selected)[np.searchsorted(selected, numbers)]


def _resize(triplets: np.ndarray, side: int) -> np.ndarray:
    scale = side / max(triplets.shape[-2:])
    size = [max(1, round(length * scale)) for length in triplets.shape[-2:]]
    resized = functional.interpolate(
        torch.tensor(triplets, dtype=torch.float32), size=size, mode="bilinear", antialias=True
    )
    return resized.round().to(torch.uint8).numpy()
