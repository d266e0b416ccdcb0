"""Follow the cells in a video's first seconds."""

import gzip

from motilens import step, tracks
from motilens.video import Damaged


def main(video, output, settings, rate, may_leave_out):
    with step.written_whole(output) as temporary:
        try:
            followed, _ = tracks.beginning(video, settings, rate, step.note)
        except Damaged as error:
            if not may_leave_out:
                raise
            step.warn(f"{error} (left out)")
            followed = tracks.nothing()
        else:
            if followed.empty:
                frames = tracks.frames_of(video, settings["seconds"], rate)
                why = tracks.why_none(frames, settings)
                step.warn(f"{video}: {why}: baselines know nothing of it")
        text = followed.to_csv(index=False, float_format="%.2f")
        # Without the time: always the same bytes.
        temporary.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{followed['cell'].nunique()} cells")


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input.video,
            snakemake.output[0],
            snakemake.params.settings["tracks"],
            snakemake.params.rate["frame_rate"],
            # No param: it must not make those stale that can be read.
            snakemake.config["dataset"]["unreadable"] == "leave_out",
        )
