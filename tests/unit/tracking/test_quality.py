"""The quality report tells samples of sperm from what only looks like them."""

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from motilens.simulation.recording import Recording
from motilens.tracking.quality import (
    describe_problems,
    explain_no_sample,
    is_doubtful,
    measure_clutter,
    measure_focus,
    measure_paths,
    measure_quality,
    measure_roundness,
)
from motilens.tracking.tracker import track_video
from motilens.video.encode import encode_video
from support.looks import LOOKS, RATE
from support.real import REAL, needs_real
from support.recordings import run_ffmpeg

SETTINGS = {"detector": "network", "min_score": 0.5, "min_track_duration": 0.4, "duration": 10}


def make_scored(places, score, frames=50):
    rows = [(cell, n, *place, score) for cell, place in enumerate(places) for n in range(frames)]
    return pd.DataFrame(rows, columns=["cell", "frame", "x", "y", "score"])


LIKE_CELLS = {
    "found_share": 0.95, "unrest": 0.01, "progress": 5.0, "clutter": 0.01, "common_motion": 0.0,
    "repeated_share": 0.0, "seen_head_length": 0.0,
}  # fmt: skip


def test_quality_says_what_makes_tracks_doubtful():
    fine = {"focus": 1.0, "drift": 0.0, "scene_changes": 0, "interlaced": False}
    fine |= {"uneven_times": False, "contrast": 50.0, "roundness": 0.8} | LIKE_CELLS
    clear = measure_quality(make_scored([(50, 50), (200, 90)], 0.9), 50, 50, 13)
    assert clear["cells"] == 2 == clear["cells_per_frame"] and clear["long_share"] == 1
    assert clear["estimated_precision"] > 0.95 and clear["crowded_share"] == 0
    assert describe_problems(clear | fine, 13) == []
    doubtful = measure_quality(make_scored([(50, 50), (60, 55)], 0.5), 50, 50, 13)
    bad = fine | {"focus": 0.1, "drift": 20.0, "scene_changes": 2, "interlaced": True}
    [debris, crowded, focus, drift, scenes, woven, uneven] = describe_problems(
        doubtful | bad | {"uneven_times": True}, 13, [0.52, 3.0]
    )
    assert is_doubtful(doubtful | bad) and not is_doubtful(clear | fine)
    [beads] = describe_problems(clear | fine | {"roundness": 0.95}, 13)
    [flow] = describe_problems(clear | fine | {"common_motion": 0.4}, 13)
    assert "the liquid flows" in flow and is_doubtful(clear | fine | {"common_motion": 0.4})
    [frozen] = describe_problems(clear | fine | {"repeated_share": 0.5}, 13)
    assert frozen.startswith("50% of the frames repeat the one before")
    assert "round as beads" in beads and is_doubtful(clear | fine | {"roundness": 0.95})
    assert "told from debris" in debris and "crowded: 100%" in crowded
    assert "out of focus" in focus and "drifts by 20 pixels/s" in drift
    assert "after 0.5, 3.0 s" in scenes and "interlaced" in woven
    assert "unevenly spaced in time" in uneven
    none = measure_quality(make_scored([], 0.5), 50, 50, 13)
    [reason] = describe_problems(none | fine, 0.0)
    assert "clearly a head" in reason
    [reason] = describe_problems(none | fine | {"contrast": 0.0}, 0.0)
    assert "Nothing stands out" in reason


def test_beads_are_rounder_than_heads(videos):
    rows, columns = np.mgrid[:480, :640]
    for look in LOOKS:
        truth, sign = videos[look][1], 1 if look == "bright" else -1
        [image] = Recording(3, 5, 1, conditions=LOOKS[look]).iter_frames()
        heads = truth.loc[truth["frame"] == 0, ["x_px", "y_px"]].to_numpy()
        assert 0.5 < measure_roundness(image.mean(2), heads, 13, look == "dark") < 0.85
        image = np.full((480, 640), 110.0)
        for x, y in heads:
            image += 40 * sign * (np.hypot(columns - x, rows - y) < 5)
        assert measure_roundness(image, heads, 13, look == "dark") > 0.9
    assert measure_roundness(image, heads[:5], 13, True) == 0.0, "too few to tell"
    assert measure_roundness(np.zeros((4, 4)), heads, 13, True) == 0.0


def test_focus_falls_with_blur(videos):
    path, truth = videos["bright"]
    [image] = Recording(3, 5, 1, conditions=LOOKS["bright"]).iter_frames()
    gray = image.mean(2).astype(np.uint8)
    heads = truth.loc[truth["frame"] == 0, ["x_px", "y_px"]].to_numpy()
    values = [
        measure_focus(ndimage.gaussian_filter(gray, sigma), heads, 13) for sigma in (0, 1.5, 4)
    ]
    assert values[0] > values[1] > values[2] > 0
    assert measure_focus(gray, heads[:0], 13) == 0.0


