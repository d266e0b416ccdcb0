"""The table of errors, mae.csv (docs/formats.md)."""

import pandas as pd

from motilens.evaluation.diagnostics import quality_flags
from motilens.evaluation.metrics import CONSTANT_RULES, mae_participant, mae_stack, predict_constant
from motilens.evaluation.paper import matches_paper_setup


def make_mae_row(predictions: pd.DataFrame, record: dict) -> dict:
    """One row of mae.csv (docs/formats.md) from a regressor's predictions and record.

    Args:
        predictions: of the held-out samples, as `predictions.prediction_table` makes them.
        record: of the regressor; holds the labels of its training.
    """
    labels = training_label_table(record)
    constants = {rule: predict_constant(predictions, labels, rule) for rule in CONSTANT_RULES}
    return {
        **{name: record[name] for name in ("input", "target")},
        **{name: int(record[name]) for name in ("fold", "seed")},
        "mae_stack": mae_stack(predictions),
        "mae_participant": mae_participant(predictions),
        **{f"{rule.lower()}_stack": mae_stack(made) for rule, made in constants.items()},
        **{
            f"{rule.lower()}_participant": mae_participant(made) for rule, made in constants.items()
        },
        "n_participants": predictions["participant"].nunique(),
        "n_stacks": len(predictions),
        "weights": record["settings"]["weights"],
        "papers": matches_paper_setup(record),
        **quality_flags(record),
    }


def training_label_table(record: dict) -> pd.DataFrame:
    """What a regressor was trained with: a row a sample, a column a value."""
    labels = pd.DataFrame.from_dict(record["training"], orient="index")
    return labels[record["settings"]["values"]]
