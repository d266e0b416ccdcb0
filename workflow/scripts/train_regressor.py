"""Train the regressor of one input type, target and fold; predict the held-out participants."""

import logging

import numpy as np
import pandas as pd

from motilens.clips.hdf5 import clip_paths, match_clips_to_samples
from motilens.compute.device import setup_compute
from motilens.core.files import hash_file, write_table
from motilens.core.records import make_provenance
from motilens.evaluation.diagnostics import format_diagnostics, list_issues
from motilens.evaluation.predictions import check_no_leakage, make_prediction_table
from motilens.models.autoencoders import build_autoencoder
from motilens.models.pretrained_weights import load_stored_weights
from motilens.pipeline.job import run_job
from motilens.training.checkpoint import checkpointing
from motilens.training.model_files import load_model, save_model
from motilens.training.regressor import (
    fit_encoder,
    make_bags,
    make_fixed_encoder,
    predict_stacks,
    regressor_architecture,
    train_regressor,
)
from motilens.training.stack_dataset import load_stacks

logger = logging.getLogger("motilens.step")


def main(job):
    depends_on, wildcards = job.params.depends_on, job.wildcards
    training, held_out = depends_on["training"], depends_on["held_out"]
    values, seed = depends_on["settings"][f"targets.{wildcards.target}"], int(wildcards.seed)
    settings = depends_on["settings"]["regressor"] | {"values": values}
    # No param: how fast a model is trained does not make it stale.
    compute = setup_compute(job.config["compute"], job.threads)
    if fixed := depends_on["settings"].get(f"inputs.{wildcards.input}"):
        encoder, encoder_record = make_fixed_encoder(fixed, training)
    else:
        paths = job.input.encoder, job.input.encoder_record
        encoder, encoder_record = load_model(*paths, build_autoencoder)
    check_no_leakage(training, held_out, encoder_record["training"])
    settings["architecture"] = regressor_architecture(settings, encoder_record["architecture"])
    if encoder_record["diagnostics"]["failure"]:
        settings["on_collapse"] = "keep"  # it cannot be better than its feature images
    samples = training | held_out
    files = match_clips_to_samples(clip_paths("clips", samples), samples)

    def load_side(side):
        return load_stacks({name: files[name] for name in side}, encoder.frames, compute)

    stacks, keys = load_side(training)
    if fixed:
        fit_encoder(encoder, stacks)
    table = pd.DataFrame.from_dict(training, orient="index")
    labels = np.array(table.loc[[sample for sample, _ in keys], values], np.float32)
    identity = {
        "settings": settings, "training": training, "code": depends_on["code"], "seed": seed,
        "encoder": encoder_record["weights_sha256"],
    }  # fmt: skip
    with checkpointing(job.output.weights, identity, compute.checkpoint_minutes) as checkpoints:
        pretrained = load_stored_weights(job.input.pretrained) if job.input.pretrained else None
        bags = make_bags(keys, settings["bag_size"])
        result = train_regressor(
            stacks, labels, encoder, settings, seed, compute, checkpoints, pretrained, bags
        )
        logger.info(f"diagnostics: {format_diagnostics(result.diagnostics)}")
        for issue in list_issues(result.diagnostics):
            logger.warning(f"{issue}: Table 1 marks it")
        stacks, keys = load_side(held_out)
        truth = pd.DataFrame.from_dict(held_out, orient="index")
        predicted = predict_stacks(result.model, stacks)
        predictions = make_prediction_table(keys, truth, values, predicted)
        write_table(job.output.predictions, predictions)
        description = dict(wildcards.items()) | {
            "method": wildcards.input,
            "architecture": settings["architecture"],
            "autoencoder_sha256": encoder_record["weights_sha256"],
            "autoencoder_collapsed": bool(list_issues(encoder_record["diagnostics"])),
            "training": training,
            "held_out": held_out,
            "predictions_sha256": hash_file(job.output.predictions),
            **make_provenance(depends_on["code"], settings),
        }
        save_model(result, job.output, description)


if __name__ == "__main__":
    run_job(main, snakemake)
