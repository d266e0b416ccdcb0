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
SWAY_SPEED = 20.0  # head lengths/s: so fast heads swing and turn, which few frames/s do not show
# The stage jumps: fewer than MAX_LEFT of the heads are NEAR their place, and of the shifts within
# MAX_JOLT (head lengths), one brings MIN_JOLTED_SHARE of them there.
MAX_LEFT, NEAR, MAX_JOLT, MIN_JOLTED, MIN_JOLTED_SHARE = 0.4, 0.3, 4.0, 5, 0.6
# A cell that is followed: where it was seen last, how often it was, its velocity (pixels/frame).
TRACK = np.dtype(
    [("cell", int), ("last", int), ("seen", int), ("place", float, 2), ("velocity", float, 2)]
)
SCORED_TRACK_COLUMNS = ["cell", "frame", "x", "y", "score"]


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
    max_gap, coasting = max(2, MAX_GAP * frame_rate), max(1, COAST_SECONDS * frame_rate)
    memory = max(0.5, VELOCITY_SECONDS * frame_rate)
    min_reach = max(MIN_REACH, SWAY_SPEED / frame_rate) * head_length
    running, known, parts = np.zeros(0, TRACK), 0, [np.zeros((0, 5))]
    for frame, heads in enumerate(detections):
        gaps = frame - running["last"]
        places = running["place"] + running["velocity"] * np.minimum(gaps, coasting)[:, None]
        if (jolt := _find_jolt(running, places, heads, frame, head_length)) is not None:
            running["place"] += jolt
            places = places + jolt
        # What is not known of the movement: all of it at first, then a part of the speed.
        speeds = np.hypot(*running["velocity"].T)
        is_new, fastest = running["seen"] < 3, MAX_SPEED * head_length / frame_rate
        unknown = np.where(is_new, fastest, 0.5 * speeds)
        reach = min_reach * np.sqrt(gaps) + unknown * gaps
        is_strong = heads[:, 2] >= HIGH_SCORE
        owners = np.full(len(heads), -1)  # places in `running`
        for candidates in (np.flatnonzero(is_strong), np.flatnonzero(~is_strong)):
            waiting = np.setdiff1d(np.arange(len(running)), owners)
            pairs = assign_nearest(places[waiting], heads[candidates, :2], reach[waiting])
            for track, candidate in pairs:
                owners[candidates[candidate]] = waiting[track]
        _extend_tracks(running, owners, heads, frame, memory)
        first = np.flatnonzero((owners < 0) & is_strong)
        begun = np.zeros(len(first), TRACK)
        begun["cell"], begun["last"], begun["seen"] = known + np.arange(len(first)), frame, 1
        begun["place"] = heads[first, :2]
        owners[first] = len(running) + np.arange(len(first))
        running, known = np.concatenate([running, begun]), known + len(first)
        cells = running["cell"][owners[owners >= 0]]
        frames = np.full(len(cells), frame)
        parts.append(np.column_stack([cells, frames, heads[owners >= 0]]))
        running = running[frame - running["last"] <= max_gap]
    rows = np.concatenate(parts)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    table = pd.DataFrame(rows, columns=SCORED_TRACK_COLUMNS)
    return table.astype({"cell": int, "frame": int})


def _find_jolt(
    tracks: np.ndarray, places: np.ndarray, heads: np.ndarray, frame: int, head_length: float
) -> np.ndarray | None:
    """Return by how much the stage has jumped, x and y, if most heads are not at their `places`.

    It is the shift that brings most of the expected places to heads.
    """
    expected = places[(tracks["last"] == frame - 1) & (tracks["seen"] >= 3)]
    strong = heads[heads[:, 2] >= HIGH_SCORE, :2]
    if len(expected) < MIN_JOLTED or len(strong) < MIN_JOLTED:
        return None
    tree, near = cKDTree(strong), NEAR * head_length
    here = np.mean(tree.query(expected)[0] <= near)
    if here >= MAX_LEFT:
        return None
    around = tree.query_ball_point(expected, MAX_JOLT * head_length)
    owners = np.repeat(np.arange(len(expected)), [len(part) for part in around])
    if not len(owners):
        return None
    shifts = strong[np.concatenate(around).astype(int)] - expected[owners]
    groups = cKDTree(shifts).query_ball_point(shifts, near)
    votes = [len(set(owners[group])) for group in groups]
    best = groups[int(np.argmax(votes))]
    is_clear = max(votes) / len(expected) >= max(MIN_JOLTED_SHARE, 2 * here)
    return np.median(shifts[best], axis=0) if is_clear else None


def _extend_tracks(
    tracks: np.ndarray, owners: np.ndarray, heads: np.ndarray, frame: int, memory: float
) -> None:
    """Add heads to the tracks that own them, none: -1; `memory`: frames of a velocity."""
    found = np.flatnonzero(owners >= 0)
    ours, places = owners[found], heads[found, :2]
    gaps = frame - tracks["last"][ours]
    weights = np.maximum(1 / tracks["seen"][ours], 1 - np.exp(-gaps / memory))
    steps = (places - tracks["place"][ours]) / gaps[:, None]
    tracks["velocity"][ours] += weights[:, None] * (steps - tracks["velocity"][ours])
    tracks["place"][ours], tracks["last"][ours] = places, frame
    tracks["seen"][ours] += 1


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
