"""Train the regressor of one input type, target and fold; predict the held-out participants."""

import numpy as np
import pandas as pd

from motilens.clips.hdf5 import clip_paths, match_clips_to_samples
from motilens.compute.device import setup_compute
from motilens.core.files import atomic_write, hash_file
from motilens.core.records import make_provenance
from motilens.evaluation.diagnostics import format_diagnostics, list_issues
from motilens.evaluation.predictions import check_no_leakage, make_prediction_table
from motilens.models.pretrained_weights import load_stored_weights
from motilens.pipeline.job import note, run_job, tell, warn
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


def main(inputs, output, wildcards, params, performance):
    values, seed = params.settings[f"targets.{wildcards.target}"], int(wildcards.seed)
    known = params.training["training"], params.held_out["held_out"]
    settings = params.settings["regressor"] | {"values": values}
    if untrained := params.settings.get(f"inputs.{wildcards.input}"):
        encoder, made = make_fixed_encoder(untrained, known[0])
    else:
        encoder, made = load_model(inputs.encoder, inputs.encoder_record)
    check_no_leakage(*known, made["training"])
    settings["architecture"] = regressor_architecture(settings, made["architecture"])
    if made["health"]["problem"]:
        settings["unhealthy"] = "keep"  # it cannot be better than its feature images
    labels, held_out = (pd.DataFrame.from_dict(part, orient="index") for part in known)
    everyone = known[0] | known[1]
    files = match_clips_to_samples(clip_paths(inputs.lists[0], everyone), everyone)

    def examples(side):
        chosen = {sample: files[sample] for sample in side}
        return load_stacks(chosen, encoder.frames, performance)

    seen, keys = examples(known[0])
    if untrained:
        fit_encoder(encoder, seen)
    wanted = np.array(labels.loc[[sample for sample, _ in keys], values], np.float32)
    bags = make_bags(keys, settings["together"])
    start = load_stored_weights(inputs.pretrained) if inputs.pretrained else None
    identity = {
        "settings": settings, "training": known[0], "code": params.code, "seed": seed,
        "encoder": made["weights_sha256"],
    }  # fmt: skip
    with checkpointing(output.weights, identity, performance.save_minutes, tell) as keeper:
        trained = train_regressor(
            seen, wanted, encoder, settings, seed, performance, keeper, start, bags, note
        )
        print(f"health: {format_diagnostics(trained.health)}")
        for trouble in list_issues(trained.health):
            warn(
                f"{trouble} ({wildcards.input}, {wildcards.target}, fold {wildcards.fold}, seed "
                f"{seed}): Table 1 marks it"
            )
        unseen, keys = examples(known[1])
        predicted = predict_stacks(trained.model, unseen)
        table = make_prediction_table(keys, held_out, values, predicted)
        with atomic_write(output.predictions) as temporary:
            table.to_csv(temporary, index=False)
        description = dict(wildcards.items()) | {
            "architecture": settings["architecture"],
            "autoencoder_sha256": made["weights_sha256"],
            "autoencoder_collapsed": bool(list_issues(made["health"])),
            **params.training,
            **params.held_out,
            "predictions_sha256": hash_file(output.predictions),
            **make_provenance(params.code, settings),
        }
        save_model(trained, output, description)


if __name__ == "__main__":
    with run_job(snakemake):
        main(
            snakemake.input,
            snakemake.output,
            snakemake.wildcards,
            snakemake.params,
            # Read here, for it is no param: how fast a model is made does not make it stale.
            setup_compute(snakemake.config["performance"], snakemake.threads),
        )
