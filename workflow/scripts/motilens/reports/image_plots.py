"""Figures that show frames."""

import textwrap
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

from motilens.reports.style import (
    BLUE,
    DISPLAY_NAMES,
    GREEN,
    MARKERS,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    WIDTH,
    YELLOW,
    add_letters,
    journal_style,
    make_figure,
    make_grid,
    plt,
    save_figure,
    to_drawable,
    wrap_name,
)

LINE_LENGTH = 115  # characters of a note on a page
# Of classes, on gray frames; those of motility are as in the overlay video.
TRACK_COLORS = [BLUE, YELLOW, RED, PURPLE, GREEN, SKY]
UNCLASSIFIED = "0.8", "."  # color and marker of cells too short to be classified
PREVIEW_DPI = 200  # of what is drawn for each video
SPREADS = 4  # standard deviations of a feature image on either side of its mean
MIN_SPREAD = 1e-6  # of feature images: below it, only rounding differs


@journal_style
def plot_prediction(prediction, targets: dict[str, list[str]], path: str | Path) -> None:
    """Draw a page for a video without an error: a frame, what moves, percentages by target.

    Percentages not to be relied on (`prediction.doubts`) are gray, and their errors hatched.
    """
    notes, frame = _describe(prediction), prediction.frame
    has_tracks = prediction.tracks is not None
    aspect, width = measure_pixels(prediction.record, frame.shape, has_tracks)
    heading = max(map(len, prediction.doubts.values()), default=0)
    heights = [
        # Tracks have a title of two lines, and a legend of two.
        min(WIDTH / 2 * aspect * frame.shape[0] / frame.shape[1], 90) + (20 if has_tracks else 8),
        16 + 3.5 * heading + 7 * max(map(len, targets.values())),
    ]
    figure = make_figure(3.2 * len(notes) + sum(heights))
    top, bottom = figure.subfigures(2, height_ratios=heights)
    axes = top.subplots(1, 2)
    axes[0].imshow(frame, cmap="gray", vmin=0, vmax=255, aspect=aspect)
    if not has_tracks:
        axes[0].set_title("first frame, as the models see it")
        _overlay(axes[1], frame, prediction.motion / max(frame.std(), 1), aspect)
        axes[1].set_title("what moves in the first clip")
    else:
        axes[0].set_title("first frame")
        _draw_tracks(axes[1], prediction, list(dict.fromkeys(sum(targets.values(), []))))
        by = f"counted by {prediction.class_source}" if prediction.cell_classes else ""
        axes[1].set_title(f"tracks of cells\n{by}".rstrip())
    for axis in axes:
        axis.set(xticks=[], yticks=[])
        add_scale_bar(axis, width)
    axes = bottom.subplots(1, len(targets), squeeze=False)[0]
    for axis, (target, values) in zip(axes, targets.items(), strict=True):
        of_target = [v for v in prediction.values.values() if v["target"] == target]
        doubts = prediction.doubts[target]
        _draw_percentages(axis, prediction.outputs[target], of_target, bool(doubts))
        axis.set_yticks(range(len(values)), [DISPLAY_NAMES.get(value, value) for value in values])
        title = "\n".join([wrap_name(target), *doubts])
        axis.set_title(title, color=RED if doubts else "black")
    figure.suptitle(to_drawable("\n".join(notes)), fontsize=7, parse_math=False)
    save_figure(figure, path, dpi=PREVIEW_DPI)


def measure_pixels(
    record: dict, shape: tuple[int, int], is_square: bool = False
) -> tuple[float, float | None]:
    """Return how often a pixel of a frame is as high as wide, and its width (µm; None: not known).

    Args:
        record: of the clips. Scale and sides are those of the video's own frames.
        shape: of the frame, which shows the video as `filters` of the record say.
        is_square: or it shows the whole video in square pixels.
    """
    if "video_width" not in record:
        return 1.0, None
    sides = np.array([record["video_width"] * record["video_pixel_aspect"], record["video_height"]])
    if is_square:
        sides = np.array(shape[::-1]) * sides.max() / max(shape)
    elif ",pad=" in record["filters"]:
        sides = np.full(2, sides.max())
    elif ",crop=" in record["filters"]:
        sides = np.full(2, sides.min())
    width, height = sides / shape[::-1]
    scale = record.get("microns_per_pixel")
    return float(height / width), scale and float(width * scale)


def add_scale_bar(axis, pixel_width: float | None) -> None:
    """Add a bar of 1, 2 or 5 x 10^n µm to a frame whose pixels are so wide (µm), if known."""
    if not pixel_width:
        return
    longest = abs(np.subtract(*axis.get_xlim())) * pixel_width / 3
    power = 10.0 ** np.floor(np.log10(longest))
    length = power * max(step for step in (1, 2, 5) if step * power <= longest)
    thickness = 0.012 * abs(np.subtract(*axis.get_ylim()))
    bar = AnchoredSizeBar(
        axis.transData, length / pixel_width, f"{length:g} µm", "lower right", color="white",
        size_vertical=thickness, sep=2, pad=0.3,
    )  # fmt: skip
    bar.patch.set(facecolor="black", edgecolor="none", alpha=0.6)
    axis.add_artist(bar)


