"""Figures that show frames."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb

from motilens.reports.style import (
    COLORS,
    DISPLAY_NAMES,
    make_grid,
    plt,
    save_figure,
    to_drawable,
)

LINE_LENGTH = 140  # characters of a note on a page


def plot_prediction(prediction, targets: dict[str, list[str]], path: str | Path) -> None:
    """Draw a page for a video without an error: a frame, what moves, percentages by target.

    Percentages not to be relied on (`prediction.doubts`) are gray, and their errors hatched.
    """
    widths, notes = [3, 3, *[4] * len(targets)], _describe(prediction)
    size = 7 + 4 * len(targets), 4.3 + 0.15 * len(notes)
    figure, [axes] = make_grid(1, len(widths), *size, width_ratios=widths)
    frame = prediction.frame
    axes[0].imshow(frame, cmap="gray", vmin=0, vmax=255)
    if prediction.tracks is None:
        axes[0].set_title("first frame, as the models see it")
        _overlay(axes[1], frame, prediction.motion / max(frame.std(), 1))
        axes[1].set_title("what moves in the first clip")
    else:
        axes[0].set_title("first frame")
        _draw_tracks(axes[1], prediction, list(dict.fromkeys(sum(targets.values(), []))))
        by = f"counted by {prediction.class_source}" if prediction.cell_classes else ""
        axes[1].set_title(f"tracks of cells\n{by}".rstrip())
    for axis in axes[:2]:
        axis.set(xticks=[], yticks=[])
    for axis, (target, values) in zip(axes[2:], targets.items(), strict=True):
        of_target = [v for v in prediction.values.values() if v["target"] == target]
        doubts = prediction.doubts[target]
        _draw_percentages(axis, prediction.outputs[target], of_target, bool(doubts))
        axis.set_xticks(range(len(values)), [DISPLAY_NAMES.get(value, value) for value in values])
        axis.set_title("\n".join([target, *doubts]), color=COLORS[3] if doubts else "black")
    figure.suptitle(to_drawable("\n".join(notes)), fontsize=9, parse_math=False)
    save_figure(figure, path, dpi=120)


def _draw_percentages(axis, outputs: np.ndarray, values: list[dict], is_doubted: bool) -> None:
    """Draw percentages of stacks, by outputs (models, stacks, values), and `Prediction.values`."""
    strong, weak = ("0.4", "0.7") if is_doubted else (COLORS[0], COLORS[1])
    style = {"hatch": "////", "facecolor": "none"} if is_doubted else {"facecolor": COLORS[5]}
    for place, value in enumerate(values):
        percent, error = value["percent"], value["held_out_error"]
        low, high = np.clip([percent - error, percent + error], 0, 100)
        axis.bar(place, high - low, 0.6, low, alpha=0.4, edgecolor=strong, zorder=1, **style)
        of_stacks = outputs[..., place].mean(0)
        if len(of_stacks) > 1:
            beside = place + np.linspace(-0.25, 0.25, len(of_stacks))
            axis.scatter(beside, of_stacks, s=6, color=weak, zorder=2)
        deviation = value["std_over_models"]
        axis.errorbar(place, percent, deviation, fmt="D", color=strong, capsize=4, zorder=3)
        label, above = f"{percent:.0f} ± {error:.0f} %", {"textcoords": "offset points"}
        axis.annotate(label, (place, high), (0, 3), ha="center", color=strong, **above)
    axis.set(xlim=(-0.6, len(values) - 0.4), ylim=(-3, 111), ylabel="percent")
    axis.grid(axis="y", color="0.9")


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
    lines[1] += (
        "; percentages are expected shares, not these counts" if prediction.cell_classes else ""
    )
    short = name if len(name) < 90 else f"{name[:60]}…{name[-25:]}"
    notes = [f"WARNING: {text}" for text in prediction.warnings]
    notes = notes or ["nothing unusual about this video"]
    notes += [f"of the model: {'; '.join(prediction.about_model)}"] * bool(prediction.about_model)
    notes = [line for note in notes for line in textwrap.wrap(note, LINE_LENGTH)]
    return [f"{short}: research use, not a diagnosis", *notes, *lines]


def _draw_tracks(axis, prediction, names: list[str]) -> None:
    """Draw the tracks of a prediction's cells on its frame, in the colors of their classes."""
    axis.imshow(prediction.frame, cmap="gray", vmin=0, vmax=255)
    classes = prediction.cell_classes or names[:1] * prediction.n_cells
    for (_, track), name in zip(prediction.tracks.groupby("cell"), classes, strict=True):
        color = COLORS[names.index(name)] if name else "0.8"  # too short to be classified
        axis.plot(track["x"], track["y"], color=color, linewidth=1.2)
        axis.plot(track["x"].iloc[-1], track["y"].iloc[-1], "o", color=color, markersize=3)
    handles = [
        plt.Line2D([], [], color=color, marker="o", markersize=3, label=f"{name}: {count}")
        for name, color in zip(names, COLORS, strict=False)
        if (count := prediction.cell_classes.count(name))
    ]
    axis.legend(
        handles=handles, ncols=max(len(handles), 1), loc="upper center", bbox_to_anchor=(0.5, 0),
        fontsize=8, frameon=False,
    )  # fmt: skip


