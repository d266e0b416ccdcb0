"""How sure the errors are: intervals over participants, paired comparisons, agreement.

Participants are what is drawn from a population; stacks of one participant are not independent,
nor are seeds. So every interval and test is over participants, each held out once.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from motilens import tables
from motilens.metrics import CONSTANTS, ZERO_R
from motilens.pages import Page

RESAMPLES = 9999
ALIKE = 1e-9  # percentage points: what differs less is the same, but for rounding
ALL = "all"  # the values of a target together


def read_all(paths: Iterable[str], records: Iterable[dict]) -> pd.DataFrame:
    """The predictions of these regressors and baselines in one `long_table`."""
    parts = [
        long_table(tables.read_predictions(path, record), record)
        for path, record in zip(paths, records, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def long_table(predictions: pd.DataFrame, record: dict) -> pd.DataFrame:
    """One regressor's predictions, a row a value: the form that all functions here take.

    Returns:
        Columns input, target, fold, seed, participant, sample, stack, value, true, predicted.
    """
    keys = {name: record[name] for name in ("input", "target")}
    keys |= {name: int(record[name]) for name in ("fold", "seed")}
    parts = [
        predictions[["participant", "sample", "stack"]].assign(
            **keys,
            value=value,
            true=predictions[f"true_{value}"],
            predicted=predictions[f"predicted_{value}"],
        )
        for value in record["settings"]["values"]
    ]
    return pd.concat(parts, ignore_index=True)


def sample_means(table: pd.DataFrame) -> pd.DataFrame:
    """One answer for a sample, what a laboratory would see: the mean over its stacks."""
    keys = ["input", "target", "fold", "seed", "participant", "sample", "value"]
    return table.groupby(keys, sort=False, as_index=False)[["true", "predicted"]].mean()


def with_constants(table: pd.DataFrame, labels: dict[tuple, pd.DataFrame]) -> pd.DataFrame:
    """The rules that answer one number to everything, as further inputs before the others.

    Args:
        table: of all regressors, see `long_table`.
        labels: of the training samples, by target and fold; a column for each value.
    """
    first = table["input"].iloc[0]
    rows = table[(table["input"] == first) & (table["seed"] == table["seed"].min())]
    cases = list(zip(rows["target"], rows["fold"], rows["value"], strict=True))
    made = []
    for name, rule in CONSTANTS.items():
        answers = {key: rule(known) for key, known in labels.items()}
        predicted = [answers[target, fold][value] for target, fold, value in cases]
        made.append(rows.assign(input=name, predicted=predicted))
    return pd.concat([*made, table], ignore_index=True)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Errors and agreement of each input and target, per stack and per participant.

    Returns:
        Columns input, target, value (of the target, or "all" together), level (stack, or
        participant: after `sample_means`), participants, seeds; mae, participants alike, with its
        interval mae_low, mae_high (95 %, bootstrap over participants) and mae_of_seeds (standard
        deviation over seeds); rmse, bias (mean of predicted - true); and of single values r2,
        correlation (Pearson), limits_low and limits_high (of agreement, bias -+ 1.96 standard
        deviations; Bland and Altman, Lancet 1986), slope and intercept (of true over predicted: 1
        and 0 if the predictions are calibrated). Means over seeds. Empty where nothing varies.
    """
    rows = []
    for level, cases in (("stack", table), ("participant", sample_means(table))):
        for (name, target), chosen in cases.groupby(["input", "target"], sort=False):
            values = list(dict.fromkeys(chosen["value"]))
            for value in (ALL, *values) if len(values) > 1 else values:
                part = chosen if value == ALL else chosen[chosen["value"] == value]
                rows.append({"input": name, "target": target, "value": value, "level": level})
                rows[-1] |= _of_errors(part) | _of_agreement(part, pooled=value == ALL)
    return pd.DataFrame(rows)


def comparisons(table: pd.DataFrame) -> pd.DataFrame:
    """Each pair of inputs on the same participants, for each target.

    Returns:
        Columns target, first, second, difference (of the mean absolute errors per participant,
        first - second: below 0 the first is better) with its interval low, high (95 %, bootstrap
        over participants), p (two-sided permutation test of pairs), p_adjusted (for all rows
        together; Benjamini and Hochberg 1995).
    """
    rows = []
    for target, chosen in sample_means(table).groupby("target", sort=False):
        errors = {
            name: participant_errors(part) for name, part in chosen.groupby("input", sort=False)
        }
        for first, second in combinations(errors, 2):
            pair = errors[first], errors[second].reindex(errors[first].index)
            low, high = interval(pair[0] - pair[1])
            rows.append(
                {
                    "target": target,
                    "first": first,
                    "second": second,
                    "difference": (pair[0] - pair[1]).mean(),
                    "low": low,
                    "high": high,
                    "p": _paired(*pair),
                }
            )
    made = pd.DataFrame(rows)
    return made.assign(p_adjusted=stats.false_discovery_control(made["p"]))


