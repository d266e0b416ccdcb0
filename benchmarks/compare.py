"""Rows of several runs of the same participants and folds, side by side (docs/study.md).

    .venv/bin/python benchmarks/compare.py --folds 1,3 results/study_256:I1,pca results/a:cells

Then: the pairs, with intervals and tests as in tables/statistics.md, adjusted for those shown.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

from motilens import InputError, statistics, step, tables  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="+", help="folder of results:row,row,...")
    parser.add_argument("--target", default="motility")
    parser.add_argument("--folds", default="1,2,3")
    told = parser.parse_args()
    try:
        table = together(told.rows, told.target, sorted(set(told.folds.split(","))))
    except InputError as error:
        sys.exit(f"ERROR: {error}")
    summary = statistics.summary(table)
    whole = (summary["level"] == "participant") & (summary["value"] == statistics.ALL)
    columns = ["input", "participants", "seeds", "mae", "mae_low", "mae_high"]
    for made in (summary.loc[whole, columns], statistics.comparisons(table)):
        print(made.round(4).to_markdown(index=False), end="\n\n")


def together(rows: list[str], target: str, folds: list[str]) -> pd.DataFrame:
    """All that was asked for, and ZeroR and the median, as `statistics.long_table`."""
    parts, labels = {}, {}
    for asked in rows:
        results, _, names = asked.rpartition(":")
        if not results or not all(names.split(",")):
            raise InputError(f"{asked}: say folder:row,row")
        for name in names.split(","):
            called = f"{name} ({results})"
            if called in parts:
                raise InputError(f"{called} is asked for twice")
            made = of_row(Path(results), name, target, folds)
            parts[called] = statistics.read_all(*zip(*made, strict=True)).assign(input=called)
            for _, record in made:
                fold = int(record["fold"])
                known = tables.training_labels(record)
                if not labels.setdefault((target, fold), known).equals(known):
                    raise InputError(f"{called}: fold {fold} has other participants or labels")
    return statistics.with_constants(pd.concat(parts.values(), ignore_index=True), labels)


def of_row(results: Path, name: str, target: str, folds: list[str]) -> list[tuple[str, dict]]:
    """Predictions of a row, of all its seeds, each with the record of what made them."""
    made = []
    for fold in folds:
        found = sorted((results / "predictions" / name / target / f"fold{fold}").glob("seed*.csv"))
        if not found:
            raise InputError(f"{results} has no predictions of {name}, {target}, fold {fold}")
        for path in found:
            place = f"{name}/{target}/fold{fold}/{path.stem}/model.json"
            kind = "regressors" if (results / "regressors" / place).exists() else "baselines"
            made.append((str(path), step.read_record(str(results / kind / place))))
    return made


if __name__ == "__main__":
    main()
