"""Ways to link heads to tracks: ours and those of libraries, all with the same gaps."""

import importlib.util
import sys
import warnings
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
import numpy as np
import pandas as pd
import trackpy

from motilens.tracking.detector import HEAD_LENGTH, MIN_SCORE
from motilens.tracking.linking import HIGH_SCORE, MAX_GAP, SCORED_TRACK_COLUMNS, link_heads


def list_linkers() -> dict[str, tuple[Callable, list[tuple]]]:
    """Return functions that link heads, each with its settings: reach and least score of a head."""
    reaches = list(product((0.8, 1.2, 1.8, 2.6), (MIN_SCORE, 0.3)))
    linkers = {
        "Motilens": (lambda heads, rate: link_heads(heads, rate, HEAD_LENGTH), [()]),
        "trackpy": (partial(link_by_trackpy, predicts=False), reaches),
        "trackpy, predicted": (partial(link_by_trackpy, predicts=True), reaches),
        "laptrack": (link_by_laptrack, reaches),
        "ByteTrack": (link_by_bytetrack, [(side,) for side in (1.5, 2.5, 4.0)]),
    }
    missing = {"laptrack": "laptrack", "ByteTrack": "trackers"}
    for name, module in missing.items():
        if importlib.util.find_spec(module) is None:
            print(f"{module} is not installed: it is left out", file=sys.stderr)
            del linkers[name]
    return linkers


def link_by_trackpy(
    heads: list[np.ndarray], frame_rate: float, reach: float, least: float, predicts: bool
) -> pd.DataFrame:
    """Link by trackpy, plainly or with predicted places."""
    trackpy.quiet()
    options = {"memory": round(MAX_GAP * frame_rate), "adaptive_step": 0.9}
    options["adaptive_stop"] = 0.2 * HEAD_LENGTH
    link = trackpy.predict.NearestVelocityPredict().link_df if predicts else trackpy.link
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        linked = link(tabulate_heads(heads, least), reach * HEAD_LENGTH, **options)
    return linked.rename(columns={"particle": "cell"})


def link_by_laptrack(
    heads: list[np.ndarray], frame_rate: float, reach: float, least: float
) -> pd.DataFrame:
    """Link by laptrack, with its defaults but for reach and gaps, without divisions."""
    from laptrack import LapTrack

    squared = (reach * HEAD_LENGTH) ** 2
    tracker = LapTrack(
        cutoff=squared,
        gap_closing_cutoff=squared,
        gap_closing_max_frame_count=round(MAX_GAP * frame_rate),
    )
    table = tabulate_heads(heads, least)
    linked, _, _ = tracker.predict_dataframe(table, ["x", "y"], only_coordinate_cols=False)
    return linked.rename(columns={"track_id": "cell"})


def link_by_bytetrack(heads: list[np.ndarray], frame_rate: float, side: float) -> pd.DataFrame:
    """Link by ByteTrack, with boxes of this side (head lengths)."""
    from supervision import Detections
    from trackers import ByteTrackTracker

    tracker = ByteTrackTracker(
        lost_track_buffer=round(30 * MAX_GAP),  # of 30 frames/s
        frame_rate=frame_rate,
        track_activation_threshold=HIGH_SCORE,
        high_conf_det_threshold=HIGH_SCORE,
        minimum_consecutive_frames=1,
    )
    half, rows = side * HEAD_LENGTH / 2, []
    for frame, found in enumerate(heads):
        boxes = np.hstack([found[:, :2] - half, found[:, :2] + half])
        tracked = tracker.update(Detections(boxes.astype(np.float32), confidence=found[:, 2]))
        x, y = (tracked.xyxy[:, :2] + half).T
        part = np.column_stack(
            [tracked.tracker_id, np.full(len(x), frame), x, y, tracked.confidence]
        )
        rows.append(part[tracked.tracker_id >= 0])
    return pd.DataFrame(np.concatenate(rows), columns=SCORED_TRACK_COLUMNS)


def tabulate_heads(heads: list[np.ndarray], least: float) -> pd.DataFrame:
    """Return heads with at least this score as a table: frame, x, y, score."""
    numbers = np.repeat(np.arange(len(heads)), [len(part) for part in heads])
    table = pd.DataFrame(np.concatenate(heads), columns=["x", "y", "score"])
    return table.assign(frame=numbers)[table["score"] >= least].reset_index(drop=True)
