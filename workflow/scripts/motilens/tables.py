"""The errors of all models in one table, and the paper's Table 1 beside ours."""

import hashlib
import io
from pathlib import Path

import pandas as pd

from motilens import InputError, metrics
from motilens.metrics import CONSTANTS
from motilens.pages import Page
from motilens.samples import MOTILITY

# Table 1 of Thambawita et al., MediaEval 2019: input -> target -> MAE of folds 1, 2, 3 on VISEM.
PAPER = {
    "I1": {"motility": (13.330, 12.880, 12.840), "morphology": (5.698, 5.748, 5.698)},
    "I2": {"motility": (12.890, 13.010, 13.150), "morphology": (5.573, 5.593, 5.653)},
    "I3": {"motility": (10.850, 11.310, 10.750), "morphology": (5.567, 5.748, 5.580)},
    "I4": {"motility": (9.462, 9.426, 9.393), "morphology": (5.900, 5.738, 5.692)},
}
PAPER_STACKS = {"I1": (1, 1), "I2": (1, 9), "I3": (9, 1), "I4": (18, 1)}  # frames, copies
PAPER_VALUES = {"motility": MOTILITY, "morphology": ("head", "midpiece", "tail")}
AVERAGE = "average"
# By column of mae.csv: what is wrong with a model behind a number.
MARKS = {
    "autoencoder_collapsed": (
        " †",
        "† rests on a collapsed autoencoder: it is dead, or restores frames no better than their "
        "mean grey level, so its feature images carry little or no information.",
    ),
    "regressor_unsound": (
        " ‡",
        "‡ an unsound regressor: it answers all stacks alike, or errs far more on its own training "
        "stacks than in training; or a baseline that found no cell in a sample (`health` in its "
        "`model.json`); or an ensemble of such.",
    ),
}


def read_predictions(path: str, record: dict) -> pd.DataFrame:
    """Predictions as a step wrote them; participants are text.

    Args:
        record: of the regressor or baseline that made them.

    Raises:
        InputError: they are not what it made, or a prediction is no number.
    """
    if not path.endswith("/{input}/{target}/fold{fold}/seed{seed}.csv".format_map(record)):
        raise InputError(
            f"{path}: the record beside its model is of another one ({record['input']}, "
            f"{record['target']}, fold {record['fold']}, seed {record['seed']}): delete both and "
            "run again"
        )
    content = Path(path).read_bytes()
    if hashlib.sha256(content).hexdigest() != record["predictions_sha256"]:
        raise InputError(
            f"{path} is not what the model made ({record['input']}, fold {record['fold']}, seed "
            f"{record['seed']}): delete it and run again"
        )
    predictions = pd.read_csv(io.BytesIO(content), dtype={"participant": str, "sample": str})
    if predictions.isna().any(axis=None):
        raise InputError(f"{path}: a prediction is no number: see the model's health")
    return predictions


def error_row(predictions: pd.DataFrame, record: dict) -> dict:
    """One row of mae.csv (docs/formats.md) from a regressor's predictions and record.

    Args:
        predictions: of the held-out samples, as `predictions.prediction_table` makes them.
        record: of the regressor; holds the labels of its training.
    """
    labels = training_labels(record)
    constants = {rule: metrics.constant(predictions, labels, rule) for rule in CONSTANTS}
    return {
        **{name: record[name] for name in ("input", "target")},
        **{name: int(record[name]) for name in ("fold", "seed")},
        "mae_stack": metrics.mae_stack(predictions),
        "mae_participant": metrics.mae_participant(predictions),
        **{f"{rule.lower()}_stack": metrics.mae_stack(made) for rule, made in constants.items()},
        **{
            f"{rule.lower()}_participant": metrics.mae_participant(made)
            for rule, made in constants.items()
        },
        "n_participants": predictions["participant"].nunique(),
        "n_stacks": len(predictions),
        "weights": record["settings"]["weights"],
        "papers": _is_papers(record),
        **troubles(record),
    }


def troubles(record: dict) -> dict[str, bool]:
    """What is wrong with a regressor or baseline, by the names of MARKS."""
    return {
        "autoencoder_collapsed": record["autoencoder_collapsed"],
        "regressor_unsound": any(record["health"][kind] for kind in ("problem", "warning")),
    }


def _is_papers(record: dict) -> bool:
    """Are input type and target called as the paper's, and are they that?"""
    encoder = record.get("architecture", {}).get("encoder", {})
    stack = encoder.get("frames"), encoder.get("copies")
    name = record["input"]
    values = PAPER_VALUES.get(record["target"])
    return (
        encoder.get("model") == "autoencoder"
        and PAPER_STACKS.get(name) == stack
        and sorted(record["settings"]["values"]) == sorted(values or ())
    )


def training_labels(record: dict) -> pd.DataFrame:
    """What a regressor was trained with: a row a sample, a column a value."""
    labels = pd.DataFrame.from_dict(record["training"], orient="index")
    return labels[record["settings"]["values"]]


def table1(mae: pd.DataFrame) -> pd.DataFrame:
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
        for rule in CONSTANTS
    ]
    all_rows, rows = pd.concat([*constants, mae]), []
    for name in all_rows["input"].unique():
        chosen = all_rows[all_rows["input"] == name]
        rows += [_row(chosen[chosen["fold"] == fold], fold) for fold in sorted(set(chosen["fold"]))]
        rows.append(_row(chosen, AVERAGE))
    return pd.DataFrame(rows).assign(folds=mae["folds"].iloc[0])


def _row(chosen: pd.DataFrame, fold) -> dict:
    row = {"input": chosen["input"].iloc[0], "fold": str(fold)}
    for target, errors in chosen.groupby("target", sort=False):
        by_fold = errors.groupby("fold")[["mae_stack", "mae_participant"]].mean().mean()
        row[f"{target}_stack"] = by_fold["mae_stack"]
        row[f"{target}_participant"] = by_fold["mae_participant"]
        row[f"{target}_paper"] = (
            _paper(row["input"], target, fold) if errors["papers"].all() else None
        )
        row[f"{target}_collapsed"] = int(errors["autoencoder_collapsed"].sum())
        row[f"{target}_unsound"] = int(errors["regressor_unsound"].sum())
    return row


def _paper(name: str, target: str, fold) -> float | None:
    folds = PAPER.get(name, {}).get(target)
    if not folds:
        return None
    if fold == AVERAGE:
        return sum(folds) / len(folds)
    return folds[fold - 1] if fold <= len(folds) else None


def page(table: pd.DataFrame, mae: pd.DataFrame, simulated: bool) -> Page:
    """Table 1 as people read it, with what must be known beside it."""
    targets = list(dict.fromkeys(mae["target"]))
    shown = pd.DataFrame({"Input": table["input"], "Fold": table["fold"]})
    for target in targets:
        mark = pd.Series("", table.index)
        for why, (sign, _) in MARKS.items():
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
    notes += [text for name, (_, text) in MARKS.items() if mae[name].any()]
    return Page("Table 1", [("", shown.fillna(""))], notes)
