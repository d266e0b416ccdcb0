"""Predicting new videos from the command line."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from motilens.compute.device import setup_compute
from motilens.core.command_line import parse_options, positive_number, report_stop
from motilens.core.errors import InputError
from motilens.core.text import to_printable
from motilens.inference.batch_files import (
    ABOUT_ERROR,
    BATCH_PAGE,
    check_batch_page,
    write_batch_files,
    write_batch_page,
)
from motilens.inference.bundle import Bundle, load_bundle
from motilens.inference.new_videos import (
    add_video_options,
    describe_unread,
    is_changed,
    list_videos,
    shorten_name,
)
from motilens.inference.predictor import Prediction, predict_videos
from motilens.inference.shipped_model import (
    SHIPPED_MODEL,
    ShippedModel,
    TrackPredictor,
    load_shipped_model,
)
from motilens.inference.track_folder import OTHER_FOLDER, lock_folder
from motilens.reports.image_plots import plot_prediction
from motilens.reports.style import DISPLAY_NAMES

BUNDLE_SUFFIX, MODEL_SUFFIX = ".pt", ".json"
TRACKS = "tracks"  # folder in that of the predictions


def main(
    arguments: Sequence[str] | None = None, read_code: Callable[[], dict[str, str]] = dict
) -> None:
    """Predict videos; write a table, a JSON file, a page of all and a picture of each.

    Args:
        read_code: returns what `code_versions` does; kept with tracks.

    Raises:
        InputError: a file is missing or cannot be used.
        SystemExit: with 1 if no video could be used.
    """
    sys.stdout.reconfigure(errors="backslashreplace")
    options = parse_arguments(arguments)
    is_shipped = options.model.suffix.lower() == MODEL_SUFFIX
    load = load_shipped_model if is_shipped else partial(load_bundle, plugins=options.plugins)
    model = load(options.model)
    for line in describe_unread(options.videos):
        print(line)
    videos, predictions = list_videos(options.videos), []
    pages = name_pages(videos)
    own_pages = claim_folder(options.out, model, videos)
    predict = choose_predictor(model, options, read_code, videos)
    for warning in (*model.warnings, *find_newer_run(options.model)):
        print(f"WARNING: {warning}", flush=True)

    def describe_progress() -> str:
        return f"{len(predictions)} of {len(videos)} videos are in {options.out}"

    remedy = "run again to go on: what is done is kept"
    remedy = remedy if is_shipped else "predict the others into another folder"
    stopping = report_stop(describe_progress, options.out, remedy)
    with lock_folder(options.out), stopping:
        for path in videos:
            prediction = predict(path)
            predictions.append(prediction)
            print(f"{len(predictions)} of {len(videos)}: {prediction.video}")
            for line in summarize(prediction):
                print(f"  {line}", flush=True)
            if not prediction.error:
                name_page(prediction, options.out, pages[path], own_pages)
            # What is done stays, whatever follows.
            write_batch_files(options.out, predictions, model, len(videos))
            if prediction.page:
                plot_prediction(prediction, model.targets, options.out / prediction.page)
                write_batch_page(options.out, predictions, model, len(videos))
    usable = sum(not prediction.error for prediction in predictions)
    more = ", a page for each" if usable else ""
    more += f", tracks in {options.out / TRACKS}" if is_shipped else ""
    files = f"{options.out / BATCH_PAGE}, predictions.csv, .json{more}"
    print(f"{usable} of {len(predictions)} videos have percentages: {files}")
    print(f"±: {ABOUT_ERROR}")
    print("For research: not a diagnosis.")
    sys.exit(0 if usable else 1)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line, `model` among them."""
    description = """Predict percentages of new videos. The page index.html shows all of them; the
    same numbers are in predictions.csv and predictions.json."""
    parser = argparse.ArgumentParser("motilens predict", description=description)
    add_video_options(parser, "predictions", "a folder, new or of a call that was stopped")
    help_text = "a bundle (made by `make bundle`); default: the model that ships"
    parser.add_argument("--model", type=Path, metavar="FILE", help=help_text)
    help_text = "of the videos (height of a pixel), not with a bundle"
    name = "--microns-per-pixel"
    parser.add_argument(name, type=positive_number, metavar="MICRONS", help=help_text)
    parser.add_argument("--device", default="auto", help="of a bundle: auto, cpu, cuda or mps")
    help_text = "folder of your own code that a bundle needs; it is run"
    parser.add_argument("--plugins", type=Path, metavar="FOLDER", help=help_text)
    counts = range(1, 1025)
    parser.add_argument("--threads", type=int, choices=counts, metavar="N", help="of the CPU")
    options = parse_options(parser, arguments)
    first = options.videos[0]
    if not options.model and first.suffix.lower() in (BUNDLE_SUFFIX, MODEL_SUFFIX):
        options.model, *options.videos = options.videos
    options.model = options.model or SHIPPED_MODEL
    if not options.videos:
        parser.error("name a video, too")
    if options.microns_per_pixel and options.model.suffix.lower() != MODEL_SUFFIX:
        parser.error("a bundle takes no --microns-per-pixel")
    if options.plugins and options.model.suffix.lower() == MODEL_SUFFIX:
        parser.error("a model of models/ takes no --plugins")
    return options


