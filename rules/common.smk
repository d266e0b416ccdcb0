"""The only place that turns the configuration into wildcards, inputs and params."""

import functools
import json
import sys
from pathlib import Path

import yaml

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
sys.path.insert(0, str(SCRIPTS))

from motilens import InputError, code, samples
from motilens.config import check


def stop(error):
    """End in one message, before any job has started; nothing computed is touched."""
    raise WorkflowError(str(error))


try:
    schema = (Path(workflow.basedir) / "config" / "schema.yaml").read_text(encoding="utf-8")
    config.update(check(config, yaml.safe_load(schema)))
    if Path(config["results"]).exists() and not Path(config["results"]).is_dir():
        raise InputError(f"results: {config['results']} is a file: name a folder")
except InputError as error:
    stop(error)

SIMULATED = config["dataset"].get("simulated")
INPUTS = list(config["inputs"])
TARGETS = list(config["targets"])
FOLDS = range(1, config["folds"]["number"] + 1)
SEEDS = config["seeds"]

if SIMULATED:
    LABELS, VIDEOS, VIDEO_LIST = (
        f"{config['results']}/dataset/{name}"
        for name in ("semen_analysis_data.csv", "videos", "videos.csv")
    )
else:
    LABELS, VIDEOS = config["dataset"]["labels"], config["dataset"]["videos"]
    VIDEO_LIST = config["dataset"].get("video_list")


wildcard_constraints:
    participant="[^/]+",
    input="|".join(INPUTS),
    fold="|".join(map(str, FOLDS)),
    target="|".join(TARGETS),
    seed=r"\d+",


def sample_table():
    """Participants, videos, labels and folds: they decide which jobs there are.

    A simulated data set is known before its files are made.
    """
    if SIMULATED:
        from motilens import dataset

        table = dataset.sample_table(SIMULATED["participants"], SIMULATED["seed"], VIDEOS)
    else:
        table = samples.read_samples(LABELS, VIDEOS, VIDEO_LIST)
    number = config["folds"]["number"]
    if "file" in config["folds"]:
        folds = samples.read_folds(config["folds"]["file"], list(table["participant"]), number)
    else:
        folds = samples.split_folds(table, number, config["folds"]["seed"])
    return table.assign(fold=table["participant"].map(folds)).set_index("participant")


try:
    SAMPLES = sample_table()
except InputError as error:
    stop(error)


def held_out(fold):
    return list(SAMPLES.index[SAMPLES["fold"] == int(fold)])


def training(fold):
    return list(SAMPLES.index[SAMPLES["fold"] != int(fold)])


def frames_of(participants):
    return expand("<results>/frames/{participant}.h5", participant=participants)


def models(pattern, **wildcards):
    """Paths of all models of one kind; wildcards that are not given take all their values."""
    every = {"input": INPUTS, "target": TARGETS, "fold": FOLDS, "seed": SEEDS}
    return expand(pattern, **(every | wildcards))


def plain(**settings):
    """One labelled param: exactly what a step depends on, its keys sorted at every level."""
    return json.loads(json.dumps(settings, sort_keys=True))


@functools.cache
def code_of(script):
    """One more param: an edited library module makes stale the steps that import it."""
    return code.digest(SCRIPTS / script)


def clip_settings():
    return plain(
        clip_length=max(kind["frames"] for kind in config["inputs"].values()), **config["frames"]
    )


def autoencoder_settings(wildcards):
    return plain(**{"copies": 1} | config["inputs"][wildcards.input] | config["autoencoder"])


def pretrained_weights():
    backbone, weights = config["regressor"]["backbone"], config["regressor"]["weights"]
    return [] if weights == "none" else f"<results>/weights/{backbone}/{weights}.pt"


def regressor_settings(wildcards):
    return plain(values=config["targets"][wildcards.target], **config["regressor"])
