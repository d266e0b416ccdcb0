"""Scores of tracks are those of their definitions, on drawn cells and on real ones."""

import importlib.util
import sys

import numpy as np
import pandas as pd
import pytest
import tracking
from tracking import compare_kinematics, measure_overlap, score_tracks, score_video

from motilens.simulation.conditions import Conditions
from motilens.simulation.recording import Recording
from motilens.video.encode import encode_video
from support.real import REAL, needs_real
from support.tracks import make_track

FRAMES = np.arange(60)
NEAR = 12.0
CLEAN = Conditions("clean", "none", False, rate_factor=20, vignette=0.1, noise=1.5)
SWIMMER = make_track([(100 + 2 * k, 100) for k in FRAMES], 0)
RESTING = make_track([(100, 300)] * len(FRAMES), 1)
TRUTH = pd.concat([SWIMMER, RESTING], ignore_index=True).assign(w=20.0, h=20.0)
CELLS = TRUTH[["cell", "frame", "x", "y"]]


def test_the_truth_itself_is_perfect():
    scores = score_tracks(TRUTH, CELLS, FRAMES, NEAR)
    assert scores.pop("switches") == 0
    assert scores == dict.fromkeys(scores, pytest.approx(1)) and len(scores) == 7


def test_debris_and_switched_identities_cost_what_their_definitions_say():
    switched = CELLS.assign(
        cell=CELLS["cell"].where((CELLS["frame"] < 40) | (CELLS["cell"] < 1), 2)
    )
    debris = make_track([(500, 50)] * 30, cell=3)
    scores = score_tracks(TRUTH, pd.concat([switched, debris]), FRAMES, NEAR)
    assert scores["precision"] == pytest.approx(120 / 150) and scores["recall"] == 1
    assert scores["switches"] == 1 and scores["MOTA"] == pytest.approx(1 - 31 / 120)
    assert scores["IDF1"] == pytest.approx(2 * 100 / (120 + 150))
    association = (60 * 1 + 40 * 40 / 60 + 20 * 20 / 60) / 120
    assert scores["HOTA"] == pytest.approx(np.sqrt(120 / 150 * association))


def test_cells_are_found_within_the_limit_and_hota_measures_how_near():
    near, far = (CELLS.assign(y=CELLS["y"] + offset) for offset in (11.9, 12.1))
    for cells, expected in ((near, 1), (far, 0)):
        scores = score_tracks(TRUTH, cells, FRAMES, NEAR)
        assert scores["recall"] == scores["IDF1"] == scores["HOTA at 12 px"] == expected
        assert scores["MOTA"] == 2 * expected - 1
    assert score_tracks(TRUTH, far, FRAMES, 2 * NEAR)["recall"] == 1  # in a video twice as wide
    close = CELLS.assign(y=CELLS["y"] + 3)  # similarity 0.875: 17 of 19 thresholds
    assert score_tracks(TRUTH, close, FRAMES, NEAR)["HOTA"] == pytest.approx(17 / 19)


def test_boxes_overlap_by_intersection_over_union():
    boxes = np.array([[10.0, 10, 4, 4], [12, 10, 4, 4], [50, 50, 4, 4]])
    assert measure_overlap(boxes[:1], boxes) == pytest.approx(np.array([[1, 1 / 3, 0]]))
    assert "HOTA of boxes" not in score_tracks(TRUTH.assign(w=np.nan), CELLS, FRAMES, NEAR)


def test_boxes_without_identities_measure_detection_alone():
    scores = score_tracks(TRUTH.drop(columns="cell"), CELLS[CELLS["frame"] < 30], FRAMES, NEAR)
    assert scores == {"precision": 1, "recall": 0.5}


def test_nothing_tracked_is_nothing_found():
    scores = score_tracks(TRUTH, CELLS[:0], FRAMES, NEAR)
    assert scores == dict.fromkeys(scores, 0)
    row = compare_kinematics(TRUTH, CELLS[:0], NEAR, 50.0)
    assert row["cells all"] == 0 and np.isnan(row["vcl bias all"])


