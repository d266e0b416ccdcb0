"""Rows of several runs of the same participants and folds, side by side (docs/study.md).

    .venv/bin/python benchmarks/compare.py --target motility --folds 1 3 \\
        results/study_256:I1,I4,pca results/study_cpu:cells

A row counts where all its folds are there. Then: the pairs, with intervals and tests as in
tables/statistics.md, adjusted for those shown.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

from motilens import statistics, step, tables  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="+", help="results folder:row,row,...")
    parser.add_argument("--target", default="motility")
    parser.add_argument("--folds", nargs="+", default=["1", "2", "3"])
    told = parser.parse_args()
    parts, labels = [], {}
    for asked in told.rows:
        results, _, names = asked.rpartition(":")
        for name in names.split(","):
            paths, records = of_row(Path(results), name, told.target, told.folds)
            called = f"{name} ({Path(results).name})"
            parts.append(statistics.read_all(paths, records).assign(input=called))
            for record in records:
                key = record["target"], int(record["fold"])
                known = tables.training_labels(record)
                if not labels.setdefault(key, known).equals(known):
                    sys.exit(f"{results}: {name}: fold {key[1]} has other participants or labels")
    table = statistics.with_constants(pd.concat(parts, ignore_index=True), labels)
    for made in (statistics.summary(table), statistics.comparisons(table)):
        if "level" in made:
            made = made[(made["level"] == "participant") & (made["value"] == statistics.ALL)]
            made = made[["input", "participants", "seeds", "mae", "mae_low", "mae_high"]]
        print(made.round(4).to_markdown(index=False), end="\n\n")


def of_row(results: Path, name: str, target: str, folds: list[str]) -> tuple[list, list]:
    """Predictions of a row, of all its seeds, and the records of what made them."""
    pattern = f"{name}/{target}/fold*/seed*.csv"
    found = [
        path
        for path in sorted((results / "predictions").glob(pattern))
        if path.parts[-2].removeprefix("fold") in folds
    ]
    if len({path.parts[-2] for path in found}) < len(folds):
        sys.exit(f"{results}: {name}, {target}: not all of folds {' '.join(folds)} are there")
    records = []
    for path in found:
        fold, seed = path.parts[-2], path.stem
        below = [f"{kind}/{name}/{target}/{fold}/{seed}" for kind in ("regressors", "baselines")]
        places = [results / place / "model.json" for place in below]
        records.append(step.read_record(next(filter(Path.exists, places))))
    return [str(path) for path in found], records


if __name__ == "__main__":
    main()
