"""Figures of numbers."""

from pathlib import Path

import pandas as pd
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from motilens.reports.style import COLORS, DISPLAY_NAMES, plt

AXIS_LIMITS = (-25, 125)  # percentages: what is farther off would make all others flat


def plot_learning_curves(
    histories: pd.DataFrame, constants: dict[str, list[float]], path: str | Path
) -> None:
    """Training loss by epoch, a panel for the autoencoders and each target.

    Args:
        histories: rows with model (panel), input, epoch, loss, and run (one line each).
        constants: by panel the losses of ZeroR, if it has such.
    """
    panels = list(dict.fromkeys(histories["model"]))
    inputs = list(dict.fromkeys(histories["input"]))
    figure, axes = plt.subplots(
        1, len(panels), figsize=(4.5 * len(panels), 3.6), squeeze=False, layout="constrained"
    )
    for axis, panel in zip(axes[0], panels, strict=True):
        for (name, _), run in histories[histories["model"] == panel].groupby(["input", "run"]):
            colour = COLORS[inputs.index(name) % len(COLORS)]
            marker = "." if len(run) == 1 else None
            axis.plot(run["epoch"], run["loss"], color=colour, linewidth=1, marker=marker)
        for loss in constants.get(panel, []):
            axis.axhline(loss, color="0.6", linewidth=1, linestyle="--")
        axis.set(title=panel, xlabel="epoch", ylabel="training loss", yscale="log")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.yaxis.set_minor_formatter(NullFormatter())
    handles = [
        plt.Line2D([], [], color=COLORS[i % len(COLORS)], label=name)
        for i, name in enumerate(inputs)
    ]
    handles += [plt.Line2D([], [], color="0.6", linestyle="--", label="ZeroR")] * bool(constants)
    figure.legend(handles=handles, title="a line a fold and seed", loc="outside right upper")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def plot_errors(summary: pd.DataFrame, mae: pd.DataFrame, beside: str, path: str | Path) -> None:
    """Mean absolute error per participant of each input, beside that of one of them.

    Args:
        summary: as from `statistics.summary`.
        mae: rows of mae.csv (docs/formats.md): each fold and seed is a point; inputs that learn
            nothing have a column there.
        beside: one of the inputs.
    """
    chosen = summary[summary["level"] == "participant"].drop_duplicates(["input", "target"])
    targets, inputs = (list(dict.fromkeys(chosen[name])) for name in ("target", "input"))
    figure, axes = plt.subplots(
        1, len(targets), figsize=(1.6 + 4.2 * len(targets), 0.9 + 0.26 * len(inputs)),
        squeeze=False, layout="constrained", sharey=True,
    )  # fmt: skip
    for axis, target in zip(axes[0], targets, strict=True):
        rows = chosen[chosen["target"] == target].set_index("input")
        axis.axvline(rows.loc[beside, "mae"], color="0.6", linewidth=1, linestyle="--")
        points = mae[mae["target"] == target]
        first = points.drop_duplicates("fold")
        constant = [
            first.assign(input=name, mae_participant=first[f"{name.lower()}_participant"])
            for name in inputs
            if name not in set(mae["input"])
        ]
        points = pd.concat([points, *constant])
        places = [inputs.index(name) for name in points["input"]]
        axis.scatter(points["mae_participant"], places, s=10, color=COLORS[1], zorder=2)
        for name, row in rows.iterrows():
            place = inputs.index(name)
            axis.plot(row[["mae_low", "mae_high"]], [place] * 2, color=COLORS[0], linewidth=1.5)
            axis.plot(row["mae"], place, "D", color=COLORS[0], markersize=5, zorder=3)
        axis.set(title=target, xlabel="mean absolute error (percentage points)")
        axis.grid(axis="x", color="0.9")
    axes[0][0].set_yticks(range(len(inputs)), inputs)
    axes[0][0].set_ylim(len(inputs) - 0.4, -0.6)
    figure.suptitle(
        "Held-out participants: diamonds, with 95 % intervals; points, single folds and seeds; "
        f"dashed, {beside}",
        fontsize=8,
    )
    figure.savefig(path, dpi=150)
    plt.close(figure)


