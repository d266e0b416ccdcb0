"""Write a configuration for your own videos and table: `make new`.

Or .venv/bin/python workflow/new_config.py --videos FOLDER --table FILE [--out FILE]
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from motilens.core.command_line import output_path, run_command_line  # noqa: E402
from motilens.pipeline.own_config import write_own_config  # noqa: E402
from motilens.video.ffmpeg import DamagedVideo  # noqa: E402
from motilens.video.probe import probe_video  # noqa: E402


def main():
    """Write the configuration; print what was found, and what comes next."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", default="", help="their folder")
    parser.add_argument("--table", default="", help="CSV or Excel, of participants and percentages")
    parser.add_argument("--out", type=output_path, default="my_study.yaml")
    options = parser.parse_args()
    model = (ROOT / "config/own.yaml").read_text(encoding="utf-8")
    lines = write_own_config(options.videos, options.table, options.out, model, measure_frame_rate)
    print(*lines, sep="\n")


def measure_frame_rate(path: str) -> float | None:
    """Return the frames per second of a video, None if it cannot be read or does not say."""
    try:
        rate = probe_video(path).frame_rate
    except DamagedVideo:
        return None
    return rate if rate > 0 else None  # not NaN


if __name__ == "__main__":
    run_command_line(main)
