"""Follow the cells in a video's first seconds."""

import gzip

from motilens.core.files import atomic_write
from motilens.pipeline.job import note, run_job, warn
from motilens.tracking.trajectories import (
    count_first_frames,
    empty_tracks,
    explain_no_tracks,
    track_first_seconds,
)
from motilens.video.ffmpeg import DamagedVideo


def main(video, output, settings, rate, may_leave_out):
    with atomic_write(output) as temporary:
        try:
            followed, _ = track_first_seconds(video, settings, rate, note)
        except DamagedVideo as error:
            if not may_leave_out:
                raise
            warn(f"{error} (left out)")
            followed = empty_tracks()
        else:
            if followed.empty:
                frames = count_first_frames(video, settings["seconds"], rate)
                why = explain_no_tracks(frames, settings)
                warn(f"{video}: {why}: baselines know nothing of it")
        text = followed.to_csv(index=False, float_format="%.2f")
        # Without the time: always the same bytes.
        temporary.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{followed['cell'].nunique()} cells")


if __name__ == "__main__":
    with run_job(snakemake):
        main(
            snakemake.input.video,
            snakemake.output[0],
            snakemake.params.settings["tracks"],
            snakemake.params.rate["frame_rate"],
            # No param: it must not make those stale that can be read.
            snakemake.config["dataset"]["unreadable"] == "leave_out",
        )
