"""Errors of predicted percentages, and those of the rule that learns nothing (ZeroR)."""

import pandas as pd

ZERO_R = "ZeroR"  # its name among the inputs


def mae_stack(predictions: pd.DataFrame) -> float:
    """Mean absolute error over stacks and values, in percentage points: the paper's MAE.

    Args:
        predictions: one row a stack: participant, sample, stack, true_<value>, predicted_<value>.
    """
    return float(_absolute_errors(predictions).to_numpy().mean())


def mae_participant(predictions: pd.DataFrame) -> float:
    """The same after averaging each sample's predictions: what a laboratory would see.

    Participants count alike, whatever the number of their samples.
    """
    numbers = predictions.drop(columns="stack").groupby(["participant", "sample"]).mean()
    errors = _absolute_errors(numbers).groupby("participant").mean()
    return float(errors.to_numpy().mean())


def zero_r(predictions: pd.DataFrame, training_labels: pd.DataFrame) -> pd.DataFrame:
    """The same table with each prediction replaced by the training participants' mean.

    Args:
        training_labels: one row a sample, a column for each predicted value.
    """
    means = training_labels.mean().add_prefix("predicted_")
    return predictions.assign(**means)


def _absolute_errors(predictions: pd.DataFrame) -> pd.DataFrame:
    true = predictions.filter(regex="^true_")
    predicted = predictions[[name.replace("true_", "predicted_", 1) for name in true]]
    return (true - predicted.set_axis(true.columns, axis=1)).abs()
