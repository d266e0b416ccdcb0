"""Reading the data set and the folds of a configuration, checked before any job runs."""

import os
from pathlib import Path

import pandas as pd

from motilens.core.errors import InputError
from motilens.core.labels import LABELS
from motilens.core.text import natural_sorted, shorten_list
from motilens.dataset.issues import Issues
from motilens.dataset.samples import read_samples
from motilens.dataset.splits import (
    describe_split_source,
    find_lost_participants,
    load_or_make_split,
    read_folds_table,
    split_path,
)
from motilens.evaluation.external_predictions import read_external_predictions
from motilens.pipeline.consistency import (
    describe_unused_folds,
    find_future_tables,
    find_misplaced_videos,
    find_useless_methods,
)
from motilens.pipeline.experiment import Experiment
from motilens.simulation.visem_files import simulated_sample_table

SIMULATED_VIDEOS = "dataset/videos"  # in the folder of results

EXTERNAL_FILE = "TARGET/fold1/seed0.csv"


def load_experiment(
    config: dict, launch_folder: Path, stored: dict | None = None, is_main: bool = True
) -> Experiment:
    """Read the data set and assign folds.

    Args:
        config, stored: see `Experiment`.
        launch_folder: the current folder.
        is_main: whether this is the process that plans; others need not compare videos again.

    Raises:
        InputError: with a line for each thing that is wrong with the data.
    """
    table, issues = _read_data_set(config, stored, is_main)
    folds = config["folds"]
    if stored is None and not config["dataset"].get("simulated"):
        videos = [launch_folder / path for path in table["video"]]
        issues.errors += find_misplaced_videos(videos, launch_folder / config["results"])
    participants = list(dict.fromkeys(table["participant"]))
    split, source = {}, f"of {folds.get('file')}"
    if "file" in folds:
        columns = config["dataset"].get("columns")
        leave_out = config["dataset"].get("on_unmatched") == "skip"
        split = read_folds_table(
            folds["file"], participants, folds["number"], issues, columns, leave_out
        )
    elif not issues.errors:
        labels = table[["participant", *(name for name in LABELS if name in table)]]
        results = launch_folder / config["results"]
        try:
            path = split_path(results, folds["number"], folds["seed"])
            source = describe_split_source(path, folds["number"], folds["seed"], participants)
            split = load_or_make_split(labels, folds["number"], folds["seed"], results)
            issues.warnings += find_lost_participants(
                split, path, folds["number"], results / "folds.csv"
            )
            issues.warnings += describe_unused_folds(config)
        except InputError as error:
            issues.errors.append(str(error))
    if is_main:  # another host's clock may be slow
        issues.errors += find_future_tables(config)
    # A table of labels and folds is read twice.
    issues.notes = list(dict.fromkeys(issues.notes))
    warnings, notes = list(dict.fromkeys(issues.warnings)), issues.notes
    if not issues.errors:
        samples = table.assign(fold=table["participant"].map(split))
        experiment = Experiment(config, samples, warnings, launch_folder, stored, notes, source)
        predicting = {name for name, _ in experiment.methods}
        no_scale = [name for name in samples.index if not experiment.microns_per_pixel(name)]
        issues.errors += find_useless_methods(config, predicting, no_scale)
        if not experiment.methods and not config["external"]:
            notes.append(
                "no method is named (inputs, baselines, external): only the samples and "
                "folds are written"
            )
        if is_main:
            _check_external_methods(experiment, issues)
    if issues.errors:
        lines = natural_sorted(set(issues.errors)) + [f"WARNING: {line}" for line in warnings]
        raise InputError("\n  ".join(["the data set cannot be used:", *lines, *notes]))
    return experiment


def _read_data_set(config: dict, stored: dict | None, compare: bool) -> tuple[pd.DataFrame, Issues]:
    dataset = config["dataset"]
    if simulated := dataset.get("simulated"):
        # Known before its files are made.
        participants, seed, style = (simulated[k] for k in ("participants", "seed", "style"))
        return simulated_sample_table(participants, seed, SIMULATED_VIDEOS, style), Issues()
    archive = dataset.get("archive")
    for key in ("labels", "videos") if archive and stored is None else ():
        if not Path(dataset[key]).exists():
            size = f"{archive['size'] / 1e9:.1f} GB" if archive.get("size") else "some GB"
            raise InputError(
                f"{dataset[key]}: no such file: correct dataset.{key}, or fetch the data set "
                f"({size}, and as much again to unpack): make fetch CONFIG=..."
            )
    needed = sorted(set().union(*config["targets"].values()))
    needs_videos = bool(config["inputs"] or config["baselines"])
    return read_samples(dataset, needed, compare, stored, needs_videos)


def _check_external_methods(experiment: Experiment, issues: Issues) -> None:
    """Report what is wrong with the files of each external method, and which are not used."""
    for name in experiment.config["external"]:
        targets = [target for method, target in experiment.external_methods if method == name]
        folder = experiment.launch_folder / experiment.config["external"][name]
        if not targets:
            issues.errors.append(
                f"external.{name}: {os.path.relpath(folder)} holds no predictions: name a folder "
                f"that holds {EXTERNAL_FILE} for TARGET {' or '.join(experiment.targets)}"
            )
        used = set()
        for target in targets:
            for fold in experiment.folds:
                for seed in experiment.seeds:
                    used.add(experiment.external_file(name, target, fold, seed))
                    _check_file(experiment, (name, target, fold, seed), issues)
        if targets and (unused := sorted({*folder.rglob("*.csv")} - used)):
            names = shorten_list(str(path.relative_to(folder)) for path in unused)
            issues.notes.append(
                f"external.{name}: not used: {names}: this run has targets "
                f"{', '.join(experiment.targets)}, {len(experiment.folds)} folds and seeds "
                f"{', '.join(map(str, experiment.seeds))}"
            )


def _check_file(experiment: Experiment, model: tuple, issues: Issues) -> None:
    name, target, fold, seed = model
    path, values = experiment.external_file(*model), experiment.config["targets"][target]
    if not path.exists():
        issues.errors.append(
            f"external.{name}: {os.path.relpath(path)} is missing: give one for each fold and seed "
            f"(copies, if the method has no seeds), or remove the folder {target}"
        )
        return
    held_out = {sample: experiment.rows[sample] for sample in experiment.held_out(fold)}
    may_lack = experiment.config["dataset"].get("on_unreadable_video") == "skip"
    try:
        read_external_predictions(os.path.relpath(path), held_out, values, may_lack=may_lack)
    except InputError as error:
        issues.errors.append(str(error))
