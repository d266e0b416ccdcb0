"""The check of predictions that were made elsewhere, before any job runs."""

import os

from motilens.core.errors import InputError
from motilens.core.text import shorten_list
from motilens.dataset.external_predictions import read_external_predictions
from motilens.dataset.issues import Issues
from motilens.pipeline.experiment import Experiment

FORM = "TARGET/fold1/seed0.csv"


def check_external_methods(experiment: Experiment, issues: Issues) -> None:
    """Report what is wrong with the files of each external method, and which are not used."""
    for name in experiment.config["external"]:
        targets = [target for method, target in experiment.external_methods if method == name]
        folder = experiment.launch_folder / experiment.config["external"][name]
        if not targets:
            issues.errors.append(
                f"external.{name}: {os.path.relpath(folder)} holds no predictions: name a folder "
                f"that holds {FORM} for TARGET {' or '.join(experiment.targets)}"
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
            f"(of a method without seeds copies), or remove the folder {target}"
        )
        return
    held_out = {sample: experiment.rows[sample] for sample in experiment.held_out(fold)}
    may_lack = experiment.config["dataset"].get("on_unreadable_video") == "skip"
    try:
        read_external_predictions(os.path.relpath(path), held_out, values, may_lack=may_lack)
    except InputError as error:
        issues.errors.append(str(error))