def _draw_percentages(axis, outputs: np.ndarray, values: list[dict], is_doubted: bool) -> None:
    """Draw percentages of stacks, by outputs (models, stacks, values), and `Prediction.values`."""
    strong, weak = ("0.4", "0.7") if is_doubted else (BLUE, ORANGE)
    style = {"hatch": "////", "facecolor": "none"} if is_doubted else {"facecolor": SKY}
    for place, value in enumerate(values):
        percent, error = value["percent"], value["held_out_error"]
        low, high = np.clip([percent - error, percent + error], 0, 100)
        axis.barh(place, high - low, 0.6, low, alpha=0.4, edgecolor=strong, zorder=1, **style)
        of_stacks = outputs[..., place].mean(0)
        if len(of_stacks) > 1:
            beside = place + np.linspace(-0.25, 0.25, len(of_stacks))
            axis.scatter(of_stacks, beside, s=5, color=weak, zorder=2)
        deviation = value["std_over_models"]
        axis.errorbar(percent, place, xerr=deviation, fmt="D", color=strong, capsize=3, zorder=3)
        label, beside = f"{percent:.0f} ± {error:.0f} %", {"textcoords": "offset points"}
        axis.annotate(label, (high, place), (3, 0), va="center", color=strong, **beside)
    axis.set(ylim=(len(values) - 0.4, -0.6), xlim=(-3, 138), xticks=range(0, 101, 20))
    axis.set_xlabel("percent")
    axis.grid(axis="x", color="0.9")


def _describe(prediction) -> list[str]:
    """Return the lines above a page."""
    name, cells = Path(prediction.video).name, prediction.n_cells
    has_stacks = any(outputs.shape[1] > 1 for outputs in prediction.outputs.values())
    kinds = " (networks and tracked cells)" if has_stacks and cells is not None else ""
    has_models = any(v["std_over_models"] is not None for v in prediction.values.values())
    spread = f"mean of all models{kinds}, with their standard deviation"
    lines = [
        "boxes: percentage ± held-out error, within which 95 % of true percentages are expected",
        f"diamonds: {spread if has_models else 'percentages'}",
    ]
    lines[1] += "; points: each stack" if has_stacks else ""
    lines[1] += f"; {cells} cell{'s' * (cells != 1)}" if cells is not None else ""
    if prediction.cell_classes:
        lines[1] += "; percentages are the model's, not shares of these counts"
    short = name if len(name) < 90 else f"{name[:60]}…{name[-25:]}"
    notes = [f"WARNING: {text}" for text in prediction.warnings]
    notes = notes or ["nothing unusual about this video"]
    notes += [f"of the model: {'; '.join(prediction.about_model)}"] * bool(prediction.about_model)
    notes = [f"{short}: research use, not a diagnosis", *notes, *lines]
    return [line for note in notes for line in textwrap.wrap(note, LINE_LENGTH)]


def _draw_tracks(axis, prediction, names: list[str]) -> None:
    """Draw the tracks of a prediction's cells on its frame, in the colors of their classes."""
    axis.imshow(prediction.frame, cmap="gray", vmin=0, vmax=255)
    looks = list(zip(TRACK_COLORS, MARKERS, strict=False))
    classes = prediction.cell_classes or names[:1] * prediction.n_cells
    for (_, track), name in zip(prediction.tracks.groupby("cell"), classes, strict=True):
        color, marker = looks[names.index(name)] if name else UNCLASSIFIED
        axis.plot(track["x"], track["y"], color=color, linewidth=1.2)
        axis.plot(track["x"].iloc[-1], track["y"].iloc[-1], marker, color=color, markersize=3)
    kinds = [*zip(names, names, looks, strict=False), ("too short to tell", "", UNCLASSIFIED)]
    handles = [
        plt.Line2D([], [], color=color, marker=marker, markersize=3, label=f"{text}: {count}")
        for text, name, (color, marker) in kinds
        if (count := prediction.cell_classes.count(name))
    ]
    # In two columns: a legend that is wider than the frame would make the frame small.
    axis.legend(handles=handles, ncols=2, loc="upper center", bbox_to_anchor=(0.5, 0))


