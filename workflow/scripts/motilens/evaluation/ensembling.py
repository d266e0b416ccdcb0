"""Ensembles: methods that predict the mean of other methods' predictions."""

import pandas as pd

from motilens.core.errors import InputError


def average_predictions(members: list[pd.DataFrame]) -> pd.DataFrame:
    """Average several models' predictions of the same samples, each model with the same weight.

    Models see different parts of a video, so each first gives one prediction for a sample: the
    mean over its stacks.

    Args:
        members: of each model, as `make_prediction_table` returns them.

    Returns:
        The same with one row for each sample (stack 0), in the order of the first member.

    Raises:
        InputError: they have different samples or true values.
    """
    groups = [member.groupby(["participant", "sample"], sort=False) for member in members]
    true, *others = (group.first().filter(regex="^true_") for group in groups)
    for other in others:
        if set(other.index) != set(true.index) or not other.loc[true.index].equals(true):
            raise InputError("models of an ensemble have predicted different samples or labels")
    predicted = [group.mean().filter(regex="^predicted_").loc[true.index] for group in groups]
    table = pd.concat([true, sum(predicted) / len(predicted)], axis=1).reset_index()
    table.insert(2, "stack", 0)
    return table


def merge_diagnostics(records: list[dict]) -> dict:
    """Return the failure and the warning of an ensemble by its members' records: a line or None."""
    merged = {}
    for kind in ("failure", "warning"):
        issues = [(record["method"], record["diagnostics"][kind]) for record in records]
        merged[kind] = "; ".join(f"{name}: {issue}" for name, issue in issues if issue) or None
    return merged
