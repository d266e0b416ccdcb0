"""Means of several models' predictions."""

import pandas as pd
import pytest

from motilens.evaluation.ensembling import average_predictions, merge_diagnostics
from support.errors import assert_refused

NETWORK = pd.DataFrame(
    {
        "participant": ["7", "7", "8", "7"], "sample": ["7", "7", "8", "07b"],
        "stack": [0, 1, 0, 0], "true_a": [50.0, 50.0, 20.0, 40.0],
        "predicted_a": [60.0, 40.0, 10.0, 0.0],
    }
)  # fmt: skip
CELLS = NETWORK.iloc[[2, 3, 0]].assign(predicted_a=[30.0, 90.0, 70.0])


def test_each_model_has_the_same_weight_whatever_the_number_of_its_stacks():
    table = average_predictions([NETWORK, CELLS])
    assert table["sample"].tolist() == ["7", "8", "07b"] and table["stack"].tolist() == [0, 0, 0]
    assert table["predicted_a"].tolist() == [60, 20, 45]
    assert list(table) == list(NETWORK) and table["true_a"].tolist() == [50, 20, 40]
    of_three = average_predictions([NETWORK, CELLS, CELLS])
    assert of_three["predicted_a"].tolist() == pytest.approx([190 / 3, 70 / 3, 60])


def test_labels_stay_as_they_are():
    """The mean of three times 33.3 is not 33.3."""
    stacks = pd.concat([NETWORK.iloc[[2]]] * 3).assign(true_a=33.3, predicted_a=[1.0, 2.0, 6.0])
    table = average_predictions([stacks, CELLS.iloc[[0]].assign(true_a=33.3)])
    assert table[["true_a", "predicted_a"]].to_numpy().tolist() == [[33.3, 16.5]]


@pytest.mark.parametrize("other", [CELLS.iloc[:2], CELLS.assign(true_a=50.0)])
def test_predictions_of_other_samples_or_labels_are_not_averaged(other):
    assert_refused("different samples or labels", average_predictions, [NETWORK, other])


def test_an_ensemble_has_the_issues_of_its_members():
    members = [
        {"method": "I4", "diagnostics": {"failure": None, "warning": "not settled"}},
        {"method": "cells", "diagnostics": {"failure": None, "warning": "no cell in 7"}},
    ]
    assert merge_diagnostics(members) == {
        "failure": None, "warning": "I4: not settled; cells: no cell in 7",
    }  # fmt: skip
