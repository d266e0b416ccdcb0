"""The only place that turns the configuration into wildcards, inputs and params."""

import functools
import os
import re
import sys
from pathlib import Path

import pandas as pd
import yaml
from snakemake.exceptions import IncompleteCheckpointException

BASE = Path(workflow.basedir)
SCRIPTS = BASE / "workflow" / "scripts"
sys.path.insert(0, str(SCRIPTS))

from motilens import InputError, clips, code, folds, metadata, params, runs, samples, slurm, videos
from motilens.config import check
from motilens.params import natural, plain


def stop(error):
    """End in one message, before any job has started; nothing computed is touched."""
    raise WorkflowError(str(error))


try:
    schema = (BASE / "config" / "schema.yaml").read_text(encoding="utf-8")
    config.update(check(config, yaml.safe_load(schema)))
    if Path(config["results"]) == Path("."):
        raise InputError("results: name a folder of its own, not this one")
    if Path(config["results"]).exists() and not Path(config["results"]).is_dir():
        raise InputError(f"results: {config['results']} is a file: name a folder")
except InputError as error:
    stop(error)

config["results"] = str(Path(config["results"]))  # ./results/ is results

# A scheduler takes the jobs: only then is their number limited (jobs: in its profile).
ON_CLUSTER = workflow.resource_settings.nodes is not None
NO_RUN = r"-[a-zA-Z]*n[a-zA-Z]*|--(dry-?run|unlock|touch|summary|detailed-summary|lint|report)"
ONLY_PLANNED = not workflow.is_main_process or any(
    re.fullmatch(NO_RUN, argument) for argument in sys.argv[1:]
)

os.environ[runs.VARIABLE] = runs.identity()
if workflow.is_main_process:
    ALONE = runs.enter()
    locked = any(Path(".snakemake/locks").glob("*"))  # then jobs are those of a run that lives
    if ON_CLUSTER and not ONLY_PLANNED and not locked:
        slurm.wait_for_left(os.getcwd(), logger.warning)
    metadata.sync(config["results"], alone=ALONE)

SIMULATED = config["dataset"].get("simulated")
INPUTS = natural(config["inputs"])
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
    "snakemake --cores 1 fetch_dataset, with the same --configfile"
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
    group=r"all|gallery|training\d+",


def sample_table():
    """Samples with videos, labels and folds: they decide which jobs there are.

    A simulated data set is known before its files are made.
    """
    needed, warnings = sorted(set().union(*config["targets"].values())), []
    if SIMULATED:
        from motilens import dataset

        table = dataset.sample_table(SIMULATED["participants"], SIMULATED["seed"], VIDEOS)
        problems = []
    else:
        # What is in the videos is looked at once, not again by each job.
        table, problems, warnings = samples.read_samples(
            config["dataset"], needed, compare=workflow.is_main_process
        )
    number, participants = config["folds"]["number"], list(dict.fromkeys(table["participant"]))
    if "file" in config["folds"]:
        named = config["dataset"].get("columns")
        split, more = folds.read(config["folds"]["file"], participants, number, named)
        problems += more
    elif not problems:
        balanced = table[["participant", *(name for name in samples.LABELS if name in table)]]
        split = folds.seeded(balanced, number, config["folds"]["seed"], config["results"])
    if problems:
        lines = natural(set(problems))
        raise InputError("the data set cannot be used:\n  " + "\n  ".join(lines))
    if workflow.is_main_process:
        for line in warnings:
            logger.warning(f"WARNING: {line}")
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


# Inputs. Clips are told apart by their content, not by their times.

GROUPS = {
    "all": list(SAMPLES.index),
    "gallery": held_out(1)[:1],
    **{f"training{fold}": training(fold) for fold in FOLDS},
}


def clips_of(chosen):
    """Big files that are never compared by time: their content is in the param `content_of`."""
    return ancient(expand("<results>/frames/{sample}.h5", sample=chosen))


def clips_to_remake(chosen):
    """Of a training's clips those that are listed and gone: somebody may have made room.

    Of all others it names the list alone: plans would grow with samples times trainings
    (docs/scale.md).
    """
    missing = gone(frames_changed_at())
    return clips_of([sample for sample in chosen if sample in missing])


@functools.cache
def gone(changed_at):
    frames = Path(config["results"], "frames")
    kept = {path.stem for path in frames.glob("*.h5")}
    return {path.stem for path in frames.glob("*.json")} - kept


def frames_changed_at():
    frames = Path(config["results"], "frames")
    return frames.stat().st_mtime_ns if frames.exists() else None


def records_of(chosen):
    """What is known of the clips, in small files: `content_of` reads them."""
    return ancient(expand("<results>/frames/{sample}.json", sample=chosen))


