"""Predictions that were made elsewhere, compared with the run's participants and labels."""

import re
from collections.abc import Container, Mapping, Sequence
from pathlib import Path

import pandas as pd

from motilens.core.errors import InputError
from motilens.core.text import natural_sorted, shorten_list
from motilens.dataset.participants import parse_participant_id
from motilens.dataset.spreadsheet import read_table

LARGEST = 1000.0  # of a prediction, or its negative: methods may leave 0 to 100, but not so far
FRACTION = 1.5  # where labels are percentages; models without limits may go beyond 1
TOLERANCE = 0.01  # percentage points by which a true value may be rounded
NUMBER = r"[-+]?(\d+([.,]\d*)?|[.,]\d+)(e[-+]?\d+)?"


def read_external_predictions(
    path: str | Path,
    held_out: Mapping[str, dict],
    values: Sequence[str],
    skipped: Container[str] = (),
    may_lack: bool = False,
) -> pd.DataFrame:
    """Read one fold's predictions, and check that they are of the held-out samples.

    Args:
        path: a table with columns participant, sample (may be missing where a participant has one
            video), stack (may be missing: then a row is a sample), true_<value>, predicted_<value>.
        held_out: by sample, its participant and true percentages.
        values: the percentages of the target.
        skipped: samples that are left out, as their videos cannot be used.
        may_lack: whether further samples may be missing.

    Returns:
        As `make_prediction_table`, in the order of the file, with the true values of `held_out`.

    Raises:
        InputError: the file cannot be read, or is not of these samples, values and labels.
    """
    table = _read_rows(str(path), values)
    table = table[~table["sample"].isin(list(skipped))]
    lines, samples = table["line"], table["sample"]

    def refuse(wrong: pd.Series, what: str) -> None:
        """Raise an error that names the lines where something is wrong."""
        if wrong.any():
            row = table[wrong].iloc[0]
            others = shorten_list(lines[wrong].iloc[1:].map(str))
            more = f" (also lines {others})" if others else ""
            raise InputError(f"{path}, line {row['line']}: {what.format_map(row)}{more}")

    refuse(
        ~samples.isin(list(held_out)),
        "sample {sample!r} is not held out in this fold: use the folds and names of the run's "
        "samples.csv",
    )
    missing = natural_sorted(held_out.keys() - {*samples})
    if missing and not may_lack:
        raise InputError(
            f"{path}: held-out samples have no row: {shorten_list(missing)}: add them (the run's "
            "samples.csv lists the samples of each fold)"
        )
    owners = samples.map(lambda sample: held_out[sample]["participant"])
    refuse(table["participant"] != owners, "sample {sample} is not of participant {participant!r}")
    is_number = table["stack"].str.fullmatch(r"\d{1,9}(\.0)?")
    refuse(~is_number, "stack {stack!r} is not a number: count the rows of a sample from 0")
    stacks = table["stack"].str.removesuffix(".0").astype(int)
    refuse(
        pd.DataFrame({"sample": samples, "stack": stacks}).duplicated(),
        "a second row of sample {sample}, stack {stack}: keep one, or count in the column stack",
    )
    counts = samples.map(samples.value_counts())
    refuse(
        counts != counts.max(),
        "sample {sample} has fewer rows than others: give all samples the same number of stacks",
    )
    result = table[["participant", "sample"]].assign(stack=stacks)
    true, predicted = {}, {}
    for value in values:
        true[value] = samples.map(lambda sample, value=value: float(held_out[sample][value]))
        given = _parse_numbers(table, f"true_{value}", refuse)
        refuse(
            (given - true[value]).abs() > TOLERANCE + 1e-9,
            f"true_{value} is {{true_{value}}}, and not as in the run's samples.csv: use its "
            "labels",
        )
        predicted[value] = _parse_numbers(table, f"predicted_{value}", refuse)
        refuse(
            predicted[value].abs() > LARGEST,
            f"predicted_{value} is {{predicted_{value}}}, no percentage: is a decimal mark lost?",
        )
    numbers, labels = pd.DataFrame(predicted), pd.DataFrame(true)
    is_small = (numbers.max() <= FRACTION) & (numbers > 0).any() & (labels.median() > 10)
    if small := [f"predicted_{value}" for value in values if is_small[value]]:
        raise InputError(
            f"{path}: nothing in {', '.join(small)} is above {FRACTION:g}: fractions? Multiply "
            "them by 100"
        )
    result = result.join([labels.add_prefix("true_"), numbers.add_prefix("predicted_")])
    return result.reset_index(drop=True)


def _read_rows(path: str, values: Sequence[str]) -> pd.DataFrame:
    """Return the cells as text, with participant and sample as we write them."""
    needed = [f"{side}_{value}" for side in ("true", "predicted") for value in values]
    columns = ["participant", "sample", "stack", *needed]
    rows = read_table(path, {name: (name,) for name in columns}, columns)
    if not rows:
        raise InputError(f"{path}: has no row under its header: add the held-out samples")
    if missing := [name for name in ("participant", *needed) if name not in rows[0]]:
        raise InputError(
            f"{path}: has no column {', '.join(missing)}: the first line must name "
            f"{', '.join(columns)}"
        )
    table = pd.DataFrame(rows)
    table["participant"] = table["participant"].map(_normalize)
    table["sample"] = table.get("sample", table["participant"]).map(_normalize)
    return table if "stack" in table else table.assign(stack="0")


def _normalize(name: str) -> str:
    """Return the name of a participant or a sample (`ID+2`) as in our tables."""
    participant, *number = name.split("+")
    return "+".join([parse_participant_id(participant) or participant, *number])


def _parse_numbers(table: pd.DataFrame, column: str, refuse) -> pd.Series:
    is_number = table[column].str.fullmatch(NUMBER, flags=re.IGNORECASE)
    refuse(~is_number, f"{column} is {{{column}!r}}, which is not a number: correct it")
    return table[column].str.replace(",", ".").astype(float)
