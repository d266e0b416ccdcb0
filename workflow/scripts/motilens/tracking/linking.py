"""From heads in single frames to tracks.

Each track predicts where its head is next, by its velocity so far. Heads with a high score are
assigned first, then weak ones to tracks that go on (ByteTrack: Zhang et al., ECCV 2022), each time
with the least sum of distances. Weak heads begin no track.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

HIGH_SCORE = 0.4  # of a head that may begin a track
MAX_GAP = 0.25  # s, for which a head may be lost
COAST_SECONDS = 0.06  # a lost head is expected to go on for so long, then to wait
VELOCITY_SECONDS = 0.1  # over which a velocity is averaged
MAX_SPEED = 35.0  # head lengths/s, of a head whose velocity is not known yet
MAX_DENSE = 10_000  # pairs of heads that are compared all at once: this is faster up to there
MIN_REACH = 0.6  # head lengths: detections are as inexact
SCORED_TRACK_COLUMNS = ["cell", "frame", "x", "y", "score"]


class _Track:
    """A head that is followed: its points (frame, x, y, score) and its velocity (pixels/frame)."""

    def __init__(self, frame: int, head: np.ndarray):
        self.points, self.velocity = [(frame, *head)], np.zeros(2)

    @property
    def last(self) -> int:
        return self.points[-1][0]

    @property
    def place(self) -> np.ndarray:
        return np.array(self.points[-1][1:3])

    def extend(self, frame: int, head: np.ndarray, memory: float) -> None:
        """Add a point; `memory` (frames) says how slowly the velocity follows."""
        gap = frame - self.last
        weight = max(1 / len(self.points), 1 - np.exp(-gap / memory))
        self.velocity += weight * ((head[:2] - self.place) / gap - self.velocity)
        self.points.append((frame, *head))


def link_heads(
    detections: Iterable[np.ndarray], frame_rate: float, head_length: float
) -> pd.DataFrame:
    """Link the heads of consecutive frames.

    Args:
        detections: of each frame: x, y (pixels), score, (heads, 3).
        frame_rate: 1/s.
        head_length: pixels.

    Returns:
        cell, frame, x, y, score; ascending, with gaps where a head was lost.
    """
    running, ended = [], []
    max_gap, coasting = max(2, MAX_GAP * frame_rate), max(1, COAST_SECONDS * frame_rate)
    memory = max(0.5, VELOCITY_SECONDS * frame_rate)
    for frame, heads in enumerate(detections):
        is_free, waiting = np.ones(len(heads), bool), running
        is_strong = heads[:, 2] >= HIGH_SCORE
        for is_candidate in (is_strong, ~is_strong):
            candidates = np.flatnonzero(is_candidate)
            gaps = np.array([frame - track.last for track in waiting], float)
            places = [
                track.place + track.velocity * min(gap, coasting)
                for track, gap in zip(waiting, gaps, strict=True)
            ]
            is_new = np.array([len(track.points) < 3 for track in waiting], bool)
            speeds = np.array([np.hypot(*track.velocity) for track in waiting])
            # What is not known of the movement: all of it at first, then a part of the speed.
            unknown = np.where(is_new, MAX_SPEED * head_length / frame_rate, 0.5 * speeds)
            reach = MIN_REACH * head_length * np.sqrt(gaps) + unknown * gaps
            pairs = assign_nearest(np.reshape(places, (-1, 2)), heads[candidates, :2], reach)
            for track, candidate in pairs:
                waiting[track].extend(frame, heads[candidates[candidate]], memory)
                is_free[candidates[candidate]] = False
            waiting = [track for track in waiting if track.last < frame]
        running += [_Track(frame, head) for head in heads[is_free & is_strong]]
        ended += [track for track in running if frame - track.last > max_gap]
        running = [track for track in running if frame - track.last <= max_gap]
    tracks = sorted(ended + running, key=lambda track: track.points[0][0])
    rows = [(cell, *point) for cell, track in enumerate(tracks) for point in track.points]
    table = pd.DataFrame(np.reshape(rows, (-1, 5)), columns=SCORED_TRACK_COLUMNS, dtype=float)
    return table.astype({"cell": int, "frame": int})


def assign_nearest(
    places: np.ndarray, candidates: np.ndarray, reach: np.ndarray
) -> list[tuple[int, int]]:
    """Pair places (n, 2) and candidates (m, 2), each once, with the least sum of distances.

    A place and its candidate are at most `reach` (n,) apart; as many as possible are paired.
    """
    if not len(places) or not len(candidates):
        return []
    if len(places) * len(candidates) <= MAX_DENSE:
        return _assign_all(places, candidates, reach)
    near = cKDTree(candidates).query_ball_point(places, reach)
    rows = np.repeat(np.arange(len(places)), [len(part) for part in near])
    if not len(rows):
        return []
    columns = np.concatenate([np.array(part, int) for part in near])
    # Groups that share no candidate are independent, and nearly all are tiny.
    size = len(places) + len(candidates)
    graph = coo_array((np.ones(len(rows)), (rows, columns + len(places))), (size, size))
    group = connected_components(graph, directed=False)[1]
    order = np.argsort(group[rows], kind="stable")
    pairs = []
    for part in np.split(order, np.flatnonzero(np.diff(group[rows][order])) + 1):
        ours, theirs = np.unique(rows[part]), np.unique(columns[part])
        found = _assign_all(places[ours], candidates[theirs], reach[ours])
        pairs += [(int(ours[i]), int(theirs[j])) for i, j in found]
    return pairs


def _assign_all(
    places: np.ndarray, candidates: np.ndarray, reach: np.ndarray
) -> list[tuple[int, int]]:
    distance = np.hypot(*np.moveaxis(places[:, None] - candidates, 2, 0))
    far = distance > reach[:, None]
    cost = np.where(far, 1e3 * (1 + distance.max()), distance)
    rows, columns = linear_sum_assignment(cost)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if not far[i, j]]
