"""The samples: which there are, whose they are, in which folds."""

import asyncio

import pandas as pd
from snakemake.io import IOCache

from motilens.core.labels import LABELS as ALL_LABELS
from motilens.dataset.samples import read_samples
from motilens.pipeline.config import find_future_tables


def stored_videos(folder):
    """What a folder of an object store holds: size (bytes) and time of each file, by its name.

    By one request for all, where the plugin can list. None if the folder is an ordinary one.
    """
    if not video_files.is_storage_url(folder):
        return None
    if set(folder) & set("#?"):
        raise InputError(f"dataset.videos: {folder}: # and ? end an address: rename the folder")
    remedy = "correct it, or the store's address and keys (docs/own_data.md)"
    try:
        somewhere = storage(f"{folder.rstrip('/')}/.listed").flags["storage_object"]
        found = IOCache(max_wait_time=None)
        asyncio.run(somewhere.inventory(found))
        if not found.mtime:  # of what went wrong while listing, nothing has been said
            somewhere.exists()
    except Exception as error:  # whatever a plugin raises
        message = " ".join(str(error).split())
        raise InputError(
            f"dataset.videos: {folder} cannot be listed ({type(error).__name__}: {message}): {remedy}"
        ) from error
    here = somewhere.local_path().parent
    paths = [path for path in found.mtime if Path(path).is_relative_to(here)]
    if not paths:
        raise InputError(
            f"dataset.videos: no file is seen in {folder}: {remedy}; videos at the top of a bucket, "
            "in no folder of it, cannot be listed"
        )
    return {
        str(Path(path).relative_to(here)): {
            "size": found.size[path],
            "changed": found.mtime[path].storage(),
        }
        for path in paths
    }


try:
    STORED = stored_videos(config["dataset"].get("videos"))
except InputError as error:
    stop(error)


def in_store(sample):
    """The entry of a sample's video in STORED."""
    folder = config["dataset"]["videos"]
    return STORED[os.path.normpath(os.path.relpath(SAMPLES["video"][sample], folder))]


def sample_table():
    """Samples with videos, labels and folds: they decide which jobs there are.

    A simulated data set is known before its files are made.
    """
    needed, warnings = sorted(set().union(*config["targets"].values())), []
    if SIMULATED:
        from motilens.simulation.visem_files import simulated_sample_table

        table = simulated_sample_table(SIMULATED["participants"], SIMULATED["seed"], VIDEOS)
        problems = []
    else:
        # What is in the videos is looked at once, not again by each job.
        table, problems, warnings = read_samples(
            config["dataset"], needed, compare=workflow.is_main_process, stored=STORED
        )
    number, participants = config["folds"]["number"], list(dict.fromkeys(table["participant"]))
    if "file" in config["folds"]:
        named = config["dataset"].get("columns")
        split, more = splits.read_folds_table(config["folds"]["file"], participants, number, named)
        problems += more
    elif not problems:
        balanced = table[["participant", *(name for name in ALL_LABELS if name in table)]]
        split = splits.load_or_make_split(balanced, number, config["folds"]["seed"], config["results"])
    if workflow.is_main_process:  # a node's clock may be slow
        problems += find_future_tables(config)
    if problems:
        lines = natural(set(problems))
        raise InputError("the data set cannot be used:\n  " + "\n  ".join(lines))
    if workflow.is_main_process:
        for line in warnings:
            logger.warning(f"WARNING: {line}")
        sizes = ", ".join(map(str, pd.Series(participants).map(split).value_counts()))
        logger.info(
            f"{len(table)} videos of {len(participants)} participants; folds of {sizes} participants"
        )
    return table.assign(fold=table["participant"].map(split)), warnings


try:
    SAMPLES, WARNINGS = (
        sample_table()
        if not FETCH
        else (pd.DataFrame(columns=["participant", "video", "fold"]), [])
    )
except InputError as error:
    stop(error)

ROWS = {
    sample: {name: value for name, value in row.items() if value == value}  # NaN is not
    for sample, row in SAMPLES.to_dict("index").items()
}
FOLDS_OF = dict(zip(SAMPLES["participant"], SAMPLES["fold"].map(int)))


def held_out(fold):
    return list(SAMPLES.index[SAMPLES["fold"] == int(fold)])


def training(fold):
    return list(SAMPLES.index[SAMPLES["fold"] != int(fold)])
