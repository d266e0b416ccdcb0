"""Realistic recordings: what is drawn is in the image, and true positions lie on heads."""

import hashlib
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from motilens.simulation.cells import cell_percentages
from motilens.simulation.conditions import DRIFTS, SCENES, Conditions, draw_conditions
from motilens.simulation.recording import Recording
from motilens.simulation.render import render_video
from motilens.simulation.swimming import draw_stage
from motilens.simulation.visem_files import simulated_sample_table
from motilens.video.encode import encode_video

STILL = Conditions("clean", "none", interlaced=False, rate_factor=20, vignette=0.0, noise=1.0)


def draw_frames(conditions: Conditions, frames: int = 1, participant: int = 1) -> np.ndarray:
    recording = Recording(participant, 0, frames, conditions=conditions)
    return np.array(list(recording.iter_frames()), float)


def test_the_plain_style_draws_what_it_always_drew():
    digest = hashlib.sha256()
    for participant, seed in ((1, 0), (7, 3)):
        for frame in render_video(participant, seed, 2):
            digest.update(frame.tobytes())
    assert digest.hexdigest().startswith("9551511f8147357c351d558aadb8fd2e")


@pytest.mark.parametrize("scene", SCENES)
def test_true_positions_lie_on_heads(scene):
    recording = Recording(4, 1, 3, conditions=replace(STILL, scene=scene))
    contrasts = []
    for frame, image in enumerate(recording.iter_frames()):
        gray = image.mean(axis=2)
        tracks = recording.tracks[recording.tracks["frame"] == frame]
        for x, y in tracks[["x_px", "y_px"]].to_numpy():
            rows, columns = np.ogrid[:480, :640]
            distance = np.hypot(columns - x, rows - y)
            contrasts.append(gray[distance < 4].mean() - np.median(gray))
    sign = -1 if SCENES[scene].bright_field else 1
    assert len(contrasts) > 15
    assert np.mean(sign * np.array(contrasts) > 10) > 0.9  # debris covers some


def test_tracks_follow_single_cells_inside_the_image():
    tracks = Recording(4, 1, 100, conditions=replace(STILL, drift="constant")).tracks
    assert tracks["x_px"].between(0, 639.5).all() and tracks["y_px"].between(0, 479.5).all()
    assert not tracks.duplicated(["frame", "track_id"]).any()
    for _, track in tracks.groupby("track_id"):
        assert (np.diff(track["frame"]) == 1).all()
        assert np.abs(np.diff(track[["x_px", "y_px"]], axis=0)).max(initial=0) < 8


def test_interlaced_frames_weave_two_instants():
    even, woven = (
        draw_frames(replace(STILL, noise=0.0, interlaced=interlaced))[0]
        for interlaced in (False, True)
    )
    assert np.array_equal(even[::2], woven[::2])
    assert np.abs(even[1::2] - woven[1::2]).max() > 30


@pytest.mark.parametrize("drift", DRIFTS)
def test_the_stage_drifts_as_it_says(drift):
    path = draw_stage(2, 0, drift, instants=2000, interval=0.01)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert (steps.max() == 0) == (drift == "none")
    assert np.allclose(steps, steps[0]) == (drift != "jerky")
    if drift == "jerky":
        assert np.median(steps) == 0 and steps.max() > 0.2
    assert np.allclose(path[:50], draw_stage(2, 0, drift, 50, 0.01))


def test_vignette_darkens_the_edges_and_noise_is_as_strong_as_said():
    even, dark = (draw_frames(replace(STILL, vignette=v))[0] for v in (0.0, 0.45))
    ratio = np.median(dark, axis=(1, 2)) / np.median(even, axis=(1, 2))
    assert ratio.min() < 0.93
    for scene in ("clean", "bright field"):
        still = replace(STILL, scene=scene)
        quiet, loud = (draw_frames(replace(still, noise=noise))[0] for noise in (0.0, 4.0))
        assert 3 < np.std(loud - quiet) < 4.5


@pytest.mark.parametrize("scene", SCENES)
def test_the_background_is_as_grainy_as_in_real_videos(scene):
    """Without noise too: medians of steps between pixels are 0.3 to 2 in decoded real videos."""
    images = [draw_frames(replace(STILL, scene=scene, noise=0.0), 1, p)[0] for p in (1, 2, 3)]
    steps = [np.median(np.abs(np.diff(image.mean(axis=2), axis=1))) for image in images]
    assert min(steps) > 0.5 and max(steps) < 3


def test_a_higher_rate_factor_makes_smaller_files(tmp_path):
    frames = list(Recording(1, 0, 3, conditions=STILL).iter_frames())
    for crf in (18, 32):
        encode_video(tmp_path / f"{crf}.mp4", frames, 50.0, crf)
    good, blocky = ((tmp_path / f"{crf}.mp4").stat().st_size for crf in (18, 32))
    assert blocky < good / 2


def test_a_longer_recording_begins_like_a_short_one():
    short, longer = Recording(3, 5, 2), Recording(3, 5, 4)
    frames = zip(short.iter_frames(), islice(longer.iter_frames(), 2), strict=True)
    assert all(np.array_equal(first, second) for first, second in frames)
    assert short.tracks.equals(longer.tracks[longer.tracks["frame"] < 2])


def test_conditions_have_the_shares_of_their_table():
    drawn = [draw_conditions(participant, seed=0) for participant in range(1, 1001)]
    for scene, kind in SCENES.items():
        share = np.mean([conditions.scene == scene for conditions in drawn])
        assert abs(share - kind.share) < 0.05
    assert {conditions.rate_factor for conditions in drawn} == set(range(16, 29))


def test_labels_of_the_realistic_style_count_its_cells():
    table = simulated_sample_table(8, 0, "videos", "realistic")
    for participant, row in enumerate(table.to_dict("records"), 1):
        cells = Recording(participant, 0, 1).cells
        expected = cell_percentages(cells)
        assert {name: row[name] for name in expected} == expected
        assert all(value == round(value, 1) for value in expected.values())
    assert not table.equals(simulated_sample_table(8, 0, "videos"))