def test_kinematics_are_compared_over_common_frames_of_a_second_or_more():
    faster = CELLS.assign(x=CELLS["x"] + 0.1 * CELLS["frame"] * (CELLS["cell"] == 0))
    row = compare_kinematics(TRUTH, faster, NEAR, 50.0)
    assert (row["cells all"], row["cells moving"]) == (2, 1)
    for speed in ("vcl", "vsl", "vap"):
        assert row[f"{speed} bias moving"] == pytest.approx(0.05)
    slower = CELLS.assign(x=CELLS["x"] - 0.1 * CELLS["frame"] * (CELLS["cell"] == 0))
    row = compare_kinematics(TRUTH, slower, NEAR, 50.0)
    assert row["vsl bias moving"] == pytest.approx(-0.05)
    assert row["vsl error moving"] == pytest.approx(0.05)
    short = CELLS[(CELLS["frame"] >= 11) | (CELLS["cell"] == 1)]
    assert compare_kinematics(TRUTH, short, NEAR, 50.0)["cells moving"] == 0
    # The longer of two tracks of one cell counts, and no frame before it.
    parts = CELLS.assign(cell=CELLS["cell"] + 2 * (CELLS["frame"] < 8))
    parts.loc[parts["frame"] < 8, "y"] += 5
    assert compare_kinematics(TRUTH, parts, NEAR, 50.0)["vcl error moving"] == pytest.approx(0)


@pytest.mark.slow
def test_the_command_tracks_a_video_or_scores_tracks(tmp_path, monkeypatch, capsys):
    recording = Recording(3, 5, len(FRAMES), conditions=CLEAN)
    encode_video(tmp_path / "a.mp4", recording.iter_frames(), 50.0)
    truth = recording.tracks
    later = truth.assign(frame=truth["frame"] + 60)  # the truth goes on after the video
    pd.concat([truth, later]).to_csv(tmp_path / "a_tracks.csv", index=False)
    cells = truth.set_axis(["frame", "cell", "x", "y", "w", "h"], axis=1)
    cells.assign(x=cells["x"] + 1).to_csv(tmp_path / "a.tracks.csv", index=False)
    for options, speed in ([], True), (["--tracks", str(tmp_path)], False):
        out = tmp_path / "scores.csv"
        arguments = ["tracking.py", str(tmp_path), "--out", str(out), *options]
        monkeypatch.setattr(sys, "argv", arguments)
        tracking.main()
        row = pd.read_csv(out).iloc[0]
        scores = row[["recall", "precision", "MOTA", "IDF1"]]
        assert (scores > 0.6).all() if speed else (scores == 1).all()
        assert row["video"] == "a" and row["cells moving"] >= 1 and row["vsl error moving"] < 0.1
        text = capsys.readouterr().out
        assert ("frames/s" in text) == speed == ("of real time" in row)
        assert " all" in text and " moving" in text


def load_simple_scores():
    spec = importlib.util.spec_from_file_location("simple_scores", REAL / "score_tracks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.score


@needs_real
def test_scores_of_real_cells_agree_with_a_simple_count(tmp_path):
    """It pairs cells again in each frame, so it counts a few more switches."""
    rng = np.random.default_rng(1)
    folder, video = REAL / "visem_tracking", REAL / "visem_tracking/visem_36.mp4"
    truth = pd.read_csv(folder / "tracks_36.csv.gz").query("frame < 100")
    tracks = truth.rename(columns={"track_id": "cell", "x_px": "x", "y_px": "y"})
    tracks = tracks[["cell", "frame", "x", "y"]].sample(frac=0.9, random_state=1)
    tracks[["x", "y"]] += rng.normal(0, 4, (len(tracks), 2))
    tracks.loc[tracks["frame"] > 60, "cell"] //= 2  # switches
    tracks = tracks.drop_duplicates(["cell", "frame"])
    debris = make_track([(300, 200)] * 100, cell=999)
    pd.concat([tracks, debris]).to_csv(tmp_path / "visem_36.tracks.csv", index=False)
    row = score_video(video, folder / "tracks_36.csv.gz", tmp_path, seconds=100 / 49)
    expected = load_simple_scores()(truth, pd.concat([tracks, debris]), 100)
    for name in ("precision", "recall", "MOTA", "IDF1"):
        assert row[name] == pytest.approx(expected[name], abs=0.01), name
    assert 0 < row["switches"] <= expected["switches"] <= row["switches"] + 5


@needs_real
@pytest.mark.slow
@pytest.mark.parametrize("name", ["visem_tracking/visem_36", "svia/S_0004"])
def test_a_real_video_is_tracked_and_scored(name):
    video = (REAL / name).with_suffix(".mp4")
    truth = {video.name: truth for video, truth in tracking.find_truths(video.parent)}[video.name]
    row = score_video(video, truth, seconds=1.8)
    assert row["frames/s"] > 1 and 0 <= row["precision"] <= 1 and 0 < row["recall"] <= 1
    assert ("HOTA of boxes" in row) == ("vcl error all" in row) == ("visem" in name)