@pytest.mark.parametrize("change, reason", [
    ({}, None), ({"clutter": 0.03}, None), ({"roundness": 0.95}, None), ({"progress": 0.1}, None),
    ({"long_share": 0.0}, None), ({"cells": 0, "found_share": 0.0}, None),
    ({"found_share": 0.4}, "jumps from place to place"),
    ({"long_share": 0.0, "cells": 100}, "appears and vanishes"),
    ({"unrest": 0.0}, "stands still"), ({"clutter": 0.05}, "unlike heads of sperm"),
    ({"roundness": 0.95, "progress": 0.0}, None),
    ({"roundness": 0.95, "progress": 0.5}, "as round as beads, and none of it swims"),
])  # fmt: skip
def test_what_is_no_sample_is_told_from_poor_ones(change, reason):
    known = {"cells": 20, "cells_per_frame": 12.0, "long_share": 0.9, "roundness": 0.8}
    told = explain_no_sample(known | LIKE_CELLS | change)
    assert told is None if reason is None else reason in told
    assert explain_no_sample({}) is None, "blobs do not say"


def test_paths_are_measured_without_the_drift_of_the_stage():
    rng, numbers = np.random.default_rng(0), np.arange(60)
    drift = np.outer(numbers, [3.0, -2.0])
    still = np.array([[100.0, 100.0], [300.0, 200.0]])
    scored = make_scored(still, 0.9, 60)
    moved = scored.assign(**(scored[["x", "y"]] + drift[scored["frame"]]))
    measured = measure_paths(moved, drift, 50, 13)
    assert measured["unrest"] == pytest.approx(0, abs=1e-9) and measured["found_share"] == 1
    assert measured["progress"] == pytest.approx(0, abs=1e-9)
    inexact = scored.assign(x=scored["x"] + rng.normal(0, 0.2, 120))
    assert 0.01 < measure_paths(inexact, 0 * drift, 50, 13)["unrest"] < 0.1
    swimming = scored.assign(x=scored["x"] + 2.6 * scored["frame"] * scored["cell"])
    assert measure_paths(swimming, 0 * drift, 50, 13)["progress"] == pytest.approx(50 * 0.2)
    often_lost = scored[scored["frame"] % 4 == 0]
    assert measure_paths(often_lost, drift, 50, 13)["found_share"] == pytest.approx(15 / 57)
    assert measure_paths(scored[scored["frame"] < 2], drift, 50, 13)["unrest"] == 1, "nobody knows"
    assert set(measure_paths(scored[:0], drift, 50, 13).values()) == {0.0}


def test_what_stands_out_far_from_all_heads_is_clutter():
    frame, heads = np.full((200, 200), 100, np.uint8), np.array([[50.0, 50.0]])
    frame[46:55, 46:55] = 200
    assert measure_clutter(frame, heads, 90.0, 13) == 0
    frame[140:160, 140:160] = 200
    assert measure_clutter(frame, heads, 90.0, 13) == pytest.approx(0.01, abs=0.002)


def draw_jumping_dots():
    """Yield snow: round dots that are elsewhere in each frame."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        image = np.zeros((480, 640), np.float32)
        image[rng.integers(0, 480, 40), rng.integers(0, 640, 40)] = 1
        image = 60 + 150 * (ndimage.gaussian_filter(image, 3) * 18 * np.pi).clip(0, 1)
        yield np.repeat(image[..., None].astype(np.uint8), 3, 2)


@pytest.mark.slow
@pytest.mark.parametrize("what, reason", [
    ("snow", "jumps from place to place"), ("testsrc", "stands still"),
    ("testsrc2", "unlike heads of sperm"), ("mandelbrot", "unlike heads of sperm"),
])  # fmt: skip
def test_drawn_videos_show_no_sample(tmp_path, what, reason):
    path = str(tmp_path / "drawn.mkv")
    if what == "snow":
        encode_video(path, draw_jumping_dots(), RATE)
    else:
        size = f"{what}=size=640x480:rate=50"
        run_ffmpeg(["-f", "lavfi", "-i", size, "-t", "1.2", "-c:v", "ffv1"], path)
    first, *_ = track_video(path, SETTINGS).warnings
    assert first.startswith("This shows no sample of sperm: ") and reason in first


@needs_real
@pytest.mark.slow
@pytest.mark.parametrize("video", [
    "visem_tracking/visem_11.mp4", "visem_tracking/visem_36.mp4", "visem_tracking/visem_52.mp4",
    "svia/S_0001.mp4", "svia/S_0004.mp4",
])  # fmt: skip
def test_real_samples_are_taken_for_samples(video):
    quality = track_video(str(REAL / video), SETTINGS, 2.0).quality
    assert explain_no_sample(quality) is None and not is_doubtful(quality)
