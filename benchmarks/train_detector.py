"""Fit the detector of heads: train_detector.py VIDEOS OUT.pt [--leave-out NAME ...]

VIDEOS is a folder of videos with hand-made tracks in a layout of `tracking.py`. A half of the crops
come from them, the others are simulated (detector_crops.py). Crops are turned, mirrored, scaled and
changed in contrast; inverted ones, and those scaled so much that heads are too large or too small,
show nothing to find: by this the tracker chooses polarity and scale.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from detector_crops import BRIGHT_FIELD, PHASE_CONTRAST, draw_crops
from numpy.random import Generator
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import trange
from tracking_truth import find_truths, read_truth

from motilens.tracking.detector import (
    STRIDE,
    HeadDetector,
    measure_contrast,
    subtract_background,
)
from motilens.tracking.frame_setup import USUAL_SIDE, FrameSetup
from motilens.video.probe import find_upright_size, probe_video

CROP_SIZE = 192  # pixels
GRID = CROP_SIZE // STRIDE
BATCH_SIZE = 16
LEARNING_RATE, WEIGHT_DECAY = 4e-3, 1e-3
MAX_NEIGHBOR_FRAMES = 4  # between the frames of a triplet of real frames
REAL_SHARE = 0.5
INVERTED_SHARE = WRONG_SCALE_SHARE = 0.08
N_SIMULATED = 1600  # crops of each style
GRAY = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])[None, None] / 16  # slight blur
ROWS, COLUMNS = torch.meshgrid(torch.arange(GRID), torch.arange(GRID), indexing="ij")


class RealVideo:
    """Frames of a video, and the heads in each."""

    def __init__(self, path: str, truth_path: Path):
        info = probe_video(path)
        setup = FrameSetup(*find_upright_size(path, info), side=USUAL_SIDE)
        truth, labeled = read_truth(truth_path, info)
        count = min(info.frames, int(labeled[-1]) + 1)
        self.frames = np.stack(list(setup.read_frames(path, np.arange(count))))
        self.heads = [np.zeros((0, 2), np.float32)] * count
        for frame, rows in truth[truth["frame"] < count].groupby("frame"):
            centers = (rows[["x", "y"]].to_numpy() + 0.5) * setup.scale - 0.5
            self.heads[int(frame)] = centers.astype(np.float32)
        self.contrast = measure_contrast(self.frames[:: max(1, count // 12)])

    def draw(self, rng: Generator) -> tuple[np.ndarray, np.ndarray, float]:
        """Draw a triplet, the heads in its middle, and the contrast."""
        step = int(rng.integers(2, MAX_NEIGHBOR_FRAMES + 1))
        middle = int(rng.integers(step, len(self.frames) - step))
        triplet = self.frames[[middle - step, middle, middle + step]]
        return triplet, self.heads[middle], self.contrast


class SimulatedCrops:
    """Crops of one style."""

    def __init__(self, style: str, seed: int):
        self.triplets, self.heads = draw_crops(style, N_SIMULATED, seed)

    def draw(self, rng: Generator) -> tuple[np.ndarray, np.ndarray, float]:
        """Draw a triplet, the heads in its middle, and the contrast."""
        number = int(rng.integers(len(self.triplets)))
        triplet = self.triplets[number]
        return triplet, self.heads[number], measure_contrast(triplet[1:2])


def draw_example(source: RealVideo | SimulatedCrops, rng: Generator) -> tuple[torch.Tensor, ...]:
    """Return a normalized triplet, (3, CROP_SIZE, CROP_SIZE), and what `make_targets` returns."""
    triplet, heads, contrast = source.draw(rng)
    height, width = triplet.shape[1:]
    zoom, is_empty = float(np.exp(rng.normal(0, 0.13))), rng.random() < INVERTED_SHARE
    sign = -1 if is_empty else 1
    if rng.random() < WRONG_SCALE_SHARE:
        zoom = float(rng.uniform(1.75, 2.8) if rng.random() < 0.6 else rng.uniform(0.42, 0.57))
    size = min(int(CROP_SIZE / zoom) + 1, height, width)
    is_empty |= not 0.6 < CROP_SIZE / size < 1.6
    left, top = rng.integers(0, width - size + 1), rng.integers(0, height - size + 1)
    if len(heads) and rng.random() < 0.6:  # with a head in it
        corner = heads[rng.integers(len(heads))] - rng.uniform(0.1, 0.9, 2) * size
        left, top = corner.clip(0, [width - size, height - size]).astype(int)
    crop = torch.tensor(triplet[:, top : top + size, left : left + size], dtype=torch.float32)
    shape = (CROP_SIZE, CROP_SIZE)
    crop = functional.interpolate(crop[:, None], size=shape, mode="bilinear", antialias=True)
    crop = subtract_background(crop) * sign / contrast
    heads = (torch.tensor(heads) - torch.tensor([left, top]) + 0.5) * (CROP_SIZE / size) - 0.5
    crop, heads = _augment(crop, heads[: 0 if is_empty else len(heads)], rng)
    return crop[:, 0], *make_targets(heads)


def _augment(
    crop: torch.Tensor, heads: torch.Tensor, rng: Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    if rng.random() < 0.3:
        crop = crop.sign() * crop.abs() ** float(np.exp(rng.normal(0, 0.25)))
    crop = crop * float(np.exp(rng.normal(0, 0.3)))
    if rng.random() < 0.3:
        crop = crop + torch.from_numpy(rng.normal(0, rng.uniform(0, 0.12), crop.shape)).float()
    if rng.random() < 0.25:
        crop = functional.conv2d(crop, GRAY, padding=1)
    for axis in (0, 1):
        if rng.random() < 0.5:
            crop, heads = crop.flip(3 - axis), heads.clone()
            heads[:, axis] = CROP_SIZE - 1 - heads[:, axis]
    if rng.random() < 0.5:
        crop, heads = crop.transpose(2, 3), heads.flip(1)
    return (crop.flip(0) if rng.random() < 0.5 else crop), heads  # time runs both ways


def make_targets(heads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return heat map (1 at heads) and offsets of the nearest head, and where those count."""
    heads = heads[((heads > -2) & (heads < CROP_SIZE + 1)).all(1)]
    if not len(heads):
        empty = torch.zeros(GRID, GRID)
        return empty, torch.zeros(2, GRID, GRID), empty
    centers = (heads - (STRIDE - 1) / 2) / STRIDE
    dx = centers[:, 0, None, None] - COLUMNS
    dy = centers[:, 1, None, None] - ROWS
    squared, nearest = (dx**2 + dy**2).min(0)
    heat = torch.exp(-squared / 2)
    column, row = centers.round().long().clamp(0, GRID - 1).T
    heat[row, column] = 1
    nearest = nearest[None]
    return heat, torch.cat([dx.gather(0, nearest), dy.gather(0, nearest)]), (squared < 2).float()


