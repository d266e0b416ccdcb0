"""Draw what was taken of a video, so that a wrong file is seen at a glance."""

from motilens.clips.previews import make_preview_images
from motilens.core.files import atomic_write
from motilens.core.records import read_record
from motilens.pipeline.job import run_job
from motilens.reports.image_plots import plot_contact_sheet, plot_message


def main(clips, record, output):
    known = read_record(record)
    with atomic_write(output) as temporary:
        if "problem" in known:
            plot_message(f"{known['sample']} was left out: {known['problem']}", temporary)
        else:
            plot_contact_sheet(make_preview_images(clips), known, temporary)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake.input.clips, snakemake.input.record, snakemake.output[0])
