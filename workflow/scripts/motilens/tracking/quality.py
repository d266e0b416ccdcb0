"""How far the tracks of a video can be trusted."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.special import expit

from motilens.core.text import shorten_list
from motilens.tracking.common_motion import MAX_COMMON_MOTION
from motilens.tracking.detector import subtract_background
from motilens.tracking.drift import subtract_drift
from motilens.video.repeats import MAX_REPEATED

# The share of tracks that are cells, by the mean score of their heads: fitted to videos of
# VISEM-Tracking, each tracked by a network that had not seen it (benchmarks/README.md).
PRECISION_AT_HALF, PRECISION_SLOPE = 0.44, 8.8
LONG_SECONDS = 1.0  # of a track that can be measured
MIN_PRECISION = 0.75  # less is reported: debris alone has 0.7, videos of sperm 0.81 and more
CROWDED_DISTANCE, CROWDED_SHARE = 1.5, 0.2  # head lengths; share of heads with a neighbor so near
MIN_FOCUS = 0.2
FAST_DRIFT = 0.5  # head lengths/s
# Width by length, the median: of heads of sperm 0.58 to 0.87, of beads 0.92 to 0.97.
MAX_ROUNDNESS, MIN_ROUND_HEADS = 0.9, 6
# What is no sample of cells. In brackets: six real videos, then what was drawn, or a still image.
MIN_FOUND = 0.6  # share of a track's frames that show the head (0.93 to 1; jumping dots 0.2 to 0.3)
MIN_LONG_SHARE = 0.1  # (0.5 to 1; dots that jump at times 0.01),
MAX_TURNOVER = 3.0  # with more tracks than heads in a frame, times (1.2 to 2.5; 11)
MIN_UNREST = 0.0003  # head lengths; places of dead cells are inexact (0.004 to 0.3; still images 0)
MIN_PROGRESS = 1.2  # head lengths in a second, of the fastest cell (2.5 to 9; beads 0.4 to 0.7)
MAX_CLUTTER = 0.035  # share of the pixels (0.006 to 0.014; test patterns 0.056 to 0.077);
DOUBTFUL_CLUTTER = 0.02  # much debris has up to 0.023, screens full of text 0.025 to 0.056
NEAR_HEAD = 1.5  # head lengths: what is farther from all heads is clutter


def measure_quality(
    scored: pd.DataFrame, frame_rate: float, frames: int, head_length: float
) -> dict[str, float | int]:
    """Measure tracks.

    Args:
        scored: cell, frame, x, y, score: heads as they were found.
        frame_rate: 1/s.
        frames: how many were searched.
        head_length: pixels.

    Returns:
        cells: number of tracks; cells_per_frame; long_share: share of the tracks of at least
        LONG_SECONDS; estimated_precision: share of the tracks that are probably cells;
        crowded_share: share of the heads with another one within CROWDED_DISTANCE.
    """
    tracks = scored.groupby("cell").agg(
        score=("score", "mean"), first=("frame", "min"), last=("frame", "max")
    )
    is_cell = expit(PRECISION_SLOPE * (tracks["score"].astype(float) - PRECISION_AT_HALF))
    seconds = (tracks["last"] - tracks["first"] + 1) / frame_rate
    near = [
        cKDTree(part).query(part, 2)[0][:, 1] < CROWDED_DISTANCE * head_length
        for part in (heads[["x", "y"]].to_numpy() for _, heads in scored.groupby("frame"))
    ]
    return {
        "cells": len(tracks),
        "cells_per_frame": len(scored) / frames,
        "long_share": float((seconds >= LONG_SECONDS).mean()) if len(tracks) else 0.0,
        "estimated_precision": float(np.average(is_cell, weights=seconds)) if len(tracks) else 0.0,
        "crowded_share": float(np.concatenate(near).mean()) if near else 0.0,
    }


def measure_paths(
    scored: pd.DataFrame, drift: np.ndarray, frame_rate: float, head_length: float
) -> dict[str, float]:
    """Measure whether what was tracked moves as cells do.

    Args:
        scored: see `measure_quality`.
        drift: of the stage, (frames, 2), pixels.
        frame_rate: 1/s.
        head_length: pixels.

    Returns:
        found_share: of the frames of tracks, those in which the head was found; unrest: change of
        velocity from frame to frame (head lengths), the median of tracks' medians, 1 if none has
        three frames; progress: how far the fastest cell gets in a second (head lengths, the median
        over its track), 0 if none was seen for a second.
    """
    if scored.empty:
        return {"found_share": 0.0, "unrest": 0.0, "progress": 0.0}
    cells, places = scored["cell"], subtract_drift(scored, drift) / head_length
    frames = scored.groupby("cell")["frame"]
    found = len(scored) / (frames.max() - frames.min() + 1).sum()

    def take_medians(steps: pd.DataFrame) -> pd.Series:
        return np.hypot(steps["x"], steps["y"]).groupby(cells).median()

    changes = places.groupby(cells).diff().groupby(cells).diff()
    moved = places.groupby(cells).diff(max(1, round(frame_rate)))
    return {
        "found_share": float(found),
        "unrest": float(np.nan_to_num(take_medians(changes).median(), nan=1.0)),
        "progress": float(np.nan_to_num(take_medians(moved).max())),
    }


def measure_clutter(
    frame: np.ndarray, heads: np.ndarray, contrast: float, head_length: float
) -> float:
    """Return the share of pixels that stand out although no head is near.

    Args:
        frame: uint8 (height, width).
        heads: x, y of their centers, (heads, 2).
        contrast: see `measure_contrast`; a third of it stands out.
        head_length: pixels.
    """
    stands_out = subtract_background(torch.tensor(frame, dtype=torch.float32)[None, None])
    rows, columns = np.nonzero(stands_out[0, 0].abs().numpy() > contrast / 3)
    distances, _ = cKDTree(heads).query(np.column_stack([columns, rows]))
    return float((distances > NEAR_HEAD * head_length).sum() / frame.size)


def measure_focus(frame: np.ndarray, heads: np.ndarray, head_length: float) -> float:
    """Return how sharp heads are, about 0 (blurred) to 1: their steepest edge by their contrast.

    Args:
        frame: uint8 (height, width).
        heads: x, y of their centers, (heads, 2).
        head_length: pixels; an edge that takes a tenth of it counts as 1.
    """
    image = frame.astype(np.float32)
    slope = np.hypot(ndimage.sobel(image, 0), ndimage.sobel(image, 1)) / 8
    half, values = max(2, round(head_length / 2)), []
    for x, y in heads.round().astype(int):
        window = np.s_[max(y - half, 0) : y + half + 1, max(x - half, 0) : x + half + 1]
        if image[window].size and np.ptp(image[window]) > 0:
            values.append(slope[window].max() / np.ptp(image[window]) * head_length / 10)
    return float(np.median(values)) if values else 0.0


def measure_roundness(
    frame: np.ndarray, heads: np.ndarray, head_length: float, invert: bool
) -> float:
    """Return the width of heads by their length, the median; 0 if there are too few to tell.

    Args:
        frame: gray levels (height, width).
        heads: x, y of their centers, (heads, 2).
        head_length: pixels.
        invert: heads are darker than the background.
    """
    image = frame.astype(np.float32)
    image -= ndimage.uniform_filter(image, round(4 * head_length))
    image, half, values = -image if invert else image, round(0.6 * head_length), []
    for x, y in heads.round().astype(int):
        window = image[max(y - half, 0) : y + half + 1, max(x - half, 0) : x + half + 1]
        if window.shape != (2 * half + 1, 2 * half + 1):
            continue
        peak = window[half // 2 : -(half // 2), half // 2 : -(half // 2)].max()
        parts, _ = ndimage.label(window > peak / 2)
        body = np.argwhere((parts > 0) & (parts == parts[window == peak][0]))
        if len(body) > 1:
            # A pixel itself has a variance of 1/12.
            short, long = np.linalg.eigvalsh(np.cov(body.T) + np.eye(2) / 12)
            values.append(np.sqrt(short / long))
    return float(np.median(values)) if len(values) >= MIN_ROUND_HEADS else 0.0


def is_doubtful(quality: dict) -> bool:
    """Return whether many of the tracks are probably no cells; blobs do not say."""
    return bool(quality.get("cells")) and (
        quality["estimated_precision"] < MIN_PRECISION
        or quality["roundness"] > MAX_ROUNDNESS
        or quality["clutter"] > DOUBTFUL_CLUTTER
        or quality["common_motion"] > MAX_COMMON_MOTION
    )


def explain_no_sample(quality: dict) -> str | None:
    """Return why what was tracked is no sample of sperm; None if it can be one, or of blobs."""
    if not quality.get("cells"):
        return None
    if quality["found_share"] < MIN_FOUND:
        return "what was tracked jumps from place to place, as no cell does"
    turnover = quality["cells"] / quality["cells_per_frame"]
    if quality["long_share"] < MIN_LONG_SHARE and turnover > MAX_TURNOVER:
        return "what was tracked appears and vanishes, as no cell does"
    if quality["unrest"] < MIN_UNREST:
        return "what was tracked stands still (a still image, a drawing, or dead cells alone?)"
    if quality["clutter"] > MAX_CLUTTER:
        return "most of what the frames show is unlike heads of sperm (borders? Crop them off)"
    if quality["roundness"] > MAX_ROUNDNESS and 0 < quality["progress"] < MIN_PROGRESS:
        return "what was tracked is as round as beads, and none of it swims"
    return None


def describe_problems(
    quality: dict, head_length: float, changes: Sequence[float] = ()
) -> list[str]:
    """Return what makes tracks doubtful, in whole sentences.

    Args:
        changes: when the field changes at once (seconds).
    """
    problems = []
    if length := quality["seen_head_length"]:
        problems.append(
            f"Heads look {length:.3g} pixels long, not as the scale says: check it "
            "(--microns-per-pixel; MICRONS_PER_PIXEL with make). Do not trust these numbers."
        )
    if not quality["cells"]:
        if not quality["contrast"]:
            return [
                *problems,
                "Nothing stands out in the frames: they show one gray level or noise, or are full "
                "of detail (is the sample too dense?).",
            ]
        return [
            *problems,
            "Nothing in the frames is clearly a head (tracking.min_score). If you see heads, give "
            "the scale, or check it (--microns-per-pixel; MICRONS_PER_PIXEL with make).",
        ]
    if reason := explain_no_sample(quality):
        problems.append(f"This shows no sample of sperm: {reason}.")
    if quality["roundness"] > MAX_ROUNDNESS:
        problems.append(
            "What was found is as round as beads; heads of sperm are oval: look at the tracks."
        )
    if quality["estimated_precision"] < MIN_PRECISION:
        problems.append(
            f"Cells can hardly be told from debris: about {quality['estimated_precision']:.0%} of "
            "the tracks are cells."
        )
    if quality["clutter"] > DOUBTFUL_CLUTTER:
        problems.append(
            "Much that is no head stands out: debris, or no sample: look at the tracks."
        )
    if quality["crowded_share"] > CROWDED_SHARE:
        problems.append(
            f"The field is crowded: {quality['crowded_share']:.0%} of the heads nearly touch "
            "another one, so counts and paths are unreliable; dilute the sample."
        )
    if quality["focus"] < MIN_FOCUS:
        problems.append("Heads are out of focus: positions are inexact.")
    if quality["drift"] > FAST_DRIFT * head_length:
        problems.append(
            f"The field drifts by {quality['drift']:.3g} pixels/s: this is removed from speeds. "
            "After jolts, slow cells may seem immotile, and immotile ones slow."
        )
    if quality["common_motion"] > MAX_COMMON_MOTION:
        problems.append(
            "Neighbors move alike: the liquid flows, or the field turns or changes its scale. "
            "Speeds and categories are not those of the cells."
        )
    if quality["repeated_share"] > MAX_REPEATED:
        problems.append(
            f"{quality['repeated_share']:.0%} of the frames repeat the one before: frozen, or "
            "recorded at a lower frame rate? Speeds are unreliable."
        )
    if changes:
        seconds = shorten_list(f"{time:.1f}" for time in changes)
        problems.append(
            f"The field changes abruptly, or frames are missing, after {seconds} s: cells are "
            "counted again after each change."
        )
    if quality["interlaced"]:
        problems.append("The video is interlaced: lines were interpolated, speeds are less exact.")
    if quality["uneven_times"]:
        problems.append(
            "Frames are missing, or unevenly spaced in time: speeds are less exact; if the file is "
            "wrong, give the true rate."
        )
    return problems
