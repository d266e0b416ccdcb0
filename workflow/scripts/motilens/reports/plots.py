"""Figures of numbers."""

from collections.abc import Iterable
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from motilens.evaluation.metrics import CONSTANT_RULES, ZERO_R
from motilens.evaluation.statistics import AGREEMENT, participant_errors
from motilens.reports.style import (
    BLUE,
    COLORS,
    DISPLAY_NAMES,
    LINE_STYLES,
    MARKERS,
    RED,
    WIDTH,
    add_height,
    add_letters,
    journal_style,
    make_grid,
    plt,
    save_figure,
    wrap_name,
)

Paths = Iterable[str | Path]
AXIS_LIMITS = (-25, 125)  # percentages: what is farther off would make all others flat
MAX_METHODS, MAX_COLUMNS = 4, 6  # of figures with a panel for each method and percentage
GRAY = "0.6"


@journal_style
def plot_learning_curves(
    histories: pd.DataFrame,
    units: dict[str, str],
    constants: dict[str, list[tuple[int, float]]],
    paths: Paths,
) -> None:
    """Draw the training loss by epoch, a panel for the autoencoders and for each target.

    Args:
        histories: rows with model (panel), input, fold, epoch, loss, and run (one line each).
        units: of the loss, by panel.
        constants: fold and loss of ZeroR by panel, if it has such.
    """
    panels, folds = histories["model"].unique(), sorted(histories["fold"].unique())
    inputs = histories["input"].unique()
    looks = {
        name: {"color": color, "marker": marker}
        for name, color, marker in zip(inputs, cycle(COLORS), cycle(MARKERS), strict=False)
    }
    styles = dict(zip(folds, cycle(LINE_STYLES), strict=False))
    figure, [axes] = make_grid(1, len(panels), 60)
    for axis, panel in zip(axes, panels, strict=True):
        of_panel = histories[histories["model"] == panel]
        for (name, fold, _), run in of_panel.groupby(["input", "fold", "run"], sort=False):
            line = {"linestyle": styles[fold], "markevery": 0.3, "markersize": 3} | looks[name]
            axis.plot(run["epoch"], run["loss"], **line)
        for fold, loss in constants.get(panel, []):
            axis.axhline(loss, color=GRAY, linewidth=2, linestyle=styles[fold], zorder=0)
        axis.set(title=panel, xlabel="epoch", yscale="log")
        axis.set_ylabel(f"training loss, log scale\n({units[panel]})")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        low, high = axis.get_ylim()
        within = (1, 2, 3, 5) if high / low < 100 else (1,)
        axis.yaxis.set_major_locator(LogLocator(subs=within))
        axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.yaxis.set_minor_formatter(NullFormatter())
    add_letters(axes)
    handles = [plt.Line2D([], [], label=wrap_name(n), **look) for n, look in looks.items()]
    handles += [
        plt.Line2D([], [], color="0.3", linestyle=style, label=f"fold {fold}")
        for fold, style in styles.items()
    ]
    handles += [plt.Line2D([], [], color=GRAY, linewidth=2, label=ZERO_R)] * bool(constants)
    _add_legend(figure, handles)
    save_figure(figure, *paths)


@journal_style
def plot_errors(summary: pd.DataFrame, mae: pd.DataFrame, reference: str, paths: Paths) -> None:
    """Draw the mean absolute error per participant of each method, beside ZeroR's.

    Args:
        summary: as from `summarize_errors`.
        mae: mae.csv: each fold and seed is a point; constant rules have a column there.
        reference: the method that others are compared with, beside ZeroR.
    """
    chosen = summary[summary["level"] == "participant"].drop_duplicates(["method", "target"])
    targets, methods = (chosen[name].unique().tolist() for name in ("target", "method"))
    lines = {reference: ":", ZERO_R: "--"}
    folds = dict(zip(sorted(mae["fold"].unique()), cycle(MARKERS), strict=False))
    figure, [axes] = make_grid(1, len(targets), 20 + 6 * len(methods), sharey=True)
    for axis, target in zip(axes, targets, strict=True):
        rows = chosen[chosen["target"] == target].set_index("method")
        for name in lines.keys() & set(rows.index):
            axis.axvline(rows.loc[name, "mae"], color="0.4", linestyle=lines[name], zorder=1)
        points = _list_points(mae[mae["target"] == target], methods)
        for fold, marker in folds.items():
            of_fold = points[points["fold"] == fold]
            places = [methods.index(name) + 0.28 for name in of_fold["method"]]
            look = {"marker": marker, "facecolors": "white", "edgecolors": "black"}
            axis.scatter(of_fold["mae_participant"], places, s=11, linewidth=0.7, zorder=3, **look)
        for name, row in rows.iterrows():
            place = methods.index(name) - 0.08
            axis.plot(row[["mae_low", "mae_high"]], [place] * 2, color=BLUE, linewidth=1.8)
            axis.plot(row["mae"], place, "D", color=BLUE, markersize=4.5, zorder=3)
        axis.set_title(f"{wrap_name(target)} (n = {rows['participants'].max()} participants)")
        axis.set_xlabel("mean absolute error (percentage points)")
        axis.grid(axis="x", color="0.9")
    axes[0].set_yticks(range(len(methods)), map(wrap_name, methods))
    axes[0].set_ylim(len(methods) - 0.3, -0.7)
    add_letters(axes)
    label = "mean, 95 % interval"
    handles = [plt.Line2D([], [], color=BLUE, marker="D", markersize=4.5, label=label)]
    handles += [
        plt.Line2D([], [], linestyle="", marker=m, mfc="white", mec="black", label=f"fold {fold}")
        for fold, m in folds.items()
    ]
    handles += [
        plt.Line2D([], [], color="0.4", linestyle=style, label=wrap_name(name))
        for name, style in lines.items()
        if name in methods
    ]
    _add_legend(figure, handles)
    save_figure(figure, *paths)