def plot_gallery(
    rows: list[tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray]], path: str | Path
) -> None:
    """Draw the paper's Figure 1: input, feature image and reconstruction of each autoencoder.

    Args:
        rows: name of the input type, first frame (height, width) in [0, 1], feature image
            (3, height, width), first frame of the reconstruction, and where the feature image
            holds movement, as of `feature_image_motion`.
    """
    titles = ["input (first frame)", "feature image", "channel 1", "channel 2", "channel 3"]
    titles += ["reconstruction", "movement in it"]
    figure, axes = make_grid(len(rows), len(titles), 2 * len(titles), 2.25 * len(rows))
    for line, (name, frame, feature_image, reconstruction, motion) in zip(axes, rows, strict=True):
        low, high = frame.min(), frame.max()
        line[0].imshow(frame, cmap="gray", vmin=low, vmax=high)
        line[1].imshow(np.moveaxis(_stretch(feature_image), 0, -1))
        for axis, channel in zip(line[2:5], feature_image, strict=True):
            axis.imshow(_stretch(channel[None])[0], cmap="gray", vmin=0, vmax=1)
        line[5].imshow(reconstruction, cmap="gray", vmin=low, vmax=high)
        _overlay(line[6], frame, motion)
        line[6].set_xlabel(f"{min((motion**2).mean(), 1):.0%} of its variance", fontsize=8)
        line[0].set_ylabel(name)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    save_figure(figure, path)


def plot_contact_sheet(images: dict[str, np.ndarray], record: dict, path: str | Path) -> None:
    """Draw a video at a glance: some frames, what stands still and what moves.

    `images` are those of `make_preview_images`, `record` is that of the clips.
    """
    figure, [axes] = make_grid(1, len(images), 12, 3.1)
    # On a scale of the video's own contrast: where nothing moves, it is dark.
    *_, deviation = images
    scales = {deviation: {"vmin": 0, "vmax": 4 * max(images["mean"].std(), 1)}}
    for axis, (title, image) in zip(axes, images.items(), strict=True):
        axis.imshow(image, cmap="gray", **scales.get(title, {}))
        axis.set_title(title, fontsize=9)
        axis.set(xticks=[], yticks=[])
    seconds = record["video_frames"] / record["video_frame_rate"]
    title = (
        "{sample}: {video}, {video_codec}, {video_width} x {video_height}, {video_frames} frames, "
        "{video_frame_rate:g} per second, {seconds:.1f} s"
    )
    title = title.format(**record, seconds=seconds)
    figure.suptitle(to_drawable(title), fontsize=9, parse_math=False)
    if record["warning"]:
        warning = textwrap.fill(f"Warning: {record['warning']}", 160)
        figure.supxlabel(warning, fontsize=9, parse_math=False)
    save_figure(figure, path, dpi=100)


def plot_message(text: str, path: str | Path) -> None:
    """Draw a text that says why there is nothing to see."""
    figure = plt.figure(figsize=(12, 1.5))
    figure.text(0.02, 0.5, to_drawable(text), va="center", fontsize=9, wrap=True, parse_math=False)
    save_figure(figure, path)


def _overlay(axis, frame: np.ndarray, amount: np.ndarray) -> None:
    """Draw a frame in gray, and orange over it where `amount` is 1 or more (none where it is 0)."""
    axis.imshow(frame, cmap="gray", vmin=frame.min(), vmax=frame.max())
    color = np.zeros((*amount.shape, 4))
    color[..., :3], color[..., 3] = to_rgb(COLORS[1]), np.clip(amount, 0, 1)
    axis.imshow(color)


def _stretch(channels: np.ndarray) -> np.ndarray:
    """Return each channel spread over [0, 1]; a constant one becomes 0."""
    low = channels.min((1, 2), keepdims=True)
    spread = channels.max((1, 2), keepdims=True) - low
    return np.divide(channels - low, spread, out=np.zeros_like(channels), where=spread > 0)
