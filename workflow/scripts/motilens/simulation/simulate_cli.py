"""Drawing a data set from the command line."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from motilens.core.command_line import (
    output_path,
    parse_options,
    positive_number,
    report_stop,
    whole_number,
)
from motilens.core.errors import InputError
from motilens.core.files import atomic_write
from motilens.simulation.render import write_video
from motilens.simulation.visem_files import (
    simulated_sample_table,
    write_label_table,
    write_track_table,
    write_video_list,
)

DESCRIPTION = """Draw videos of simulated participants, as the pipeline does with the same numbers.
OUT gets semen_analysis_data.csv (percentages), videos.csv, videos/, and, of the realistic style,
tracks/: where each head is in each frame, in the columns of VISEM-Tracking."""
LEAST_SECONDS = 0.02  # one frame


def simulate_data_set(arguments: Sequence[str] | None = None) -> None:
    """Write videos, labels and true tracks.

    Raises:
        InputError: the folder holds files already.
    """
    options = parse_arguments(arguments)
    out, seed, style = options.out, options.seed, options.style
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is there already, and not empty: name another folder")
    table = simulated_sample_table(options.participants, seed, out / "videos", style)
    for name in ("videos", "tracks") if style == "realistic" else ("videos",):
        (out / name).mkdir(parents=True)
    write_label_table(table, out / "semen_analysis_data.csv")
    write_video_list(table, out / "videos.csv")
    done = 0

    def describe_progress() -> str:
        return f"{done} of {len(table)} videos are in {out}"

    with report_stop(describe_progress, out, "delete the folder, and run again"):
        for participant, video in zip(table["participant"], map(Path, table["video"]), strict=True):
            with atomic_write(video) as temporary:
                tracks = write_video(temporary, int(participant), seed, options.seconds, style)
            if tracks is not None:
                write_track_table(tracks, out / "tracks" / f"{video.stem}_tracks.csv")
            done += 1
            print(f"{done} of {len(table)}: {video}", flush=True)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser("motilens simulate", description=DESCRIPTION)
    parser.add_argument("out", metavar="OUT", type=output_path, help="a new folder")
    help_text = "how many participants, each with one video (default: 12)"
    parser.add_argument("--participants", type=whole_number, default=12, help=help_text)
    help_text = "length of each video, at 50 frames/s (default: 10)"
    parser.add_argument("--seconds", type=positive_number, default=10.0, help=help_text)
    help_text = "the same seed gives the same videos (default: 1)"
    parser.add_argument("--seed", type=whole_number, default=1, help=help_text)
    styles = ("plain", "realistic")
    help_text = "realistic (default), or plain: without debris, blur, drift and compression"
    parser.add_argument("--style", choices=styles, default="realistic", help=help_text)
    options = parse_options(parser, arguments)
    if options.participants < 1:
        parser.error("--participants: 1 is the least")
    if options.seconds < LEAST_SECONDS:
        parser.error(f"--seconds: {LEAST_SECONDS} is the least")
    return options
