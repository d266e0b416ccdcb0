"""Score tracked cells against hand-made tracks: detection, identities, kinematics and speed.

    .venv/bin/python benchmarks/tracking.py FOLDER [--tracks TRACKS] [--seconds N] [--out FILE.csv]

FOLDER or a folder in it holds videos, each with its truth beside it:

- NAME.mp4 and NAME_tracks.csv, or tracks_<ID>.csv.gz if NAME ends with the digits ID: frame,
  track_id, x_px, y_px (the head's center) and perhaps w_px, h_px (its box);
- NAME.mp4 and NAME_boxes.csv: frame, class, xmin, ymin, xmax, ymax. Sperm are of class S. Without
  identities, only precision and recall are measured;
- <ID>/<ID>.mp4 and <ID>/labels_ftid/<ID>_frame_<N>_with_ftid.txt (VISEM-Tracking), with lines
  `identity class x y width height` in shares of the frame. A frame without a file is not scored.

All boxes with an identity count as cells, of whatever class. TRACKS holds NAME.tracks.csv: cell,
frame, x, y; without it, Motilens tracks the cells, on one core.

A cell is found within 12 pixels of its center, in a width of 640. TrackEval's similarity of two
centers is 1 - distance / 24 pixels: 0.5 at that limit. HOTA is the mean over the thresholds 0.05 to
0.95, from 22.8 pixels to 1.2; `HOTA at 12 px` is that of threshold 0.5. For `HOTA of boxes`
(similarity: intersection over union) tracked cells get squares, as large as the median hand-made
box of the video.

Kinematics: each hand-made track is compared with the track that is within these 12 pixels in most
of its frames, in these frames alone, if they make up a second. Moving cells have a hand-made VSL of
12 pixels/s or more, some 5 µm/s in VISEM. Speed is in frames per second of CPU time, ffmpeg's
included.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":  # one core, before libraries start their threads; ffmpeg inherits it
    os.environ["OMP_NUM_THREADS"] = "1"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
import numpy as np
import pandas as pd
import torch
from scipy.spatial.distance import cdist
from torchvision.ops import box_iou
from trackeval.metrics import CLEAR, HOTA, Identity
from tracking_truth import BOX, find_truths, read_tracks, read_truth

from motilens.core.command_line import run_command_line
from motilens.motility.kinematics import MIN_PATH, compute_kinematics
from motilens.pipeline.config import read_section
from motilens.tracking.tracker import track_video
from motilens.video.probe import probe_video

NEAR = 12 / 640  # of a frame's width
AT_NEAR = 9  # place of threshold 0.5 among HOTA's
QUIET = {"PRINT_CONFIG": False}
SPEEDS = ["vcl", "vsl", "vap"]
FORMATS = {
    "precision": ".2f", "recall": ".2f", "MOTA": ".2f", "IDF1": ".2f", "switches": ".0f",
    "HOTA": ".2f", "HOTA at 12 px": ".2f", "HOTA of boxes": ".2f", "frames/s": ".1f",
    "of real time": ".2f",
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tracks", type=Path, help="score NAME.tracks.csv in this folder")
    parser.add_argument("--seconds", type=float, help="only so much of each video")
    parser.add_argument("--out", help="write the scores to this CSV file, too")
    arguments = parser.parse_args()
    rows = []
    for video, truth in find_truths(arguments.folder):
        rows.append(score_video(video, truth, arguments.tracks, arguments.seconds))
        print(f"{video.stem} is scored", file=sys.stderr, flush=True)
    if arguments.out:
        pd.DataFrame(rows).to_csv(arguments.out, index=False)
    for table in filter(len, format_tables(rows)):
        print(table.to_markdown(index=False, disable_numparse=True), end="\n\n")


def score_video(
    video: Path, truth_path: Path, tracks_folder: Path | None = None, seconds: float | None = None
) -> dict:
    """Return the scores of a video by name; what its truth cannot measure is left out."""
    info, row = probe_video(str(video)), {"video": video.stem}
    rate, near = info.frame_rate, NEAR * info.width
    truth, frames = read_truth(truth_path, info)
    frames = frames[frames < min(info.frames, max(1, round((seconds or 1e9) * rate)))]
    if tracks_folder:
        tracks = read_tracks(tracks_folder / f"{video.stem}.tracks.csv")
    else:
        settings = read_section("tracking")
        start = sum(os.times()[:4])
        tracked = track_video(str(video), settings, seconds)
        speed = tracked.frames / (sum(os.times()[:4]) - start)
        row |= {"frames/s": speed, "of real time": speed / rate}
        tracks = tracked.tracks
    truth, tracks = (table[table["frame"].isin(frames)] for table in (truth, tracks))
    row |= score_tracks(truth, tracks, frames, near)
    return row | compare_kinematics(truth, tracks, near, rate) if "cell" in truth else row


def score_tracks(
    truth: pd.DataFrame, tracks: pd.DataFrame, frames: np.ndarray, near: float
) -> dict[str, float]:
    """Score tracks in these frames, by distance (up to `near`, pixels) and by boxes.

    Args:
        truth: frame, x, y, w, h, and perhaps cell; without it, detection alone is scored.
        tracks: cell, frame, x, y.
    """
    side = np.sqrt(truth["w"] * truth["h"]).median()
    tracks = tracks.assign(w=side, h=side)
    has_identities = "cell" in truth
    if not has_identities:
        truth = truth.assign(cell=np.arange(len(truth)))
    by_distance = prepare_sequence(
        truth, tracks, frames, lambda true, ours: 1 - cdist(true[:, :2], ours[:, :2]) / (2 * near)
    )
    clear = CLEAR(QUIET).eval_sequence(by_distance)
    scores = {"precision": clear["CLR_Pr"], "recall": clear["CLR_Re"]}
    if not has_identities:
        return scores
    hota = HOTA().eval_sequence(by_distance)["HOTA"]
    scores |= {"MOTA": clear["MOTA"], "switches": clear["IDSW"]}
    scores |= {"IDF1": Identity(QUIET).eval_sequence(by_distance)["IDF1"]}
    scores |= {"HOTA": hota.mean(), "HOTA at 12 px": hota[AT_NEAR]}
    if np.isfinite(side):
        by_boxes = prepare_sequence(truth, tracks, frames, measure_overlap)
        scores["HOTA of boxes"] = HOTA().eval_sequence(by_boxes)["HOTA"].mean()
    return scores


def prepare_sequence(
    truth: pd.DataFrame,
    tracks: pd.DataFrame,
    frames: np.ndarray,
    measure_similarity: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> dict:
    """Return what TrackEval's metrics take of a video.

    `measure_similarity` takes boxes (x, y, w, h) of a frame, (true, 4) and (ours, 4), and returns
    an array (true, ours); below 0 counts as 0.
    """
    sides = []
    for table in (truth, tracks):
        codes, cells = pd.factorize(table["cell"])
        places = table.assign(code=codes).groupby("frame").indices
        rows = [places.get(frame, np.arange(0)) for frame in frames]
        boxes = table[BOX].to_numpy(float)
        sides.append(([codes[r] for r in rows], [boxes[r] for r in rows], len(cells)))
    (true_ids, true_boxes, n_true), (our_ids, our_boxes, n_ours) = sides
    pairs = zip(true_boxes, our_boxes, strict=True)
    return {
        "gt_ids": true_ids, "num_gt_ids": n_true, "num_gt_dets": len(truth),
        "tracker_ids": our_ids, "num_tracker_ids": n_ours, "num_tracker_dets": len(tracks),
        "num_timesteps": len(frames),
        "similarity_scores": [measure_similarity(*pair).clip(0) for pair in pairs],
    }  # fmt: skip


def measure_overlap(true: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """Return the intersection over union of boxes (x, y, w, h), (true, 4) and (ours, 4)."""
    corners = [np.hstack([b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2]) for b in (true, ours)]
    return box_iou(*map(torch.from_numpy, corners)).numpy()


def compare_kinematics(
    truth: pd.DataFrame, tracks: pd.DataFrame, near: float, frame_rate: float
) -> dict[str, float]:
    """Compare the speeds of tracked cells with those of the hand-made tracks.

    Returns:
        For all cells and for moving ones: their number, and of each speed the median over cells of
        the relative error, signed (bias) and absolute (error).
    """
    pairs = truth.merge(tracks, on="frame", suffixes=("_true", "_ours"))
    distance = np.hypot(pairs["x_true"] - pairs["x_ours"], pairs["y_true"] - pairs["y_ours"])
    pairs = pairs[distance <= near].sort_values("frame")
    sizes = pairs.groupby(["cell_true", "cell_ours"]).size()
    sizes = sizes[sizes >= max(frame_rate, MIN_PATH)].sort_values(kind="stable", ascending=False)
    best = sizes.reset_index().drop_duplicates("cell_true")[["cell_true", "cell_ours"]]
    common = pairs.merge(best, on=["cell_true", "cell_ours"])
    true, ours = (
        compute_kinematics(
            pd.DataFrame({"cell": common["cell_true"], "x": common[f"x_{side}"],
                          "y": common[f"y_{side}"]}), frame_rate
        )[SPEEDS]
        for side in ("true", "ours")
    )  # fmt: skip
    errors = (ours / true - 1).where(true > 0)
    row = {}
    for group, members in (("all", true["vsl"] >= 0), ("moving", true["vsl"] >= near)):
        row[f"cells {group}"] = int(members.sum())
        for speed, values in errors[members].items():
            row[f"{speed} bias {group}"] = values.median()
            row[f"{speed} error {group}"] = values.abs().median()
    return row


def format_tables(rows: list[dict]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the scores, and the errors of kinematics (signed and absolute), as texts."""
    scores, kinematics = [], []
    for row in rows:
        known = {name: f"{row[name]:{form}}" for name, form in FORMATS.items() if name in row}
        scores.append({"video": row["video"]} | known)
        for group in ("all", "moving") if "cells all" in row else ():
            speeds = {
                speed.upper(): f"{row[f'{speed} bias {group}']:+.0%}, "
                f"{row[f'{speed} error {group}']:.0%}"
                for speed in SPEEDS
            }
            count = {"video": row["video"], "cells": f"{row[f'cells {group}']} {group}"}
            kinematics.append(count | speeds)
    table = pd.DataFrame(scores)
    order = [name for name in ("video", *FORMATS) if name in table]
    return table[order].fillna(""), pd.DataFrame(kinematics)


if __name__ == "__main__":
    run_command_line(main)