def find_newer_run(bundle: Path) -> list[str]:
    """Return a warning if the run whose folder holds the bundle has gone on since it was made."""
    table = bundle.parent.with_name("tables") / "statistics.csv"
    if bundle.parent.name != "bundles" or not table.exists():
        return []
    if table.stat().st_mtime <= bundle.stat().st_mtime:
        return []
    return [f"{bundle}: the run went on since it was made: make the bundle again"]


def choose_predictor(
    model: Bundle | ShippedModel,
    options: argparse.Namespace,
    read_code: Callable[[], dict[str, str]],
    videos: Sequence[Path],
) -> Callable[[Path], Prediction]:
    """Return what predicts a video: networks by its frames, or a shipped model by its tracks.

    Raises:
        InputError: the folder of tracks holds what this call would not have made.
    """
    compute = setup_compute({"device": options.device}, options.threads)
    facts = {"frame_rate": options.frame_rate} if options.frame_rate else {}
    if isinstance(model, Bundle):
        return lambda path: next(predict_videos(model, [path], compute, facts))
    facts |= {"microns_per_pixel": options.microns_per_pixel}
    predictor = TrackPredictor(model, options.out / TRACKS, read_code(), facts)
    predictor.check_use(videos)
    return predictor.predict


def name_pages(videos: Sequence[Path]) -> dict[Path, str]:
    """Return the name of each video's page; videos of one name in several folders get numbers."""
    pages = {}
    for video in videos:
        stem = shorten_name(video.name)
        name, number = f"{stem}.png", 2
        while name in pages.values():
            name, number = f"{stem}.{number}.png", number + 1
        pages[video] = name
    return pages


def claim_folder(folder: Path, model: Bundle | ShippedModel, videos: Sequence[Path]) -> set[str]:
    """Make a folder this run's own; return the pages in it that may be written again.

    Predictions of a shipped model are made again where this call has the same videos, or more:
    videos of the same names and content.

    Raises:
        InputError: it holds other predictions, of before or of another run that is going on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    check_batch_page(folder)
    try:
        if (folder / "predictions.csv").exists():
            raise FileExistsError
        with open(folder / "predictions.json", "x", encoding="utf-8") as file:
            file.write("[]\n")
    except FileExistsError as error:
        earlier = _read_earlier(folder / "predictions.json")
        made = {(entry.get("video"), entry.get("bundle_sha256")) for entry in earlier or []}
        names = {(to_printable(video), model.digest) for video in videos}
        if earlier is not None and isinstance(model, ShippedModel) and made <= names:
            _check_content(folder, earlier, videos)
            return {entry.get("page") for entry in earlier}
        raise InputError(f"{folder} holds predictions already: {OTHER_FOLDER}") from error
    return set()


def _check_content(folder: Path, earlier: Sequence[dict], videos: Sequence[Path]) -> None:
    """Check that videos still are those of earlier predictions (InputError)."""
    known = {entry["video"]: (entry.get("decoded") or {}).get("fingerprint") for entry in earlier}
    for video in videos:
        fingerprint = known.get(to_printable(video))
        if fingerprint and is_changed(video, fingerprint):
            raise InputError(
                f"{to_printable(video)} is not the video that {folder} holds predictions of: "
                f"{OTHER_FOLDER}"
            )


def _read_earlier(path: Path) -> list[dict] | None:
    """Return the predictions of an earlier call; None if the file is none of ours."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(content, list) and all(isinstance(entry, dict) for entry in content)
    return content if is_ours else None


def summarize(prediction: Prediction) -> list[str]:
    """Return a line for each target, and for each warning about this video."""
    if prediction.error:
        return [f"ERROR: {prediction.error}"]
    lines = []
    for target, words in prediction.doubts.items():
        of_target = {n: v for n, v in prediction.values.items() if v["target"] == target}
        numbers = ", ".join(
            f"{DISPLAY_NAMES.get(n, n)} {v['percent']:.0f} ± {v['held_out_error']:.0f} %"
            for n, v in of_target.items()
        )
        doubts = f" ({', '.join(words)})" if words else ""
        lines.append(f"{target}{doubts}: {numbers}")
    return lines + [f"WARNING: {text}" for text in prediction.warnings]


def name_page(prediction: Prediction, folder: Path, name: str, own_pages: set[str]) -> None:
    """Give a prediction its page, unless another file has the name."""
    if (folder / name).exists() and name not in own_pages:
        prediction.warnings.append(f"no page: {folder / name} is there already")
        print(f"  WARNING: {prediction.warnings[-1]}")
        return
    prediction.page = name
