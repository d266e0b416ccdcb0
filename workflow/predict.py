"""Percentages of new videos by a finished run's bundle.

`make predict`, or
.venv/bin/python workflow/predict.py BUNDLE VIDEO_OR_FOLDER ... [--out FOLDER]
"""

import argparse
import json
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

from motilens.compute.device import setup_compute  # noqa: E402
from motilens.core.command_line import run_command_line  # noqa: E402
from motilens.core.errors import InputError  # noqa: E402
from motilens.core.files import atomic_write  # noqa: E402
from motilens.core.text import to_printable  # noqa: E402
from motilens.dataset.video_files import VIDEO_SUFFIXES, is_video_file  # noqa: E402
from motilens.inference.bundle import load_bundle  # noqa: E402
from motilens.inference.predictor import predict_videos, prediction_to_dict, predictions_table  # noqa: E402
from motilens.reports.image_plots import plot_prediction  # noqa: E402
from motilens.reports.style import DISPLAY_NAMES  # noqa: E402

LONGEST = 200  # bytes of a page's name: file systems allow 255, and its temporary name is longer


def main():
    given = arguments()
    how = setup_compute({"device": given.device}, given.threads)
    made = load_bundle(given.bundle)
    facts = {"frame_rate": given.frame_rate} if given.frame_rate else {}
    wanted, found = files(given.videos), []
    pages = names(wanted)
    begin(given.out)
    try:
        for path, one in zip(wanted, predict_videos(made, wanted, how, facts), strict=True):
            found.append(one)
            print(f"{len(found)} of {len(wanted)}: {one.video}: {told(one)}", flush=True)
            if not one.problem:
                draw(one, made.targets, given.out, pages[path])
            write(given.out, found, made)  # what is done stays, whatever comes
    except KeyboardInterrupt:
        sys.exit(f"Stopped: {len(found)} of {len(wanted)} videos are in {given.out}")
    usable = sum(not one.problem for one in found)
    pages = ", and a page for each" if usable else ""
    print(f"{usable} of {len(found)} videos: {given.out}/predictions.csv, .json{pages}")
    print("For research: not a diagnosis.")
    sys.exit(0 if usable else 1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", help="made by `make bundle`")
    parser.add_argument("videos", nargs="+", type=Path, help="files, or folders of them")
    parser.add_argument("--out", type=Path, default=Path("predictions"), help="a folder, new")
    parser.add_argument(
        "--frame-rate", type=above_0, help="of the videos (1/s), if files are wrong"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument(
        "--threads", type=int, choices=range(1, 1025), metavar="N", help="of the CPU"
    )
    return parser.parse_args()


def above_0(text):
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def begin(folder):
    """Make the folder this run's own.

    Raises:
        InputError: it holds predictions, of before or of another run that is going on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = InputError(
        f"{folder} holds predictions already: name another folder (--out; OUT= with make)"
    )
    if (folder / "predictions.csv").exists():
        raise there
    try:
        with open(folder / "predictions.json", "x", encoding="utf-8") as file:
            file.write("[]\n")
    except FileExistsError as error:
        raise there from error


def told(one):
    """A prediction in a line, and each warning in another."""
    if one.problem:
        return f"ERROR: {one.problem}"
    numbers = ", ".join(
        f"{DISPLAY_NAMES.get(name, name)} {part['percent']:.0f} %"
        for name, part in one.values.items()
    )
    return "\n  WARNING: ".join([numbers, *one.warnings])


def draw(one, targets, folder, name):
    """Its page, unless something else is called so: the numbers should not be lost by it."""
    if (folder / name).exists():
        one.warnings.append(f"no page: {folder / name} is there already")
        print(f"  WARNING: {one.warnings[-1]}")
        return
    with atomic_write(folder / name) as temporary:
        plot_prediction(one, targets, temporary)
    one.page = name


def write(folder, found, made):
    with atomic_write(folder / "predictions.csv") as temporary:
        predictions_table(found).to_csv(temporary, index=False, float_format="%.3f")
    with atomic_write(folder / "predictions.json") as temporary:
        content = [prediction_to_dict(one, made) for one in found]
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def files(given):
    """The videos themselves, those of a folder by their names' endings.

    Raises:
        InputError: one is not there, or a folder holds none.
    """
    found = []
    for path in given:
        if path.is_dir():
            inside = [file for file in path.iterdir() if is_video_file(file.name)]
            if not inside:
                kinds = ", ".join(sorted(VIDEO_SUFFIXES))
                raise InputError(f"{to_printable(path)} holds no videos ({kinds})")
            found += sorted(inside)
        elif path.exists():
            found.append(path)
        else:
            raise InputError(f"{to_printable(path)}: no such file")
    return list(dict.fromkeys(found))


def names(wanted):
    """A page for each video, called as it; videos of one name in several folders get numbers."""
    pages, taken = {}, set()
    for video in wanted:
        whole = to_printable(video.name).encode()[:LONGEST].decode(errors="ignore")
        name, number = f"{whole}.png", 2
        while name in taken:
            name, number = f"{whole}.{number}.png", number + 1
        taken.add(name)
        pages[video] = name
    return pages


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")
    run_command_line(main)