def _list_points(mae: pd.DataFrame, methods: list[str]) -> pd.DataFrame:
    """Return the rows of mae.csv of one target, and such rows of the constant rules."""
    first = mae.drop_duplicates("fold")
    constants = [
        first.assign(method=name, mae_participant=first[f"{name.lower()}_participant"])
        for name in methods
        if name in CONSTANT_RULES
    ]
    return pd.concat([mae, *constants])


@journal_style
def plot_agreement(cases: pd.DataFrame, reference: str, paths: Paths) -> None:
    """Draw Bland-Altman plots, which show whether the error depends on the value.

    Args:
        cases: a row for each sample, value and method: participant, method, target, value, true,
            predicted (percentages).
        reference: the method that others are compared with, beside ZeroR.
    """
    xlabel, ylabel = "mean of both (%)", "predicted − true\n(percentage points)"
    figure, panels = _method_grid(cases, reference, xlabel, ylabel)
    largest, is_far = 0.0, False
    for axis, part, of_value in panels:
        difference = part["predicted"] - part["true"]
        bias, spread = difference.mean(), AGREEMENT * difference.std()
        lines = bias - spread, bias, bias + spread
        largest = np.nanmax([largest, *difference.abs(), *np.abs(lines)])
        is_far |= (difference.abs() > AXIS_LIMITS[1]).any()
        axis.axhline(0, color="0.8", zorder=0)
        axis.scatter((part["predicted"] + part["true"]) / 2, difference, s=8, alpha=0.6, color=BLUE)
        for level, style in zip(lines, ("--", "-", "--"), strict=True):
            axis.axhline(level, color=RED, linestyle=style)
        low, middle, high = map(_format_number, lines)
        _add_note(axis, f"{middle}, n = {len(part)}\n[{low}, {high}]")
        axis.set_xlim(_find_limits((of_value["predicted"] + of_value["true"]) / 2))
    limit = 1.05 * min(largest, AXIS_LIMITS[1])
    for axis, *_ in panels:
        axis.set_ylim(-limit, limit)
        axis.tick_params(labelleft=axis.get_subplotspec().is_first_col())
    handles = [
        plt.Line2D([], [], color=RED, label="mean difference (first number, percentage points)"),
        plt.Line2D([], [], color=RED, linestyle="--", label="95 % limits of agreement [brackets]"),
    ]
    far = f"; differences beyond ±{AXIS_LIMITS[1]} are not shown" if is_far else ""
    _add_legend(figure, handles, f"n: held-out samples{far}")
    save_figure(figure, *paths)


@journal_style
def plot_predicted(cases: pd.DataFrame, reference: str, paths: Paths) -> None:
    """Draw predicted against true percentages: on the diagonal, predictions are right.

    Arguments are those of `plot_agreement`.
    """
    figure, panels = _method_grid(cases, reference, "true (%)", "predicted (%)")
    for axis, part, of_value in panels:
        limits = _find_limits(of_value[["true", "predicted"]])  # the same along both axes
        axis.plot(limits, limits, color=GRAY)
        axis.scatter(part["true"], part["predicted"], s=8, alpha=0.6, color=BLUE)
        axis.set(xlim=limits, ylim=limits, aspect="equal")
        text = f"n = {len(part)}\nMAE {participant_errors(part).mean():.1f}"
        if not set(part["method"]) & CONSTANT_RULES.keys():  # theirs differ by fold alone
            text += f"\nr = {_format_number(_correlation(part), 'z.2f')}"
        _add_note(axis, text)
    handles = [plt.Line2D([], [], color=GRAY, label="predicted = true")]
    about = "MAE: mean absolute error (percentage points); n: held-out samples; r: correlation"
    _add_legend(figure, handles, about)
    save_figure(figure, *paths)


