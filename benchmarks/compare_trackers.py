"""Compare detectors of heads, and ways to link them, on videos with hand-made tracks.

    .venv/bin/python benchmarks/compare_trackers.py FOLDER --networks NETWORKS [--seconds N]
        [--simulated N] [--every N]

FOLDER holds videos in the layouts of tracking.py, whose scores these are. A video is tracked by the
network NETWORKS/NAME.pt, fitted without it (train_detector.py FOLDER NETWORKS/NAME.pt --leave-out
NAME), or by the shipped one if there is none.

Detectors: the network, and blobs classified by scikit-learn (classic_detector.py), fitted to all
other videos with hand-made tracks; with `--simulated N`, to N simulated crops of each style, too.
Nothing is fitted to videos that have boxes alone. Blobs get polarity and size from the network.

Linking: ours, trackpy, and laptrack and trackers (ByteTrack) where they can be imported; all get
the network's detections, and gaps of as many seconds. Ours has its constants. Each other one has
the settings that are best for the other videos (their first CHOICE_SECONDS), by the mean of MOTA,
IDF1 and HOTA. The least mean score of a track of classified blobs is the best one for all videos
together, as the network's is. `--every 3` links one of three frames, as in a video of a third of
the frame rate. Time is user CPU time on one thread.
"""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before libraries start their threads
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
import numpy as np
import pandas as pd
import torch
from classic_detector import fit_classifier, iterate_blobs, label_blobs, score_blobs
from detector_crops import BRIGHT_FIELD, PHASE_CONTRAST, draw_crops
from linkers import list_linkers
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tracking import FORMATS, NEAR, score_tracks
from tracking_truth import find_truths, read_truth

from motilens.core.command_line import run_command_line
from motilens.core.files import hash_file
from motilens.pipeline.config import read_section
from motilens.tracking.detector import (
    HEAD_LENGTH,
    detect_heads,
    load_detector,
    measure_contrast,
)
from motilens.tracking.frame_setup import choose_setup
from motilens.tracking.linking import link_heads
from motilens.tracking.tracker import select_tracks, smooth_tracks
from motilens.tracking.trajectories import fill_gaps
from motilens.video.probe import probe_video

NETWORK_MIN_SCORE = read_section("tracking")["min_score"]
MIN_SCORES = (0.3, 0.4, 0.5, 0.6, 0.7)  # of tracks of classified blobs
CHOICE_SECONDS = 4.0
TRAINING_FRAMES = 50  # of each video, evenly spaced
CLASSIFIERS = {
    "logistic regression": lambda: make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=500)
    ),
    "gradient boosting": lambda: HistGradientBoostingClassifier(max_iter=200, random_state=0),
}


@dataclass
class Video:
    """A video as the detectors see it; lengths are in pixels of these frames.

    Args:
        frames: uint8 (frames, height, width).
        truth: frame, x, y, w, h, and perhaps cell.
        labeled: numbers of the frames that are scored.
        near: a cell is found within this distance of its center.
        heads: of each frame, x, y and score by the network, (heads, 3).
        milliseconds: per frame, that the network took.
    """

    name: str
    frames: np.ndarray
    frame_rate: float
    contrast: float
    invert: bool
    truth: pd.DataFrame
    labeled: np.ndarray
    near: float
    heads: list[np.ndarray]
    milliseconds: float

    @property
    def has_identities(self) -> bool:
        return "cell" in self.truth


