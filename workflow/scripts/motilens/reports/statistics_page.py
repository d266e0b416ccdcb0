"""The page of intervals and comparisons."""

from collections import defaultdict
from collections.abc import Iterable

import pandas as pd

from motilens.evaluation.diagnostics import QUALITY_FLAGS, quality_flags
from motilens.evaluation.metrics import ZERO_R
from motilens.evaluation.statistics import compare_with, select_target_rows
from motilens.reports.page import Page

NOTES = (
    "Mean absolute errors in percentage points, one prediction for each sample (the mean over its "
    "stacks), all participants with the same weight, all folds together. In brackets 95 % "
    "intervals over participants (Student's t).",
    "**Whether a method is better, only *better than ... by* shows**: the difference on the same "
    "participants (below 0 the method is worse), with its own interval. Do not compare the "
    "intervals of two MAEs: who is hard to predict for one method is hard for the other, so these "
    "may overlap although the difference is clear. An interval of a difference that contains 0 "
    "shows nothing, and with few participants (fewer than 20, say) no interval shows much. *p*: "
    "permutation test of pairs, adjusted for all comparisons in `comparisons.csv` of the same kind "
    "(with ZeroR, with the median, between methods; Benjamini and Hochberg). Intervals are not "
    "adjusted: some may exclude 0 although *p* is large.",
    "With three folds or more, the models of two of them share training participants, so intervals "
    "are a little too narrow. They say nothing about other laboratories, microscopes or "
    "populations; nor, with one seed, about training again.",
)


def collect_quality_flags(records: Iterable[dict]) -> dict[tuple[str, str], set[str]]:
    """Return, by method and target, which of QUALITY_FLAGS apply to one of its models."""
    flags = defaultdict(set)
    for record in records:
        names = {name for name, applies in quality_flags(record).items() if applies}
        flags[record["method"], record["target"]] |= names
    return dict(flags)


def build_statistics_page(
    summary: pd.DataFrame,
    comparisons: pd.DataFrame,
    flags: dict[tuple[str, str], set[str]],
    reference: str,
) -> Page:
    """Return the errors per participant with their intervals, beside ZeroR and one more method.

    It is made of what `evaluation.statistics` and `collect_quality_flags` return.
    """
    parts, used = [], set().union(*flags.values())
    notes = [*NOTES, *(text for name, (_, text) in QUALITY_FLAGS.items() if name in used)]
    for target, rows in select_target_rows(summary).groupby("target", sort=False):
        rows = rows.set_index("method")
        table = pd.DataFrame(
            {
                "Method": [m + _flag_signs(flags.get((m, target), ())) for m in rows.index],
                "MAE": rows.apply(format_interval, axis=1, names=("mae", "mae_low", "mae_high")),
                "SD over seeds": [f"{x:.2f}" if x == x else "" for x in rows["mae_std_over_seeds"]],
            },
            index=rows.index,
        )
        if rows["mae_std_over_seeds"].isna().all():
            table = table.drop(columns="SD over seeds")
        gains = list_gains(comparisons, target, reference, rows.index)
        parts.append((target, table.join(gains)))
        if reference not in rows.index:
            notes.append(f"{reference} does not predict {target}: no method is compared with it.")
    return Page("Intervals and comparisons", parts, notes)


def list_gains(
    comparisons: pd.DataFrame, target: str, reference: str, methods: Iterable[str]
) -> pd.DataFrame:
    """Return how much better methods are than ZeroR and the reference, as text, with adjusted p.

    There is nothing of a reference that does not predict this target.
    """
    gains = pd.DataFrame(index=methods)
    for other in dict.fromkeys((ZERO_R, reference)):
        versus = compare_with(comparisons[comparisons["target"] == target], other)
        if len(versus):
            versus = versus.droplevel("target")
            gains[f"better than {other} by"] = versus.apply(
                format_interval, axis=1, names=("difference", "low", "high")
            )
            gains[f"p ({other})"] = versus["p_adjusted"].map(_format_p_value)
    return gains.fillna("")


def _flag_signs(names: Iterable[str]) -> str:
    return "".join(sign for name, (sign, _) in QUALITY_FLAGS.items() if name in names)


def format_interval(row: pd.Series, names: tuple[str, str, str]) -> str:
    """Return a number and the ends of its interval as text."""
    return "{:z.2f} [{:z.2f}, {:z.2f}]".format(*row[list(names)])


def _format_p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
