"""Heads of sperm in frames, found by a small fully convolutional network.

It sees a frame and its neighbors, scaled such that a head is HEAD_LENGTH pixels long, and draws a
heat map whose peaks are the centers of heads, with offsets (as CenterNet: Zhou et al., "Objects as
points", 2019). benchmarks/train_detector.py fits it.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import nn
from torch.nn import functional

from motilens.core.errors import InputError
from motilens.core.files import hash_file

HEAD_LENGTH = 13.0  # pixels of the frames that the network sees
STRIDE = 4  # pixels between the points of the heat map
NEIGHBOR_SECONDS = 0.06  # between the frames of a triplet,
MAX_STEP = 30  # and the most frames: what is between them is in memory
BACKGROUND_SIZE = 48  # pixels, of the windows whose mean is the background
MIN_SCORE = 0.15  # of a peak; linking needs the weak ones, too
MIN_CONTRAST = 12.0  # gray levels: less is what compression leaves of noise
SAME_HEAD = 0.75  # head lengths: two that are nearer are one
WINDOW = 0.3 * HEAD_LENGTH  # standard deviation of what counts for a head's center (pixels)
MAX_CORRECTION, N_CORRECTIONS, GAIN = 2.5, 3, 1.5  # pixels
BATCH_SIZE, BATCH_PIXELS = 8, 3_000_000  # frames at a time, fewer if they are large
WEIGHTS = Path(__file__).with_name("head_detector.pt")
# A part of the digest of the code: other weights make tracks stale.
WEIGHTS_SHA256 = "a122b48a407b555a8cb4c5109fb8e06b57674397080c120ed1c1d7c89c983cfb"


class HeadDetector(nn.Module):
    """From triplets of frames to logits of heads and the offsets of their centers."""

    def __init__(self, width: int = 16, deep_width: int = 48, dilations=(1, 1, 2, 1)):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 6, STRIDE, padding=1)
        self.fine = nn.Sequential(nn.ReLU(), *_convolution(width, width))
        self.coarse = nn.Sequential(
            *_convolution(width, deep_width, stride=2),
            *(layer for d in dilations for layer in _convolution(deep_width, deep_width, d)),
            nn.Conv2d(deep_width, width, 1),
        )
        self.head = nn.Sequential(*_convolution(width, width), nn.Conv2d(width, 3, 1))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return logit, dx and dy (in strides) of each point, (n, 3, height / 4, width / 4).

        Args:
            frames: normalized, (n, 3, height, width), both multiples of 8.
        """
        fine = self.fine(self.stem(frames))
        context = functional.interpolate(self.coarse(fine), size=fine.shape[-2:], mode="nearest")
        return self.head(torch.relu(fine + context))


def _convolution(inputs: int, outputs: int, dilation: int = 1, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=dilation, dilation=dilation)
    return [convolution, nn.ReLU(inplace=True)]


def load_detector(path: Path = WEIGHTS, sha256: str = WEIGHTS_SHA256) -> HeadDetector:
    """Return the fitted network.

    Raises:
        InputError: the file is missing, or not the one that belongs to the code.
    """
    if not path.exists() or hash_file(path) != sha256:
        remedy = f"restore it (git checkout -- {path.name}, or install Motilens again)"
        raise InputError(f"{path}: missing or damaged: {remedy}")
    detector = HeadDetector()
    detector.load_state_dict(torch.load(path, weights_only=True))
    return detector.eval().to(memory_format=torch.channels_last)


def neighbor_step(frame_rate: float) -> int:
    """Return how many frames there are from one of a triplet to the next."""
    return int(np.clip(round(NEIGHBOR_SECONDS * frame_rate), 1, MAX_STEP))


