"""Table 1: our errors beside the paper's."""

import pandas as pd

from motilens.evaluation.diagnostics import QUALITY_FLAGS
from motilens.evaluation.metrics import CONSTANT_RULES
from motilens.evaluation.paper import AVERAGE, paper_mae
from motilens.reports.page import Page


def make_table1(mae: pd.DataFrame) -> pd.DataFrame:
    """Table 1: constants, then a row for each input and fold and their average, means over seeds.

    Args:
        mae: as made of `error_row`s.

    Returns:
        Columns input, fold (text) and for each target <target>_stack, <target>_participant,
        <target>_paper (empty where the paper has no such figure), <target>_collapsed (how
        many of the models behind it rest on a collapsed autoencoder) and <target>_unsound (how
        many are unsound themselves); folds, the digest of the split.
    """
    constants = [
        mae.assign(
            input=rule,
            papers=False,
            mae_stack=mae[f"{rule.lower()}_stack"],
            mae_participant=mae[f"{rule.lower()}_participant"],
            autoencoder_collapsed=False,
            regressor_unsound=False,
        )
        for rule in CONSTANT_RULES
    ]
    all_rows, rows = pd.concat([*constants, mae]), []
    for name in all_rows["input"].unique():
        chosen = all_rows[all_rows["input"] == name]
        rows += [
            _table1_row(chosen[chosen["fold"] == fold], fold)
            for fold in sorted(set(chosen["fold"]))
        ]
        rows.append(_table1_row(chosen, AVERAGE))
    return pd.DataFrame(rows).assign(folds=mae["folds"].iloc[0])


def _table1_row(chosen: pd.DataFrame, fold) -> dict:
    row = {"input": chosen["input"].iloc[0], "fold": str(fold)}
    for target, errors in chosen.groupby("target", sort=False):
        by_fold = errors.groupby("fold")[["mae_stack", "mae_participant"]].mean().mean()
        row[f"{target}_stack"] = by_fold["mae_stack"]
        row[f"{target}_participant"] = by_fold["mae_participant"]
        row[f"{target}_paper"] = (
            paper_mae(row["input"], target, fold) if errors["papers"].all() else None
        )
        row[f"{target}_collapsed"] = int(errors["autoencoder_collapsed"].sum())
        row[f"{target}_unsound"] = int(errors["regressor_unsound"].sum())
    return row


def build_table1_page(table: pd.DataFrame, mae: pd.DataFrame, simulated: bool) -> Page:
    """Table 1 as people read it, with what must be known beside it."""
    targets = list(dict.fromkeys(mae["target"]))
    shown = pd.DataFrame({"Input": table["input"], "Fold": table["fold"]})
    for target in targets:
        mark = pd.Series("", table.index)
        for why, (sign, _) in QUALITY_FLAGS.items():
            short = why.rpartition("_")[2]
            counts = table[f"{target}_{short}"].fillna(0)  # not every row has every target
            mark += counts.map(lambda count, sign=sign: sign if count else "")
        by_stack, by_participant = (
            table[f"{target}_{level}"].map(lambda x: f"{x:.2f}" if x == x else "")
            for level in ("stack", "participant")
        )
        shown[f"{target}: per stack"] = by_stack + mark
        shown[f"{target}: per participant"] = by_participant + mark
        of_paper = table[f"{target}_paper"]
        if of_paper.notna().any():
            shown[f"{target}: paper"] = of_paper.map("{:.2f}".format, na_action="ignore")
    folds = mae.groupby("fold")[["n_participants", "n_stacks"]].first()
    notes = [
        "Mean absolute error in percentage points, on participants that no model had seen. "
        "*Per stack* is the paper's measure; *per participant* averages the predictions of each "
        "video first. ZeroR always answers the mean of the training samples, *median* their "
        "median: a model that is no better has learned nothing. Averages are over folds, each "
        "alike; `statistics.md` counts participants alike, and differs where folds differ in size.",
        f"{folds['n_participants'].sum()} participants ({folds['n_stacks'].sum()} stacks) in "
        f"{len(folds)} folds; seeds: {', '.join(map(str, sorted(set(mae['seed']))))}; "
        f"pretrained weights: {', '.join(sorted(set(mae['weights'])))}; digest of the folds: "
        f"{mae['folds'].iloc[0]}.",
    ]
    if any(name.endswith(": paper") for name in shown):
        notes.insert(
            1,
            "The paper's figures are its own, on VISEM and on folds that were not published: "
            "compare averages, and only for results on VISEM.",
        )
    if mae.groupby("fold")["n_stacks"].nunique().max() > 1:
        notes.append(
            "Baselines and ensembles give one answer for a sample: both their columns are of that, "
            "so compare them with others *per participant*."
        )
    if left_out := mae["left_out"].fillna("").iloc[0]:
        notes.append(
            f"**Without samples {left_out}**: their videos could not be used "
            "(`dataset.unreadable: leave_out`)."
        )
    if simulated:
        notes.append(
            "**The data are simulated**: these figures show that the pipeline works, not that "
            "the method does."
        )
    notes += [text for name, (_, text) in QUALITY_FLAGS.items() if mae[name].any()]
    return Page("Table 1", [("", shown.fillna(""))], notes)
