"""Figures that show frames."""

from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgb

from motilens.reports.style import COLORS, DISPLAY_NAMES, plt


def plot_prediction(one, targets: dict[str, list[str]], path: str | Path) -> None:
    """A page for a video: a frame of it and what moves, its percentages, what each stack gave.

    Args:
        one: a `predicting.Prediction` without a problem.
        targets: by name, the percentages that belong together.
    """
    figure, axes = plt.subplots(
        1, 2 + len(targets), figsize=(7 + 4 * len(targets), 4.4), layout="constrained",
        width_ratios=[3, 3, *[4] * len(targets)],
    )  # fmt: skip
    axes[0].imshow(one.frame, cmap="gray", vmin=0, vmax=255)
    if one.paths is None:
        axes[0].set_title("first frame, as the models see it")
        _overlay(axes[1], one.frame, one.moving / max(one.frame.std(), 1))
        axes[1].set_title("what moves in the first clip")
    else:
        axes[0].set_title("first frame")
        _paths(axes[1], one, list(dict.fromkeys(sum(targets.values(), []))))
        axes[1].set_title("paths of cells" + ", as judged" * bool(one.kinds))
    for axis in axes[:2]:
        axis.set(xticks=[], yticks=[])
    for axis, (target, values) in zip(axes[2:], targets.items(), strict=True):
        for place in range(len(values)):
            answers = one.stacks[target][..., place]
            percent, each = answers.mean(), answers.mean(0)
            beside = place + np.linspace(-0.25, 0.25, len(each))
            if len(each) > 1:
                axis.scatter(beside, each, s=8, color=COLORS[1], zorder=2)
            axis.errorbar(
                place, percent, answers.mean(1).std(), fmt="D", color=COLORS[0],
                capsize=4, zorder=3,
            )  # fmt: skip
            text = f"{percent:.0f} %"
            axis.annotate(text, (place, percent), (9, 4), textcoords="offset points")
        axis.set_xticks(range(len(values)), [DISPLAY_NAMES.get(value, value) for value in values])
        axis.set(xlim=(-0.6, len(values) - 0.4), ylim=(-3, 109), ylabel="percent", title=target)
        axis.grid(axis="y", color="0.9")
    notes = [f"WARNING: {text}" for text in one.warnings] or ["nothing unusual about this video"]
    name = Path(one.video).name
    seen = [f"; {one.cells} cell{'s' * (one.cells != 1)}"] if one.cells is not None else []
    stacks = any(given.shape[1] > 1 for given in one.stacks.values())
    both = stacks and one.cells is not None
    if stacks:
        seen.append("; points: each stack")
    models = "all models" + " (networks and followed cells)" * both
    lines = [
        f"{name if len(name) < 90 else f'{name[:60]}…{name[-25:]}'}: research use, not a diagnosis",
        f"diamonds: mean of {models}, with their standard deviation{''.join(seen)}",
        *notes,
    ]
    figure.suptitle("\n".join(lines), fontsize=9, parse_math=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _paths(axis, one, names: list[str]) -> None:
    """The paths of a prediction's cells on its frame, coloured by what they are taken for."""
    axis.imshow(one.frame, cmap="gray", vmin=0, vmax=255)
    kinds = one.kinds or names[:1] * one.cells
    for (_, path), kind in zip(one.paths.groupby("cell"), kinds, strict=True):
        colour = COLORS[names.index(kind)]
        axis.plot(path["x"], path["y"], color=colour, linewidth=1.2)
        axis.plot(path["x"].iloc[-1], path["y"].iloc[-1], "o", color=colour, markersize=3)
    handles = [
        plt.Line2D([], [], color=COLORS[names.index(name)], marker="o", markersize=3, label=name)
        for name in names
        if name in one.kinds
    ]
    axis.legend(
        handles=handles, ncols=max(len(handles), 1), loc="upper center", bbox_to_anchor=(0.5, 0),
        fontsize=8, frameon=False,
    )  # fmt: skip


def plot_gallery(
    rows: list[tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray]], path
) -> None:
    """The paper's Figure 1: what goes into each autoencoder, its feature image, what comes out.

    Args:
        rows: name of the input type, first frame (height, width) in [0, 1], feature image
            (3, height, width), first frame of the reconstruction, and where the feature image
            holds movement, as of `autoencoder.movement`.
    """
    titles = ["input (first frame)", "feature image", "channel 1", "channel 2", "channel 3"]
    titles += ["reconstruction", "movement in it"]
    figure, axes = plt.subplots(
        len(rows), len(titles), figsize=(2 * len(titles), 2.25 * len(rows)),
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for line, (name, frame, feature, restored, moved) in zip(axes, rows, strict=True):
        low, high = frame.min(), frame.max()
        line[0].imshow(frame, cmap="gray", vmin=low, vmax=high)
        line[1].imshow(np.moveaxis(_stretched(feature), 0, -1))
        for axis, channel in zip(line[2:5], feature, strict=True):
            axis.imshow(_stretched(channel[None])[0], cmap="gray", vmin=0, vmax=1)
        line[5].imshow(restored, cmap="gray", vmin=low, vmax=high)
        _overlay(line[6], frame, moved)
        line[6].set_xlabel(f"{min((moved**2).mean(), 1):.0%} of its variance", fontsize=8)
        line[0].set_ylabel(name)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=9)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _overlay(axis, frame: np.ndarray, amount: np.ndarray) -> None:
    """A frame in grey, and orange over it where `amount` is 1 or more (none where it is 0)."""
    axis.imshow(frame, cmap="gray", vmin=frame.min(), vmax=frame.max())
    colour = np.zeros((*amount.shape, 4))
    colour[..., :3], colour[..., 3] = to_rgb(COLORS[1]), np.clip(amount, 0, 1)
    axis.imshow(colour)


def plot_contact_sheet(pictures: dict[str, np.ndarray], record: dict, path: str | Path) -> None:
    """A video at a glance: some frames, what stands still and what moves.

    Args:
        pictures: as of `stacks.overview`.
        record: of the clips, as in frames/{sample}.json.
    """
    figure, axes = plt.subplots(1, len(pictures), figsize=(12, 3.1), layout="constrained")
    # On a scale of the picture's own contrast: of a film in which nothing moves it is dark.
    *_, deviation = pictures
    scales = {deviation: {"vmin": 0, "vmax": 4 * max(pictures["mean"].std(), 1)}}
    for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
        axis.imshow(picture, cmap="gray", **scales.get(title, {}))
        axis.set_title(title, fontsize=9)
        axis.set(xticks=[], yticks=[])
    seconds = record["video_frames"] / record["video_frame_rate"]
    figure.suptitle(
        f"{record['sample']}: {record['video']}, {record['video_codec']}, "
        f"{record['video_width']} x {record['video_height']}, {record['video_frames']} frames, "
        f"{record['video_frame_rate']:g} a second, {seconds:.1f} s",
        fontsize=9,
        parse_math=False,
    )
    if record["warning"]:
        figure.supxlabel(f"Warning: {record['warning']}", fontsize=9, parse_math=False)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _stretched(channels: np.ndarray) -> np.ndarray:
    """Each channel spread over [0, 1]; a constant one becomes 0."""
    low = channels.min((1, 2), keepdims=True)
    spread = channels.max((1, 2), keepdims=True) - low
    return np.divide(channels - low, spread, out=np.zeros_like(channels), where=spread > 0)


def plot_message(text: str, path: str | Path) -> None:
    """A figure that says why there is nothing to see."""
    figure = plt.figure(figsize=(12, 1.5))
    figure.text(0.02, 0.5, text, va="center", fontsize=9, wrap=True, parse_math=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)