def read_video(path: Path, truth_path: Path, networks: Path, seconds: float) -> Video:
    """Read a video, and find its heads by the network."""
    info, weights = probe_video(str(path)), networks / f"{path.stem}.pt"
    network = load_detector(weights, hash_file(weights)) if weights.exists() else load_detector()
    rate, count = info.frame_rate, max(1, round(min(info.frames, seconds * info.frame_rate)))
    setup = choose_setup(str(path), info, network, info.frames, rate)
    frames = np.stack(list(setup.read_frames(str(path), np.arange(count))))
    heads, milliseconds = measure_time(
        count, lambda: list(detect_heads(network, frames, rate, setup.contrast, setup.invert))
    )
    scale = setup.scale
    truth, labeled = read_truth(truth_path, info)
    truth[["x", "y"]] = (truth[["x", "y"]] + 0.5) * scale - 0.5
    truth[["w", "h"]] *= scale
    return Video(
        path.stem, frames, rate, setup.contrast, setup.invert, truth, labeled[labeled < count],
        NEAR * info.width * scale[0], heads, milliseconds,
    )  # fmt: skip


def measure_time(frames: int, function: Callable, *arguments) -> tuple:
    """Return what a function returns, and its user CPU time (ms) per frame."""
    start = os.times().user
    result = function(*arguments)
    return result, 1e3 * (os.times().user - start) / frames


def score_linked(linked: pd.DataFrame, video: Video, min_score: float, end: float = np.inf) -> dict:
    """Score linked heads as the tracker would return them, up to a frame."""
    size = np.array(video.frames.shape[:0:-1])
    tracks = select_tracks(linked, min_score, video.frame_rate, len(video.frames), size)
    tracks = smooth_tracks(fill_gaps(tracks), video.frame_rate)
    frames = video.labeled[video.labeled < end]
    truth, tracks = (table[table["frame"].isin(frames)] for table in (video.truth, tracks))
    return score_tracks(truth.assign(w=np.nan), tracks, frames, video.near)


def choose_best(values: dict[tuple, float], left_out: str | None = None):
    """Return the setting with the best mean value over all videos but one.

    Args:
        values: of each (video, setting).
    """
    others: dict[tuple, list[float]] = {}
    for (name, setting), value in values.items():
        if name != left_out:
            others.setdefault(setting, []).append(value)
    return max(others, key=lambda setting: np.mean(others[setting]))


def judge_linking(scores: dict) -> float:
    """Return the mean of the scores that settings are chosen by."""
    return (scores["MOTA"] + scores["IDF1"] + scores["HOTA"]) / 3


# Detectors


def compare_detectors(videos: list[Video], n_simulated: int) -> list[dict]:
    """Return the scores of the network and of each classifier of blobs, all linked by us."""
    rows, measured = [], {}
    for video in videos:
        linked = link_heads(video.heads, video.frame_rate, HEAD_LENGTH)
        row = {"video": video.name, "detector": "network", "ms/frame": video.milliseconds}
        rows.append(row | score_linked(linked, video, NETWORK_MIN_SCORE))
        measured[video.name] = measure_time(len(video.frames), find_blobs, video)
        print(f"{video.name}: blobs are measured", file=sys.stderr, flush=True)
    labeled = {
        video.name: label_video(video, measured[video.name][0])
        for video in videos
        if video.has_identities
    }
    labeled["simulated"] = [
        pair for style in (PHASE_CONTRAST, BRIGHT_FIELD) for pair in label_crops(style, n_simulated)
    ]
    for name, make in CLASSIFIERS.items():
        results, values = {}, {}
        for video in videos:
            others = [
                pair for other, pairs in labeled.items() if other != video.name for pair in pairs
            ]
            classifier = fit_classifier(others, make)
            blobs, milliseconds = measured[video.name]
            heads, scoring = measure_time(len(blobs), classify_blobs, classifier, blobs)
            linked = link_heads(heads, video.frame_rate, HEAD_LENGTH)
            for min_score in MIN_SCORES:
                scores = score_linked(linked, video, min_score)
                row = {"video": video.name, "detector": name, "ms/frame": milliseconds + scoring}
                results[video.name, min_score] = row | scores
                if video.has_identities:
                    values[video.name, min_score] = judge_linking(scores)
            print(f"{video.name}: {name} is scored", file=sys.stderr, flush=True)
        min_score = choose_best(values)
        rows += [results[video.name, min_score] for video in videos]
    return rows


