"""Ways to detect and link heads are compared fairly, on drawn heads."""

import importlib
import sys

import compare_trackers
import numpy as np
import pandas as pd
import pytest
from classic_detector import BlobFrame, iterate_blobs, label_blobs, score_blobs
from compare_trackers import (
    Video,
    choose_best,
    compare_detectors,
    compare_linking,
    find_blobs,
    label_crops,
    thin_video,
)
from detector_crops import PHASE_CONTRAST
from linkers import list_linkers
from scipy import ndimage

from support.real import REAL, needs_real
from support.tracks import make_track

RATE, FRAMES, SIZE = 50.0, 30, 160


def draw_heads(rng: np.random.Generator) -> np.ndarray:
    """Centers of four swimming heads that never meet, (FRAMES, 4, 2)."""
    start = np.array([[20, 25], [140, 60], [20, 95], [140, 130]])
    speed = np.array([1, -1, 1, -1]) * rng.uniform(1, 3, 4)
    return start + np.arange(FRAMES)[:, None, None] * np.column_stack([speed, [0] * 4])


def make_video(name: str, seed: int, has_identities: bool = True) -> Video:
    """Bright ovals that swim are heads; specks at rest are debris, which the network takes, too."""
    rng = np.random.default_rng(seed)
    heads, specks = draw_heads(rng), rng.uniform(5, SIZE - 5, (15, 2))
    rows, columns = np.mgrid[:SIZE, :SIZE]
    still = np.zeros((SIZE, SIZE))
    still[*specks.T[::-1].astype(int)] = 2500
    still = ndimage.gaussian_filter(still, 1.5) + 90
    frames = []
    for centers in heads:
        image = still + rng.normal(0, 2, still.shape)
        for x, y in centers:
            image += 100 * (((columns - x) / 7) ** 2 + ((rows - y) / 5) ** 2 < 1)
        frames.append(image.clip(0, 255).astype(np.uint8))
    cells = [make_track(heads[:, number], number) for number in range(4)]
    truth = pd.concat(cells, ignore_index=True).assign(w=14.0, h=10.0)
    if not has_identities:
        truth = truth.drop(columns="cell")
    found = [np.column_stack([part + rng.normal(0, 0.5, (4, 2)), [0.9] * 4]) for part in heads]
    debris = np.column_stack([specks[:2], [0.2] * 2])
    found = [np.vstack([part, debris]) for part in found]
    labeled = np.arange(FRAMES)
    return Video(name, np.stack(frames), RATE, 80.0, False, truth, labeled, 12.0, found, 1.0)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("Motilens", "scipy"),
        ("trackpy", "trackpy"),
        ("trackpy, predicted", "trackpy"),
        ("laptrack", "laptrack"),
        ("ByteTrack", "trackers"),
    ],
)
def test_each_way_links_what_is_easy(name, module, monkeypatch):
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    linker = list_linkers()[name]
    monkeypatch.setattr(compare_trackers, "list_linkers", lambda: {name: linker})
    rows = compare_linking([make_video("a", 1), make_video("b", 2)])
    assert [row["video"] for row in rows] == ["a", "b"]
    for row in rows:
        assert row["linking"] == name and row["switches"] == 0 and row["ms/frame"] >= 0
        assert row["MOTA"] > 0.95 and row["IDF1"] > 0.97 and row["precision"] == 1


def test_classified_blobs_are_found_in_a_video_that_was_not_fitted(monkeypatch):
    classifiers = {"logistic regression": compare_trackers.CLASSIFIERS["logistic regression"]}
    monkeypatch.setattr(compare_trackers, "CLASSIFIERS", classifiers)
    boxes = make_video("boxes", 3, has_identities=False)
    rows = compare_detectors([make_video("a", 1), make_video("b", 2), boxes], 0)
    assert [row["detector"] for row in rows] == ["network"] * 3 + ["logistic regression"] * 3
    for row in rows:
        assert row["precision"] > 0.9 and row["recall"] > 0.9, row
        assert ("MOTA" in row) == (row["video"] != "boxes") and row["ms/frame"] > 0


