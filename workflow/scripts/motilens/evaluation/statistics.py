"""Uncertainty of the errors: intervals over participants, paired comparisons, agreement.

Participants are drawn from a population; stacks of one participant are not independent, nor are
seeds. So every interval and test is over participants, each held out once.
"""

from collections.abc import Iterable
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from motilens.evaluation.metrics import CONSTANT_RULES
from motilens.evaluation.results import read_predictions

N_RESAMPLES = 9999
TOLERANCE = 1e-9  # percentage points: what differs less is the same, but for rounding
AGREEMENT = 1.96  # standard deviations to a limit of agreement (Bland and Altman, Lancet 1986)
ALL_VALUES = "all"  # the values of a target together


def read_all_predictions(paths: Iterable[str], records: Iterable[dict]) -> pd.DataFrame:
    """Return the predictions of these models in one long table, see `to_long_table`."""
    pairs = zip(paths, records, strict=True)
    tables = [to_long_table(read_predictions(path, record), record) for path, record in pairs]
    return pd.concat(tables, ignore_index=True)


def to_long_table(predictions: pd.DataFrame, record: dict) -> pd.DataFrame:
    """Return one model's predictions, a row for each value: the form that all functions here take.

    Returns:
        Columns method, target, fold, seed, participant, sample, stack, value, true, predicted.
    """
    keys = {name: record[name] for name in ("method", "target")}
    keys |= {name: int(record[name]) for name in ("fold", "seed")}
    parts = []
    for value in record["settings"]["values"]:
        numbers = {kind: predictions[f"{kind}_{value}"] for kind in ("true", "predicted")}
        rows = predictions[["participant", "sample", "stack"]]
        parts.append(rows.assign(**keys, value=value, **numbers))
    return pd.concat(parts, ignore_index=True)


def average_over_stacks(table: pd.DataFrame) -> pd.DataFrame:
    """Return one prediction for each sample, what a laboratory would see: the mean over stacks."""
    keys = ["method", "target", "fold", "seed", "participant", "sample", "value"]
    return table.groupby(keys, sort=False, as_index=False)[["true", "predicted"]].mean()


def add_constant_rules(table: pd.DataFrame, labels: dict[tuple, pd.DataFrame]) -> pd.DataFrame:
    """Add the rules that predict one number for everything, as further methods before the others.

    Args:
        labels: of the training samples, by target and fold; a column for each value.
    """
    first = table.groupby("target")["method"].transform("first")  # not all predict all targets
    rows = table[table["method"] == first]
    rows = rows[rows["seed"] == rows.groupby("target")["seed"].transform("min")]
    cases = list(zip(rows["target"], rows["fold"], rows["value"], strict=True))
    parts = []
    for name, rule in CONSTANT_RULES.items():
        constants = {key: rule(values) for key, values in labels.items()}
        predicted = [constants[target, fold][value] for target, fold, value in cases]
        parts.append(rows.assign(method=name, predicted=predicted))
    return pd.concat([*parts, table], ignore_index=True)


def summarize_errors(table: pd.DataFrame) -> pd.DataFrame:
    """Return errors and agreement of each method and target, per stack and per participant.

    Returns:
        Columns method, target, value (of the target, or "all" together), level (stack, or
        participant: after `average_over_stacks`), participants, seeds; mae, participants with the
        same weight, with its interval mae_low, mae_high (of `mean_interval`, never below 0) and
        mae_std_over_seeds (standard deviation over seeds); rmse, bias (mean of predicted - true);
        and of single values r2, correlation (Pearson), limits_low and limits_high (of agreement,
        bias -+ 1.96 standard deviations; Bland and Altman, Lancet 1986), slope and intercept (of
        true over predicted: 1 and 0 if the predictions are calibrated). Means over seeds. Empty
        where nothing varies.
    """
    rows = []
    for level, cases in (("stack", table), ("participant", average_over_stacks(table))):
        for (method, target), group in cases.groupby(["method", "target"], sort=False):
            values = list(dict.fromkeys(group["value"]))
            for value in (ALL_VALUES, *values) if len(values) > 1 else values:
                part = group if value == ALL_VALUES else group[group["value"] == value]
                keys = {"method": method, "target": target, "value": value, "level": level}
                agreement = _agreement_over_seeds(part, pooled=value == ALL_VALUES)
                rows.append(keys | _error_summary(part) | agreement)
    return pd.DataFrame(rows)


