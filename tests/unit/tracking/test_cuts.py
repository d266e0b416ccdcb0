"""Cuts and missing frames are seen by tracks that break, or by steps that all swimmers share."""

import numpy as np
import pandas as pd

from motilens.tracking.cuts import find_cuts, measure_speeds, share_skipped
from motilens.tracking.linking import link_heads
from support.tracks import make_track

FRAMES, RATE, HEAD = 100, 50.0, 13.0
STILL = np.zeros((FRAMES, 2))


def make_ways(swimmers=12, resting=8, seed=1):
    """Return places, (cells, FRAMES, 2): swimmers first, with swings, in a wide field."""
    rng, seconds = np.random.default_rng(seed), np.arange(FRAMES) / RATE
    starts = rng.permutation(49)[: swimmers + resting]
    starts = 150.0 * np.column_stack([starts % 7, starts // 7])
    ways = []
    for cell, start in enumerate(starts):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        moves = cell < swimmers
        ahead = np.array([np.cos(angle), np.sin(angle)])
        swing = 2 * np.sin(2 * np.pi * rng.uniform(6, 12) * seconds + phase)
        path = np.outer(rng.uniform(40, 80) * seconds, ahead)
        path += np.outer(swing, ahead[::-1] * [-1, 1])
        ways.append(start + moves * path + rng.normal(0, 0.05, (FRAMES, 2)))
    return np.array(ways)


def link_places(ways):
    heads = [np.column_stack([ways[:, n], np.full(len(ways), 0.9)]) for n in range(ways.shape[1])]
    return link_heads(heads, RATE, HEAD)


def to_tracks(ways):
    return pd.concat([make_track(way, cell) for cell, way in enumerate(ways)], ignore_index=True)


def cuts_of(tracks, jumps=()):
    return find_cuts(tracks, jumps, measure_speeds(tracks, STILL, RATE, HEAD))


def test_a_missing_stretch_is_a_cut_although_cells_at_rest_go_on():
    """Before, swimmers alone were counted again, without a word."""
    ways = make_ways()
    assert cuts_of(link_places(ways)) == []
    tracks = link_places(np.concatenate([ways[:, :30], ways[:, 60:]], axis=1))
    assert cuts_of(tracks) == [30]


def test_another_field_is_a_cut_only_if_tracks_end():
    tracks = link_places(make_ways())
    assert cuts_of(tracks, [40]) == [], "they go on: a vignette, or noise"
    far = link_places(
        np.concatenate([make_ways()[:, :40], make_ways(seed=2)[:, :40] + [75, 75]], axis=1)
    )
    assert cuts_of(far, [40]) == [40]
    few = link_places(make_ways(1, 1))
    assert cuts_of(few, [40]) == [40], "too few tracks to tell"
    assert cuts_of(tracks[:0]) == []


def test_cells_are_followed_where_the_stage_jumps():
    """Before, each jump began new tracks of all cells."""
    ways = make_ways()
    for jump in ([7, 4], [-28, 19], [40, 0]):
        moved = ways + (np.arange(FRAMES) >= 50)[:, None] * np.array(jump, float)
        assert link_places(moved)["cell"].nunique() == len(ways)
    assert link_places(ways)["cell"].nunique() == len(ways)


def test_frames_that_were_dropped_are_noticed():
    ways = make_ways()
    kept = ways[:, np.arange(FRAMES) % 7 != 6]
    shares = []
    for part in (ways, kept):
        tracks, drift = to_tracks(part), np.zeros((part.shape[1], 2))
        shares.append(share_skipped(tracks, drift, measure_speeds(tracks, drift, RATE, HEAD)))
    assert shares[0] == 0 and shares[1] > 0.1
