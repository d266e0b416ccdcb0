"""Write the label file and the list of videos of the simulated data set."""

from motilens.core.files import atomic_write
from motilens.pipeline.job import run_job
from motilens.simulation.visem_files import (
    simulated_sample_table,
    write_label_table,
    write_video_list,
)


def main(job):
    settings = job.params.depends_on["settings"]
    participants, seed, style = (
        settings[f"dataset.simulated.{key}"] for key in ("participants", "seed", "style")
    )
    table = simulated_sample_table(participants, seed, ".", style)
    with atomic_write(job.output.labels) as temporary:
        write_label_table(table, temporary)
    with atomic_write(job.output.video_list) as temporary:
        write_video_list(table, temporary)


if __name__ == "__main__":
    run_job(main, snakemake)
