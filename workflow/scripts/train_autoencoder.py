"""Train the autoencoder of one input type on the training participants of one fold."""

from motilens.clips.hdf5 import clip_paths, match_clips_to_samples
from motilens.compute.device import setup_compute
from motilens.core.records import make_provenance
from motilens.evaluation.diagnostics import format_diagnostics, list_issues
from motilens.pipeline.job import note, run_job, tell, warn
from motilens.training.autoencoder import autoencoder_architecture, train_autoencoder
from motilens.training.checkpoint import checkpointing
from motilens.training.model_files import save_model
from motilens.training.stack_dataset import load_stacks


def main(lists, output, wildcards, params, performance):
    settings = params.settings["autoencoder"] | params.settings[f"inputs.{wildcards.input}"]
    known, seed = params.training["training"], int(wildcards.seed)
    files = match_clips_to_samples(clip_paths(lists[0], known), known)
    examples, _ = load_stacks(files, settings["frames"], performance)
    identity = {"settings": settings, "training": known, "code": params.code, "seed": seed}
    with checkpointing(output.weights, identity, performance.save_minutes, tell) as keeper:
        trained = train_autoencoder(examples, settings, seed, performance, keeper, note)
        print(f"health: {format_diagnostics(trained.health)}")
        for trouble in list_issues(trained.health):
            warn(
                f"{trouble} ({wildcards.input}, fold {wildcards.fold}, seed {seed}): Table 1 marks "
                "what rests on it"
            )
        description = dict(wildcards.items()) | {
            "architecture": autoencoder_architecture(settings),
            **params.training,
            **make_provenance(params.code, settings),
        }
        save_model(trained, output, description)


if __name__ == "__main__":
    with run_job(snakemake):
        main(
            snakemake.input.lists,
            snakemake.output,
            snakemake.wildcards,
            snakemake.params,
            # Read here, for it is no param: how fast a model is made does not make it stale.
            setup_compute(snakemake.config["performance"], snakemake.threads),
        )
