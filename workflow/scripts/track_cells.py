"""Track the cells in a video's first seconds."""

import gzip
import logging

import torch

from motilens.core.files import atomic_write
from motilens.core.records import write_record
from motilens.pipeline.job import run_job
from motilens.tracking.tracker import explain_no_tracks, track_first_seconds
from motilens.tracking.trajectories import count_first_frames, empty_tracks
from motilens.video.ffmpeg import DamagedVideo
from motilens.video.probe import probe_video

logger = logging.getLogger("motilens.step")


def main(job):
    depends_on, video = job.params.depends_on, job.input.video
    settings, frame_rate = depends_on["settings"]["tracking"], depends_on["frame_rate"]
    torch.set_num_threads(1)  # several videos at once are faster, and the bits stay the same
    quality = {}
    with atomic_write(job.output.tracks) as temporary:
        try:
            tracks, _, quality, problems = track_first_seconds(video, settings, frame_rate)
        except DamagedVideo as error:
            # No param: it must not make those stale that can be read.
            if job.config["dataset"]["on_unreadable_video"] != "skip":
                raise
            logger.warning(f"{error} (skipped)")
            tracks = empty_tracks()
        else:
            for problem in problems:
                logger.warning(f"{video}: {problem}")
            if tracks.empty:
                frames = count_first_frames(video, settings["duration"], frame_rate)
                rate = frame_rate or probe_video(video).frame_rate
                reason = explain_no_tracks(frames, rate, settings)
                logger.warning(f"{video}: {reason}: baselines know nothing of it")
        text = tracks.to_csv(index=False, float_format="%.2f")
        # Without the time: always the same bytes.
        temporary.write_bytes(gzip.compress(text.encode(), mtime=0))
    write_record(job.output.quality, {"quality": quality})
    logger.info(f"{tracks['cell'].nunique()} cells")


if __name__ == "__main__":
    run_job(main, snakemake)
