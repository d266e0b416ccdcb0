"""Compare methods of several runs of the same participants and folds.

    .venv/bin/python benchmarks/compare.py --folds 1,3 results/study_256:I1,pca results/a:cells

`results/study_256:pca+results/a:cells` is the mean of two methods, as in an ensemble. Predictions
made elsewhere (docs/how-to/extending.md) are `lab:mine` where lab/mine holds them; name a method of
a run, too. The first table says how much better each is than --reference (ZeroR, or a method as it
is printed), the second compares each pair (difference of errors: below 0 the first is better), with
intervals and tests as in tables/statistics.md; p is adjusted as there. Whether methods differ,
only these differences show: intervals of two errors may overlap although the difference is clear.
"""

import argparse
import functools
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.core.command_line import run_command_line
from motilens.core.errors import InputError
from motilens.core.records import read_record
from motilens.evaluation.ensembling import average_predictions
from motilens.evaluation.external_predictions import read_external_predictions
from motilens.evaluation.mae_table import label_table
from motilens.evaluation.metrics import ZERO_R
from motilens.evaluation.results import read_predictions
from motilens.evaluation.statistics import (
    add_constant_rules,
    compare_methods,
    compare_with,
    select_target_rows,
    summarize_errors,
    to_long_table,
)

FORMS = "folder:method,method or folder:method+folder:method"
COLUMNS = ["method", "participants", "seeds", "mae", "mae_low", "mae_high"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("methods", nargs="+", help=f"{FORMS}, where a folder holds results")
    parser.add_argument("--target", default="motility", help="or morphology")
    parser.add_argument("--folds", help="only these: 1,3 (default: all)")
    parser.add_argument("--reference", default=ZERO_R, help="a method as it is printed (ZeroR)")
    arguments = parser.parse_args()
    methods, target = parse_methods(arguments.methods), arguments.target
    given = set(arguments.folds.split(",")) if arguments.folds else find_folds(methods, target)
    table = read_methods(methods, target, sorted(given))
    summary = select_target_rows(summarize_errors(table))[COLUMNS].set_index("method")
    comparisons, reference = compare_methods(table), arguments.reference
    if reference not in summary.index:
        raise InputError(f"--reference {reference}: is none of {', '.join(summary.index)}")
    gains = compare_with(comparisons, reference).droplevel("target").drop(columns="p")
    gains = gains.rename(columns={"difference": f"better than {reference} by"})
    for result in (summary.join(gains).reset_index(), comparisons):
        print(result.round(4).astype(object).fillna("").to_markdown(index=False), end="\n\n")


def parse_methods(arguments: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Return folder and name of each method, or of each member of a mean, by what is printed."""
    methods = {}
    for argument in arguments:
        members = []
        for text in argument.split("+"):
            folder, _, names = text.rpartition(":")
            members.append([(folder, name) for name in names.split(",")])
            if not folder or not all(names.split(",")) or "+" in argument and "," in names:
                raise InputError(f"{argument}: write {FORMS}")
        for group in zip(*members, strict=True):
            label = " + ".join(f"{name} ({folder})" for folder, name in group)
            if label in methods or len(set(group)) < len(group):
                raise InputError(f"{label} is named twice")
            methods[label] = group
    return methods


def read_methods(methods: dict, target: str, folds: list[str]) -> pd.DataFrame:
    """Return all predictions as `to_long_table` does, with those of the constant rules."""
    tables, labels, truth = [], {}, {}
    places = {place: find_external_folder(*place) for group in methods.values() for place in group}
    found = {
        place: find_models(Path(place[0]), place[1], target, folds)
        for place, folder in places.items()
        if not folder
    }
    known = {record["fold"]: record for models in found.values() for _, record in models}
    for place, folder in places.items():
        if folder:
            found[place] = find_external_files(folder, target, folds, known)
    for place, models in found.items():
        check_leftovers(":".join(place), models)
    for label, group in methods.items():
        members = [found[place] for place in group]
        if len({tuple(record["seed"] for _, record in models) for models in members}) > 1:
            raise InputError(f"{label}: the methods have different seeds")
        pairs = [(str(record["fold"]), str(record["seed"])) for _, record in members[0]]
        if len(pairs) != len({fold for fold, _ in pairs}) * len({seed for _, seed in pairs}):
            raise InputError(f"{label}: folds have different seeds: finish the run, or remove some")
        for models in zip(*members, strict=True):
            predictions = [read_model(path, record) for path, record in models]
            table = average_predictions(predictions) if len(models) > 1 else predictions[0]
            tables.append(to_long_table(table, models[0][1]).assign(method=label))
            for _, record in models:
                fold, training = int(record["fold"]), label_table(record)
                held_out = label_table(record, "held_out")
                is_same = labels.setdefault((target, fold), training).equals(training)
                if not (is_same and truth.setdefault(fold, held_out).equals(held_out)):
                    raise InputError(f"{label}: fold {fold} has other participants or labels")
    return add_constant_rules(pd.concat(tables, ignore_index=True), labels)


def check_leftovers(name: str, models: list[tuple[str, dict]]) -> None:
    """Check that all models are of one run: files of folds and seeds of earlier ones stay there."""
    fold_of = {}
    for path, record in models:
        files = f"of an earlier run: delete it, or finish the run ({path}; {models[0][0]})"
        if record["settings"] != models[0][1]["settings"]:
            raise InputError(f"{name}: its models have different settings: one is {files}")
        for row in record["held_out"].values():
            place = record["seed"], row["participant"]
            if fold_of.setdefault(place, record["fold"]) != record["fold"]:
                raise InputError(
                    f"{name}: participant {row['participant']} is held out in two folds: one is "
                    f"{files}"
                )


def find_folds(methods: dict, target: str) -> set[str]:
    """Return all folds of which any method has predictions; 1, to be missed, if there are none."""
    places = {place for group in methods.values() for place in group}
    folders, folds = [Path(*place, target) for place in places], set()
    for results, method in places:
        current = list_current(results, method, target)
        folds |= {name.split("/")[3][4:] for name in current}
        folders += [Path(results, "predictions", method, target)] if not current else []
    return folds | {p.name[4:] for folder in folders for p in folder.glob("fold*")} or {"1"}


def list_current(results: str, method: str, target: str) -> set[str]:
    """Return the records of models (path from results) in the tables of a run, if it has any.

    Those of other folds and seeds were left by earlier runs.
    """
    return {name for name in list_models(results) if name.split("/")[1:3] == [method, target]}


@functools.cache
def list_models(results: str) -> tuple[str, ...]:
    """Return the records of all models in the tables of a run, none without tables."""
    path = Path(results, "tables/mae.json")
    return tuple(read_record(str(path))["models"]) if path.exists() else ()


def find_external_folder(results: str, method: str) -> Path | None:
    """Return the folder of predictions without records, made elsewhere; else None."""
    if any(Path(results).glob(f"*/{method}/*/fold*/seed*/model.json")):
        return None
    folders = (Path(results, *parts, method) for parts in (("predictions",), ()))
    return next((folder for folder in folders if folder.is_dir()), None)


def find_external_files(
    folder: Path, target: str, folds: list[str], known: dict[str, dict]
) -> list[tuple[str, dict]]:
    """Return files (path) made elsewhere, with what a run's record says of their fold."""
    if not known:
        raise InputError(f"{folder}: has no records: name a method of a run of these folds, too")
    models = []
    for fold in folds:
        paths = sorted((folder / target / f"fold{fold}").glob("seed*.csv"))
        if not paths:
            raise InputError(
                f"{folder / target}: no predictions of fold {fold} (fold{fold}/seed0.csv)"
            )
        for path in paths:
            own = {"method": folder.name, "seed": path.stem.removeprefix("seed"), "external": True}
            models.append((str(path), known[fold] | own))
    return models


def read_model(path: str, record: dict) -> pd.DataFrame:
    """Return a model's predictions; those that were made elsewhere are checked."""
    if "external" in record:
        values = record["settings"]["values"]
        return read_external_predictions(path, record["held_out"], values)
    return read_predictions(path, record)


def find_models(
    results: Path, method: str, target: str, folds: list[str]
) -> list[tuple[str, dict]]:
    """Return the predictions (path) and the record of each model, by fold and seed."""
    models, current = [], list_current(str(results), method, target)
    for fold in folds:
        paths = sorted((results / "predictions" / method / target / f"fold{fold}").glob("seed*"))
        if not paths:
            raise InputError(f"{results}: no predictions of {method}, {target}, fold {fold}")
        for path in paths:
            place = f"*/{method}/{target}/fold{fold}/{path.stem}/model.json"
            records = list(results.glob(place))
            if len(records) != 1:
                raise InputError(f"{path}: {len(records)} records ({results}/{place}), not 1")
            if not current or records[0].relative_to(results).as_posix() in current:
                models.append((str(path), read_record(str(records[0]))))
    return models


if __name__ == "__main__":
    run_command_line(main)
