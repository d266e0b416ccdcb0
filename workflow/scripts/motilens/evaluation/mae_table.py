"""The table of errors, mae.csv (docs/reference/formats.md)."""

from collections.abc import Iterable

import pandas as pd

from motilens.evaluation.diagnostics import quality_flags
from motilens.evaluation.metrics import (
    CONSTANT_RULES,
    mae_participant,
    mae_stack,
    predict_constant,
    zero_r_training_loss,
)
from motilens.evaluation.paper import matches_paper_setup


def make_mae_row(predictions: pd.DataFrame, record: dict) -> dict:
    """Return one row of mae.csv: predictions of held-out samples, and the record of their model."""
    labels = label_table(record)
    constants = {rule: predict_constant(predictions, labels, rule) for rule in CONSTANT_RULES}
    return {
        **{name: record[name] for name in ("method", "target")},
        **{name: int(record[name]) for name in ("fold", "seed")},
        "mae_stack": mae_stack(predictions),
        "mae_participant": mae_participant(predictions),
        **{f"{rule.lower()}_stack": mae_stack(table) for rule, table in constants.items()},
        **{f"{rule.lower()}_participant": mae_participant(t) for rule, t in constants.items()},
        "n_participants": predictions["participant"].nunique(),
        "n_stacks": len(predictions),
        "pretrained_weights": record["settings"].get("weights", "none"),
        "comparable_to_paper": matches_paper_setup(record),
        **quality_flags(record),
    }


def label_table(record: dict, samples: str = "training") -> pd.DataFrame:
    """Return the labels of a model's `training` or `held_out` samples, a column for each value."""
    labels = pd.DataFrame.from_dict(record[samples], orient="index")
    return labels[record["settings"]["values"]]


def zero_r_losses(records: Iterable[dict]) -> dict[str, list[tuple[int, float]]]:
    """Return the training losses of ZeroR by target, of each fold and each kind of loss."""
    rows = []
    for record in records:
        name = record["settings"]["loss"]
        loss = zero_r_training_loss(label_table(record), name)
        rows.append((record["target"], int(record["fold"]), name, loss))
    losses: dict[str, list] = {}
    for target, fold, _, loss in sorted(set(rows)):
        losses.setdefault(target, []).append((fold, loss))
    return losses
