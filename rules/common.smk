"""The configuration, checked, and what follows from it before the data set is looked at."""

import os
import re
import sys
from pathlib import Path

import yaml

BASE = Path(workflow.basedir)
if BASE.name == "workflow":  # by way of workflow/Snakefile
    BASE = BASE.parent
SCRIPTS = BASE / "workflow" / "scripts"
sys.path.insert(0, str(SCRIPTS))

from motilens.core.errors import InputError
from motilens.core.files import process_identity
from motilens.core.records import deep_merge as merged
from motilens.core.text import natural_sorted as natural
from motilens.core.text import shorten_list as listed
from motilens.dataset import splits, video_files
from motilens.pipeline import run_locks, slurm, snakemake_metadata
from motilens.pipeline.config import (
    check_config,
    find_contradictions,
    find_duplicate_keys,
    find_misplaced_paths,
)


def stop(error):
    """End in one message, while no job runs; nothing computed is touched.

    Without places in our rules, which an exception would add: the mistake is not there.
    """
    print(f"ERROR: {error}", file=sys.stderr)
    sys.exit(1)


if re.search(r"\s", sys.executable):
    stop(
        f"{sys.executable}: Snakemake cannot run steps by a Python whose path has a space: set "
        ".venv up in another folder"
    )

try:
    schema = (BASE / "config" / "schema.yaml").read_text(encoding="utf-8")
    config.update(check_config(config, yaml.safe_load(schema)))
    if workflow.storage_settings.default_storage_provider is not None:
        raise InputError(
            "results cannot lie in an object store (--default-storage-provider): the plan reads "
            "them. Videos can: dataset.videos (docs/own_data.md)"
        )
    files = filter(os.path.exists, workflow.overwrite_configfiles or ["config/config.yaml"])
    if video_files.is_storage_url(config["results"]):
        raise InputError("results: cannot lie in an object store: name a folder")
    wrong = [line for path in files for line in find_duplicate_keys(path)]
    if wrong := wrong + find_misplaced_paths(config, BASE) + find_contradictions(config):
        raise InputError("\n  ".join(["the configuration cannot be used:", *wrong]))
except InputError as error:
    stop(error)

config["results"] = str(Path(config["results"]))  # ./results/ is results

# A scheduler takes the jobs: only then is their number limited (jobs: in its profile).
ON_CLUSTER = workflow.resource_settings.nodes is not None
NO_RUN = r"-[a-zA-Z]*n[a-zA-Z]*|--(dry-?run|unlock|touch|summary|detailed-summary|lint|report)"
ONLY_PLANNED = not workflow.is_main_process or any(
    re.fullmatch(NO_RUN, argument) for argument in sys.argv[1:]
)
REPORTED = any(argument.partition("=")[0] == "--report" for argument in sys.argv[1:])

os.environ[run_locks.RUN_VARIABLE] = process_identity()
if workflow.is_main_process:
    ALONE = run_locks.acquire_workdir_lock()
    locked = any(Path(".snakemake/locks").glob("*"))  # then jobs are those of a run that lives
    if ON_CLUSTER and not ONLY_PLANNED and not locked:
        slurm.wait_for_leftover_jobs(os.getcwd(), logger.warning)
    try:
        snakemake_metadata.sync_metadata(config["results"], alone=ALONE)
    except OSError as error:
        stop(
            f"{error.filename or config['results']}: {error.strerror}: make room, or allow writing"
        )
    found = snakemake_metadata.find_untracked_records(config["results"])
    if found and not {"--touch", "--unlock"} & set(sys.argv):
        stop(
            f"nothing says how these were made, in {config['results']}: {listed(found)}. Copy results "
            "with their hidden folder .metadata, or remove these (--touch takes all that is there "
            "for up to date)"
        )

SIMULATED = config["dataset"].get("simulated")
INPUTS = natural(config["inputs"])
CLIP_LENGTH = max(kind["frames"] for kind in config["inputs"].values())
TARGETS = sorted(config["targets"], key=lambda name: (name != "motility", name))  # as in the paper
FOLDS = list(range(1, config["folds"]["number"] + 1))
SEEDS = sorted(config["seeds"])

if SIMULATED:
    LABELS, VIDEOS, VIDEO_LIST = (
        f"{config['results']}/dataset/{name}"
        for name in ("semen_analysis_data.csv", "videos", "videos.csv")
    )
else:
    LABELS, VIDEO_LIST = config["dataset"]["labels"], config["dataset"].get("video_list")

ARCHIVE = config["dataset"].get("archive")
# As long as it is not there: nothing is known of its participants, so nothing else can be planned.
FETCH = bool(ARCHIVE) and not Path(LABELS).exists()
NOT_THERE = f"{LABELS}: no such file: correct dataset.labels" + (
    f", or have the data set fetched ({ARCHIVE['size'] / 1e9:.1f} GB, and as much again to unpack): "
    ".venv/bin/snakemake --cores 1 fetch_dataset, with the same --configfile"
    if FETCH
    else ""
)
if FETCH and not ARCHIVE["licence_accepted"]:
    stop(
        f"{NOT_THERE}. Before that, read its licence ({ARCHIVE['licence']}) and say that you accept "
        "it: dataset.archive.licence_accepted: true"
    )


wildcard_constraints:
    sample="[^/]+",
    input="|".join(INPUTS),
    fold="|".join(map(str, FOLDS)),
    target="|".join(TARGETS),
    seed=r"\d+",
    baseline="|".join(config["baselines"]) or "(?!)",
    ensemble="|".join(config["ensembles"]) or "(?!)",
    group=r"all|gallery|training\d+",
