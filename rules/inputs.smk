"""What steps read: the clips, told apart by their content and not by their times, and models."""

import functools

from motilens.core.labels import MOTILITY
from snakemake.exceptions import IncompleteCheckpointException

GROUPS = {
    "all": list(SAMPLES.index),
    "gallery": held_out(1)[:1],
    **{f"training{fold}": training(fold) for fold in FOLDS},
}


def video_of(sample):
    """A user's video is told apart by what it holds (the param), a simulated one as any file."""
    path = SAMPLES["video"][sample]
    return path if SIMULATED else ancient(path if STORED is None else storage(path))


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


# Those whose encoder is trained, and those whose is not.
AUTOENCODED = [name for name in INPUTS if config["inputs"][name]["encoder"] == "autoencoder"]
BASELINES = sorted(config["baselines"])
# CASA counts by movement alone.
COUNTED = [
    (name, target)
    for name in BASELINES
    for target in TARGETS
    if name != "casa" or set(config["targets"][target]) <= set(MOTILITY)
]
ENSEMBLES = {name: natural(config["ensembles"][name]) for name in natural(config["ensembles"])}
AVERAGED = [
    (name, target)
    for name, members in ENSEMBLES.items()
    for target in TARGETS
    if all(member in INPUTS or (member, target) in COUNTED for member in members)
]
TRAINED = [(name, target) for name in INPUTS for target in TARGETS]
ALL_ROWS = TRAINED + COUNTED + AVERAGED
OTHER_ROWS = {
    kind: {name: [target for row, target in rows if row == name] for name, _ in rows}
    for kind, rows in (("baselines", COUNTED), ("ensembles", AVERAGED))
}
ALL_MODELS = {"input": INPUTS, "target": TARGETS, "fold": FOLDS, "seed": SEEDS}


def models(patterns, **wildcards):
    """Paths of all models of one kind; wildcards that are not given take all their values."""
    return expand(patterns, **(ALL_MODELS | wildcards))


def files_of(name, kind, **wildcards):
    """Paths of what a row's models have, whatever they are: `predictions`, their `record`."""
    if name in INPUTS:
        return models(getattr(rules.train_regressor.output, kind), input=name, **wildcards)
    if name in ENSEMBLES:
        return models(getattr(rules.average_predictions.output, kind), ensemble=name, **wildcards)
    return models(getattr(rules.count_cells.output, kind), baseline=name, **wildcards)


def answers(kind, seed=SEEDS):
    """Files of all that predicts: `predictions`, or their `record`."""
    return [
        path for name, target in ALL_ROWS for path in files_of(name, kind, target=target, seed=seed)
    ]


def members_of(kind):
    """Files of what an ensemble averages: `predictions`, or their `record`."""

    def paths(wildcards):
        named = {key: wildcards[key] for key in ("target", "fold", "seed")}
        return [
            path for name in ENSEMBLES[wildcards.ensemble] for path in files_of(name, kind, **named)
        ]

    return paths


def autoencoders(patterns, **wildcards):
    """Paths of all autoencoders' files."""
    return models(patterns, input=AUTOENCODED, **wildcards)


def section(name, wildcards):
    """The settings of a step for one input type, which may have some of its own."""
    return merged(config[name], config["inputs"][wildcards["input"]].get(name, {}))


def weights_name(settings):
    """What a regressor starts from: weights of torchvision, or the SHA-256 of a user's file."""
    weights = settings["weights"]
    return weights if isinstance(weights, str) else weights["sha256"].lower()


def answer_name(settings, values):
    """Percentages of all sperm add up to 100, if they are to stay within bounds."""
    whole = settings["answer"] == "bounded" and set(values) == set(MOTILITY)
    return "shares" if whole else settings["answer"]


def pretrained_weights(wildcards):
    settings = section("regressor", wildcards)
    name, backbone = weights_name(settings), settings["backbone"]
    return [] if name == "none" else f"<results>/weights/{backbone}/{name}.pt"


def encoder_of(kind):
    """A file of the autoencoder behind a regressor, if there is one: `weights` or `record`."""

    def path(wildcards):
        if wildcards.input not in AUTOENCODED:
            return []
        named = {name: wildcards[name] for name in ("input", "fold", "seed")}
        return expand(getattr(rules.train_autoencoder.output, kind), **named)[0]

    return path


# Rows whose models answer for single videos, and ensembles of such rows.
ANSWERING = INPUTS + [name for name in BASELINES if name == "cells"]
BUNDLED = ANSWERING + [name for name, members in ENSEMBLES.items() if {*members} <= {*ANSWERING}]


def has_cells(name):
    """Are there models in a bundle that look at cells?"""
    return any(member in BASELINES for member in ENSEMBLES.get(name, [name]))


def bundled(kind):
    """Files of the models of a row, or of all members of an ensemble; cells have no `weights`."""

    def paths(wildcards):
        return [
            path
            for name in ENSEMBLES.get(wildcards.input, [wildcards.input])
            if name in INPUTS or kind == "record"
            for path in files_of(name, kind)
        ]

    return paths
