"""Figures of numbers."""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pandas as pd
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from motilens.reports.style import COLORS, DISPLAY_NAMES, make_grid, plt, save_figure

AXIS_LIMITS = (-25, 125)  # percentages: what is farther off would make all others flat


def plot_learning_curves(
    histories: pd.DataFrame, constants: dict[str, list[float]], path: str | Path
) -> None:
    """Draw the training loss by epoch, a panel for the autoencoders and for each target.

    Args:
        histories: rows with model (panel), input, epoch, loss, and run (one line each).
        constants: the losses of ZeroR by panel, if it has such.
    """
    panels = histories["model"].unique()
    colors = dict(zip(histories["input"].unique(), cycle(COLORS), strict=False))
    figure, [axes] = make_grid(1, len(panels), 4.5 * len(panels), 3.6)
    for axis, panel in zip(axes, panels, strict=True):
        for (name, _), run in histories[histories["model"] == panel].groupby(["input", "run"]):
            marker = "." if len(run) == 1 else None
            axis.plot(run["epoch"], run["loss"], color=colors[name], linewidth=1, marker=marker)
        for loss in constants.get(panel, []):
            axis.axhline(loss, color="0.6", linewidth=1, linestyle="--")
        axis.set(title=panel, xlabel="epoch", ylabel="training loss", yscale="log")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.yaxis.set_minor_formatter(NullFormatter())
    handles = [plt.Line2D([], [], color=color, label=name) for name, color in colors.items()]
    handles += [plt.Line2D([], [], color="0.6", linestyle="--", label="ZeroR")] * bool(constants)
    title = "one line for each fold and seed"
    figure.legend(handles=handles, title=title, loc="outside right upper")
    save_figure(figure, path)


def plot_errors(summary: pd.DataFrame, mae: pd.DataFrame, reference: str, path: str | Path) -> None:
    """Draw the mean absolute error per participant of each method, beside that of one of them.

    Args:
        summary: as from `summarize_errors`.
        mae: mae.csv: each fold and seed is a point; constant rules have a column there.
        reference: one of the methods.
    """
    chosen = summary[summary["level"] == "participant"].drop_duplicates(["method", "target"])
    targets, methods = (chosen[name].unique().tolist() for name in ("target", "method"))
    size = 1.6 + 4.2 * len(targets), 0.9 + 0.26 * len(methods)
    figure, [axes] = make_grid(1, len(targets), *size, sharey=True)
    for axis, target in zip(axes, targets, strict=True):
        rows = chosen[chosen["target"] == target].set_index("method")
        if reference in rows.index:  # it may not predict this target
            axis.axvline(rows.loc[reference, "mae"], color="0.6", linewidth=1, linestyle="--")
        points = mae[mae["target"] == target]
        first = points.drop_duplicates("fold")
        constants = [
            first.assign(method=name, mae_participant=first[f"{name.lower()}_participant"])
            for name in methods
            if name not in set(mae["method"])
        ]
        points = pd.concat([points, *constants])
        places = [methods.index(name) for name in points["method"]]
        axis.scatter(points["mae_participant"], places, s=10, color=COLORS[1], zorder=2)
        for name, row in rows.iterrows():
            place = methods.index(name)
            axis.plot(row[["mae_low", "mae_high"]], [place] * 2, color=COLORS[0], linewidth=1.5)
            axis.plot(row["mae"], place, "D", color=COLORS[0], markersize=5, zorder=3)
        axis.set(title=target, xlabel="mean absolute error (percentage points)")
        axis.grid(axis="x", color="0.9")
    axes[0].set_yticks(range(len(methods)), methods)
    axes[0].set_ylim(len(methods) - 0.4, -0.6)
    title = "Held-out participants: diamonds, with 95 % intervals; points, single folds and seeds"
    figure.suptitle(f"{title}; dashed, {reference}", fontsize=8)
    save_figure(figure, path)


def plot_agreement(cases: pd.DataFrame, path: str | Path) -> None:
    """Draw Bland-Altman plots, which show whether the error depends on the value.

    A row of `cases` is a sample, value and method: method, value, true, predicted (percentages).
    """
    figure, panels = _method_grid(cases, 2.6, "mean of both (%)", "predicted - true")
    is_far = ((cases["predicted"] - cases["true"]).abs() > AXIS_LIMITS[1]).any()
    for axis, _, part in panels:
        difference = part["predicted"] - part["true"]
        axis.axhline(0, color="0.7", linewidth=0.8)
        axis.scatter((part["predicted"] + part["true"]) / 2, difference, s=8, alpha=0.6)
        bias, spread = difference.mean(), 1.96 * difference.std()
        for level, style in ((bias, "-"), (bias - spread, "--"), (bias + spread, "--")):
            axis.axhline(level, color=COLORS[3], linewidth=1, linestyle=style)
    for axis in figure.axes:
        for limits, values in (("xlim", AXIS_LIMITS), ("ylim", (-AXIS_LIMITS[1], AXIS_LIMITS[1]))):
            low, high = getattr(axis, f"get_{limits}")()
            axis.set(**{limits: (max(low, values[0]), min(high, values[1]))})
    figure.suptitle(
        "Held-out samples (Bland and Altman)\n"
        "full line, the mean difference; dashed, within which 95 % of differences are expected"
        + (f"\n(differences beyond ±{AXIS_LIMITS[1]} are not shown)" if is_far else ""),
        fontsize=9,
    )
    save_figure(figure, path)


def plot_predicted(cases: pd.DataFrame, path: str | Path) -> None:
    """Draw predicted against true percentages: on the diagonal, predictions are right."""
    figure, panels = _method_grid(cases, 2.2, "true (%)", "predicted (%)")
    for axis, value, part in panels:
        both = cases.loc[cases["value"] == value, ["true", "predicted"]]  # of all methods
        low = max(both.min(axis=None), AXIS_LIMITS[0])
        high = min(both.max(axis=None), AXIS_LIMITS[1])
        margin = 0.05 * (high - low) or 1
        limits = low - margin, high + margin  # the same along both axes
        axis.plot(limits, limits, color="0.7", linewidth=0.8)
        axis.scatter(part["true"], part["predicted"], s=8, alpha=0.6, color=COLORS[0])
        axis.set(xlim=limits, ylim=limits, aspect="equal")
    figure.suptitle("Held-out samples; on the line, predictions are right", fontsize=9)
    save_figure(figure, path)


def _method_grid(
    cases: pd.DataFrame, width: float, xlabel: str, ylabel: str
) -> tuple[plt.Figure, Iterator]:
    """Return a figure with a row for each method and a column for each value, and its panels.

    A panel is an axis, its value, and the rows of `cases` that belong there: none where a method
    does not predict the value.
    """
    methods, values = (list(dict.fromkeys(cases[name])) for name in ("method", "value"))
    size = width * len(values), 2.1 * len(methods)
    figure, axes = make_grid(len(methods), len(values), *size, sharey="col", sharex="col")
    for axis, value in zip(axes[0], values, strict=True):
        axis.set_title(DISPLAY_NAMES.get(value, value), fontsize=9)
    for axis, method in zip(axes[:, 0], methods, strict=True):
        axis.set_ylabel(f"{method}\n{ylabel}", fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel(xlabel, fontsize=8)
    for axis in axes.flat:
        axis.tick_params(labelsize=7)
    panels = (
        (axis, value, cases[(cases["method"] == method) & (cases["value"] == value)])
        for row, method in zip(axes, methods, strict=True)
        for axis, value in zip(row, values, strict=True)
    )
    return figure, panels
