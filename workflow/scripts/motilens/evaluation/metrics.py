"""Errors of predicted percentages, and of rules that learn nothing."""

import pandas as pd

# Rules that answer one number to everything, by their names among the inputs.
ZERO_R, MEDIAN = "ZeroR", "median"
CONSTANT_RULES = {ZERO_R: pd.DataFrame.mean, MEDIAN: pd.DataFrame.median}


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


def predict_constant(
    predictions: pd.DataFrame, training_labels: pd.DataFrame, rule: str
) -> pd.DataFrame:
    """The same table with each prediction replaced by one number of the training samples.

    Args:
        training_labels: one row a sample, a column for each predicted value.
        rule: one of CONSTANTS.
    """
    answers = CONSTANT_RULES[rule](training_labels).add_prefix("predicted_")
    return predictions.assign(**answers)


def zero_r_training_loss(training_labels: pd.DataFrame, loss: str) -> float:
    """What a regressor's loss would be that answered the training mean to everything.

    Args:
        training_labels: as of `constant`.
        loss: squared or absolute, as in the configuration.
    """
    away = training_labels - training_labels.mean()
    return float((away**2 if loss == "squared" else away.abs()).to_numpy().mean())


def _absolute_errors(predictions: pd.DataFrame) -> pd.DataFrame:
    true = predictions.filter(regex="^true_")
    predicted = predictions[[name.replace("true_", "predicted_", 1) for name in true]]
    return (true - predicted.set_axis(true.columns, axis=1)).abs()
