"""Ensembles: methods that predict the mean of other methods' predictions."""

import pandas as pd

from motilens.core.errors import InputError


def average_predictions(members: list[pd.DataFrame]) -> pd.DataFrame:
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
    samples = [one.groupby(["participant", "sample"], sort=False) for one in members]
    true, *others = (part.first().filter(regex="^true_") for part in samples)
    for other in others:
        if set(other.index) != set(true.index) or not other.loc[true.index].equals(true):
            raise InputError("models of an ensemble were asked about different samples or labels")
    predicted = [part.mean().filter(regex="^predicted_").loc[true.index] for part in samples]
    made = pd.concat([true, sum(predicted) / len(predicted)], axis=1).reset_index()
    made.insert(2, "stack", 0)
    return made
