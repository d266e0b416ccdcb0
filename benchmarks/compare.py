"""Rows of several runs of the same participants and folds, side by side (docs/study.md).

    .venv/bin/python benchmarks/compare.py --folds 1,3 results/study_256:I1,pca results/a:cells

`results/study_256:ours+results/a:cells` is the mean of two rows, as in an ensemble.
Then: the pairs, with intervals and tests as in tables/statistics.md, adjusted for those shown.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

from motilens.core.errors import InputError  # noqa: E402
from motilens.core.records import read_record  # noqa: E402
from motilens.evaluation.ensembling import average_predictions  # noqa: E402
from motilens.evaluation.mae_table import training_label_table  # noqa: E402
from motilens.evaluation.predictions import read_predictions  # noqa: E402
from motilens.evaluation.statistics import (  # noqa: E402
    ALL_VALUES,
    add_constant_rules,
    compare_methods,
    summarize_errors,
    to_long_table,
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "rows", nargs="+", help="folder of results:row,row,..., or folder:row+folder:row"
    )
    parser.add_argument("--target", default="motility")
    parser.add_argument("--folds", default="1,2,3")
    told = parser.parse_args()
    try:
        table = together(told.rows, told.target, sorted(set(told.folds.split(","))))
    except InputError as error:
        sys.exit(f"ERROR: {error}")
    summary = summarize_errors(table)
    whole = (summary["level"] == "participant") & (summary["value"] == ALL_VALUES)
    columns = ["input", "participants", "seeds", "mae", "mae_low", "mae_high"]
    for made in (summary.loc[whole, columns], compare_methods(table)):
        print(made.round(4).to_markdown(index=False), end="\n\n")


def together(rows: list[str], target: str, folds: list[str]) -> pd.DataFrame:
    """All that was asked for, and ZeroR and the median, as `statistics.long_table`."""
    parts, labels = {}, {}
    for called, members in asked_for(rows).items():
        made = [of_row(Path(results), name, target, folds) for results, name in members]
        if len({tuple(record["seed"] for _, record in models) for models in made}) > 1:
            raise InputError(f"{called}: its rows have different seeds")
        read = []
        for models in zip(*made, strict=True):
            answers = [read_predictions(*one) for one in models]
            whole = average_predictions(answers) if len(answers) > 1 else answers[0]
            read.append(to_long_table(whole, models[0][1]))
        parts[called] = pd.concat(read).assign(input=called)
        for _, record in (one for models in made for one in models):
            fold = int(record["fold"])
            known = training_label_table(record)
            if not labels.setdefault((target, fold), known).equals(known):
                raise InputError(f"{called}: fold {fold} has other participants or labels")
    return add_constant_rules(pd.concat(parts.values(), ignore_index=True), labels)


def asked_for(rows: list[str]) -> dict[str, list[tuple[str, str]]]:
    """By what it is called, the folder and name of each row, or of each of those averaged."""
    found = {}
    for asked in rows:
        members = []
        for part in asked.split("+"):
            results, _, names = part.rpartition(":")
            if not results or not all(names.split(",")) or "+" in asked and "," in names:
                raise InputError(f"{asked}: say folder:row,row or folder:row+folder:row")
            members.append([(results, name) for name in names.split(",")])
        for one in [sum(members, [])] if len(members) > 1 else [[row] for row in members[0]]:
            called = " + ".join(f"{name} ({results})" for results, name in one)
            if called in found or len({*one}) < len(one):
                raise InputError(f"{called} is asked for twice")
            found[called] = one
    return found


def of_row(results: Path, name: str, target: str, folds: list[str]) -> list[tuple[str, dict]]:
    """Predictions of a row, of all its seeds, each with the record of what made them."""
    made = []
    for fold in folds:
        found = sorted((results / "predictions" / name / target / f"fold{fold}").glob("seed*.csv"))
        if not found:
            raise InputError(f"{results} has no predictions of {name}, {target}, fold {fold}")
        for path in found:
            place = f"{name}/{target}/fold{fold}/{path.stem}/model.json"
            kinds = ("regressors", "baselines", "ensembles")
            kind = next((kind for kind in kinds if (results / kind / place).exists()), kinds[0])
            made.append((str(path), read_record(str(results / kind / place))))
    return made


if __name__ == "__main__":
    main()
