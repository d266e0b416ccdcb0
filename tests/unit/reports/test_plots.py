"""Figures fit a journal: their size, type, formats, ranges and numbers."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from PIL import Image

from motilens.evaluation.metrics import ZERO_R
from motilens.reports import image_plots, plots, style
from support.predictions import long_table

VALUES = {"motility": ["progressive", "immotile"], "morphology": ["head", "tail"]}
ERRORS = {ZERO_R: [9.0, -9, 8, -7], "median": [9.0, -9, 8, -8], "I1": [5.0, -6, 7, -5]}
ERRORS |= {"I4": [4.0, -2, 5, -3], "cells": [1.0, 2, -1, -2], "msd": [8.0, 9, 7, 8]}
LONG = "a_method_with_a_long_name_" * 3 + "and_more"


@pytest.fixture
def drawn(monkeypatch):
    """Figures that were saved: they stay open until the test ends."""
    figures, close = [], style.plt.close
    monkeypatch.setattr(style.plt, "close", figures.append)
    yield figures
    close("all")


def make_cases(errors=ERRORS, values=VALUES):
    return pd.concat(
        long_table(scale * np.array(errors[name]), method=name, target=target, value=value)
        for target, names in values.items()
        for scale, value in enumerate(names, 1)
        for name in errors
    )


def make_errors(cases):
    """As statistics.csv and mae.csv, as far as the figure needs them."""
    errors = cases.assign(mae_participant=(cases["predicted"] - cases["true"]).abs())
    by_method = errors.groupby(["method", "target"], sort=False)
    summary = by_method["mae_participant"].agg(mae="mean", mae_low="min", mae_high="max")
    summary = summary.assign(participants=by_method["participant"].nunique())
    mae = errors.groupby(["method", "target", "fold"], sort=False)["mae_participant"].mean()
    mae = mae.reset_index().query("method not in ['ZeroR', 'median']")
    mae = mae.assign(zeror_participant=9.0, median_participant=9.0)
    return summary.reset_index().assign(level="participant"), mae


def make_histories(inputs, folds):
    rows = [
        {"model": model, "input": name, "fold": fold, "run": f"{name}{fold}", "epoch": epoch,
         "loss": 2.0 / epoch}
        for model in ("autoencoder", "motility") for name in inputs for fold in folds
        for epoch in (1, 2, 3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def draw_all(folder, errors, values=VALUES):
    """Draw each kind of figure; return their names."""
    cases, generator = make_cases(errors, values), np.random.default_rng(0)
    names = ["errors", "agreement", "predicted", "learning_curves", "gallery", "sheet"]
    paths = [[folder / f"{name}{suffix}" for suffix in (".png", ".pdf")] for name in names]
    reference = "I4" if "I4" in errors else "ZeroR"
    plots.plot_errors(*make_errors(cases), reference, paths[0])
    plots.plot_agreement(cases, reference, paths[1])
    plots.plot_predicted(cases, reference, paths[2])
    units = {"autoencoder": "1: the mean gray level", "motility": "squared percentage points"}
    plots.plot_learning_curves(
        make_histories(errors, (1, 2, 3)), units, {"motility": [(1, 1.0), (2, 3.0)]}, paths[3]
    )
    frame, feature_image = generator.random((16, 16)), generator.random((3, 16, 16))
    rows = [(name, feature_image, frame, 0 * frame) for name in errors]
    image_plots.plot_gallery(frame, rows, paths[4])
    images = dict.fromkeys(["first clip", "mean", "standard deviation"], frame)
    image_plots.plot_contact_sheet(images, RECORD, paths[5])
    return names


RECORD = {
    "sample": "7", "video": "a name of many words " * 9 + ".avi", "video_codec": "h264",
    "video_width": 640, "video_height": 480, "video_pixel_aspect": 1.0, "video_frames": 200,
    "video_frame_rate": 50.0, "microns_per_pixel": 0.5, "filters": "scale=16:16,format=gray",
    "warning": "out of focus " * 20,
}  # fmt: skip


@pytest.mark.parametrize("errors, values", [
    pytest.param(ERRORS, VALUES, id="usual"),
    pytest.param({LONG: [1.0, 2, 3, 4]}, {"motility": ["head"]}, id="only one method, long name"),
    pytest.param({ZERO_R: [9.0], "I4": [np.nan]}, VALUES, id="one participant and no number"),
    pytest.param(
        dict.fromkeys([ZERO_R, *(f"method_{i}" for i in range(13))], ERRORS["I4"]), VALUES,
        id="many methods", marks=pytest.mark.slow,
    ),
])  # fmt: skip
def test_figures_are_as_wide_as_a_page_and_their_type_can_be_read(drawn, tmp_path, errors, values):
    names = draw_all(tmp_path, errors, values)
    for name, figure in zip(names, drawn, strict=True):
        width, height = figure.get_size_inches() * style.MILLIMETERS
        assert width == pytest.approx(180) and height <= 240.01, name
        with Image.open(tmp_path / f"{name}.png") as image:
            assert image.width / image.info["dpi"][0] * style.MILLIMETERS == pytest.approx(
                180, 0.01
            )
        texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
        assert {text.get_fontsize() for text in texts} <= {7, 8}, name
        assert len(figure.legends) == (name in names[:4]), name


def test_figures_are_pdf_beside_png_with_text_that_stays_text(drawn, tmp_path):
    names = draw_all(tmp_path, ERRORS)
    for name in names:
        data = (tmp_path / f"{name}.pdf").read_bytes()
        assert data.startswith(b"%PDF") and b"/FontFile2" in data and b"/Type3" not in data, name
    again = tmp_path / "again.pdf"
    plots.plot_errors(*make_errors(make_cases()), "I4", [again])
    assert again.read_bytes() == (tmp_path / "errors.pdf").read_bytes()


def list_letters(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_fontweight() == "bold"]


def test_panels_have_letters_and_few_methods(drawn, tmp_path):
    cases = make_cases()
    plots.plot_predicted(cases, "I4", [tmp_path / "a.png"])
    plots.plot_predicted(cases, "msd", [tmp_path / "b.png"])
    labels = [axis.get_ylabel() for axis in drawn[0].axes[::4]]
    assert labels == [
        "ZeroR\npredicted (%)", "I4\n(reference)\npredicted (%)",
        "cells\n(best of motility,\nbest of morphology)\npredicted (%)",
    ]  # fmt: skip
    assert list_letters(drawn[0]) == list("abcdefghijkl")
    assert "msd\n(reference)\npredicted (%)" in [axis.get_ylabel() for axis in drawn[1].axes]


def notes_of(axis):
    return "\n".join(text.get_text() for text in axis.texts)


def test_limits_of_agreement_are_lines_and_numbers(drawn, tmp_path):
    plots.plot_agreement(make_cases(), "I4", [tmp_path / "a.png"])
    [figure] = drawn
    axis = next(a for a in figure.axes if a.get_ylabel().startswith("cells"))
    errors = np.array(ERRORS["cells"])
    limits = errors.mean() + 1.96 * errors.std(ddof=1) * np.array([-1, 0, 1])
    lines = [line.get_ydata()[0] for line in axis.lines]
    assert lines == pytest.approx([0, *limits])
    low, middle, high = (f"{value:z.1f}".replace("-", "−") for value in limits)
    assert f"{middle}, n = 4\n[{low}, {high}]" in notes_of(axis)
    assert len({axis.get_ylim() for axis in figure.axes}) == 1, "errors of all are compared"


def test_panels_of_a_percentage_have_the_same_range(drawn, tmp_path):
    plots.plot_predicted(make_cases(), "I4", [tmp_path / "a.png"])
    plots.plot_agreement(make_cases(), "I4", [tmp_path / "b.png"])
    for figure in drawn:
        for column in range(4):
            assert len({axis.get_xlim() for axis in figure.axes[column::4]}) == 1
    assert all(axis.get_xlim() == axis.get_ylim() for axis in drawn[0].axes)
    text = notes_of(drawn[0].axes[4])
    assert re.search(r"n = 4\nMAE 3.5\nr = 0\.\d\d", text), text
    assert " r = " not in notes_of(drawn[0].axes[0]), "of ZeroR, it would tell of folds alone"


def test_a_value_of_two_targets_and_one_that_is_not_predicted_have_panels_of_their_own(
    drawn, tmp_path
):
    values = {"all": [*VALUES["motility"], *VALUES["morphology"], "midpiece"], **VALUES}
    cases = make_cases(values=values)
    cases = cases[(cases["method"] != "I4") | (cases["target"] != "morphology")]
    plots.plot_predicted(cases, "I4", [tmp_path / "a.png"])
    counts = [len(axis.collections) for axis in drawn[0].axes if axis.axison]
    assert sorted(counts) == [0, 0] + [1] * (3 * 9 - 2)
    assert sum("not predicted" in notes_of(axis) for axis in drawn[0].axes) == 2


def test_points_of_folds_are_beside_the_intervals(drawn, tmp_path):
    plots.plot_errors(*make_errors(make_cases()), "I4", [tmp_path / "a.png"])
    axis = drawn[0].axes[0]
    assert len(axis.collections) == 3, "a marker for each fold"
    intervals = {line.get_ydata()[0] for line in axis.lines if len(set(line.get_ydata())) == 1}
    for points in axis.collections:
        for height in points.get_offsets()[:, 1]:
            assert min(abs(height - place) for place in intervals) > 0.3
    assert axis.get_title() == "motility (n = 4 participants)"


def test_folds_and_inputs_differ_in_more_than_color(drawn, tmp_path):
    inputs = [f"I{i}" for i in range(1, 15)]
    histories = make_histories(inputs, range(1, 6))
    units = dict.fromkeys(["autoencoder", "motility"], "points")
    plots.plot_learning_curves(histories, units, {}, [tmp_path / "a.png"])
    lines = drawn[0].axes[1].lines
    looks = {(line.get_color(), line.get_marker(), str(line._dash_pattern)) for line in lines}
    assert len(looks) == len(lines) == 14 * 5
    assert drawn[0].axes[1].get_ylabel() == "training loss, log scale\n(points)"


def lightness(color):
    """L* of CIE 1976, of a color of sRGB."""
    rgb = np.array(style.matplotlib.colors.to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return 116 * np.cbrt(luminance) - 16 if luminance > 0.01 else 903 * luminance


def test_the_first_colors_differ_in_gray():
    levels = sorted(map(lightness, style.COLORS[:4]))
    assert np.diff(levels).min() > 7 and max(map(lightness, style.COLORS)) < 75, "on white"


def test_feature_images_and_errors_share_their_scales(drawn, tmp_path):
    generator = np.random.default_rng(0)
    frame, feature_image = generator.random((8, 8)), generator.random((3, 8, 8))
    rows = [("I1", feature_image, frame, 0 * frame), ("I4", 9 * feature_image, frame / 2, frame)]
    rows.append(("dead", np.ones((3, 8, 8)), frame, frame))
    image_plots.plot_gallery(frame, rows, [tmp_path / "a.png"])
    axes = [axis for axis in drawn[0].axes if axis.images]
    *of_rows, first = axes[: 6 * len(rows) + 1]
    assert [axis.get_title() for axis in axes].count("input") == 1 and len(first.images) == 1
    for column in range(6):
        assert len({axis.images[0].get_clim() for axis in of_rows[column::6]}) == 1
    one, nine, dead = (np.asarray(axis.images[0].get_array()) for axis in of_rows[::6])
    assert nine == pytest.approx(one, abs=1e-6) and not dead.any()
    assert of_rows[10].get_xlabel() == f"mean {255 * (frame / 2).mean():.1f}"


@pytest.mark.parametrize("mode, width", [("", 640 / 64), (",pad=64:64", 10), (",crop=64:64", 7.5)])
def test_pixels_of_clips_are_as_large_as_in_the_video(mode, width):
    record = RECORD | {"filters": f"scale=64:64,format=gray{mode}"}
    aspect, pixel_width = image_plots.measure_pixels(record, (64, 64))
    assert (aspect, pixel_width) == (1.0 if mode else 0.75, 0.5 * width)
    assert image_plots.measure_pixels(record | {"microns_per_pixel": None}, (64, 64))[1] is None
    turned = {"video_width": 480, "video_height": 640}  # of tracks, upright or not
    assert image_plots.measure_pixels(record | turned, (240, 320), True) == (1.0, 1.0)
    assert image_plots.measure_pixels({}, (64, 64)) == (1.0, None)


@pytest.mark.parametrize("pixel_width, length", [(5.0, 100), (0.5, 10), (0.0012, 0.02), (90, 1000)])
def test_a_scale_bar_is_as_long_as_it_says(drawn, pixel_width, length):
    figure, [[axis]] = style.make_grid(1, 1, 60)
    axis.imshow(np.zeros((48, 64)))
    image_plots.add_scale_bar(axis, pixel_width)
    [bar] = axis.artists
    [rectangle] = bar.size_bar.get_children()
    assert rectangle.get_width() * pixel_width == pytest.approx(length)
    assert bar.txt_label.get_text() == f"{length:g} µm"
    image_plots.add_scale_bar(axis, None)
    assert len(axis.artists) == 1