def _choose_methods(cases: pd.DataFrame, reference: str) -> dict[str, list[str]]:
    """Return ZeroR, the reference and the best methods of the targets, with the roles of each."""
    roles = {name: [] for name in (ZERO_R, reference)}
    roles[reference] += ["reference"] * (reference != ZERO_R)
    others = cases[~cases["method"].isin(list(CONSTANT_RULES))]
    for target, group in others.groupby("target", sort=False):
        errors = {name: participant_errors(part).mean() for name, part in group.groupby("method")}
        roles.setdefault(min(errors, key=errors.get), []).append(f"best of {target}")
    return dict([*roles.items()][:MAX_METHODS])


def _method_grid(
    cases: pd.DataFrame, reference: str, xlabel: str, ylabel: str
) -> tuple[plt.Figure, list]:
    """Return a figure with a row for each method and a column for each value, and its panels.

    Further columns than MAX_COLUMNS are below these. A panel is an axis, the rows of `cases` that
    belong there, and those of all methods shown. There is none where a method predicts nothing.
    """
    methods = _choose_methods(cases, reference)
    cases = cases[cases["method"].isin(list(methods))]
    values = list(dict.fromkeys(zip(cases["target"], cases["value"], strict=True)))
    names = [value for _, value in values]
    blocks = [values[i : i + MAX_COLUMNS] for i in range(0, len(values), MAX_COLUMNS)]
    lines = [(block, method) for block in blocks for method in methods]
    columns = len(blocks[0])
    figure, axes = make_grid(len(lines), columns, 8 + len(lines) * (min(130 / columns, 45) + 16))
    panels = []
    for line, (block, method) in zip(axes, lines, strict=True):
        heading = [method, f"({', '.join(methods[method])})"] if methods[method] else [method]
        line[0].set_ylabel("\n".join([*(wrap_name(text, 22) for text in heading), ylabel]))
        for axis, (target, value) in zip(line, block, strict=False):
            of_value = cases[(cases["target"] == target) & (cases["value"] == value)]
            part = of_value[of_value["method"] == method]
            if method == next(iter(methods)):
                label = DISPLAY_NAMES.get(value, value)
                label += "" if names.count(value) == 1 else f"\n({wrap_name(target, 13)})"
                _add_note(axis, label, 0.5, 34, ha="center", fontsize=8)
            axis.set_xlabel(xlabel if method == list(methods)[-1] else "")
            if part.empty:
                axis.set(xticks=[], yticks=[])
                axis.text(0.5, 0.5, "not predicted", transform=axis.transAxes, ha="center")
            else:
                panels.append((axis, part, of_value))
    unused = [
        axis for line, (block, _) in zip(axes, lines, strict=True) for axis in line[len(block) :]
    ]
    for axis in unused:
        axis.set_axis_off()
    add_letters(axis for axis in axes.flat if axis not in unused)
    return figure, panels


def _add_note(axis, text: str, x: float = 0, y: float = 3, **style) -> None:
    """Write above a panel, y points above it; titles would not keep their width free."""
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
    axis.annotate(text, (x, 1), (0, y), **place, **style)


def _find_limits(percentages) -> tuple[float, float]:
    """Return the ends of an axis that shows them, and little of what is far off."""
    low = max(np.min(percentages), AXIS_LIMITS[0])
    high = min(np.max(percentages), AXIS_LIMITS[1])
    margin = 0.05 * (high - low) or 1
    return low - margin, high + margin


def _add_legend(figure, handles: list, title: str | None = None) -> None:
    """Add the one legend of a figure below its panels, and the height that it takes."""
    labels = [handle.get_label().split("\n") for handle in handles]
    columns = int(WIDTH / (14 + 1.4 * max(len(line) for label in labels for line in label)))
    lines = 1 + max(map(len, labels)) * -(-len(labels) // columns)
    add_height(figure, 3.5 * lines)
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, title=title)


def _correlation(part: pd.DataFrame) -> float:
    """Return Pearson's correlation; NaN if nothing varies."""
    constant = part[["true", "predicted"]].std() > 0
    return part["true"].corr(part["predicted"]) if constant.all() else np.nan


def _format_number(number: float, spec: str = "z.1f") -> str:
    return format(number, spec).replace("-", "−") if np.isfinite(number) else "–"