def plot_agreement(cases: pd.DataFrame, path: str | Path) -> None:
    """Bland-Altman plots: does it err more for some participants than for others?

    Args:
        cases: one row a sample, value and input: input, value, true, predicted (percentages).
    """
    inputs, values = (list(dict.fromkeys(cases[name])) for name in ("input", "value"))
    far = ((cases["predicted"] - cases["true"]).abs() > AXIS_LIMITS[1]).any()
    figure, axes = plt.subplots(
        len(inputs), len(values), figsize=(2.6 * len(values), 2.1 * len(inputs)),
        squeeze=False, layout="constrained", sharey="col", sharex="col",
    )  # fmt: skip
    for line, name in zip(axes, inputs, strict=True):
        for axis, value in zip(line, values, strict=True):
            chosen = cases[(cases["input"] == name) & (cases["value"] == value)]
            difference = chosen["predicted"] - chosen["true"]
            axis.axhline(0, color="0.7", linewidth=0.8)
            axis.scatter((chosen["predicted"] + chosen["true"]) / 2, difference, s=8, alpha=0.6)
            bias, spread = difference.mean(), 1.96 * difference.std()
            for level, style in ((bias, "-"), (bias - spread, "--"), (bias + spread, "--")):
                axis.axhline(level, color=COLORS[3], linewidth=1, linestyle=style)
            axis.tick_params(labelsize=7)
        line[0].set_ylabel(f"{name}\npredicted - true", fontsize=8)
    for axis, value in zip(axes[0], values, strict=True):
        axis.set_title(DISPLAY_NAMES.get(value, value), fontsize=9)
        _limit_axes(axis, AXIS_LIMITS, (-AXIS_LIMITS[1], AXIS_LIMITS[1]))
    for axis in axes[-1]:
        axis.set_xlabel("mean of both (%)", fontsize=8)
    figure.suptitle(
        "Held-out samples (Bland and Altman)\n"
        "full line, the mean difference; dashed, within which 95 % of differences are expected"
        + (f"\n(differences beyond ±{AXIS_LIMITS[1]} are not shown)" if far else ""),
        fontsize=9,
    )
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _limit_axes(axis, across: tuple[float, float], up: tuple[float, float]) -> None:
    """Axes no wider than these."""
    for get, put, (least, most) in (
        (axis.get_xlim, axis.set_xlim, across),
        (axis.get_ylim, axis.set_ylim, up),
    ):
        low, high = get()
        put(max(low, least), min(high, most))


def plot_predicted(cases: pd.DataFrame, path: str | Path) -> None:
    """Predicted against true percentages: what lies on the diagonal is right.

    Args:
        cases: as for `agreement`.
    """
    inputs, values = (list(dict.fromkeys(cases[name])) for name in ("input", "value"))
    figure, axes = plt.subplots(
        len(inputs), len(values), figsize=(2.2 * len(values), 2.1 * len(inputs)),
        squeeze=False, layout="constrained", sharey="col", sharex="col",
    )  # fmt: skip
    ends = {}  # the same along both axes
    for value in values:
        shown = cases.loc[cases["value"] == value, ["true", "predicted"]]
        low, high = (
            max(shown.min(axis=None), AXIS_LIMITS[0]),
            min(shown.max(axis=None), AXIS_LIMITS[1]),
        )
        room = 0.05 * (high - low) or 1
        ends[value] = (low - room, high + room)
    for line, name in zip(axes, inputs, strict=True):
        for axis, value in zip(line, values, strict=True):
            chosen = cases[(cases["input"] == name) & (cases["value"] == value)]
            axis.plot(ends[value], ends[value], color="0.7", linewidth=0.8)
            axis.scatter(chosen["true"], chosen["predicted"], s=8, alpha=0.6, color=COLORS[0])
            axis.tick_params(labelsize=7)
            axis.set(xlim=ends[value], ylim=ends[value], aspect="equal")
        line[0].set_ylabel(f"{name}\npredicted (%)", fontsize=8)
    for axis, value in zip(axes[0], values, strict=True):
        axis.set_title(DISPLAY_NAMES.get(value, value), fontsize=9)
    for axis in axes[-1]:
        axis.set_xlabel("true (%)", fontsize=8)
    figure.suptitle("Held-out samples; on the line, predictions are right", fontsize=9)
    figure.savefig(path, dpi=150)
    plt.close(figure)
