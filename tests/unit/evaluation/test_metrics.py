"""Errors and ZeroR, against numbers worked out by hand."""

import pandas as pd
import pytest

from motilens.evaluation import metrics


@pytest.fixture
def predictions():
    return pd.DataFrame(
        {
            "participant": ["1", "1", "2"], "sample": ["1", "1", "2"], "stack": [0, 1, 0],
            "true_head": [90.0, 90.0, 80.0], "true_tail": [10.0, 10.0, 30.0],
            "predicted_head": [80.0, 100.0, 81.0], "predicted_tail": [10.0, 16.0, 27.0],
        }
    )  # fmt: skip


def test_per_stack_is_the_mean_over_stacks_and_values(predictions):
    assert metrics.mae_stack(predictions) == pytest.approx((10 + 10 + 1 + 0 + 6 + 3) / 6)


def test_per_participant_averages_predictions_first(predictions):
    assert metrics.mae_participant(predictions) == pytest.approx((0 + 1 + 3 + 3) / 4)


def test_participants_have_the_same_weight_whatever_the_number_of_their_samples(predictions):
    again = predictions.iloc[2:].assign(sample="2+2", true_head=70.0)  # 2 has a second video
    table = pd.concat([predictions, again])
    assert metrics.mae_participant(table) == pytest.approx((0 + 3 + (1 + 11) / 2 + 3) / 4)


def test_zero_r_is_the_training_mean(predictions):
    training = pd.DataFrame({"head": [80.0, 100.0], "tail": [0.0, 20.0]}, index=["3", "4"])
    table = metrics.predict_constant(predictions, training, "ZeroR")
    assert table["predicted_head"].tolist() == [90, 90, 90]
    assert metrics.mae_participant(table) == pytest.approx((0 + 10 + 0 + 20) / 4)


def test_training_loss_of_zero_r():
    labels = pd.DataFrame({"progressive": [10.0, 30.0], "immotile": [50.0, 50.0]})
    assert metrics.zero_r_training_loss(labels, "mse") == 50
    assert metrics.zero_r_training_loss(labels, "l1") == 5