@journal_style
def plot_gallery(
    frame: np.ndarray,
    rows: list[tuple[str, np.ndarray, np.ndarray, np.ndarray]],
    paths: Iterable[str | Path],
) -> None:
    """Draw the paper's Figure 1: feature image and reconstruction of each autoencoder.

    Args:
        frame: the first of the input, which is the same for all, (height, width) in [0, 1].
        rows: name of the input type, feature image (3, height, width), first frame of the
            reconstruction, and where the feature image holds movement, as of
            `feature_image_motion`.
    """
    titles = ["channel 1", "channel 2", "channel 3", "reconstruction", "its error", "movement"]
    figure = make_figure(22 + 24 * len(rows))
    grid = figure.add_gridspec(len(rows), 7, width_ratios=[1.25, *[1] * len(titles)])
    axes = np.array(
        [[figure.add_subplot(grid[r, c]) for c in range(1, 7)] for r in range(len(rows))]
    )
    first = figure.add_subplot(grid[:, 0])
    gray = {"cmap": "gray", "vmin": 255 * frame.min(), "vmax": 255 * frame.max()}
    shown = first.imshow(255 * frame, **gray)
    errors = [255 * np.abs(reconstruction - frame) for *_, reconstruction, _ in rows]
    largest = np.nanmax(errors)
    for line, (name, feature_image, reconstruction, motion), error in zip(
        axes, rows, errors, strict=True
    ):
        for axis, channel in zip(line, feature_image, strict=False):
            spread = channel.std()
            deviations = (channel - channel.mean()) / (spread if spread > MIN_SPREAD else np.inf)
            channels = axis.imshow(deviations, cmap="cividis", vmin=-SPREADS, vmax=SPREADS)
            axis.set_xlabel(f"SD {spread:#.2g}")
        line[3].imshow(255 * reconstruction, **gray)
        of_error = line[4].imshow(error, cmap="magma", vmin=0, vmax=largest)
        line[4].set_xlabel(f"mean {error.mean():.1f}")
        of_motion = line[5].imshow(motion, cmap="magma", vmin=0, vmax=1)
        line[5].set_xlabel(f"{100 * min((motion**2).mean(), 1):.0f} % of variance")
        line[0].set_ylabel(wrap_name(name, 18))
    first.set_title("input", fontsize=7)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=7)
    for axis in figure.axes:
        axis.set(xticks=[], yticks=[])
    add_letters([first, *axes[0]])
    bar = {"location": "bottom", "aspect": 12, "pad": 0.02}
    figure.colorbar(shown, ax=first, label="gray level of frames", panchor=(0.5, 1), **bar)
    label = "feature image: standard deviations (SD) from the mean"
    figure.colorbar(channels, ax=axes[:, :3], label=label, extend="both", **bar | {"aspect": 36})
    figure.colorbar(of_error, ax=axes[:, 3:5], label="error (gray levels)", **bar | {"aspect": 24})
    figure.colorbar(of_motion, ax=axes[:, 5], label="movement (SD)", extend="max", **bar)
    save_figure(figure, *paths)


@journal_style
def plot_contact_sheet(
    images: dict[str, np.ndarray], record: dict, paths: Iterable[str | Path]
) -> None:
    """Draw a video at a glance: some frames, what stands still and what moves.

    `images` are those of `make_preview_images`, `record` is that of the clips.
    """
    *_, mean, deviation = images
    aspect, width = measure_pixels(record, images[mean].shape)
    lines, side = _describe_video(record), (WIDTH - 24) / len(images) * aspect
    figure, [axes] = make_grid(1, len(images), side + 8 + 3.2 * len(lines))
    # On a scale of the video's own contrast: where nothing moves, it is dark.
    scales = {deviation: {"vmin": 0, "vmax": 4 * max(images[mean].std(), 1)}}
    for axis, (title, image) in zip(axes, images.items(), strict=True):
        shown = axis.imshow(image, cmap="gray", aspect=aspect, **scales.get(title, {}))
        axis.set_title(title)
        axis.set(xticks=[], yticks=[])
    add_letters(axes)
    add_scale_bar(axes[0], width)
    figure.colorbar(shown, ax=axes, label="deviation (gray levels)", aspect=12, pad=0.01)
    figure.suptitle(to_drawable("\n".join(lines)), fontsize=7, parse_math=False)
    save_figure(figure, *paths, dpi=PREVIEW_DPI)


def _describe_video(record: dict) -> list[str]:
    """Return the lines above a contact sheet."""
    seconds = record["video_frames"] / record["video_frame_rate"]
    text = (
        "{sample}: {video}, {video_codec}, {video_width} x {video_height} pixels, {video_frames} "
        "frames, {video_frame_rate:g} per second, {seconds:.1f} s"
    ).format(**record, seconds=seconds)
    scale = record.get("microns_per_pixel")
    texts = [text + (f", {scale:g} µm per pixel" if scale else ", scale not known")]
    texts += [f"Warning: {record['warning']}"] * bool(record["warning"])
    return [line for text in texts for line in textwrap.wrap(text, LINE_LENGTH)]


@journal_style
def plot_message(text: str, paths: Iterable[str | Path]) -> None:
    """Draw a text that says why there is nothing to see."""
    figure = make_figure(25)
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, LINE_LENGTH)]
    figure.text(0.02, 0.5, to_drawable("\n".join(lines)), va="center", parse_math=False)
    save_figure(figure, *paths, dpi=PREVIEW_DPI)


def _overlay(axis, frame: np.ndarray, amount: np.ndarray, aspect: float) -> None:
    """Draw a frame in gray, and orange over it where `amount` is 1 or more (none where it is 0)."""
    axis.imshow(frame, cmap="gray", vmin=frame.min(), vmax=frame.max(), aspect=aspect)
    color = np.zeros((*amount.shape, 4))
    color[..., :3], color[..., 3] = to_rgb(ORANGE), np.clip(amount, 0, 1)
    axis.imshow(color, aspect=aspect)
