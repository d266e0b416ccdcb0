"""Errors of predicted percentages, and of rules that learn nothing."""

import pandas as pd

# Rules that predict one number for everything, by their names among the methods.
ZERO_R, MEDIAN = "ZeroR", "median"
CONSTANT_RULES = {ZERO_R: pd.DataFrame.mean, MEDIAN: pd.DataFrame.median}


def mae_stack(predictions: pd.DataFrame) -> float:
    """Return the mean absolute error over stacks and values, percentage points: the paper's MAE.

    A row of `predictions` is a stack: participant, sample, stack, true_<value>, predicted_<value>.
    """
    return float(_absolute_errors(predictions).to_numpy().mean())


def mae_participant(predictions: pd.DataFrame) -> float:
    """Return the same after averaging each sample's predictions: what a laboratory would see.

    Participants have the same weight, whatever the number of their samples.
    """
    means = predictions.drop(columns="stack").groupby(["participant", "sample"]).mean()
    errors = _absolute_errors(means).groupby("participant").mean()
    return float(errors.to_numpy().mean())


def predict_constant(
    predictions: pd.DataFrame, training_labels: pd.DataFrame, rule: str
) -> pd.DataFrame:
    """Return the same table with each prediction replaced by one number of the training samples.

    Args:
        training_labels: one row for each sample, a column for each predicted value.
        rule: one of CONSTANT_RULES.
    """
    return predictions.assign(**CONSTANT_RULES[rule](training_labels).add_prefix("predicted_"))


def zero_r_training_loss(training_labels: pd.DataFrame, loss: str) -> float:
    """Return the training loss (mse, l1) of a regressor that always predicts the training mean."""
    deviations = training_labels - training_labels.mean()
    errors = deviations**2 if loss == "mse" else deviations.abs()
    return float(errors.to_numpy().mean())


def _absolute_errors(predictions: pd.DataFrame) -> pd.DataFrame:
    true = predictions.filter(regex="^true_").rename(columns=lambda name: name[len("true_") :])
    return (true - predictions[[f"predicted_{name}" for name in true]].to_numpy()).abs()
