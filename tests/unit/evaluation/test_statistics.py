"""Intervals, comparisons and agreement, against numbers worked out by hand or known from theory."""

import numpy as np
import pandas as pd
import pytest

from motilens.evaluation import statistics
from support.predictions import long_table


def row(table, **keys):
    for name, value in keys.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_the_long_table_has_a_row_for_each_value():
    predictions = pd.DataFrame({
        "participant": "3", "sample": ["3", "3"], "stack": [0, 1], "true_head": 90.0,
        "true_tail": 10.0, "predicted_head": [93.0, 91.0], "predicted_tail": [8.0, 14.0],
    })  # fmt: skip
    record = {"method": "I1", "target": "morphology", "fold": "2", "seed": "0"}
    record["settings"] = {"values": ["head", "tail"]}
    table = statistics.to_long_table(predictions, record)
    assert len(table) == 4 and set(table["fold"]) == {2}
    means = statistics.average_over_stacks(table).set_index("value")["predicted"]
    assert means.to_dict() == {"head": 92, "tail": 11}


def test_constant_rules_predict_all_targets_even_if_the_first_method_does_not():
    first = long_table([1.0, 2.0, 3.0], method="speed")
    second = long_table([1.0, 2.0, 3.0], method="I1", target="morphology", value="head")
    labels = {
        (target, fold): pd.DataFrame({value: [10.0, 20.0, 60.0]})
        for target, value in (("motility", "immotile"), ("morphology", "head"))
        for fold in (1, 2, 3)
    }
    table = statistics.add_constant_rules(pd.concat([first, second]), labels)
    of_rule = table[table["method"] == "ZeroR"]
    assert of_rule["target"].tolist() == ["motility"] * 3 + ["morphology"] * 3
    assert set(of_rule["predicted"]) == {30.0}


def test_constant_rules_predict_the_training_mean_and_median_of_each_fold():
    table = pd.concat([long_table([1.0, 2.0, 3.0], seed=seed) for seed in (0, 1)])
    labels = [pd.DataFrame({"immotile": [fold, fold, fold + 9.0]}) for fold in (1, 2, 3)]
    by_fold = {("motility", fold): values for fold, values in enumerate(labels, start=1)}
    table = statistics.add_constant_rules(table, by_fold)
    zero_r, median = (table[table["method"] == name] for name in ("ZeroR", "median"))
    assert zero_r["predicted"].tolist() == [4, 5, 6] and set(zero_r["seed"]) == {0}
    assert median["predicted"].tolist() == [1, 2, 3] and len(table) == 12


def test_errors_and_agreement_by_hand_are_missing_where_they_mean_nothing():
    table = long_table([2.0, -2.0, 4.0, -4.0], true=[10, 20, 30, 40])
    summary = row(statistics.summarize_errors(table), level="participant")
    assert (summary["mae"], summary["bias"], summary["participants"]) == (3, 0, 4)
    assert summary["rmse"] == pytest.approx(np.sqrt(10))
    assert summary["r2"] == pytest.approx(1 - 10 / 125)
    spread = np.std([2, -2, 4, -4], ddof=1)
    assert summary["limits_high"] == pytest.approx(1.96 * spread) == -summary["limits_low"]
    predicted = [12, 18, 34, 36]
    assert summary["correlation"] == pytest.approx(np.corrcoef([10, 20, 30, 40], predicted)[0, 1])
    slope, intercept = np.polyfit(predicted, [10, 20, 30, 40], 1)
    assert (summary["slope"], summary["intercept"]) == pytest.approx((slope, intercept))
    table = long_table(50 - np.linspace(20, 60, 6))
    summary = row(statistics.summarize_errors(table), level="participant")
    assert np.isnan(summary["correlation"]) and np.isnan(summary["slope"]) and summary["r2"] < 0
    summary = row(statistics.summarize_errors(long_table([3.0])), level="participant")
    assert summary["mae"] == 3 and np.isnan(summary["mae_low"])


def test_stacks_samples_values_and_seeds_are_averaged_in_this_order():
    two = long_table([6.0, 0.0])
    stacks = pd.concat([two, two.assign(stack=1, predicted=two["true"] - [2.0, 0.0])])
    second = two.iloc[1:].assign(sample="P1+2", predicted=two["true"].iloc[1] + 4)
    summary = statistics.summarize_errors(pd.concat([stacks, second]))
    assert row(summary, level="participant")["mae"] == pytest.approx((2 + (0 + 4) / 2) / 2)
    assert row(summary, level="stack")["mae"] == pytest.approx((4 + (0 + 0 + 4) / 3) / 2)
    table = pd.concat([long_table([1.0, 3.0]), long_table([5.0, 7.0], value="progressive")])
    summary = statistics.summarize_errors(table)
    assert row(summary, level="stack", value="all")["mae"] == 4
    assert row(summary, level="stack", value="immotile")["mae"] == 2
    assert np.isnan(row(summary, level="stack", value="all")["r2"])
    table = pd.concat([long_table([1.0, 1.0]), long_table([3.0, 3.0], seed=1)])
    summary = row(statistics.summarize_errors(table), level="participant")
    assert (summary["mae"], summary["seeds"]) == (2, 2)
    assert summary["mae_std_over_seeds"] == pytest.approx(np.sqrt(2))


def test_intervals_hold_the_truth_as_often_as_they_say():
    draw = np.random.default_rng(0)
    errors = draw.exponential(10, (200, 40))
    intervals = [statistics.bootstrap_interval(pd.Series(row)) for row in errors]
    assert 0.87 < np.mean([low < 10 < high for low, high in intervals]) <= 1


def test_methods_differ_significantly_only_where_they_differ():
    draw = np.random.default_rng(1)
    hard = draw.exponential(8, 40)  # some participants are hard for all
    errors = {"A": hard, "B": hard, "C": hard - 2 * np.sign(hard)}
    parts = [long_table(e + draw.normal(0, 1, 40), method=name) for name, e in errors.items()]
    table = pd.concat(parts)
    pairs = statistics.compare_methods(table).set_index(["first", "second"])
    same, better = pairs.loc[("A", "B")], pairs.loc[("A", "C")]
    assert same["low"] < 0 < same["high"] and same["p_adjusted"] > 0.05
    assert 0 < better["low"] < better["difference"] and better["p_adjusted"] < 0.01
    assert (pairs["p_adjusted"] >= pairs["p"]).all()
    again = statistics.compare_methods(table).set_index(["first", "second"])
    pd.testing.assert_frame_equal(pairs, again)
    table = pd.concat([long_table([1.0, 2.0, 5.0], method=name) for name in "AB"])
    pair = statistics.compare_methods(table).iloc[0]
    assert (pair["difference"], pair["p"]) == (0, 1)