def listed(*groups):
    """The lists of these groups' clips.

    While some clips are still to be made, what is behind them counts as stale; once a group's
    are there (the checkpoint has run), only a changed content does. Snakemake looks again only
    at steps that name a list themselves: so each names those of all the steps it rests on.
    """
    # Beyond a checkpoint Snakemake plans nothing, and says that all is done
    # (snakemake/snakemake#2824).
    cut = {*workflow.dag_settings.until, *workflow.dag_settings.omit_from}
    if beyond := cut - {"simulate_video", "simulate_labels", "check_samples", "extract_frames"}:
        stop(
            f"--until and --omit-from do not work with {', '.join(sorted(beyond))}: ask for a "
            "target instead (frames, autoencoders, regressors, or a file)"
        )
    lists = []
    for group in groups:
        path = f"<results>/frames/lists/{group}.csv"
        try:
            checkpoints.list_clips.get(group=group)
            lists.append(ancient(path))
        except IncompleteCheckpointException:
            lists.append(path)
    return lists


def all_lists(wildcards):
    """For what rests on all models."""
    return listed("all", *(f"training{fold}" for fold in FOLDS))


ALL_MODELS = {"input": INPUTS, "target": TARGETS, "fold": FOLDS, "seed": SEEDS}


def models(patterns, **wildcards):
    """Paths of all models of one kind; wildcards that are not given take all their values."""
    return expand(patterns, **(ALL_MODELS | wildcards))


def weights_name():
    """What regressors start from: weights of torchvision, or the SHA-256 of a user's file."""
    weights = config["regressor"]["weights"]
    return weights if isinstance(weights, str) else weights["sha256"].lower()


def pretrained_weights():
    name, backbone = weights_name(), config["regressor"]["backbone"]
    return [] if name == "none" else f"<results>/weights/{backbone}/{name}.pt"


# Params: plain dicts of exactly what a step depends on.


def settings_of(*keys, **others):
    return params.settings_of(config, *keys, **others)


def video_identity(wildcards):
    """A user's video is told apart by its content, a simulated one by how it was drawn."""
    if SIMULATED:
        drawn = settings_of("dataset.simulated.seconds", "dataset.simulated.seed")
        return drawn | params.rests_on(code_of("simulate_video.py"))
    try:
        identity = {"video": videos.fingerprint(SAMPLES["video"][wildcards.sample])}
    except InputError:
        return {"video": "gone since the run began"}  # its own job will say so; others go on
    # Only where it makes a difference: to allow what an earlier run left out, or no more.
    allowed = config["dataset"]["unreadable"] == "leave_out"
    if not allowed and record_of(clips.problem, wildcards.sample):
        identity["dataset.unreadable"] = "stop"
    return identity


def record_of(question, *arguments):
    """What the records of clips answer; a damaged one ends the plan."""
    try:
        return question(config["results"], *arguments)
    except InputError as error:
        stop(error)


def facts_of(wildcards):
    """What the user says of a video, recorded with its clips."""
    row, scale = ROWS[wildcards.sample], config["dataset"].get("microns_per_pixel")
    facts = {"participant": row["participant"]} | ({"microns_per_pixel": scale} if scale else {})
    return plain(facts | {name: row[name] for name in samples.FACTS if name in row})


def left_out():
    """Samples without clips, if dataset.unreadable allows it."""
    return [sample for sample in SAMPLES.index if record_of(clips.problem, sample)]


def tell_missing():
    """At the end of a run: which samples are missing, and why."""
    if lines := record_of(clips.missing, SAMPLES.index):
        print(f"\n{len(lines)} of {len(SAMPLES)} videos could not be used:", *lines, sep="\n  ")
        if config["dataset"]["unreadable"] == "stop":
            print(
                "Mend or remove them, or go on without them (dataset.unreadable: leave_out). "
                "`snakemake --keep-going frames` finds all such videos."
            )


def content_of(label, chosen, columns=()):
    return read_content_of(label, tuple(chosen), tuple(columns), frames_changed_at())


@functools.cache
def read_content_of(label, chosen, columns, changed_at):
    """Read again only when a file has come into the folder of frames: many steps ask."""
    return record_of(params.content_of, label, chosen, ROWS, columns)


def autoencoder_params(wildcards):
    return {
        "settings": settings_of("autoencoder", f"inputs.{wildcards['input']}"),
        "training": content_of("training", training(wildcards["fold"])),
        "code": code_of("train_autoencoder.py"),
    }


def regressor_params(wildcards):
    target, fold = wildcards["target"], wildcards["fold"]
    values = config["targets"][target]
    settings = settings_of("regressor", f"targets.{target}")
    settings["regressor"]["weights"] = weights_name()
    return {
        "settings": settings,
        "training": content_of("training", training(fold), values),
        "held_out": content_of("held_out", held_out(fold), values),
        "code": code_of("train_regressor.py"),
        "rests_on": params.rests_on(autoencoder_params(wildcards)),
    }


def all_models_rest_on(*scripts):
    """What all models, and the `scripts` between them and a step, depend on."""
    parts = [
        regressor_params({"input": name, "target": target, "fold": fold})
        for name in INPUTS
        for target in TARGETS
        for fold in FOLDS
    ]
    return params.rests_on(parts, SEEDS, *map(code_of, scripts))


@functools.cache
def code_of(script):
    """Our modules and the libraries that a script uses."""
    return code.versions(SCRIPTS / script, BASE / "requirements.in")
