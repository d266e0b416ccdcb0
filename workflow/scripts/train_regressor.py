"""Train the regressor of one input type, target and fold; predict the held-out participants."""

import numpy as np
import pandas as pd

from motilens import (
    checkpoints,
    loading,
    predictions,
    pretrained,
    regressor,
    resume,
    stacks,
    step,
    training,
)
from motilens.performance import prepare


def main(inputs, output, wildcards, params, performance):
    values, seed = params.settings[f"targets.{wildcards.target}"], int(wildcards.seed)
    known = params.training["training"], params.held_out["held_out"]
    settings = params.settings["regressor"] | {"values": values}
    if untrained := params.settings.get(f"inputs.{wildcards.input}"):
        encoder, made = regressor.fixed_encoder(untrained, known[0])
    else:
        encoder, made = checkpoints.load(inputs.encoder, inputs.encoder_record)
    predictions.check_folds(*known, made["training"])
    settings["architecture"] = regressor.architecture(settings, made["architecture"])
    if made["health"]["problem"]:
        settings["unhealthy"] = "keep"  # it cannot be better than its feature images
    labels, held_out = (pd.DataFrame.from_dict(part, orient="index") for part in known)
    everyone = known[0] | known[1]
    files = stacks.by_sample(stacks.listed(inputs.lists[0], everyone), everyone)

    def examples(side):
        chosen = {sample: files[sample] for sample in side}
        return loading.from_files(chosen, encoder.frames, performance)

    seen, keys = examples(known[0])
    if untrained:
        regressor.fit(encoder, seen)
    wanted = np.array(labels.loc[[sample for sample, _ in keys], values], np.float32)
    bags = regressor.bags_of(keys, settings["together"])
    start = pretrained.kept_weights(inputs.pretrained) if inputs.pretrained else None
    identity = {
        "settings": settings, "training": known[0], "code": params.code, "seed": seed,
        "encoder": made["weights_sha256"],
    }  # fmt: skip
    with resume.kept_beside(
        output.weights, identity, performance.save_minutes, step.tell
    ) as keeper:
        trained = regressor.train(
            seen, wanted, encoder, settings, seed, performance, keeper, start, bags, step.note
        )
        print(f"health: {training.in_words(trained.health)}")
        for trouble in training.troubles(trained.health):
            step.warn(
                f"{trouble} ({wildcards.input}, {wildcards.target}, fold {wildcards.fold}, seed "
                f"{seed}): Table 1 marks it"
            )
        unseen, keys = examples(known[1])
        predicted = regressor.predict(trained.model, unseen)
        table = predictions.prediction_table(keys, held_out, values, predicted)
        with step.written_whole(output.predictions) as temporary:
            table.to_csv(temporary, index=False)
        description = dict(wildcards.items()) | {
            "architecture": settings["architecture"],
            "autoencoder_sha256": made["weights_sha256"],
            "autoencoder_collapsed": bool(training.troubles(made["health"])),
            **params.training,
            **params.held_out,
            "predictions_sha256": step.sha256(output.predictions),
            **step.provenance(params.code, settings),
        }
        checkpoints.save(trained, output, description)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input,
            snakemake.output,
            snakemake.wildcards,
            snakemake.params,
            # Read here, for it is no param: how fast a model is made does not make it stale.
            prepare(snakemake.config["performance"], snakemake.threads),
        )