def compare_methods(table: pd.DataFrame) -> pd.DataFrame:
    """Compare each pair of methods on the same participants, for each target.

    Returns:
        Columns target, first, second, difference (of the mean absolute errors per participant,
        first - second: below 0 the first is better) with its interval low, high (of
        `mean_interval`), p (two-sided permutation test of pairs), p_adjusted (Benjamini and
        Hochberg 1995: for all comparisons of the same kind, with ZeroR, with the median, or between
        methods).
    """
    rows = []
    for target, group in average_over_stacks(table).groupby("target", sort=False):
        methods = group.groupby("method", sort=False)
        errors = {name: participant_errors(part) for name, part in methods}
        for first, second in combinations(errors, 2):
            pair = errors[first], errors[second].reindex(errors[first].index)
            difference = pair[0] - pair[1]
            interval = mean_interval(difference)
            p = _paired_p_value(*pair)
            rows.append((target, first, second, difference.mean(), *interval, p))
    names = ["target", "first", "second", "difference", "low", "high", "p"]
    comparisons = pd.DataFrame(rows, columns=names)
    kinds = comparisons[["first", "second"]].where(lambda pair: pair.isin([*CONSTANT_RULES]), "")
    adjusted = comparisons.groupby([kinds["first"], kinds["second"]])["p"].transform(
        stats.false_discovery_control
    )
    return comparisons.assign(p_adjusted=adjusted)


def participant_errors(cases: pd.DataFrame) -> pd.Series:
    """Return the mean absolute error of each participant, over values, stacks and seeds."""
    return (cases["predicted"] - cases["true"]).abs().groupby(cases["participant"]).mean()


def compare_with(comparisons: pd.DataFrame, method: str) -> pd.DataFrame:
    """Return how much better each other method is than one of them, by `compare_methods`.

    Returns:
        Indexed by target and method: difference (of errors, the one - the other: above 0 the other
        is better), low, high, p, p_adjusted.
    """
    as_second = comparisons.rename(columns={"first": "second", "second": "first"})
    ends = {name: -comparisons[name] for name in ("difference", "low", "high")}
    as_second = as_second.assign(difference=ends["difference"], low=ends["high"], high=ends["low"])
    both = pd.concat([comparisons, as_second])
    rows = both[both["first"] == method].rename(columns={"second": "method"})
    return rows.drop(columns="first").set_index(["target", "method"])


def mean_interval(errors: pd.Series) -> tuple[float, float]:
    """Return the 95 % interval of the mean that other participants of the same kind would give.

    It is Student's: of few participants, percentiles of a bootstrap are too narrow, and of skewed
    errors, too, this one holds the mean about as often as it says. Of a single one it is NaN.
    """
    if len(errors) < 2:
        return np.nan, np.nan
    half = stats.t.ppf(0.975, len(errors) - 1) * stats.sem(errors)
    return float(errors.mean() - half), float(errors.mean() + half)


def _paired_p_value(first: pd.Series, second: pd.Series) -> float:
    if np.array_equal(first, second):
        return 1.0
    result = stats.permutation_test(
        (first.to_numpy(), second.to_numpy()),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        n_resamples=N_RESAMPLES,
        rng=0,
    )
    return float(result.pvalue)


def _error_summary(cases: pd.DataFrame) -> dict:
    low, high = mean_interval(participant_errors(cases))
    by_seed = pd.Series([participant_errors(group).mean() for _, group in cases.groupby("seed")])
    return {
        "participants": cases["participant"].nunique(),
        "seeds": len(by_seed),
        "mae": by_seed.mean(),
        "mae_low": np.maximum(low, 0),
        "mae_high": high,
        "mae_std_over_seeds": by_seed.std(),
    }


def _agreement_over_seeds(cases: pd.DataFrame, pooled: bool) -> dict:
    """Return means over seeds; of pooled values only what does not depend on their spread."""
    by_seed = [_agreement(group["true"], group["predicted"]) for _, group in cases.groupby("seed")]
    means = pd.DataFrame(by_seed).mean()
    return means[["rmse", "bias"]].to_dict() if pooled else means.to_dict()


def _agreement(true: pd.Series, predicted: pd.Series) -> dict:
    difference = predicted - true
    deviation, variance = difference.std(), true.var(ddof=0) * (np.ptp(true) > TOLERANCE)
    agreement = {
        "rmse": np.sqrt((difference**2).mean()),
        "r2": 1 - (difference**2).mean() / variance if variance else np.nan,
        "bias": difference.mean(),
        "limits_low": difference.mean() - AGREEMENT * deviation,
        "limits_high": difference.mean() + AGREEMENT * deviation,
    }
    line = (np.nan, np.nan, np.nan)
    if variance and np.ptp(predicted) > TOLERANCE:
        fit = stats.linregress(predicted, true)
        line = fit.rvalue, fit.slope, fit.intercept
    return agreement | dict(zip(("correlation", "slope", "intercept"), line, strict=True))


def select_target_rows(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a summary on participants, and on all values of a target together."""
    rows = summary[summary["level"] == "participant"]
    has_several = rows.groupby(["method", "target"])["value"].transform("nunique") > 1
    return rows[~has_several | (rows["value"] == ALL_VALUES)]
