"""Predicting new videos from the command line."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from motilens.compute.device import setup_compute
from motilens.core.command_line import parse_options, report_stop
from motilens.core.errors import InputError
from motilens.core.files import write_table
from motilens.core.records import write_record
from motilens.inference.bundle import Bundle, load_bundle
from motilens.inference.new_videos import add_video_options, list_videos, shorten_name
from motilens.inference.predictor import (
    Prediction,
    predict_videos,
    prediction_to_dict,
    predictions_table,
)
from motilens.reports.image_plots import plot_prediction
from motilens.reports.style import DISPLAY_NAMES


def main(arguments: Sequence[str] | None = None) -> None:
    """Predict videos and write a table, a JSON file and a page for each.

    Raises:
        InputError: a file is missing or cannot be used.
        SystemExit: with 1 if no video could be used.
    """
    sys.stdout.reconfigure(errors="backslashreplace")
    options = parse_arguments(arguments)
    compute = setup_compute({"device": options.device}, options.threads)
    bundle = load_bundle(options.bundle)
    facts = {"frame_rate": options.frame_rate} if options.frame_rate else {}
    videos, predictions = list_videos(options.videos), []
    pages = name_pages(videos)
    claim_folder(options.out)
    for warning in bundle.warnings:
        print(f"WARNING: {warning}", flush=True)

    def describe_progress() -> str:
        return f"{len(predictions)} of {len(videos)} videos are in {options.out}"

    with report_stop(describe_progress, options.out, "predict the others into another folder"):
        for path in videos:
            [prediction] = predict_videos(bundle, [path], compute, facts)
            predictions.append(prediction)
            print(f"{len(predictions)} of {len(videos)}: {prediction.video}")
            for line in summarize(prediction, len(bundle.warnings)):
                print(f"  {line}", flush=True)
            if not prediction.error:
                write_page(prediction, bundle.targets, options.out, pages[path])
            write_tables(options.out, predictions, bundle)  # what is done stays, whatever follows
    usable = sum(not prediction.error for prediction in predictions)
    more = ", and a page for each" if usable else ""
    print(f"{usable} of {len(predictions)} videos: {options.out}/predictions.csv, .json{more}")
    print("±: within which 95 % of errors are expected, by those on held-out participants.")
    print("For research: not a diagnosis.")
    sys.exit(0 if usable else 1)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description="Predict percentages of new videos by a bundle.")
    parser.add_argument("bundle", help="made by `make bundle`")
    add_video_options(parser, "predictions", "a new folder")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    counts = range(1, 1025)
    parser.add_argument("--threads", type=int, choices=counts, metavar="N", help="of the CPU")
    return parse_options(parser, arguments)


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


def claim_folder(folder: Path) -> None:
    """Make a folder this run's own.

    Raises:
        InputError: it holds predictions, of before or of another run that is going on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if (folder / "predictions.csv").exists():
            raise FileExistsError
        with open(folder / "predictions.json", "x", encoding="utf-8") as file:
            file.write("[]\n")
    except FileExistsError as error:
        raise InputError(
            f"{folder} holds predictions already: name another folder (--out; OUT= with make)"
        ) from error


def summarize(prediction: Prediction, n_known: int) -> list[str]:
    """Return a line for each target, and for each warning after the first `n_known`."""
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
    return lines + [f"WARNING: {text}" for text in prediction.warnings[n_known:]]


def write_page(prediction: Prediction, targets: dict, folder: Path, name: str) -> None:
    """Draw a prediction's page, unless another file has its name."""
    if (folder / name).exists():
        prediction.warnings.append(f"no page: {folder / name} is there already")
        print(f"  WARNING: {prediction.warnings[-1]}")
        return
    plot_prediction(prediction, targets, folder / name)
    prediction.page = name


def write_tables(folder: Path, predictions: list[Prediction], bundle: Bundle) -> None:
    """Write all predictions so far as a table and as JSON."""
    table = predictions_table(predictions)
    write_table(folder / "predictions.csv", table, float_format="%.3f")
    content = [prediction_to_dict(prediction, bundle) for prediction in predictions]
    write_record(folder / "predictions.json", content)
