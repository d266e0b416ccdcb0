"""The mean of what several models answer."""

import pandas as pd
import pytest

from motilens.core.errors import InputError
from motilens.evaluation.ensembling import average_predictions

NETWORK = pd.DataFrame(
    {
        "participant": ["7", "7", "8", "7"],
        "sample": ["7", "7", "8", "07b"],
        "stack": [0, 1, 0, 0],
        "true_a": [50.0, 50.0, 20.0, 40.0],
        "predicted_a": [60.0, 40.0, 10.0, 0.0],
    }
)
CELLS = NETWORK.iloc[[2, 3, 0]].assign(predicted_a=[30.0, 90.0, 70.0])


def test_each_model_counts_alike_whatever_the_number_of_its_stacks():
    made = average_predictions([NETWORK, CELLS])
    assert made["sample"].tolist() == ["7", "8", "07b"] and made["stack"].tolist() == [0, 0, 0]
    assert made["predicted_a"].tolist() == [60, 20, 45]
    assert list(made) == list(NETWORK) and made["true_a"].tolist() == [50, 20, 40]
    thrice = average_predictions([NETWORK, CELLS, CELLS])
    assert thrice["predicted_a"].tolist() == pytest.approx([190 / 3, 70 / 3, 60])


def test_labels_stay_as_they_are():
    """The mean of three times 33.3 is not 33.3."""
    stacks = pd.concat([NETWORK.iloc[[2]]] * 3).assign(true_a=33.3, predicted_a=[1.0, 2.0, 6.0])
    made = average_predictions([stacks, CELLS.iloc[[0]].assign(true_a=33.3)])
    assert made[["true_a", "predicted_a"]].to_numpy().tolist() == [[33.3, 16.5]]


@pytest.mark.parametrize("other", [CELLS.iloc[:2], CELLS.assign(true_a=50.0)])
def test_answers_to_other_questions_are_not_averaged(other):
    with pytest.raises(InputError, match="different samples or labels"):
        average_predictions([NETWORK, other])
