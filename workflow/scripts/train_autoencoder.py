"""Train the autoencoder of one input type on the training participants of one fold."""

import pandas as pd

from motilens import autoencoder, checkpoints, stacks, step


def main(frames, output, wildcards, settings, training, code):
    settings = settings["autoencoder"] | settings[f"inputs.{wildcards.input}"]
    files = stacks.by_sample(frames, training["training"])
    model, history, health = autoencoder.train(
        stacks.read_stacks(list(files.values()), settings["frames"]), settings, int(wildcards.seed)
    )
    print(f"health: {health}")
    if health["collapsed"]:
        step.warn(
            f"the autoencoder of {wildcards.input}, fold {wildcards.fold}, seed {wildcards.seed} "
            "carries no information: Table 1 marks what rests on it"
        )
    with step.written_whole(output.history) as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
    description = dict(wildcards.items()) | {
        "health": health,
        **training,
        **step.provenance(code, settings),
    }
    checkpoints.save(model, output.weights, output.record, description)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input.frames,
            snakemake.output,
            snakemake.wildcards,
            snakemake.params.settings,
            snakemake.params.training,
            snakemake.params.code,
        )
