"""Intervals, comparisons and agreement, against numbers worked out by hand or known from theory."""

import numpy as np
import pandas as pd
import pytest

from motilens.evaluation.statistics import (
    add_constant_rules,
    average_over_stacks,
    bootstrap_interval,
    compare_methods,
    summarize_errors,
    to_long_table,
)


def cases(errors, true=None, name="I1", target="motility", seed=0, value="immotile"):
    """One sample a participant with these errors."""
    count = len(errors)
    who = [f"P{i}" for i in range(count)]
    true = np.linspace(20, 60, count) if true is None else np.asarray(true, float)
    return pd.DataFrame(
        {
            "method": name, "target": target, "fold": np.arange(count) % 3 + 1, "seed": seed,
            "participant": who, "sample": who, "stack": 0, "value": value, "true": true,
            "predicted": true + errors,
        }
    )  # fmt: skip


def row(table, **wanted):
    for name, value in wanted.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_a_regressors_predictions_become_one_row_a_value():
    predictions = pd.DataFrame(
        {
            "participant": "3", "sample": ["3", "3"], "stack": [0, 1], "true_head": 90.0,
            "true_tail": 10.0, "predicted_head": [93.0, 91.0], "predicted_tail": [8.0, 14.0],
        }
    )  # fmt: skip
    record = {"method": "I1", "target": "morphology", "fold": "2", "seed": "0",
              "settings": {"values": ["head", "tail"]}}  # fmt: skip
    table = to_long_table(predictions, record)
    assert len(table) == 4 and set(table["fold"]) == {2}
    means = average_over_stacks(table).set_index("value")["predicted"]
    assert means.to_dict() == {"head": 92, "tail": 11}


def test_constants_answer_the_training_mean_and_median_of_each_fold():
    table = pd.concat([cases([1.0, 2.0, 3.0], seed=seed) for seed in (0, 1)])
    labels = {
        ("motility", fold): pd.DataFrame({"immotile": [fold, fold, fold + 9.0]})
        for fold in (1, 2, 3)
    }
    made = add_constant_rules(table, labels)
    zero_r, median = (made[made["method"] == name] for name in ("ZeroR", "median"))
    assert zero_r["predicted"].tolist() == [4, 5, 6] and set(zero_r["seed"]) == {0}
    assert median["predicted"].tolist() == [1, 2, 3]
    assert len(made) == 12


def test_errors_and_agreement_by_hand():
    table = cases([2.0, -2.0, 4.0, -4.0], true=[10, 20, 30, 40])
    found = row(summarize_errors(table), level="participant")
    assert (found["mae"], found["bias"], found["participants"]) == (3, 0, 4)
    assert found["rmse"] == pytest.approx(np.sqrt(10))
    assert found["r2"] == pytest.approx(1 - 10 / 125)
    spread = np.std([2, -2, 4, -4], ddof=1)
    assert found["limits_high"] == pytest.approx(1.96 * spread) == -found["limits_low"]
    predicted = [12, 18, 34, 36]
    assert found["correlation"] == pytest.approx(np.corrcoef([10, 20, 30, 40], predicted)[0, 1])
    slope, intercept = np.polyfit(predicted, [10, 20, 30, 40], 1)
    assert (found["slope"], found["intercept"]) == pytest.approx((slope, intercept))


def test_stacks_of_one_sample_are_averaged_and_participants_count_alike():
    two = cases([6.0, 0.0])
    stacks = pd.concat([two, two.assign(stack=1, predicted=two["true"] - [2.0, 0.0])])
    second = two.iloc[1:].assign(sample="P1+2", predicted=two["true"].iloc[1] + 4)
    found = summarize_errors(pd.concat([stacks, second]))
    assert row(found, level="participant")["mae"] == pytest.approx((2 + (0 + 4) / 2) / 2)
    assert row(found, level="stack")["mae"] == pytest.approx((4 + (0 + 0 + 4) / 3) / 2)


def test_several_values_together_and_one_by_one():
    table = pd.concat([cases([1.0, 3.0]), cases([5.0, 7.0], value="progressive")])
    found = summarize_errors(table)
    assert row(found, level="stack", value="all")["mae"] == 4
    assert row(found, level="stack", value="immotile")["mae"] == 2
    assert np.isnan(row(found, level="stack", value="all")["r2"])


def test_seeds_are_averaged_and_their_spread_told():
    table = pd.concat([cases([1.0, 1.0]), cases([3.0, 3.0], seed=1)])
    found = row(summarize_errors(table), level="participant")
    assert (found["mae"], found["seeds"]) == (2, 2)
    assert found["mae_of_seeds"] == pytest.approx(np.sqrt(2))


def test_constant_answers_have_no_correlation():
    table = cases(50 - np.linspace(20, 60, 6))
    found = row(summarize_errors(table), level="participant")
    assert np.isnan(found["correlation"]) and np.isnan(found["slope"])
    assert found["r2"] < 0


def test_intervals_hold_the_truth_as_often_as_they_say():
    draw = np.random.default_rng(0)
    errors = draw.exponential(10, (200, 40))
    held = [low < 10 < high for low, high in map(bootstrap_interval, map(pd.Series, errors))]
    assert 0.87 < np.mean(held) <= 1


def test_pairs_are_told_apart_only_where_they_differ():
    draw = np.random.default_rng(1)
    hard = draw.exponential(8, 40)  # some participants are hard for all
    table = pd.concat(
        [
            cases(hard + draw.normal(0, 1, 40), name="A"),
            cases(hard + draw.normal(0, 1, 40), name="B"),
            cases(hard - 2 * np.sign(hard) + draw.normal(0, 1, 40), name="C"),
        ]
    )
    found = compare_methods(table).set_index(["first", "second"])
    same, better = found.loc[("A", "B")], found.loc[("A", "C")]
    assert same["low"] < 0 < same["high"] and same["p_adjusted"] > 0.05
    assert 0 < better["low"] < better["difference"] and better["p_adjusted"] < 0.01
    assert (found["p_adjusted"] >= found["p"]).all()
    again = compare_methods(table).set_index(["first", "second"])
    pd.testing.assert_frame_equal(found, again)


def test_equal_errors_are_no_difference():
    table = pd.concat([cases([1.0, 2.0, 5.0], name=name) for name in "AB"])
    found = compare_methods(table).iloc[0]
    assert (found["difference"], found["p"]) == (0, 1)


def test_one_participant_has_no_interval():
    found = row(summarize_errors(cases([3.0])), level="participant")
    assert found["mae"] == 3 and np.isnan(found["mae_low"])