def test_nothing_is_fitted_to_the_tested_video_nor_to_boxes(monkeypatch):
    fitted = []

    def remember(sources, make):
        fitted.append([len(features) for features, _ in sources])
        raise StopIteration

    monkeypatch.setattr(compare_trackers, "fit_classifier", remember)
    videos = [make_video(name, seed, name != "boxes") for seed, name in enumerate(["boxes", "a"])]
    with pytest.raises(StopIteration):
        compare_detectors(videos, 0)
    counts = [len(places) for places, _ in find_blobs(videos[1])]
    assert set(fitted[0]) <= set(counts) and len(fitted[0]) == compare_trackers.TRAINING_FRAMES
    with pytest.raises(StopIteration):
        compare_detectors(videos[::-1], 0)
    assert fitted[1] == []  # the only video with tracks is the tested one


def test_settings_are_chosen_without_the_tested_video():
    values = {("a", 1): 0.0, ("a", 2): 9.0, ("b", 1): 2.0, ("b", 2): 1.0, ("c", 1): 2.0,
              ("c", 2): 1.0}  # fmt: skip
    assert choose_best(values, "a") == 1
    assert choose_best(values, "b") == choose_best(values) == 2


def test_a_thinned_video_is_one_of_a_lower_frame_rate():
    video, thin = make_video("a", 1), thin_video(make_video("a", 1), 3)
    assert thin.frame_rate == RATE / 3 and len(thin.frames) == len(thin.heads) == 10
    assert (thin.heads[2] == video.heads[6]).all() and (thin.frames[2] == video.frames[6]).all()
    places = [part.query("frame == @n")[["x", "y"]].to_numpy() for part, n in
              ((thin.truth, 2), (video.truth, 6))]  # fmt: skip
    assert (places[0] == places[1]).all() and len(places[0]) == 4
    assert thin.labeled.tolist() == list(range(10))


def test_blobs_are_labeled_by_the_nearest_head():
    places = np.array([[10, 10], [12, 10], [50, 50]])  # in pixels of half the size
    heads = np.array([[21.0, 21.0]])
    assert label_blobs(places, heads).tolist() == [1, -1, 0]
    assert label_blobs(places, heads[:0]).tolist() == [0, 0, 0]
    assert label_blobs(places[:0], heads).tolist() == []


def test_frames_without_blobs_have_no_heads():
    flat = np.full((3, 64, 64), 90, np.uint8)
    for places, features in iterate_blobs(flat, RATE, 80.0, False):
        assert places.shape == (0, 2) and features.shape[0] == 0
        assert score_blobs(None, places, features).shape == (0, 3)
    assert not len(BlobFrame(np.zeros((32, 32), np.float32)).places)


def test_simulated_crops_have_heads_and_debris():
    labels = np.concatenate([label for _, label in label_crops(PHASE_CONTRAST, 4)])
    assert {0, 1} <= set(labels)
    assert label_crops(PHASE_CONTRAST, 0) == []


@needs_real
@pytest.mark.slow
def test_the_command_prints_two_tables(tmp_path, monkeypatch, capsys):
    for pattern in ("visem_[35]*.mp4", "tracks_36.csv.gz", "tracks_52.csv.gz", "S_0001*"):
        for path in REAL.rglob(pattern):
            (tmp_path / path.name).symlink_to(path)
    arguments = ["compare_trackers.py", tmp_path, "--networks", tmp_path, "--seconds", "0.3"]
    monkeypatch.setattr(sys, "argv", [str(argument) for argument in arguments])
    compare_trackers.main()
    text = capsys.readouterr().out
    assert "| linking" in text and "| detector" in text
    assert all(name in text for name in ("visem_36", "visem_52", "S_0001"))