def participant_errors(cases: pd.DataFrame) -> pd.Series:
    """Mean absolute error of each participant, over values, stacks and seeds."""
    return (cases["predicted"] - cases["true"]).abs().groupby(cases["participant"]).mean()


def interval(of_participants: pd.Series) -> tuple[float, float]:
    """95 % of the means that other participants of the same kind would give (percentiles)."""
    if len(of_participants) < 2:
        return float("nan"), float("nan")
    found = stats.bootstrap(
        (of_participants.to_numpy(),), np.mean, n_resamples=RESAMPLES, method="percentile", rng=0
    )
    return tuple(map(float, found.confidence_interval))


def _paired(first: pd.Series, second: pd.Series) -> float:
    if np.array_equal(first, second):
        return 1.0
    tested = stats.permutation_test(
        (first.to_numpy(), second.to_numpy()),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=0,
    )
    return float(tested.pvalue)


def _of_errors(cases: pd.DataFrame) -> dict:
    low, high = interval(participant_errors(cases))
    by_seed = cases.groupby("seed")[["participant", "true", "predicted"]].apply(
        lambda one: participant_errors(one).mean()
    )
    return {
        "participants": cases["participant"].nunique(),
        "seeds": len(by_seed),
        "mae": by_seed.mean(),
        "mae_low": low,
        "mae_high": high,
        "mae_of_seeds": by_seed.std(),
    }


def _of_agreement(cases: pd.DataFrame, pooled: bool) -> dict:
    """Means over seeds; of several values together only what does not depend on their spread."""
    found = [_agreement(one["true"], one["predicted"]) for _, one in cases.groupby("seed")]
    made = pd.DataFrame(found).mean()
    return made[["rmse", "bias"]].to_dict() if pooled else made.to_dict()


def _agreement(true: pd.Series, predicted: pd.Series) -> dict:
    difference = predicted - true
    deviation, variance = difference.std(), true.var(ddof=0) * (np.ptp(true) > ALIKE)
    found = {
        "rmse": np.sqrt((difference**2).mean()),
        "r2": 1 - (difference**2).mean() / variance if variance else np.nan,
        "bias": difference.mean(),
        "limits_low": difference.mean() - 1.96 * deviation,
        "limits_high": difference.mean() + 1.96 * deviation,
    }
    if variance and np.ptp(predicted) > ALIKE:
        line = stats.linregress(predicted, true)
        found |= {"correlation": line.rvalue, "slope": line.slope, "intercept": line.intercept}
    else:
        found |= dict.fromkeys(("correlation", "slope", "intercept"), np.nan)
    return found


def of_targets(summed: pd.DataFrame) -> pd.DataFrame:
    """Of a `summary` the rows on participants, and on all values of a target together."""
    chosen = summed[summed["level"] == "participant"]
    several = chosen.groupby(["input", "target"])["value"].transform("nunique") > 1
    return chosen[~several | (chosen["value"] == ALL)]


def marks(records: Iterable[dict]) -> dict[tuple[str, str], set[str]]:
    """By input and target what is wrong with one of its models, by the names of `tables.MARKS`."""
    found = {}
    for record in records:
        wrong = {name for name, is_so in tables.troubles(record).items() if is_so}
        found.setdefault((record["input"], record["target"]), set()).update(wrong)
    return found


def page(
    summed: pd.DataFrame,
    compared: pd.DataFrame,
    notes: Sequence[str],
    marked: dict[tuple[str, str], set[str]],
) -> Page:
    """The errors per participant with their intervals, beside ZeroR, as people read them.

    Args:
        marked: as of `marks`.
    """
    parts, every = [], set().union(*marked.values())
    together = of_targets(summed)
    notes = [*notes, *(text for name, (_, text) in tables.MARKS.items() if name in every)]
    for target, rows in together.groupby("target", sort=False):
        versus = compared[(compared["target"] == target) & (compared["first"] == ZERO_R)]
        versus = versus.set_index("second")
        lines = pd.DataFrame(
            {
                "Input": [name + _signs(marked.get((name, target), ())) for name in rows["input"]],
                "MAE": rows.apply(with_interval, axis=1, names=("mae", "mae_low", "mae_high")),
                "SD over seeds": [f"{x:.2f}" if x == x else "" for x in rows["mae_of_seeds"]],
                "better than ZeroR by": [
                    with_interval(versus.loc[name], ("difference", "low", "high"))
                    if name in versus.index
                    else ""
                    for name in rows["input"]
                ],
                "p, adjusted": [
                    _p(versus.loc[name, "p_adjusted"]) if name in versus.index else ""
                    for name in rows["input"]
                ],
            }
        )
        parts.append((target, lines))
    return Page("How sure the errors are", parts, notes)


def _signs(wrong: Iterable[str]) -> str:
    return "".join(sign for name, (sign, _) in tables.MARKS.items() if name in wrong)


def with_interval(row: pd.Series, names: tuple[str, str, str]) -> str:
    """A number and the ends of its interval, as people read them."""
    return "{:.2f} [{:.2f}, {:.2f}]".format(*row[list(names)])


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
