"""Seeds, batches, learning rates, and the steps at which a model is diagnosed."""

import pytest
import torch

from motilens.training.schedule import (
    is_diagnosis_step,
    learning_rate_factor,
    number_of_batches,
    split_into_batches,
)


@pytest.mark.parametrize(
    "count, size, sizes", [(33, 32, [17, 16]), (3, 2, [3]), (5, 2, [3, 2]), (64, 32, [32, 32])]
)
def test_batches_hold_every_example_once_and_are_of_similar_size(count, size, sizes):
    batches = split_into_batches(torch.arange(count), size)
    assert [len(batch) for batch in batches] == sizes
    assert torch.cat(batches).tolist() == list(range(count))


def test_no_batch_is_of_one_example():
    assert [number_of_batches(5, size) for size in (1, 2, 3, 5, 9)] == [2, 2, 2, 1, 1]


def test_constant_is_constant_and_cosine_rises_then_falls_to_nothing():
    assert {learning_rate_factor("constant", k / 100) for k in range(101)} == {1.0}
    curve = [learning_rate_factor("cosine", k / 1000) for k in range(1001)]
    top = curve.index(max(curve))
    assert 45 <= top <= 55 and max(curve) == pytest.approx(1) and 0 < curve[0] < 0.2
    assert curve[:top] == sorted(curve[:top]) and curve[top:] == sorted(curve[top:], reverse=True)
    assert curve[-1] == pytest.approx(0, abs=1e-9)


def test_a_model_is_diagnosed_early_and_then_less_and_less_often():
    assert [step for step in range(3000) if is_diagnosis_step(step)] == [150, 300, 600, 1200, 2400]
