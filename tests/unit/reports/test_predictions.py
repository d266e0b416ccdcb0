"""What is said and drawn of how far predictions are from the truth."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from scipy import stats

from motilens.evaluation.statistics import compare_methods, summarize_errors
from motilens.inference import overlay
from motilens.reports import image_plots, model_card, statistics_page
from motilens.reports.image_plots import _describe, _draw_percentages, _draw_tracks
from support.predictions import long_table

GOOD, BAD = np.tile([1.0, -2.0, 3.0, -1.0], 3), np.tile([30.0, 20.0, 40.0, 25.0], 3)
ZERO_R, SAME = np.tile([9.0, -9.0, 8.0, -9.0], 3), np.tile([9.0, -8.0, 8.5, -9.5], 3)
ERRORS = {"ZeroR": ZERO_R, "good": GOOD, "bad": BAD, "same": SAME}


@pytest.fixture(scope="module")
def table():
    """Two percentages of each method; the second has errors twice as large."""
    parts = [
        long_table(scale * np.array(errors), method=name, value=value)
        for name, errors in ERRORS.items()
        for value, scale in (("progressive", 1), ("immotile", 2))
    ]
    return pd.concat(parts)


def expected_limit(errors):
    """The limit of one further error (prediction interval of a normal distribution)."""
    low, high = stats.t.interval(
        0.95, len(errors) - 1, errors.mean(), errors.std(ddof=1) * np.sqrt(1 + 1 / len(errors))
    )
    return max(-low, high)


def test_the_held_out_error_is_the_greater_limit_of_agreement(table):
    summary = summarize_errors(table)
    limit = expected_limit(GOOD)
    errors = model_card.measure_held_out_errors("good", summary)
    assert errors == {"motility": pytest.approx({"progressive": limit, "immotile": 2 * limit})}
    low = summarize_errors(long_table(-BAD, method="low"))  # of one value, and always too low
    [error] = model_card.measure_held_out_errors("low", low)["motility"].values()
    assert error == pytest.approx(expected_limit(-BAD))


@pytest.mark.parametrize("method, words", [
    ("good", []), ("bad", ["worse than ZeroR"]), ("same", ["not better than ZeroR"]),
])  # fmt: skip
def test_doubts_come_first_in_words_and_sentences(table, method, words):
    summary, comparisons = summarize_errors(table), compare_methods(table)
    errors = model_card.errors_vs_zero_r(method, summary, comparisons)
    assert model_card.find_doubts(errors, False) == {"motility": words}
    doubts = model_card.find_doubts(errors, True)
    assert doubts == {"motility": ["trained on simulated videos", *words]}
    first, *lines = model_card.explain_doubts(doubts, errors)
    assert first.startswith("trained on simulated videos only: ")
    numbers = "error {error:.1f}, ZeroR {zero_r:.1f}".format(**errors.loc["motility"])
    assert [line.partition(": on held-out")[0] for line in lines[:-1]] == [
        f"motility: {word} ({numbers})" for word in words
    ]
    assert lines[-1].startswith("errors are of 12 held-out participants only")
    assert model_card.explain_doubts({"motility": []}, errors.assign(participants=20)) == []


def test_poor_autoencoders_and_unsound_models_are_doubts(table):
    errors = model_card.errors_vs_zero_r("good", summarize_errors(table), compare_methods(table))
    flags = {"motility": {"autoencoder_collapsed", "regressor_unsound"}}
    doubts = model_card.find_doubts(errors, False, flags)
    assert doubts == {"motility": ["poor autoencoders", "unsound models"]}
    poor, unsound, _ = model_card.explain_doubts(doubts, errors)
    assert poor.startswith("motility: poor autoencoders: feature images carry little")
    assert unsound.startswith("motility: unsound models: trouble in training")


@pytest.mark.parametrize("method", ["good", "bad"])
def test_four_participants_are_too_few_for_a_verdict(method):
    table = pd.concat(long_table(errors[:4], method=name) for name, errors in ERRORS.items())
    errors = model_card.errors_vs_zero_r(method, summarize_errors(table), compare_methods(table))
    assert (errors["gain_low"] > 0).all() or (errors["gain_high"] < 0).all()
    words = {"good": "not shown to be better than ZeroR", "bad": "not better than ZeroR"}[method]
    assert model_card.find_doubts(errors, False) == {"motility": [words]}


CELLS = {"method": "good", "fitted": {}, "diagnostics": {"failure": None, "warning": None}}
CELLS |= {"training": {"1": {"participant": "1"}}}
FRAMES = {"frame_rate": 50, "size": 64, "clips_per_video": 5}


@pytest.mark.parametrize("reference, others", [
    ("bad", ["ZeroR", "bad"]), ("good", ["ZeroR"]), ("ZeroR", ["ZeroR"]), ("speed", ["ZeroR"]),
])  # fmt: skip
def test_a_card_compares_with_zero_r_and_the_reference(table, reference, others):
    summary, comparisons = summarize_errors(table), compare_methods(table)
    settings = {"targets": {"motility": ["immotile"]}, "frames": FRAMES, "simulated": False}
    settings |= {"tracking": {"duration": 10}, "reference": reference}
    errors = model_card.errors_vs_zero_r("good", summary, comparisons)
    card = model_card.render_model_card("good", [CELLS], errors, {}, [], settings, comparisons)
    [header] = [
        line for line in card.splitlines() if line.startswith("| target") and "ZeroR" in line
    ]
    assert re.findall(r"better than (\w+) by", header) == others
    gains = statistics_page.list_gains(comparisons, "motility", reference, ["good"])
    assert all(text in card for text in gains.loc["good"])
    assert "Intervals of two errors do not show whether they differ" in card


@pytest.mark.parametrize("is_doubted", [False, True])
def test_errors_are_drawn_within_0_and_100_and_in_doubt_hatched(is_doubted):
    value = {"percent": 90.0, "held_out_error": 30.0, "std_over_models": 1.0}
    _, axis = plt.subplots()
    outputs = np.full((2, 3, 1), 90.0)
    _draw_percentages(axis, outputs, [value], is_doubted)
    [box] = axis.patches
    assert (box.get_x(), box.get_x() + box.get_width()) == (60, 100)
    assert bool(box.get_hatch()) == is_doubted
    assert [text.get_text() for text in axis.texts] == ["90 ± 30 %"]
    plt.close()


MOTILITY = ["progressive", "nonprogressive", "immotile"]


def make_tracked_prediction(**options):
    """Three cells that were tracked, two of which are most likely immotile."""
    tracks = pd.DataFrame({"cell": [0, 0, 1, 1, 2, 2], "x": range(6), "y": range(6)})
    known = {
        "video": "a/1.avi", "tracks": tracks, "frame": np.zeros((9, 9), np.uint8), "n_cells": 3,
        "cell_classes": ["immotile", "progressive", "immotile"], "values": {},
        "outputs": {"motility": np.full((1, 1, 2), 50.0)}, "warnings": [], "about_model": [],
    }  # fmt: skip
    return SimpleNamespace(**known | options)


def test_a_picture_counts_the_cells_of_each_class_and_says_that_percentages_are_others():
    _, axis = plt.subplots()
    prediction = make_tracked_prediction()
    _draw_tracks(axis, prediction, MOTILITY)
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert labels == ["progressive: 1", "immotile: 2"]
    note = "3 cells; percentages are the model's, not shares of these counts"
    assert note in " ".join(_describe(prediction))
    plt.close()


def test_cells_too_short_to_tell_are_in_the_legend():
    _, axis = plt.subplots()
    _draw_tracks(axis, make_tracked_prediction(cell_classes=["immotile", "", ""]), MOTILITY)
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert labels == ["immotile: 1", "too short to tell: 2"]
    plt.close()


def test_picture_and_overlay_show_a_category_in_the_same_color():
    in_picture = {
        name: 255 * np.array(to_rgb(color))
        for name, color in zip(MOTILITY, image_plots.TRACK_COLORS, strict=False)
    }
    for name, color in overlay.COLORS.items():
        kind = "progressive" if name.endswith("_progressive") else name
        distances = {other: np.linalg.norm(rgb - color) for other, rgb in in_picture.items()}
        assert min(distances, key=distances.get) == kind


def test_warnings_of_the_model_are_one_line_after_those_of_the_video():
    both = make_tracked_prediction(warnings=["few", "unlike"], about_model=["worse", "simulated"])
    _, *lines = _describe(both)
    assert lines[:3] == ["WARNING: few", "WARNING: unlike", "of the model: worse; simulated"]
    assert _describe(make_tracked_prediction())[1] == "nothing unusual about this video"


@pytest.mark.parametrize("warnings, shape", [(0, (480, 640)), (9, (528, 698)), (20, (300, 640))])
def test_the_lines_above_a_page_are_not_cut_and_leave_its_titles_free(monkeypatch, warnings, shape):
    monkeypatch.setattr(image_plots, "save_figure", lambda figure, *_, dpi: None)
    value = {"percent": 40.0, "held_out_error": 30.0, "std_over_models": 1.0}
    prediction = make_tracked_prediction(
        video="a/" + 5 * "Sample_2026-01-05 " + ".avi",
        cell_classes=[*MOTILITY, ""], n_cells=4,
        tracks=pd.DataFrame({"cell": range(4), "x": range(4), "y": range(4)}),
        warnings=["long " * 20] * warnings, doubts={"motility": ["worse", "unlike"]}, record={},
        frame=np.zeros(shape, np.uint8), class_source="WHO's cut-offs",
        values={name: value | {"target": "motility"} for name in MOTILITY},
        outputs={"motility": np.full((1, 2, 3), 40.0)},
    )  # fmt: skip
    image_plots.plot_prediction(prediction, {"motility": MOTILITY}, "unused.png")
    figure = plt.gcf()
    figure.canvas.draw()
    lines = [text.get_window_extent() for text in figure.texts]
    assert all(line.x0 >= 0 and line.x1 <= figure.bbox.x1 for line in lines)
    top = min(line.y0 for line in lines)
    if shape == (480, 640):
        assert figure.axes[0].get_window_extent().width > 0.4 * figure.bbox.width, "no small frame"
    titles = [axis.title.get_window_extent() for axis in figure.axes]
    assert all(title.y1 <= top for title in titles), (top, [t.y1 for t in titles])
    plt.close()
