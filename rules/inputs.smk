"""Functions that name the files that steps read."""

import contextlib

from snakemake.exceptions import IncompleteCheckpointException


def video_of(wildcards):
    """Return a video: a user's is compared by its content (the param), not by its time."""
    path = EXPERIMENT.video_path(wildcards.sample)
    if EXPERIMENT.is_simulated:
        return path
    return ancient(path if EXPERIMENT.stored is None else storage(path))


def clips_of(samples):
    """Return files of clips: big, and compared by their content (the param), not by their time."""
    return ancient(expand("clips/{sample}.h5", sample=samples))


def clips_to_remake(samples):
    """Return those files of clips that are indexed and gone: somebody may have freed some space.

    Trainings name the index alone: plans would grow with samples times trainings.
    """
    records, clips = ({p.stem for p in Path("clips").glob(f"*.{s}")} for s in ("json", "h5"))
    return clips_of([name for name in samples if name in records - clips])


def records_of(samples):
    """Return the records of clips."""
    return ancient(expand("clips/{sample}.json", sample=samples))


def index_of(*groups):
    """Return the indexes of these groups' clips (rules/clips.smk).

    While some clips are still to be made, what follows them counts as stale; once a group's clips
    are there (the checkpoint has run), only a changed content does. Snakemake looks again only at
    steps that name an index themselves: so each names those of all the steps that it depends on.
    """
    # Beyond a checkpoint Snakemake plans nothing, and says that all is done
    # (snakemake/snakemake#2824).
    cut = {*workflow.dag_settings.until, *workflow.dag_settings.omit_from}
    if beyond := cut - {"simulate_video", "simulate_labels", "write_sample_table", "extract_clips"}:
        stop(
            f"--until and --omit-from do not work with {', '.join(sorted(beyond))}: ask for a "
            "target instead (clips, autoencoders, regressors, or a file)"
        )
    if not EXPERIMENT.uses_videos:
        return []
    paths = {group: f"clips/index/{group}.csv" for group in groups}
    for group in groups:
        with contextlib.suppress(IncompleteCheckpointException):
            checkpoints.index_clips.get(group=group)
            paths[group] = ancient(paths[group])
    return list(paths.values())


def index_of_all(wildcards):
    """Return all indexes, for what depends on all models."""
    return index_of("all", *(f"training{fold}" for fold in EXPERIMENT.folds))


def all_models(patterns, **wildcards):
    """Return paths for all models; wildcards that are not given take all their values."""
    return expand(patterns, **(EXPERIMENT.model_wildcards | wildcards))


def all_autoencoders(patterns, **wildcards):
    """Return paths for all autoencoders."""
    return all_models(patterns, input=EXPERIMENT.autoencoded, **wildcards)


def files_of_method(method, kind, **wildcards):
    """Return paths for a method's models: `predictions`, `record`; of regressors also others."""
    step, key = EXPERIMENT.step_of(method)
    return all_models(getattr(getattr(rules, step).output, kind), **{key: method}, **wildcards)


def files_of_all_methods(kind, seed=EXPERIMENT.seeds):
    """Return paths for all that predicts: `predictions` or `record`."""
    return [
        path
        for method, target in EXPERIMENT.methods
        for path in files_of_method(method, kind, target=target, seed=seed)
    ]


def pretrained_weights(wildcards):
    """Return the file of pretrained weights, if there is one."""
    settings = EXPERIMENT.step_settings("regressor", wildcards.input)
    name = weights_name(settings["weights"])
    return [] if name == "none" else f"weights/{settings['backbone']}/{name}.pt"


def encoder_of(wildcards, kind):
    """Return a file of the autoencoder behind a regressor, if there is one: `weights`, `record`."""
    if wildcards.input not in EXPERIMENT.autoencoded:
        return []
    named = {name: wildcards[name] for name in ("input", "fold", "seed")}
    return expand(getattr(rules.train_autoencoder.output, kind), **named)[0]


def external_file(wildcards):
    """Return predictions that were made elsewhere: compared by their content (the param)."""
    named = (wildcards[key] for key in ("external", "target", "fold", "seed"))
    return ancient(str(EXPERIMENT.external_file(*named)))


def members_of(wildcards, kind):
    """Return files of what an ensemble averages: `predictions` or `record`."""
    named = {key: wildcards[key] for key in ("target", "fold", "seed")}
    members = EXPERIMENT.ensembles[wildcards.ensemble]
    return [path for method in members for path in files_of_method(method, kind, **named)]


def bundled(wildcards, kind):
    """Return `record` or `weights` (baselines have none) of a method's or its members' models."""
    if wildcards.method not in EXPERIMENT.bundled_methods:
        raise WorkflowError(
            f"{wildcards.method} cannot be bundled: it is no method of this configuration, or "
            "keeps no model for new videos. These do (make bundle METHOD=...): "
            f"{', '.join(EXPERIMENT.bundled_methods)}"
        )
    methods = EXPERIMENT.members(wildcards.method)
    methods = [m for m in methods if m in EXPERIMENT.inputs or kind == "record"]
    return [path for method in methods for path in files_of_method(method, kind)]
