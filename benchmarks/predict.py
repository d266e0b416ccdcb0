"""Measure how long predictions of new videos take, beside plain decoding by ffmpeg.

    .venv/bin/python benchmarks/predict.py BUNDLE VIDEO ...

One thread each. Prints the seconds for a video: ffmpeg decoding all of it to nothing, Motilens, and
how much of that is decoding.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.clips.extract import extract_clips
from motilens.compute.device import ComputeSettings, setup_compute
from motilens.core.command_line import run_command_line
from motilens.core.errors import InputError
from motilens.inference.bundle import Bundle, load_bundle
from motilens.inference.predictor import predict_videos


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle")
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--plugins", help="folder of your own code that the bundle needs")
    arguments = parser.parse_args()
    compute = setup_compute({"device": "cpu"}, 1)
    bundle = load_bundle(arguments.bundle, arguments.plugins)
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-threads", "1"]
    seconds = {"ffmpeg": 0.0, "Motilens": 0.0, "of which decoding": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        for video in arguments.videos:
            command, clips = [*ffmpeg, "-i", video, "-f", "null", "-"], Path(folder, "clips.h5")
            seconds["ffmpeg"] += measure_seconds(subprocess.run, command, check=True)
            decoding = measure_seconds(extract_clips, video, clips, bundle.frames, "video")
            seconds["of which decoding"] += decoding
            seconds["Motilens"] += measure_seconds(predict_video, bundle, video, compute)
    for name, total in seconds.items():
        print(f"{name}: {total / len(arguments.videos):.2f} s a video")
    print(f"Motilens / ffmpeg: {seconds['Motilens'] / seconds['ffmpeg']:.2f}")


def predict_video(bundle: Bundle, video: str, compute: ComputeSettings) -> None:
    [prediction] = predict_videos(bundle, [video], compute)
    if prediction.error:
        raise InputError(prediction.error)


def measure_seconds(function: Callable, *arguments, **options) -> float:
    start = time.perf_counter()
    function(*arguments, **options)
    return time.perf_counter() - start


if __name__ == "__main__":
    run_command_line(main)
