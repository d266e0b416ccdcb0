"""The page of intervals and comparisons."""

from collections.abc import Iterable, Sequence

import pandas as pd

from motilens.evaluation.diagnostics import QUALITY_FLAGS, quality_flags
from motilens.evaluation.metrics import ZERO_R
from motilens.evaluation.statistics import select_target_rows
from motilens.reports.page import Page


def collect_quality_flags(records: Iterable[dict]) -> dict[tuple[str, str], set[str]]:
    """By input and target what is wrong with one of its models, by the names of `tables.MARKS`."""
    found = {}
    for record in records:
        wrong = {name for name, is_so in quality_flags(record).items() if is_so}
        found.setdefault((record["input"], record["target"]), set()).update(wrong)
    return found


def build_statistics_page(
    summed: pd.DataFrame,
    compared: pd.DataFrame,
    notes: Sequence[str],
    marked: dict[tuple[str, str], set[str]],
) -> Page:
    """The errors per participant with their intervals, beside ZeroR, as people read them.

    Args:
        marked: as of `marks`.
    """
    parts, every = [], set().union(*marked.values())
    together = select_target_rows(summed)
    notes = [*notes, *(text for name, (_, text) in QUALITY_FLAGS.items() if name in every)]
    for target, rows in together.groupby("target", sort=False):
        versus = compared[(compared["target"] == target) & (compared["first"] == ZERO_R)]
        versus = versus.set_index("second")
        lines = pd.DataFrame(
            {
                "Input": [
                    name + _flag_signs(marked.get((name, target), ())) for name in rows["input"]
                ],
                "MAE": rows.apply(format_interval, axis=1, names=("mae", "mae_low", "mae_high")),
                "SD over seeds": [f"{x:.2f}" if x == x else "" for x in rows["mae_of_seeds"]],
                "better than ZeroR by": [
                    format_interval(versus.loc[name], ("difference", "low", "high"))
                    if name in versus.index
                    else ""
                    for name in rows["input"]
                ],
                "p, adjusted": [
                    _format_p_value(versus.loc[name, "p_adjusted"]) if name in versus.index else ""
                    for name in rows["input"]
                ],
            }
        )
        parts.append((target, lines))
    return Page("How sure the errors are", parts, notes)


def _flag_signs(wrong: Iterable[str]) -> str:
    return "".join(sign for name, (sign, _) in QUALITY_FLAGS.items() if name in wrong)


def format_interval(row: pd.Series, names: tuple[str, str, str]) -> str:
    """A number and the ends of its interval, as people read them."""
    return "{:.2f} [{:.2f}, {:.2f}]".format(*row[list(names)])


def _format_p_value(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
