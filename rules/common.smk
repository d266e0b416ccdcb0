"""The configuration and the data set, checked before any job runs, and helpers of the rules."""

import asyncio
import os
import re
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.io import IOCache

BASE = Path(workflow.basedir)
if BASE.name == "workflow":  # by way of workflow/Snakefile
    BASE = BASE.parent
sys.path.insert(0, str(BASE / "workflow/scripts"))

from motilens.core.packages import put_own_packages_first

# For steps, too: unless they have an environment of their own.
put_own_packages_first(not workflow.deployment_settings.deployment_method)

from motilens.clips.records import describe_run_end
from motilens.compute.gpu_lease import list_visible_gpus
from motilens.compute.resources import count_gpus, job_resources, training_memory_mb
from motilens.compute.slurm import list_leftover_jobs
from motilens.compute.time_left import TimeLeft
from motilens.core.errors import InputError
from motilens.core.faults import can_describe, describe_fault, find_write_error
from motilens.core.files import process_identity
from motilens.dataset.video_files import is_storage_url
from motilens.pipeline.call import restore_numbers
from motilens.pipeline.config import check_config, find_misread_parts
from motilens.pipeline.consistency import find_contradictions, find_misplaced_paths
from motilens.pipeline.experiment import weights_name
from motilens.pipeline.job import CONFIG_VARIABLE, LAUNCH_VARIABLE, RUN_VARIABLE
from motilens.pipeline.load_experiment import load_experiment
from motilens.pipeline.snakemake_metadata import check_results, clamp_future_mtimes
from motilens.pipeline.step_dependencies import Dependencies

IS_MAIN = workflow.is_main_process


def stop(error):
    """End in one message, without the places in our rules that an exception would add."""
    print(f"ERROR: {error}", file=sys.stderr)
    sys.exit(1)


def list_store(folder):
    """Return size (bytes) and time of each file in a folder of an object store, by its name.

    None for an ordinary folder. One request for all, where the storage plugin can list.
    """
    if not is_storage_url(folder):
        return None
    if set(folder) & set("#?"):
        raise InputError(f"dataset.videos: {folder}: # and ? end an address: rename the folder")
    remedy = "correct it, or the store's address and keys (docs/how-to/own_data.md)"
    try:
        probe = storage(f"{folder.rstrip('/')}/.listed").flags["storage_object"]
        inventory = IOCache(max_wait_time=None)
        asyncio.run(probe.inventory(inventory))
        if not inventory.mtime:  # nothing has been said of what went wrong while listing
            probe.exists()
    except Exception as error:  # whatever a plugin raises
        message = " ".join(str(error).split())
        raise InputError(
            f"dataset.videos: {folder} cannot be listed ({type(error).__name__}: {message}): {remedy}"
        ) from error
    here = probe.local_path().parent
    paths = [path for path in inventory.mtime if Path(path).is_relative_to(here)]
    if not paths:
        raise InputError(
            f"dataset.videos: no file is seen in {folder}: {remedy}; videos at the top of a bucket, "
            "in no folder of it, cannot be listed"
        )
    listed = {}
    for path in paths:
        size, changed = inventory.size[path], inventory.mtime[path].storage()
        listed[str(Path(path).relative_to(here))] = {"size": size, "changed": changed}
    return listed


# Paths in the configuration begin where Snakemake was called; jobs of it work in the results.
LAUNCH_FOLDER = Path(os.getcwd() if IS_MAIN else os.environ[LAUNCH_VARIABLE])
os.chdir(LAUNCH_FOLDER)
os.environ[LAUNCH_VARIABLE] = str(LAUNCH_FOLDER)
# Steps end with the Snakemake that started them: on a cluster, the one of their job.
os.environ[RUN_VARIABLE] = process_identity()

