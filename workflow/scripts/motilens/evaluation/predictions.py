"""Tables of predictions, and the check that no participant crosses folds."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pandas as pd

from motilens.core.errors import InputError


def check_no_leakage(training: dict, held_out: dict, seen_by_autoencoder: dict) -> None:
    """Participants never cross folds, and no sample is lost on the way.

    Args:
        training, held_out, seen_by_autoencoder: by sample, its `participant` among others.

    Raises:
        InputError: somebody is on both sides, the autoencoder did not see exactly the training
            samples, or one side is empty.
    """
    sides = [
        {row["participant"] for row in part.values()}
        for part in (held_out, training, seen_by_autoencoder)
    ]
    leaked = sides[0] & (sides[1] | sides[2])
    if leaked:
        raise InputError(
            f"held-out participants {sorted(leaked)} were seen in training: the error would be "
            "too good to be true. Delete the autoencoders of this fold and run again"
        )
    if differing := sorted(seen_by_autoencoder.keys() ^ training.keys()):
        raise InputError(
            f"regressor and autoencoder were given different samples: {differing}: delete "
            "the autoencoders of this fold and run again"
        )
    if not held_out or not training:
        raise InputError(
            "no sample is left to hold out or to train with, too many videos were left out: mend "
            "them, or lower folds.number"
        )


def make_prediction_table(
    keys: list, samples: pd.DataFrame, values: list[str], predicted: np.ndarray
) -> pd.DataFrame:
    """True beside predicted values.

    Args:
        keys: (sample, stack) of each row of `predicted`.
        samples: by sample: participant, and the true percentages.
        values: the percentages, in the order of `predicted`'s columns.

    Returns:
        Columns participant, sample, stack, true_<value> ..., predicted_<value> ...
    """
    table = pd.DataFrame(keys, columns=["sample", "stack"])
    table.insert(0, "participant", list(samples.loc[table["sample"], "participant"]))
    true = samples.loc[table["sample"], values].add_prefix("true_").reset_index(drop=True)
    shown = pd.DataFrame(predicted, columns=values).add_prefix("predicted_")
    return pd.concat([table, true, shown], axis=1)


def read_predictions(path: str, record: dict) -> pd.DataFrame:
    """Predictions as a step wrote them; participants are text.

    Args:
        record: of the regressor or baseline that made them.

    Raises:
        InputError: they are not what it made, or a prediction is no number.
    """
    if not path.endswith("/{input}/{target}/fold{fold}/seed{seed}.csv".format_map(record)):
        raise InputError(
            f"{path}: the record beside its model is of another one ({record['input']}, "
            f"{record['target']}, fold {record['fold']}, seed {record['seed']}): delete both and "
            "run again"
        )
    content = Path(path).read_bytes()
    if hashlib.sha256(content).hexdigest() != record["predictions_sha256"]:
        raise InputError(
            f"{path} is not what the model made ({record['input']}, fold {record['fold']}, seed "
            f"{record['seed']}): delete it and run again"
        )
    predictions = pd.read_csv(io.BytesIO(content), dtype={"participant": str, "sample": str})
    if predictions.isna().any(axis=None):
        raise InputError(f"{path}: a prediction is no number: see the model's health")
    return predictions
