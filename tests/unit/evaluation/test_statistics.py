"""Intervals, comparisons and agreement, against numbers worked out by hand or known from theory."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

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


@pytest.mark.parametrize("participants", [12, 14, 30])
def test_intervals_hold_the_truth_as_often_as_they_say(participants):
    """Percentiles of a bootstrap of 14 participants do in 90 of 100 cases."""
    draw = np.random.default_rng(0)
    first, second = draw.normal(0, 12, (2, 3000, participants))
    for errors, truth in ((np.abs(first), 12 * np.sqrt(2 / np.pi)), (abs(first) - abs(second), 0)):
        intervals = [statistics.mean_interval(pd.Series(row)) for row in errors]
        assert 0.925 < np.mean([low < truth < high for low, high in intervals]) < 0.97


def test_intervals_of_few_participants_are_students_and_of_an_error_never_below_0():
    low, high = statistics.mean_interval(pd.Series([1.0, 2.0, 6.0]))
    half = 4.302653 * np.std([1, 2, 6], ddof=1) / np.sqrt(3)
    assert (low, high) == pytest.approx((3 - half, 3 + half))
    assert all(np.isnan(end) for end in statistics.mean_interval(pd.Series([3.0])))
    assert statistics.mean_interval(pd.Series([2.0, 2.0])) == (2, 2)
    summary = row(statistics.summarize_errors(long_table([1.0, 2.0, 6.0])), level="participant")
    assert (summary["mae_low"], summary["mae_high"]) == (0, pytest.approx(3 + half))


def test_a_method_in_the_middle_is_compared_with_all_others_by_the_same_sign():
    errors = {"A": [5.0, 6.0, 8.0], "B": [3.0, 3.0, 3.0], "C": [1.0, 2.0, 2.0]}
    table = pd.concat([long_table(values, method=name) for name, values in errors.items()])
    comparisons = statistics.compare_methods(table)
    versus = statistics.compare_with(comparisons, "B").loc["motility"]
    assert versus["difference"].to_dict() == pytest.approx({"A": -10 / 3, "C": 4 / 3})
    assert (versus["low"] < versus["difference"]).all() and len(versus) == 2
    assert (versus["difference"] < versus["high"]).all()
    pair = comparisons.set_index(["first", "second"]).loc[("A", "B")]
    assert versus["low"]["A"] == -pair["high"] and versus["p"]["A"] == pair["p"]
    assert statistics.compare_with(comparisons, "D").empty


def test_p_is_adjusted_for_comparisons_of_the_same_kind():
    draw = np.random.default_rng(2)
    parts = [long_table(draw.normal(0, 5, 12), method=name) for name in ("ZeroR", "median", *"ABC")]
    pairs = statistics.compare_methods(pd.concat(parts))
    with_zero_r = pairs[(pairs["first"] == "ZeroR") & (pairs["second"] != "median")]
    expected = stats.false_discovery_control(with_zero_r["p"])
    assert with_zero_r["p_adjusted"].tolist() == pytest.approx(expected)
    between = pairs[~pairs["first"].isin(["ZeroR", "median"])]
    assert between["p_adjusted"].tolist() == pytest.approx(
        stats.false_discovery_control(between["p"])
    )


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