try:
    if IS_MAIN and workflow.overwrite_workdir:
        raise InputError(
            f"--directory {workflow.overwrite_workdir}: results go to the folder that `results` names "
            "in the configuration. Leave --directory out, or call Snakemake in that folder: "
            f"cd {workflow.overwrite_workdir} && snakemake --snakefile {BASE / 'Snakefile'} ..."
        )
    if re.search(r"\s", sys.executable):
        raise InputError(
            f"{sys.executable}: Snakemake cannot run steps by a Python whose path has a space: set "
            ".venv up in another folder"
        )
    schema = (BASE / "config/schema.yaml").read_text(encoding="utf-8")
    typed = restore_numbers(config, workflow.config_settings.config_args)
    config.update(check_config(typed, yaml.safe_load(schema)))
    if workflow.storage_settings.default_storage_provider is not None:
        raise InputError(
            "results cannot be in an object store (--default-storage-provider): the plan reads "
            "them. Videos can: dataset.videos (docs/how-to/own_data.md)"
        )
    config_files = filter(os.path.exists, workflow.overwrite_configfiles or ["config/config.yaml"])
    texts = {path: Path(path).read_text(encoding="utf-8") for path in config_files}
    if IS_MAIN:
        os.environ[CONFIG_VARIABLE] = " + ".join(Path(path).name for path in texts)
    lines = [line for path, text in texts.items() for line in find_misread_parts(text, path)]
    if lines := lines + find_misplaced_paths(config, BASE) + find_contradictions(config):
        raise InputError("\n  ".join(["the configuration cannot be used:", *lines]))
    weights = config["regressor"]["weights"]
    if isinstance(weights, dict):
        weights["file"] = str(LAUNCH_FOLDER / weights["file"])
    if folder := config.get("plugins"):
        config["plugins"] = str(LAUNCH_FOLDER / folder)  # for jobs, which work in the results
    RESULTS = LAUNCH_FOLDER / config["results"]
    if IS_MAIN and "--touch" not in sys.argv:
        check_results(RESULTS)
    stored = list_store(config["dataset"].get("videos"))
    EXPERIMENT = load_experiment(config, LAUNCH_FOLDER, stored, IS_MAIN)
    if IS_MAIN and (error := find_write_error(RESULTS)):
        raise InputError(f"results: {describe_fault(error, RESULTS)}")
except InputError as error:
    stop(error)
except Exception as error:
    if not can_describe(error):
        raise
    stop(describe_fault(error, "the data set"))


# Snakemake's own records of what is made lie with the results, and go where they go.
workdir: str(RESULTS)


DEPENDENCIES = Dependencies(EXPERIMENT, BASE / "workflow/scripts", BASE / "requirements.in")

if IS_MAIN:
    # workflow/explain.py takes the dependencies from the log record.
    logger.info(EXPERIMENT.describe(), extra={"dependencies": DEPENDENCIES})
    for line in EXPERIMENT.notes:
        logger.info(line)
    for line in EXPERIMENT.warnings:
        logger.warning(f"WARNING: {line}")
    logger.addHandler(TimeLeft(logger.info))

SAMPLES = EXPERIMENT.sample_names


wildcard_constraints:
    sample="[^/]+",
    input="|".join(EXPERIMENT.inputs) or "(?!)",
    fold="|".join(map(str, EXPERIMENT.folds)),
    target="|".join(EXPERIMENT.targets),
    seed=r"\d+",
    baseline="|".join(config["baselines"]) or "(?!)",
    ensemble="|".join(EXPERIMENT.ensembles) or "(?!)",
    external="|".join(config["external"]) or "(?!)",
    group=r"all|gallery|training\d+",


HAS_STARTED = []  # not empty once jobs may run


def depends_on(step):
    """Return the param of a rule: all that its jobs depend on (motilens/pipeline)."""

    def param(wildcards):
        try:
            return DEPENDENCIES.of_step(step, wildcards)
        except (InputError, OSError) as error:
            if not HAS_STARTED:
                stop(error)
            raise WorkflowError(str(error)) from error  # jobs may be running

    return param


def reported(path, category, what):
    """Mark an output as a part of Snakemake's own report."""
    return report(path, category=category, labels={"what": what})


def print_run_end():
    """Print what the user should know about the videos."""
    has_baselines = bool(config["baselines"])
    skip = config["dataset"]["on_unreadable_video"] == "skip"
    try:
        text = describe_run_end("clips", "logs/extract_clips", SAMPLES, has_baselines, skip)
    except InputError as error:  # a damaged record, which its step reports
        text = str(error)
    if text:
        print(f"\n{text}")
