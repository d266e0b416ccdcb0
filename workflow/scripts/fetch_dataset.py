"""Download a data set; unpack its videos and, last, its labels: they say that all is there."""

import sys
from pathlib import Path

from motilens.dataset.archive import extract_archive
from motilens.dataset.download import download_archive
from motilens.dataset.progress import make_progress_report
from motilens.dataset.video_files import VIDEO_SUFFIXES
from motilens.pipeline.job import open_terminal, run_job, tell


def main(labels, folder, archive):
    reports = [make_progress_report(sys.stdout), make_progress_report(open_terminal())]

    def report(*state):
        for each in reports:
            each(*state)

    def video(name):
        """Where a video of the archive goes: its folders may be called otherwise there."""
        path = Path(name)
        wanted = path.parent.name == Path(folder).name and path.suffix.lower() in VIDEO_SUFFIXES
        return Path(folder, path.name) if wanted and not path.name.startswith(".") else None

    def table(name):
        return Path(labels) if Path(name).name == Path(labels).name else None

    zipped = Path(archive["path"])
    download_archive(archive["url"], zipped, archive["size"], archive["md5"], report)
    found = extract_archive(zipped, Path(), video, report)
    extract_archive(zipped, Path(), table, report)
    tell(f"{len(found)} videos in {folder}, labels in {labels}. {zipped} may be deleted.")


if __name__ == "__main__":
    with run_job(snakemake):
        main(
            snakemake.output[0],
            snakemake.params.settings["dataset.videos"],
            snakemake.params.settings["dataset.archive"],
        )
