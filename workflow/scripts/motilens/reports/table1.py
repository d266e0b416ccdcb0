"""Table 1: our errors, on VISEM beside the paper's."""

import pandas as pd

from motilens.evaluation.diagnostics import QUALITY_FLAGS
from motilens.evaluation.metrics import CONSTANT_RULES
from motilens.evaluation.paper import AVERAGE, PAPER_MAE
from motilens.reports.page import Page
from motilens.reports.statistics_page import list_gains


def make_table1(mae: pd.DataFrame) -> pd.DataFrame:
    """Return Table 1 of mae.csv: a row for each method and fold, and averages; means over seeds.

    Returns:
        Columns method (constant rules first), fold (text) and for each target <target>_stack,
        <target>_participant, <target>_paper (of averages that may be compared),
        <target>_collapsed (how many of the models depend on a collapsed autoencoder) and
        <target>_unsound (how many are unsound themselves); folds, the digest of the split.
    """
    constants = [
        mae.assign(
            method=rule,
            comparable_to_paper=False,
            mae_stack=mae[f"{rule.lower()}_stack"],
            mae_participant=mae[f"{rule.lower()}_participant"],
            **dict.fromkeys(QUALITY_FLAGS, False),
        )
        for rule in CONSTANT_RULES
    ]
    rows = []
    for _, group in pd.concat([*constants, mae]).groupby("method", sort=False):
        rows += [_table1_row(of_fold, fold) for fold, of_fold in group.groupby("fold")]
        rows.append(_table1_row(group, AVERAGE))
    return pd.DataFrame(rows).assign(folds=mae["folds"].iloc[0])


def _table1_row(group: pd.DataFrame, fold: int | str) -> dict:
    method = group["method"].iloc[0]
    row = {"method": method, "fold": str(fold)}
    for target, errors in group.groupby("target", sort=False):
        means = errors.groupby("fold")[["mae_stack", "mae_participant"]].mean().mean()
        is_comparable = fold == AVERAGE and errors["comparable_to_paper"].all()
        row[f"{target}_stack"] = means["mae_stack"]
        row[f"{target}_participant"] = means["mae_participant"]
        row[f"{target}_paper"] = PAPER_MAE[method][target] if is_comparable else None
        for flag in QUALITY_FLAGS:
            row[f"{target}_{_short_name(flag)}"] = int(errors[flag].sum())
    return row


def _short_name(flag: str) -> str:
    return flag.rpartition("_")[2]


def build_table1_page(
    table: pd.DataFrame,
    mae: pd.DataFrame,
    comparisons: pd.DataFrame,
    settings: dict,
) -> Page:
    """Return Table 1 as a page, with paired differences and notes.

    Args:
        table: as of `make_table1`.
        mae: mae.csv.
        comparisons: comparisons.csv.
        settings: reference, a method; simulated; external, the methods made elsewhere, if any.
    """
    shown = pd.DataFrame({"Method": table["method"], "Fold": table["fold"]})
    parts, methods = [("", shown)], pd.Index(table["method"].unique(), name="Method")
    for target in dict.fromkeys(mae["target"]):
        gains = list_gains(comparisons, target, settings["reference"], methods)
        if len(gains.columns):
            parts.append((f"{target}: differences on the same participants", gains.reset_index()))
        signs = pd.Series("", table.index)
        for flag, (sign, _) in QUALITY_FLAGS.items():
            counts = table[f"{target}_{_short_name(flag)}"].fillna(0)  # not all predict all targets
            signs += counts.map(lambda count, sign=sign: sign if count else "")
        for level in ("stack", "participant"):
            errors = table[f"{target}_{level}"].map(lambda x: f"{x:.2f}" if x == x else "")
            shown[f"{target}: per {level}"] = errors + signs
        paper = table[f"{target}_paper"]
        if paper.notna().any():
            shown[f"{target}: paper"] = paper.map("{:.2f}".format, na_action="ignore")
    has_paper = any(name.endswith(": paper") for name in shown)
    notes = _list_notes(mae, has_paper, settings["simulated"])
    notes += describe_external(settings)
    return Page("Table 1", [(heading, part.fillna("")) for heading, part in parts], notes)


def describe_external(settings: dict) -> list[str]:
    """Return a note about methods made elsewhere (`external`), if there are such."""
    if not (names := settings.get("external")):
        return []
    return [
        f"Predictions of {', '.join(names)} were made elsewhere: their participants, folds and "
        "labels were checked, but not what the models had seen in training."
    ]


def _list_notes(mae: pd.DataFrame, has_paper: bool, is_simulated: bool) -> list[str]:
    folds = mae.groupby("fold")[["n_participants", "n_stacks"]].first()
    seeds = ", ".join(map(str, sorted(set(mae["seed"]))))
    weights = ", ".join(sorted(set(mae["pretrained_weights"])))
    notes = [
        "Mean absolute error in percentage points, on participants that no model had seen. "
        "*Per stack* is the paper's measure; *per participant* averages the predictions of each "
        "video first. ZeroR always predicts the mean of the training samples, *median* their "
        "median: a model that is no better has learned nothing. In averages, all folds have the "
        "same weight; in `statistics.md` and in differences all participants have, which matters "
        "where folds differ in size. Differences have 95 % intervals, and an adjusted p."
    ]
    if has_paper:
        notes.append(
            "The paper's figures are averages over three folds of VISEM that were not published: "
            "others were held out together."
        )
    notes.append(
        f"{folds['n_participants'].sum()} participants ({folds['n_stacks'].sum()} stacks) in "
        f"{len(folds)} folds; seeds: {seeds}; pretrained weights: {weights}; digest of the folds: "
        f"{mae['folds'].iloc[0]}."
    )
    if mae.groupby("fold")["n_stacks"].nunique().max() > 1:
        notes.append(
            "Where a method makes one prediction for a sample, as baselines and ensembles do, both "
            "columns show its error, so compare it with others *per participant*."
        )
    if skipped := mae["skipped"].fillna("").iloc[0]:
        notes.append(
            f"**Without samples {skipped}**: their videos could not be used "
            "(`dataset.on_unreadable_video: skip`)."
        )
    if is_simulated:
        notes.append(
            "**The data are simulated**: these figures show that the pipeline works, not that "
            "the method does."
        )
    return notes + [text for name, (_, text) in QUALITY_FLAGS.items() if mae[name].any()]
