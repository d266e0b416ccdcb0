"""Draw what was taken of a video, so that a wrong file is seen at a glance."""

from motilens.clips.previews import make_preview_images
from motilens.core.records import read_record
from motilens.pipeline.job import run_job
from motilens.reports.image_plots import plot_contact_sheet, plot_message


def main(job):
    record = read_record(job.input.record)
    if reason := record.get("skip_reason"):
        plot_message(f"{record['sample']} was skipped: {reason}", job.output)
    else:
        record |= job.params.depends_on["settings"]
        plot_contact_sheet(make_preview_images(job.input.clips), record, job.output)


if __name__ == "__main__":
    run_job(main, snakemake)
