"""Draw the first clip of a held-out participant as each autoencoder sees it."""

from motilens.clips.hdf5 import match_clips_to_samples, read_stacks
from motilens.compute.device import setup_compute
from motilens.core.files import atomic_write
from motilens.evaluation.diagnostics import list_issues
from motilens.pipeline.job import run_job
from motilens.reports.image_plots import plot_gallery, plot_message
from motilens.training.autoencoder import encode_stacks, feature_image_motion, reconstruct_stacks
from motilens.training.model_files import load_model
from motilens.training.stack_dataset import stacks_from_array


def main(frames, weights, records, output, settings, shown):
    files = list(match_clips_to_samples(frames, shown).values())
    if not files:
        plot_message("The participant to be shown was left out: no video", output)
        return
    rows, performance = [], setup_compute({"device": "cpu"})
    for name, *files_of_model in zip(settings["inputs"], weights, records, strict=True):
        model, record = load_model(*files_of_model)
        mark = " †" if list_issues(record["health"]) else ""
        stack = read_stacks(files[0], model.frames)[:1]
        examples = stacks_from_array(stack, performance)
        feature = encode_stacks(model, examples)[0]
        restored = reconstruct_stacks(model, examples)[0, 0]
        moved = feature_image_motion(model, stack[0], performance)
        rows.append((name + mark, stack[0, 0] / 255, feature, restored, moved))
    with atomic_write(output) as temporary:
        plot_gallery(rows, temporary)


if __name__ == "__main__":
    with run_job(snakemake):
        main(
            snakemake.input.frames,
            snakemake.input.weights,
            snakemake.input.records,
            snakemake.output[0],
            snakemake.params.settings,
            snakemake.params.shown["shown"],
        )