def subtract_background(frames: torch.Tensor) -> torch.Tensor:
    """Return frames (n, 1, height, width) less the mean of each pixel's surroundings."""
    third = BACKGROUND_SIZE // 3
    low = functional.avg_pool2d(frames, third, ceil_mode=True, count_include_pad=False)
    low = functional.avg_pool2d(functional.pad(low, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return frames - functional.interpolate(low, size=frames.shape[-2:], mode="bilinear")


def measure_contrast(frames: np.ndarray) -> float:
    """Return the contrast of what stands out in frames, uint8 (n, height, width): gray levels.

    It is at least six times the noise, such that noise stays small, and infinite in frames that
    hold nothing else.
    """
    values = subtract_background(_to_tensor(frames)).abs().flatten().numpy()
    noise = 1.4826 * float(np.median(values))
    usual, most = np.quantile(values, [0.998, 0.9999])
    return max(float(usual), 6 * noise, MIN_CONTRAST) if most > 5 * noise else np.inf


def detect_heads(
    detector: HeadDetector,
    frames: Iterable[np.ndarray],
    frame_rate: float,
    contrast: float,
    invert: bool,
) -> Iterator[np.ndarray]:
    """Yield the heads of one frame after the other: x, y (pixels), score, (heads, 3) float64.

    Args:
        frames: uint8 (height, width), scaled such that heads are HEAD_LENGTH long.
        frame_rate: 1/s.
        contrast: see `measure_contrast`.
        invert: heads are darker than the background.
    """
    step = neighbor_step(frame_rate)
    window: deque[torch.Tensor] = deque()  # normalized; the first is frame `start`
    start = done = count = size = 0
    scale = -contrast if invert else contrast

    def detect_until(end: int, last: int) -> Iterator[np.ndarray]:
        nonlocal start, done
        while done < end:
            numbers = range(done, min(end, done + size))
            triplets = [
                torch.cat([window[min(max(n + k, 0), last) - start] for k in (-step, 0, step)])
                for n in numbers
            ]
            yield from _find_peaks(detector, torch.stack(triplets))
            done = numbers[-1] + 1
        while start < done - step:
            window.popleft()
            start += 1

    for count, frame in enumerate(frames, 1):
        window.append(subtract_background(_to_tensor(frame[None]))[0] / scale)
        size = int(np.clip(BATCH_PIXELS // frame.size, 1, BATCH_SIZE))
        if count - step - done >= size:
            yield from detect_until(count - step, count - 1)
    yield from detect_until(count, count - 1)


def score_triplets(
    detector: HeadDetector, triplets: np.ndarray, contrast: float, invert: bool
) -> np.ndarray:
    """Return the scores of all heads in the middle of triplets, uint8 (n, 3, height, width)."""
    scale = -contrast if invert else contrast
    scores = []
    for triplet in triplets:
        frames = subtract_background(_to_tensor(triplet))[:, 0] / scale
        [heads] = _find_peaks(detector, frames[None])
        scores.append(heads[:, 2])
    return np.concatenate(scores)


@torch.inference_mode()
def _find_peaks(detector: HeadDetector, triplets: torch.Tensor) -> list[np.ndarray]:
    height, width = triplets.shape[-2:]
    padded = functional.pad(triplets, (0, -width % 8, 0, -height % 8), mode="replicate")
    output = detector(padded.contiguous(memory_format=torch.channels_last))
    scores = torch.sigmoid(output[:, 0])
    is_peak = scores == functional.max_pool2d(scores[:, None], 3, 1, 1)[:, 0]
    number, row, column = torch.nonzero(is_peak & (scores > MIN_SCORE), as_tuple=True)
    # The point (0, 0) of the map is the middle of the first 4 x 4 pixels.
    x = (column + output[number, 1, row, column]) * STRIDE + (STRIDE - 1) / 2
    y = (row + output[number, 2, row, column]) * STRIDE + (STRIDE - 1) / 2
    inside = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
    heads = torch.stack([x, y, scores[number, row, column]], 1).double()
    of_frames = [heads[(number == n) & inside].numpy() for n in range(len(triplets))]
    return [
        refine_centers(frame, _drop_doubles(found))
        for frame, found in zip(triplets[:, 1].numpy(), of_frames, strict=True)
    ]


def refine_centers(frame: np.ndarray, heads: np.ndarray) -> np.ndarray:
    """Move heads to the mean of the pixels around them, weighted by how much these stand out.

    The network is inexact by 0.4 pixels, and follows a swing of the head only in part since it sees
    the neighbors of the frame, too; the mean is exact to some hundredths (Crocker and Grier, J.
    Colloid Interface Sci. 1996; here the window is a Gaussian).

    Args:
        frame: heads stand out as values above 0, (height, width).
        heads: x, y (pixels), score, (heads, 3).
    """
    reach = int(np.ceil(2.5 * WINDOW))
    around, margin = np.arange(-reach, reach + 1), reach + int(MAX_CORRECTION) + 2
    padded, places = np.pad(frame, margin, mode="edge").clip(0), heads[:, :2]
    for _ in range(N_CORRECTIONS):
        x, y = (places.round().astype(int)[:, None, :] + around[:, None]).transpose(2, 0, 1)
        near_x, near_y = np.exp(-(((np.stack([x, y]) - places.T[:, :, None]) / WINDOW) ** 2) / 2)
        weights = padded[y[:, :, None] + margin, x[:, None, :] + margin]
        weights = weights * near_y[:, :, None] * near_x[:, None, :]
        sums = [(weights * values).sum((1, 2)) for values in (1, x[:, None, :], y[:, :, None])]
        means = np.stack(sums[1:], 1) / np.maximum(sums[0], 1e-9)[:, None]
        means = np.where(sums[0][:, None] > 0, means, places)
        # The window, which is centered where the head was before, holds the mean back.
        moved = places + GAIN * (means - places) - heads[:, :2]
        places = heads[:, :2] + moved.clip(-MAX_CORRECTION, MAX_CORRECTION)
        places = places.clip(0, np.array(frame.shape[::-1]) - 1)
    return np.column_stack([places, heads[:, 2]])


def _drop_doubles(heads: np.ndarray) -> np.ndarray:
    """Return heads (x, y, score) without the weaker one of two that are nearly the same."""
    if len(heads) < 2:
        return heads
    doubles = cKDTree(heads[:, :2]).query_pairs(SAME_HEAD * HEAD_LENGTH)
    dropped: set[int] = set()
    for pair in sorted(doubles, key=lambda pair: -heads[list(pair), 2].max()):
        if not dropped.intersection(pair):
            dropped.add(min(pair, key=lambda index: heads[index, 2]))
    return np.delete(heads, sorted(dropped), axis=0)


def _to_tensor(frames: np.ndarray) -> torch.Tensor:
    """Return uint8 frames (n, height, width) as float32 (n, 1, height, width)."""
    return torch.tensor(frames, dtype=torch.float32)[:, None]
