"""Draw the first clip of a held-out participant as each autoencoder sees it."""

from motilens import autoencoder, plots, stacks, step


def main(frames, weights, records, output, settings, shown):
    files = list(stacks.by_sample(frames, shown).values())
    if not files:
        plots.words("The participant to be shown was left out: no video", output)
        return
    rows = []
    for name, model_weights, record in zip(settings["inputs"], weights, records, strict=True):
        model, made = autoencoder.load(model_weights, record)
        stack = stacks.read_stacks(files, made["frames"])[:1]
        feature = autoencoder.encode(model, stack, made["copies"])[0]
        restored = autoencoder.reconstruct(model, stack, made["copies"])[0, 0]
        rows.append((name, stack[0, 0] / 255, feature, restored))
    with step.written_whole(output) as temporary:
        plots.gallery(rows, temporary)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input.frames,
            snakemake.input.weights,
            snakemake.input.records,
            snakemake.output[0],
            snakemake.params.settings,
            snakemake.params.shown["shown"],
        )
