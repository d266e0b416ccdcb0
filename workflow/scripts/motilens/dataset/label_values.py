"""Cells of labels and facts: which are numbers, percentages, and of participants."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from motilens.core.labels import LABELS, MOTILITY, VIDEO_FACTS
from motilens.core.text import shorten_list
from motilens.dataset.issues import Issues
from motilens.dataset.participants import SUMMARY

# May be the decimals 12.5, or 12 thousands; of Excel's numbers, none ends like this.
THOUSANDS = r"[1-9]\d{0,2}[.,]\d\d0"
LEAST_PERCENTAGE = 0.1  # more than none: one of 1,000 cells
MIN_SUMMARIZED, N_LAST = 5, 5  # rows above one of means; rows at the end that may be some


def parse_numbers(row: dict, needed: Sequence[str], issues: Issues) -> None:
    """Turn the cells of labels and facts into floats, None where they cannot be used."""
    if empty := [name for name in LABELS if name in needed and row.get(name) == ""]:
        issues.errors.append(
            f"{row['place']}: {', '.join(empty)}: empty: fill it in, or remove the row"
        )
    for name, (low, high) in (dict.fromkeys(LABELS, (0, 100)) | VIDEO_FACTS).items():
        if name not in row:
            continue
        text, row[name] = row[name], None
        digits = text.removesuffix("%").rstrip() if name in LABELS else text
        if re.fullmatch(r"\d{1,15}([.,]\d+)?", digits):
            number = float(digits.replace(",", "."))
            row[name] = number if low <= number <= high else None
        many = int(re.sub(r"\D", "", text) or 0)
        if name in VIDEO_FACTS and re.fullmatch(THOUSANDS, text) and many <= high:
            issues.errors.append(
                f"{row['place']}, {name}: {text!r} may be {many} or {number:g}: write one of them"
            )
        elif text and row[name] is None and name in {*needed, *VIDEO_FACTS}:
            span = f"between {low:g} and {high:g}"
            kind = "a percentage from 0 to 100" if name in LABELS else span
            issues.errors.append(f"{row['place']}, {name}: {text!r} is not {kind}: correct it")


def check_motility(row: dict, needed: Sequence[str], allowed: dict, issues: Issues) -> None:
    """Report percentages of motility that do not add up to 100; `allowed`: dataset.motility_sum."""
    values = [row.get(name) for name in MOTILITY]
    if not set(MOTILITY) <= set(needed) or None in values:
        return
    are_fractions = abs(sum(values) - 1) <= 0.02  # wrong, whatever sum is allowed
    if are_fractions or abs(sum(values) - 100) > allowed["tolerance"] + 1e-9:
        is_error = are_fractions or allowed["on_mismatch"] == "error"
        lines = issues.errors if is_error else issues.warnings
        remedy = "multiply them by 100" if are_fractions else "correct them"
        lines.append(
            f"{row['place']}: its three percentages of motility add up to {sum(values):g}, not "
            f"100: {remedy} (or see dataset.motility_sum)"
        )


def check_fractions(rows: list[dict], needed: Sequence[str], labels: str, issues: Issues) -> None:
    """Report fractions: Excel holds 0.95 where it shows 95 %. Of motility, the sum shows it."""
    checked = MOTILITY if set(MOTILITY) <= set(needed) else ()
    small = []
    for name in (name for name in LABELS if name in needed and name not in checked):
        known = [row for row in rows if row.get(name) is not None]
        values, is_marked = [row[name] for row in known], any(name in r["signed"] for r in known)
        if not is_marked and len(values) > 1 and 0 < max(values) <= 1:
            small.append(name)
            continue
        larger = [value for value in values if value > 1]
        typical = float(np.median(larger)) if larger else max(values, default=0)
        issues.errors += [
            f"{row['place']}, {name}: {row[name]:g} among values like {typical:g}: a fraction? "
            f"Multiply it by 100, or write {row[name]:g} %"
            for row in known
            if name not in row["signed"] and _may_be_fraction(row[name], larger, typical, is_marked)
        ]
    if small:
        issues.errors.append(
            f"{labels}: none of {', '.join(small)} is above 1: these are fractions, multiply "
            "them by 100 (or write 1 % for 1 in 100)"
        )


def _may_be_fraction(value: float, larger: list[float], typical: float, is_marked: bool) -> bool:
    """Return whether a value without a % sign may be a fraction.

    Args:
        larger: the values above 1 of its column.
        typical: their median.
        is_marked: whether others of them have the sign.
    """
    if not 0 < value <= 1 or not (larger or is_marked):
        return False
    if is_marked or value < LEAST_PERCENTAGE:
        return True
    return min(larger) > 20 if value == 1 else typical > 10


def find_summaries(rows: list[dict], needed: Sequence[str], path: str, issues: Issues) -> None:
    """Report rows of means or the like, by their names or, in any language, by their values."""
    table = pd.DataFrame([{name: row.get(name) for name in needed} for row in rows], dtype=float)
    named = {
        row["spelling"] for row in rows if SUMMARY.match(row["spelling"]) and "video" not in row
    }
    equal = set()
    for place in range(max(len(rows) - N_LAST, MIN_SUMMARIZED), len(rows)):
        above, values = table[:place], table.loc[place]
        if "video" in rows[place]:
            continue
        rounding = 0.51 if (values % 1 == 0).all() else 0.051
        # In one column, or among equal values, it would be by chance.
        if len(needed) > 1 and (above.nunique() > 1).all():
            summaries = (above.mean(), above.median(), above.std())
            if any((abs(summary - values) <= rounding).all() for summary in summaries):
                equal.add(rows[place]["spelling"])
    if named & equal:
        issues.errors.append(
            f"{path}: rows of means or the like, not of participants: "
            f"{shorten_list(sorted(named & equal))}: delete them"
        )
    elif found := sorted(named | equal):
        issues.warnings.append(
            f"{path}: rows that may hold means or the like, not a participant: "
            f"{shorten_list(found)}: if so, delete them"
        )
