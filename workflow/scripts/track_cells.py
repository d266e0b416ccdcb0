"""Follow the cells in a video's first seconds."""

from motilens import step, tracks
from motilens.video import Damaged


def main(video, record, output, settings):
    known = step.read_record(record)
    with step.written_whole(output) as temporary:
        if "problem" in known:
            tracks.nothing().to_csv(temporary, index=False, compression="gzip")
            return
        frames = min(round(settings["seconds"] * known["video_frame_rate"]), known["video_frames"])
        try:
            found = tracks.follow(video, frames, settings)
        except Damaged as error:  # its clips lie elsewhere in it
            raise Damaged(f"{error} (while following cells: leave baselines out)") from error
        found.to_csv(temporary, index=False, compression="gzip", float_format="%.2f")
    print(f"{found['cell'].nunique()} cells in {frames} frames")


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input.video,
            snakemake.input.record,
            snakemake.output[0],
            snakemake.params.settings["tracks"],
        )
