"""Outputs of several models become one percentage for each value."""

import numpy as np
import pytest

from motilens.core.labels import MOTILITY
from motilens.inference import predictor

OUTPUTS = np.array([[[60.0, 30, 30], [-20, 50, 50]], [[110, 0, 0], [0, 0, -3]]])


def test_motility_adds_up_to_100():
    percentages, empty = predictor.clip_and_normalize(OUTPUTS, list(MOTILITY))
    assert percentages.sum(-1) == pytest.approx(np.full((2, 2), 100.0)) and empty == 0.25
    summary = predictor.summarize_predictions(
        {"motility": percentages}, {"motility": list(MOTILITY)}
    )
    assert sum(value["percent"] for value in summary.values()) == pytest.approx(100)
    assert summary["progressive"]["percent"] == pytest.approx((50 + 0 + 100 + 100 / 3) / 4)


def test_other_percentages_are_clipped():
    percentages, empty = predictor.clip_and_normalize(OUTPUTS[..., :1], ["head"])
    summary = predictor.summarize_predictions({"heads": percentages}, {"heads": ["head"]})["head"]
    assert summary["percent"] == pytest.approx((60 + 0 + 100 + 0) / 4) and empty == 0
    assert summary["std_over_stacks"] == pytest.approx(np.std([80, 0]))
    assert summary["std_over_models"] == pytest.approx(np.std([30, 50]))


def test_a_value_of_two_targets_is_reported_for_both():
    outputs = {"a": np.full((1, 1, 1), 5.0), "b": np.full((1, 1, 2), 7.0)}
    summary = predictor.summarize_predictions(outputs, {"a": ["head"], "b": ["head", "tail"]})
    assert {name: value["percent"] for name, value in summary.items()} == {
        "head (a)": 5, "head (b)": 7, "tail": 7,
    }  # fmt: skip
    assert summary["tail"]["std_over_stacks"] is None


def test_predictions_for_a_whole_video_count_for_each_stack():
    of_stacks, of_video = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0]])
    stacked = predictor.stack_predictions([of_stacks, of_video])
    assert stacked.tolist() == [[[1, 2], [3, 4]], [[5, 6], [5, 6]]]