def compute_loss(output, heat, offsets, counts) -> torch.Tensor:
    """Return the focal loss of CenterNet with the error of the offsets."""
    logits = output[:, 0]
    scores, is_head = torch.sigmoid(logits), heat == 1
    hit = functional.logsigmoid(logits) * (1 - scores) ** 2 * is_head
    miss = functional.logsigmoid(-logits) * scores**2 * (1 - heat) ** 4 * ~is_head
    error = functional.smooth_l1_loss(output[:, 1:], offsets, reduction="none")
    error = (error * counts[:, None]).sum() / counts.sum().clamp(min=1)
    return -(hit + miss).sum() / is_head.sum().clamp(min=1) + 0.5 * error


def train_detector(sources: list, weights: list[float], steps: int, seed: int) -> HeadDetector:
    """Fit a detector to crops from sources drawn with these weights; return its running mean."""
    torch.manual_seed(seed)
    rng, detector = np.random.default_rng(seed), HeadDetector()
    torch.nn.init.constant_(detector.head[-1].bias, 0)
    detector.head[-1].bias.data[0] = -4  # heads are rare
    detector.to(memory_format=torch.channels_last)
    average = AveragedModel(detector, multi_avg_fn=get_ema_multi_avg_fn(0.998))
    optimizer = torch.optim.AdamW(detector.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.1
    )
    progress, mean_loss = trange(steps, mininterval=20), None
    for _ in progress:
        drawn = rng.choice(len(sources), BATCH_SIZE, p=weights)
        batch = zip(*(draw_example(sources[number], rng) for number in drawn), strict=True)
        crops, *targets = (torch.stack(part) for part in batch)
        loss = compute_loss(detector(crops.to(memory_format=torch.channels_last)), *targets)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(detector.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(detector)
        mean_loss = loss.item() if mean_loss is None else 0.99 * mean_loss + 0.01 * loss.item()
        progress.set_postfix(loss=f"{mean_loss:.3f}")
    return average.module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, help="a folder")
    parser.add_argument("out", type=Path)
    parser.add_argument("--leave-out", nargs="*", default=[], help="names of videos")
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    videos = [pair for pair in find_truths(options.videos) if pair[0].stem not in options.leave_out]
    print("fits to", ", ".join(video.stem for video, _ in videos))
    simulated = [SimulatedCrops(s, options.seed) for s in (PHASE_CONTRAST, BRIGHT_FIELD)]
    weights = [REAL_SHARE / len(videos)] * len(videos) + [(1 - REAL_SHARE) / 2] * 2
    sources = [*(RealVideo(str(video), truth) for video, truth in videos), *simulated]
    detector = train_detector(sources, weights, options.steps, options.seed)
    torch.save(detector.state_dict(), options.out)


if __name__ == "__main__":
    main()
