"""Draw the first clip of a held-out participant as each autoencoder sees it."""

from motilens import autoencoder, checkpoints, loading, pictures, stacks, step, training
from motilens.performance import prepare


def main(frames, weights, records, output, settings, shown):
    files = list(stacks.by_sample(frames, shown).values())
    if not files:
        pictures.words("The participant to be shown was left out: no video", output)
        return
    rows, performance = [], prepare({"device": "cpu"})
    for name, *files_of_model in zip(settings["inputs"], weights, records, strict=True):
        model, record = checkpoints.load(*files_of_model)
        mark = " †" if training.troubles(record["health"]) else ""
        stack = stacks.read_stacks(files[0], model.frames)[:1]
        examples = loading.in_memory(stack, performance)
        feature = autoencoder.encode(model, examples)[0]
        restored = autoencoder.reconstruct(model, examples)[0, 0]
        moved = autoencoder.movement(model, stack[0], performance)
        rows.append((name + mark, stack[0, 0] / 255, feature, restored, moved))
    with step.written_whole(output) as temporary:
        pictures.gallery(rows, temporary)


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
