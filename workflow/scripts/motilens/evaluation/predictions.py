"""Tables of predictions, and the check that no participant crosses folds."""

import numpy as np
import pandas as pd

from motilens.core.errors import InputError


def check_no_leakage(training: dict, held_out: dict, seen_by_encoder: dict) -> None:
    """Check that no participant crosses folds, and that no sample is lost on the way.

    All are by sample, with its `participant` among others.

    Raises:
        InputError: somebody is on both sides, the encoder did not see exactly the training
            samples, or one side is empty.
    """
    seen = {row["participant"] for side in (training, seen_by_encoder) for row in side.values()}
    if leaked := seen & {row["participant"] for row in held_out.values()}:
        raise InputError(
            f"held-out participants {sorted(leaked)} were seen in training: the error would be "
            "too good to be true. Delete the autoencoders of this fold and run again"
        )
    if differing := sorted(seen_by_encoder.keys() ^ training.keys()):
        raise InputError(
            f"regressor and autoencoder were given different samples: {differing}: delete "
            "the autoencoders of this fold and run again"
        )
    if not held_out or not training:
        raise InputError(
            "no sample is left to hold out or to train on, too many videos were skipped: replace "
            "them, or lower folds.number"
        )


def make_prediction_table(
    keys: list, samples: pd.DataFrame, values: list[str], predicted: np.ndarray
) -> pd.DataFrame:
    """Set true beside predicted values.

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
    outputs = pd.DataFrame(predicted, columns=values).add_prefix("predicted_")
    return pd.concat([table, true, outputs], axis=1)
