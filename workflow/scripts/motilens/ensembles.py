"""Ensembles: rows of the tables that answer the mean of what other rows answer."""

import pandas as pd

from motilens import InputError


def average(members: list[pd.DataFrame]) -> pd.DataFrame:
    """The mean of several models' answers to the same samples, each model alike.

    Models look at different parts of a video, so each first gives one answer for a sample: the
    mean over its stacks.

    Args:
        members: of each model, as `predictions.prediction_table` makes them.

    Returns:
        The same with one row a sample (stack 0), in the order of the first.

    Raises:
        InputError: they are not about the same samples, or differ in what is true.
    """
    keys = ["participant", "sample"]
    answers = [one.drop(columns="stack").groupby(keys, sort=False).mean() for one in members]
    first = answers[0]
    true = list(first.filter(regex="^true_"))
    for other in answers[1:]:
        if set(other.index) != set(first.index) or not other[true].loc[first.index].equals(
            first[true]
        ):
            raise InputError("models of an ensemble were asked about different samples or labels")
    mean = sum(one.loc[first.index] for one in answers) / len(answers)
    mean = mean.assign(**{name: first[name] for name in true}).reset_index()
    mean.insert(2, "stack", 0)
    return mean
