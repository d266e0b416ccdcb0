"""Train the autoencoder of one input type on the training participants of one fold."""

from motilens import autoencoder, checkpoints, loading, resume, stacks, step, training
from motilens.performance import prepare


def main(lists, output, wildcards, params, performance):
    settings = params.settings["autoencoder"] | params.settings[f"inputs.{wildcards.input}"]
    known, seed = params.training["training"], int(wildcards.seed)
    files = stacks.by_sample(stacks.listed(lists[0], known), known)
    examples, _ = loading.from_files(files, settings["frames"], performance)
    identity = {"settings": settings, "training": known, "code": params.code, "seed": seed}
    with resume.kept_beside(
        output.weights, identity, performance.save_minutes, step.tell
    ) as keeper:
        trained = autoencoder.train(examples, settings, seed, performance, keeper, step.note)
        print(f"health: {training.in_words(trained.health)}")
        for trouble in training.troubles(trained.health):
            step.warn(
                f"{trouble} ({wildcards.input}, fold {wildcards.fold}, seed {seed}): Table 1 marks "
                "what rests on it"
            )
        description = dict(wildcards.items()) | {
            "architecture": autoencoder.architecture(settings),
            **params.training,
            **step.provenance(params.code, settings),
        }
        checkpoints.save(trained, output, description)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input.lists,
            snakemake.output,
            snakemake.wildcards,
            snakemake.params,
            # Read here, for it is no param: how fast a model is made does not make it stale.
            prepare(snakemake.config["performance"], snakemake.threads),
        )
