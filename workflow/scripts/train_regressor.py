"""Train the regressor of one input type, target and fold; predict the held-out participants."""

import numpy as np
import pandas as pd
import torch

from motilens import autoencoder, checkpoints, regressor, stacks, step


def main(inputs, output, wildcards, params):
    values = params.settings[f"targets.{wildcards.target}"]
    settings = params.settings["regressor"] | {"values": values}
    known = params.training["training"], params.held_out["held_out"]
    made = step.read_record(inputs.encoder_record)
    regressor.check_folds(*known, made["training"])
    training, held_out = (pd.DataFrame.from_dict(part, orient="index") for part in known)
    encoder = autoencoder.load(inputs.encoder, inputs.encoder_record)
    files = stacks.by_sample(inputs.frames, known[0] | known[1])

    images, keys = autoencoder.feature_images(encoder, {name: files[name] for name in known[0]})
    wanted = np.array(training.loc[[sample for sample, _ in keys], values], np.float32)
    start = torch.load(inputs.pretrained, weights_only=True) if inputs.pretrained else None
    model, history = regressor.train(images, wanted, settings, int(wildcards.seed), start)

    images, keys = autoencoder.feature_images(encoder, {name: files[name] for name in known[1]})
    predicted = regressor.predict(model, images)
    predictions = regressor.prediction_table(keys, held_out, values, predicted)
    with step.written_whole(output.history) as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
    with step.written_whole(output.predictions) as temporary:
        predictions.to_csv(temporary, index=False)
    description = dict(wildcards.items()) | {
        "autoencoder_sha256": made["weights_sha256"],
        "autoencoder_collapsed": made["health"]["collapsed"],
        **params.training,
        **params.held_out,
        **step.provenance(params.code, settings),
    }
    checkpoints.save(model, output.weights, output.record, description)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input, snakemake.output, snakemake.wildcards, snakemake.params)
