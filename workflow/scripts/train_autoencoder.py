"""Train the autoencoder of one input type on the training participants of one fold."""

import logging

from motilens.clips.hdf5 import clip_paths, match_clips_to_samples
from motilens.compute.device import setup_compute
from motilens.core.records import make_provenance
from motilens.evaluation.diagnostics import format_diagnostics, list_issues
from motilens.pipeline.job import run_job
from motilens.training.autoencoder import autoencoder_architecture, train_autoencoder
from motilens.training.checkpoint import checkpointing
from motilens.training.model_files import save_model
from motilens.training.stack_dataset import load_stacks

logger = logging.getLogger("motilens.step")


def main(job):
    depends_on, wildcards = job.params.depends_on, job.wildcards
    # No param: how fast a model is trained does not make it stale.
    compute = setup_compute(job.config["compute"], job.threads)
    sections = depends_on["settings"]
    settings = sections["autoencoder"] | sections[f"inputs.{wildcards.input}"]
    training, seed = depends_on["training"], int(wildcards.seed)
    files = match_clips_to_samples(clip_paths("clips", training), training)
    stacks, _ = load_stacks(files, settings["frames"], compute)
    identity = {
        "settings": settings, "training": training, "code": depends_on["code"], "seed": seed,
    }  # fmt: skip
    with checkpointing(job.output.weights, identity, compute.checkpoint_minutes) as checkpoints:
        result = train_autoencoder(stacks, settings, seed, compute, checkpoints)
        logger.info(f"diagnostics: {format_diagnostics(result.diagnostics)}")
        for issue in list_issues(result.diagnostics):
            logger.warning(f"{issue}: Table 1 marks what depends on it")
        description = dict(wildcards.items()) | {
            "architecture": autoencoder_architecture(settings),
            "training": training,
            **make_provenance(depends_on["code"], settings),
        }
        save_model(result, job.output, description)


if __name__ == "__main__":
    run_job(main, snakemake)
