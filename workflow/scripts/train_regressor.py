"""Train the regressor of one input type, target and fold; predict the held-out participants."""

import numpy as np
import pandas as pd
import torch

from motilens import checkpoints, regressor, samples, stacks, step


def main(features, autoencoder, table, pretrained, output, wildcards, settings, code):
    participants = samples.read_table(table)
    held_out = participants["fold"] == int(wildcards.fold)
    labels = participants[settings["values"]]
    encoder = step.read_record(autoencoder)
    regressor.check_folds(
        list(labels.index[~held_out]), list(labels.index[held_out]), encoder["participants"]
    )

    images, keys = stacks.read_feature_images(features, list(labels.index[~held_out]))
    wanted = labels.loc[[participant for participant, _ in keys]].to_numpy(np.float32)
    start = torch.load(pretrained, weights_only=True) if pretrained else None
    model, history = regressor.train(images, wanted, settings, int(wildcards.seed), start)

    images, keys = stacks.read_feature_images(features, list(labels.index[held_out]))
    predictions = regressor.prediction_table(keys, labels, regressor.predict(model, images))
    with step.written_whole(output.history) as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
    with step.written_whole(output.predictions) as temporary:
        predictions.to_csv(temporary, index=False)
    description = dict(wildcards.items()) | {
        "participants": list(labels.index[~held_out]),
        "autoencoder_sha256": encoder["weights_sha256"],
        "autoencoder_collapsed": encoder["health"]["collapsed"],
        **step.provenance(code, settings),
    }
    checkpoints.save(model, output.weights, output.record, description)


if __name__ == "__main__":
    with step.logged(snakemake.log[0]):
        main(
            snakemake.input.features,
            snakemake.input.autoencoder,
            snakemake.input.samples,
            snakemake.input.pretrained,
            snakemake.output,
            snakemake.wildcards,
            snakemake.params.settings,
            snakemake.params.code,
        )
