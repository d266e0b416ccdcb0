"""Download a data set; unpack its videos and, last, its labels: they say that all is there."""

import sys
from pathlib import Path

from motilens import fetch, step, videos
from motilens.progress import progress
from motilens.unpack import unpack


def main(labels, folder, archive):
    reports = [progress(sys.stdout), progress(step.terminal())]

    def report(*state):
        for each in reports:
            each(*state)

    def video(name):
        """Where a video of the archive goes: its folders may be called otherwise there."""
        path = Path(name)
        wanted = path.parent.name == Path(folder).name and path.suffix.lower() in videos.SUFFIXES
        return Path(folder, path.name) if wanted and not path.name.startswith(".") else None

    def table(name):
        return Path(labels) if Path(name).name == Path(labels).name else None

    zipped = Path(archive["path"])
    fetch.download(archive["url"], zipped, archive["size"], archive["md5"], report)
    found = unpack(zipped, Path(), video, report)
    unpack(zipped, Path(), table, report)
    step.tell(f"{len(found)} videos in {folder}, labels in {labels}. {zipped} may be deleted.")


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.output[0],
            snakemake.params.settings["dataset.videos"],
            snakemake.params.settings["dataset.archive"],
        )
