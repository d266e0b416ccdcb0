"""No participant crosses folds, and predictions stand beside the true values."""

import numpy as np
import pandas as pd
import pytest

from motilens.core.errors import InputError
from motilens.evaluation.predictions import check_no_leakage, make_prediction_table


def samples(*names):
    return {name: {"participant": name.partition("+")[0]} for name in names}


@pytest.mark.parametrize(
    "training, held_out, seen_by_encoder, leaked",
    [
        (["1", "2"], ["3"], ["1", "3"], "3"),
        (["1", "2"], ["2", "3"], ["1"], "2"),
        (["1", "2"], ["2+2"], ["1", "2"], "2"),
    ],
)
def test_participant_on_both_sides_is_an_error(training, held_out, seen_by_encoder, leaked):
    check_no_leakage(samples("1", "2"), samples("3"), samples("2", "1"))
    sides = (samples(*names) for names in (training, held_out, seen_by_encoder))
    with pytest.raises(InputError, match=rf"held-out participants \['{leaked}'\]"):
        check_no_leakage(*sides)


def test_sample_that_the_regressor_was_not_given_is_an_error():
    with pytest.raises(InputError, match=r"different samples: \['1\+2'\]"):
        check_no_leakage(samples("1"), samples("3"), samples("1", "1+2"))


def test_empty_held_out_fold_is_an_error():
    with pytest.raises(InputError, match="no sample is left to hold out"):
        check_no_leakage(samples("1"), {}, samples("1"))


def test_prediction_table_puts_true_beside_predicted():
    labels = pd.DataFrame(
        {"participant": ["7", "10"], "tail": [10.0, 20.0], "head": [90.0, 95.0]}, ["7", "10+2"]
    )
    keys, predicted = [("10+2", 0), ("10+2", 1), ("7", 0)], np.array([[1, 2], [3, 4], [5, 6]])
    table = make_prediction_table(keys, labels, ["head", "tail"], predicted)
    assert list(table) == [
        "participant", "sample", "stack", "true_head", "true_tail", "predicted_head",
        "predicted_tail",
    ]  # fmt: skip
    assert table.iloc[0].tolist() == ["10", "10+2", 0, 95, 20, 1, 2]
    assert table.iloc[2].tolist() == ["7", "7", 0, 90, 10, 5, 6]
