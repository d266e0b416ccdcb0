"""What a model may know and what it answers: the same for all kinds of models."""

import numpy as np
import pandas as pd

from motilens import InputError


def check_folds(training: dict, held_out: dict, seen_by_autoencoder: dict) -> None:
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


def prediction_table(
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
