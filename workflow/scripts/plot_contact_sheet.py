"""Draw what was taken of a video, so that a wrong file is seen at a glance."""

from motilens.clips.previews import make_preview_images
from motilens.core.files import atomic_write
from motilens.core.records import read_record
from motilens.pipeline.job import run_job
from motilens.reports.image_plots import plot_contact_sheet, plot_message


def main(job):
    record = read_record(job.input.record)
    with atomic_write(job.output[0]) as temporary:
        if reason := record.get("skip_reason"):
            plot_message(f"{record['sample']} was skipped: {reason}", temporary)
        else:
            plot_contact_sheet(make_preview_images(job.input.clips), record, temporary)


if __name__ == "__main__":
    run_job(main, snakemake)
