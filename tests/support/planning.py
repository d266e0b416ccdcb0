"""The jobs of an experiment and what they depend on, planned without Snakemake in milliseconds.

The names of jobs and the files between them are those of the rules; tests/workflow/test_reruns.py
compares both.
"""

import contextlib
import functools
import hashlib
from collections.abc import Collection, Iterator
from itertools import product
from pathlib import Path
from types import SimpleNamespace

from motilens.core.records import write_record
from motilens.pipeline.config import check_config
from motilens.pipeline.experiment import Experiment, weights_name
from motilens.pipeline.load_experiment import load_experiment
from motilens.pipeline.step_dependencies import Dependencies
from support.configs import ROOT, SCHEMA

SCRIPTS, REQUIREMENTS = ROOT / "workflow/scripts", ROOT / "requirements.in"
TABLES = ("compute_errors", "compute_statistics", "make_table1", "summarize_run",
          "plot_learning_curves", "plot_errors", "plot_agreement", "write_report")  # fmt: skip
Job = tuple[str, frozenset]


def job(step: str, **wildcards) -> Job:
    return step, frozenset((name, str(value)) for name, value in wildcards.items())


def list_jobs(experiment: Experiment, on_demand: bool = False) -> Iterator[Job]:
    """Yield every job of `rule all`; on demand also bundles and feature images."""
    samples, seeds = experiment.sample_names, experiment.seeds
    yield job("write_sample_table")
    if experiment.is_simulated:
        yield job("simulate_labels")
    for sample in samples:
        yield from (job(s, sample=sample) for s in ("extract_clips", "plot_contact_sheet"))
        if experiment.is_simulated:
            yield job("simulate_video", sample=sample)
        if experiment.config["baselines"]:
            yield job("track_cells", sample=sample)
    yield from (job("index_clips", group=group) for group in experiment.groups)
    for name, fold, seed in product(experiment.inputs, experiment.folds, seeds):
        if name in experiment.autoencoded:
            yield job("train_autoencoder", input=name, fold=fold, seed=seed)
        yield from fetch_jobs(experiment, name)
    steps = {
        ("train_regressor", "input"): experiment.regressor_methods,
        ("predict_baseline", "baseline"): experiment.baseline_methods,
        ("copy_predictions", "external"): experiment.external_methods,
        ("average_predictions", "ensemble"): experiment.ensemble_methods,
    }
    for (step, key), methods in steps.items():
        for (name, target), fold, seed in product(methods, experiment.folds, seeds):
            yield job(step, **{key: name, "target": target, "fold": fold, "seed": seed})
    yield from map(job, TABLES)
    if experiment.autoencoded:
        yield job("plot_gallery")
    if on_demand:
        yield from (job("make_bundle", method=method) for method in experiment.bundled_methods)
        for name, fold, seed in product(experiment.autoencoded, experiment.folds, seeds):
            yield job("make_feature_images", input=name, fold=fold, seed=seed)


def fetch_jobs(experiment: Experiment, name: str) -> list[Job]:
    """Return the job that gets the pretrained weights of an input type's regressors, if any."""
    regressor = experiment.step_settings("regressor", name)
    weights = weights_name(regressor["weights"])
    fetch = job("fetch_weights", backbone=regressor["backbone"], weights=weights)
    return [] if weights == "none" else [fetch]


@functools.cache
def read_code(step: str) -> dict[str, str]:
    """Return the code of a step, read once for all plans."""
    return Dependencies(SimpleNamespace(config={}), SCRIPTS, REQUIREMENTS).code(step)


class EditedCode(Dependencies):
    """Dependencies after an edit of a file that is code of some steps (`edited`).

    What a job depends on is looked up once: many steps ask for that of all models.
    """

    def __init__(self, experiment: Experiment, edited: Collection[str] = ()):
        super().__init__(experiment, SCRIPTS, REQUIREMENTS)
        self.edited, self.known = edited, {}

    def code(self, step):
        return read_code(step) | ({"edited": "yes"} if step in self.edited else {})

    def of_step(self, step, wildcards):
        key = job(step, **wildcards)
        if key not in self.known:
            self.known[key] = super().of_step(step, wildcards)
        return self.known[key]


def plan(config: dict, folder: Path) -> tuple[dict[Job, dict], Experiment]:
    """Return what each job depends on, and the experiment; paths in `config` begin in `folder`."""
    with contextlib.chdir(folder):
        config = check_config(config, SCHEMA)
        experiment = load_experiment(config, folder)
    return depend(EditedCode(experiment), folder / config["results"]), experiment


def depend(dependencies: Dependencies, results: Path, on_demand: bool = False) -> dict[Job, dict]:
    """Return what each job depends on, given the records of clips in `results`."""
    results.mkdir(parents=True, exist_ok=True)
    with contextlib.chdir(results):
        jobs = dict.fromkeys(list_jobs(dependencies.experiment, on_demand))
        return {j: dependencies.of_step(j[0], dict(j[1])) for j in jobs}


def write_clip_records(experiment: Experiment, results: Path) -> None:
    """Write what a run leaves of the clips of all samples."""
    for sample in experiment.sample_names:
        digest = hashlib.sha256(sample.encode()).hexdigest()
        record = {"sample": sample, "content_sha256": digest}
        write_record(results / "clips" / f"{sample}.json", record)


def stale_jobs(before: dict, after: dict, experiment: Experiment) -> set[Job]:
    """Return the jobs that run again: what they depend on has changed, or a file that they read."""
    stale = {j for j, depends_on in after.items() if before.get(j) != depends_on}
    fetches = {name: fetch_jobs(experiment, name) for name in experiment.inputs}
    makers = {j: list_makers(j, experiment, fetches) for j in after}
    while new := {j for j in after.keys() - stale if stale.intersection(makers[j])}:
        stale |= new
    return stale


def list_makers(reader: Job, experiment: Experiment, fetches: dict) -> list[Job]:
    """Return who makes the files that are compared by time, or read through the checkpoint."""
    (step, wildcards), makers = reader, []
    read = dict(wildcards)
    index = {group: job("index_clips", group=group) for group in experiment.groups}
    if step == "extract_clips":
        makers = [job("simulate_video", **read)]
    elif step == "plot_contact_sheet":
        makers = [job("extract_clips", **read)]
    elif step == "index_clips":
        makers = [job("extract_clips", sample=s) for s in experiment.groups[read["group"]]]
    elif step == "plot_gallery":
        makers = [index["gallery"], index["training1"]]
    elif step == "train_autoencoder":
        makers = [index[f"training{read['fold']}"]]
    elif step in ("train_regressor", "predict_baseline", "copy_predictions", "average_predictions"):
        makers = [index["all"], index[f"training{read['fold']}"]]
    elif step == "write_sample_table":
        makers = [job("simulate_labels")]
    elif step == "write_report":
        makers = [*index.values(), *[job("plot_gallery")] * bool(experiment.autoencoded)]
        makers += [job(table) for table in TABLES if table != step]
        makers += [job("plot_contact_sheet", sample=s) for s in experiment.sample_names]
    elif step in (*TABLES, "make_bundle", "make_feature_images"):
        makers = list(index.values())
    if step in ("train_regressor", "average_predictions", "make_bundle", *TABLES):
        makers += [m for name in fetches if read.get("input", name) == name for m in fetches[name]]
    return makers
