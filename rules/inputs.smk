"""Functions that name the files that steps read."""

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
    files = {
        suffix: {p.stem for p in Path("clips").glob(f"*.{suffix}")} for suffix in ("json", "h5")
    }
    return clips_of([name for name in samples if name in files["json"] - files["h5"]])


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
    paths = []
    for group in groups:
        path = f"clips/index/{group}.csv"
        try:
            checkpoints.index_clips.get(group=group)
            paths.append(ancient(path))
        except IncompleteCheckpointException:
            paths.append(path)
    return paths


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
    """Return paths for a method's models, whatever they are.

    Args:
        kind: `predictions`, `record`; of regressors also others.
    """
    if method in EXPERIMENT.inputs:
        return all_models(getattr(rules.train_regressor.output, kind), input=method, **wildcards)
    if method in EXPERIMENT.ensembles:
        output = rules.average_predictions.output
        return all_models(getattr(output, kind), ensemble=method, **wildcards)
    return all_models(getattr(rules.predict_baseline.output, kind), baseline=method, **wildcards)


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


def encoder_of(kind):
    """Return a file of the autoencoder behind a regressor, if there is one: `weights`, `record`."""

    def path(wildcards):
        if wildcards.input not in EXPERIMENT.autoencoded:
            return []
        named = {name: wildcards[name] for name in ("input", "fold", "seed")}
        return expand(getattr(rules.train_autoencoder.output, kind), **named)[0]

    return path


def members_of(kind):
    """Return files of what an ensemble averages: `predictions` or `record`."""

    def paths(wildcards):
        named = {key: wildcards[key] for key in ("target", "fold", "seed")}
        members = EXPERIMENT.ensembles[wildcards.ensemble]
        return [path for method in members for path in files_of_method(method, kind, **named)]

    return paths


def bundled(kind):
    """Return files of a method's models, or of all members of an ensemble.

    Args:
        kind: `record`, or `weights`, which baselines do not have.
    """

    def paths(wildcards):
        if wildcards.method not in EXPERIMENT.bundled_methods:
            raise WorkflowError(
                f"{wildcards.method} cannot be bundled; there are "
                f"{', '.join(EXPERIMENT.bundled_methods)} (make bundle METHOD=...)"
            )
        return [
            path
            for method in EXPERIMENT.members(wildcards.method)
            if method in EXPERIMENT.inputs or kind == "record"
            for path in files_of_method(method, kind)
        ]

    return paths
