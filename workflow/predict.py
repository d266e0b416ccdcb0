"""Percentages of new videos by a finished run's bundle: `make predict`, or

.venv/bin/python workflow/predict.py BUNDLE VIDEO_OR_FOLDER ... [--out FOLDER]
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

from motilens import InputError, bundle, plots, predicting, videos  # noqa: E402
from motilens.performance import prepare  # noqa: E402
from motilens.step import written_whole  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", help="made by `make bundle`")
    parser.add_argument("videos", nargs="+", type=Path, help="files, or folders of them")
    parser.add_argument("--out", type=Path, default=Path("predictions"), help="folder")
    parser.add_argument("--frame-rate", type=float, help="of the videos (1/s), if files are wrong")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--threads", type=int, help="of the CPU")
    given = parser.parse_args()
    how = prepare({"device": given.device}, given.threads)
    made = bundle.load(given.bundle)
    facts = {"frame_rate": given.frame_rate} if given.frame_rate else {}
    wanted, found = files(given.videos), []
    pages = names(wanted)
    for one in predicting.predict(made, wanted, how, facts):
        found.append(one)
        print(f"{len(found)} of {len(wanted)}: {one.video}: {told(one)}", flush=True)
        if not one.problem:
            with written_whole(given.out / pages[Path(one.video)]) as temporary:
                plots.prediction(one, made.targets, temporary)
        write(given.out, found, made)  # what is done stays, whatever comes
    usable = sum(not one.problem for one in found)
    print(f"{usable} of {len(found)} videos: {given.out}/predictions.csv, .json, a page for each")
    print("For research: not a diagnosis.")
    sys.exit(0 if usable else 1)


def told(one):
    """A prediction in a line, and each warning in another."""
    if one.problem:
        return f"ERROR: {one.problem}"
    numbers = ", ".join(
        f"{plots.IN_WORDS.get(name, name)} {part['percent']:.0f} %"
        for name, part in one.values.items()
    )
    return "\n  WARNING: ".join([numbers, *one.warnings])


def write(folder, found, made):
    with written_whole(folder / "predictions.csv") as temporary:
        predicting.table(found).to_csv(temporary, index=False, float_format="%.3f")
    with written_whole(folder / "predictions.json") as temporary:
        content = [predicting.as_json(one, made) for one in found]
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def files(given):
    """The videos themselves, those of a folder by their names' endings.

    Raises:
        InputError: one is not there, or a folder holds none.
    """
    found = []
    for path in given:
        if path.is_dir():
            inside = [file for file in path.iterdir() if file.suffix.lower() in videos.SUFFIXES]
            if not inside:
                raise InputError(f"{path} holds no videos ({', '.join(sorted(videos.SUFFIXES))})")
            found += sorted(inside)
        elif path.exists():
            found.append(path)
        else:
            raise InputError(f"{path}: no such file")
    return list(dict.fromkeys(found))


def names(wanted):
    """A page for each video, called as it; videos of one name in several folders get numbers."""
    pages, taken = {}, set()
    for video in wanted:
        name, number = f"{video.name}.png", 2
        while name in taken:
            name, number = f"{video.name}.{number}.png", number + 1
        taken.add(name)
        pages[video] = name
    return pages


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"ERROR: {error}")
