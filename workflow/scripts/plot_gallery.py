"""Draw the first clip of a held-out participant as each autoencoder sees it."""

from motilens.clips.hdf5 import match_clips_to_samples, read_stacks
from motilens.compute.device import setup_compute
from motilens.evaluation.diagnostics import list_issues
from motilens.models.autoencoders import build_autoencoder
from motilens.pipeline.job import run_job
from motilens.reports.image_plots import plot_gallery, plot_message
from motilens.training.autoencoder import encode_stacks, feature_image_motion, reconstruct_stacks
from motilens.training.model_files import load_model
from motilens.training.stack_dataset import stacks_from_array


def main(job):
    depends_on = job.params.depends_on
    files = list(match_clips_to_samples(job.input.clips, depends_on["shown"]).values())
    if not files:
        plot_message("The participant to be shown was skipped: no video", job.output)
        return
    rows, compute = [], setup_compute({"device": "cpu"})
    inputs = depends_on["settings"]["inputs"]
    for name, *paths in zip(inputs, job.input.weights, job.input.records, strict=True):
        model, record = load_model(*paths, build_autoencoder)
        flag = " †" if list_issues(record["diagnostics"]) else ""
        clip = read_stacks(files[0], model.frames)[:1]
        stacks = stacks_from_array(clip, compute)
        feature_image = encode_stacks(model, stacks)[0]
        reconstruction = reconstruct_stacks(model, stacks)[0, 0]
        motion = feature_image_motion(model, clip[0], compute)
        rows.append((name + flag, feature_image, reconstruction, motion))
    plot_gallery(clip[0, 0] / 255, rows, job.output)


if __name__ == "__main__":
    run_job(main, snakemake)