def find_blobs(video: Video) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return places and features of the blobs of each frame."""
    return list(iterate_blobs(video.frames, video.frame_rate, video.contrast, video.invert))


def classify_blobs(classifier: ClassifierMixin, blobs: list) -> list[np.ndarray]:
    """Return the heads among the blobs of each frame: x, y, score."""
    return [score_blobs(classifier, *parts) for parts in blobs]


def label_video(video: Video, blobs: list) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return features and labels of the blobs of some frames."""
    places = dict(tuple(video.truth.groupby("frame")[["x", "y"]]))
    chosen = np.linspace(0, len(video.labeled) - 1, TRAINING_FRAMES).astype(int)
    labeled = []
    for number in video.labeled[chosen].astype(int):
        found, features = blobs[number]
        heads = places[number].to_numpy() if number in places else np.zeros((0, 2))
        labeled.append((features, label_blobs(found, heads)))
    return labeled


def label_crops(style: str, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return features and labels of the blobs of simulated crops."""
    labeled = []
    for triplet, heads in zip(*draw_crops(style, count, 0), strict=True) if count else ():
        frames = iterate_blobs(triplet, 1.0, measure_contrast(triplet[1:2]), False)
        _, (found, features), _ = frames
        labeled.append((features, label_blobs(found, heads)))
    return labeled


# Linking


def thin_video(video: Video, every: int) -> Video:
    """Return a video with one of so many frames: its heads, its truth and its frame rate."""
    kept = video.truth[video.truth["frame"] % every == 0]
    return replace(
        video,
        frames=video.frames[::every],
        frame_rate=video.frame_rate / every,
        truth=kept.assign(frame=kept["frame"] // every),
        labeled=video.labeled[video.labeled % every == 0] // every,
        heads=video.heads[::every],
    )


def compare_linking(videos: list[Video]) -> list[dict]:
    """Return the scores of the network's heads, linked in each way."""
    rows = []
    for name, (link, settings) in list_linkers().items():
        values = {}
        for video in videos if len(settings) > 1 else ():
            end = round(CHOICE_SECONDS * video.frame_rate)
            for setting in settings:
                linked = link(video.heads[:end], video.frame_rate, *setting)
                scores = score_linked(linked, video, NETWORK_MIN_SCORE, end)
                values[video.name, setting] = judge_linking(scores)
        for video in videos:
            setting = choose_best(values, video.name) if values else settings[0]
            linked, milliseconds = measure_time(
                len(video.frames), link, video.heads, video.frame_rate, *setting
            )
            row = {"video": video.name, "linking": name, "ms/frame": milliseconds}
            rows.append(row | score_linked(linked, video, NETWORK_MIN_SCORE))
            print(f"{video.name}: {name} {setting} is scored", file=sys.stderr, flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--networks", type=Path, required=True, help="a folder of NAME.pt")
    parser.add_argument("--seconds", type=float, default=np.inf, help="only so much of each video")
    parser.add_argument("--simulated", type=int, default=0, help="crops of each style to fit to")
    parser.add_argument("--every", type=int, default=1, help="link one of so many frames")
    options = parser.parse_args()
    torch.set_num_threads(1)
    videos = [
        read_video(video, truth, options.networks, options.seconds)
        for video, truth in find_truths(options.folder)
    ]
    tracked = [thin_video(video, options.every) for video in videos if video.has_identities]
    for rows in (compare_linking(tracked), compare_detectors(videos, options.simulated)):
        table = pd.DataFrame(rows).drop(columns="HOTA at 12 px")
        for name, form in (FORMATS | {"ms/frame": ".1f"}).items():
            if name in table:
                table[name] = [f"{v:{form}}" if np.isfinite(v) else "" for v in table[name]]
        print(table.to_markdown(index=False, disable_numparse=True), end="\n\n")


if __name__ == "__main__":
    run_command_line(main)
