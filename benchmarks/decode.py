"""Measure how fast videos become clips, beside ffmpeg decoding and resizing to nothing.

    .venv/bin/python benchmarks/decode.py [frames]

Noisy frames of 640 x 480, 50 a second, 3000 unless another number is given, in three codecs. As
with VISEM's 250 clips of 18 frames, 256 x 256, 30 % of the frames are kept. PyAV and OpenCV do the
same work where they are installed (av, opencv-python-headless).
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import imageio_ffmpeg
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.clips.extract import extract_clips
from motilens.clips.hdf5 import write_clips
from motilens.clips.sampling import clip_positions
from motilens.video.decode import SCALE_FLAGS, resize_filter

SIZE, CLIP_LENGTH = 256, 18
FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y"]
CODECS = {
    "H.264": ("h.mp4", "-c:v libx264 -preset veryfast -crf 23"),
    "MPEG-4": ("m.avi", "-c:v mpeg4 -q:v 4"),
    "MJPEG": ("j.avi", "-c:v mjpeg -q:v 4"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frames", type=int, nargs="?", default=3000)
    frames = parser.parse_args().frames
    print("| codec | ffmpeg -f null, frames/s | Motilens | PyAV | OpenCV |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for codec, (name, options) in CODECS.items():
            video, output = f"{folder}/{name}", f"{folder}/clips.h5"
            source = f"testsrc2=s=640x480:r=50:d={frames / 50},noise=all_strength=12:all_flags=t"
            command = [*FFMPEG, "-f", "lavfi", "-i", source, *options.split(), video]
            subprocess.run(command, check=True)
            reference, *others = (
                fastest_of_three(decode, video, output, frames)
                for decode in (decode_to_null, decode_by_motilens, decode_by_pyav, decode_by_opencv)
            )
            ratios = [f"{reference / time:.2f}" if time else "not installed" for time in others]
            print(f"| {codec} | {frames / reference:.0f} | {' | '.join(ratios)} |", flush=True)


def decode_to_null(video: str, output: str, frames: int) -> None:
    """Decode and resize all frames as Motilens does, and keep nothing."""
    options = ["-flags", "bitexact", "-idct", "simple", "-i", video, "-vf", resize_filter(SIZE)]
    options += ["-fps_mode", "passthrough", "-f", "null", "-"]
    subprocess.run([*FFMPEG, *options], check=True)


def decode_by_motilens(video: str, output: str, frames: int) -> None:
    settings = {
        "size": SIZE, "resize_mode": "stretch", "clips_per_video": count_clips(frames),
        "clip_length": CLIP_LENGTH, "frame_rate": 50, "on_frame_rate_mismatch": "error",
    }  # fmt: skip
    extract_clips(video, output, settings, "1")


def decode_by_pyav(video: str, output: str, frames: int) -> None:
    import av
    from av.filter import Graph

    def iter_gray():
        with av.open(video) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            graph = Graph()
            filters = [("scale", f"{SIZE}:{SIZE}:{SCALE_FLAGS}"), ("format", "gray")]
            chain = [graph.add_buffer(template=stream), *(graph.add(*f) for f in filters)]
            graph.link_nodes(*chain, graph.add("buffersink")).configure()
            for frame in container.decode(stream):
                graph.push(frame)
                yield graph.pull().to_ndarray()

    write_selected(iter_gray(), output, frames)


def decode_by_opencv(video: str, output: str, frames: int) -> None:
    import cv2

    def iter_gray():
        capture = cv2.VideoCapture(video)
        while (frame := capture.read()[1]) is not None:
            gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
            yield cv2.resize(gray, (SIZE, SIZE), interpolation=cv2.INTER_AREA)

    write_selected(iter_gray(), output, frames)


def write_selected(gray: Iterable[np.ndarray], output: str, frames: int) -> None:
    """Write the clips that Motilens would write."""
    first = clip_positions(frames, count_clips(frames), CLIP_LENGTH)
    write_clips(output, enumerate(gray), first[:, None] + np.arange(CLIP_LENGTH), SIZE)


def count_clips(frames: int) -> int:
    return frames * 3 // 10 // CLIP_LENGTH


def fastest_of_three(decode: Callable, *arguments) -> float | None:
    """Return the seconds that decoding takes; None if its library is not installed."""
    times = []
    try:
        for _ in range(4):
            start = time.perf_counter()
            decode(*arguments)
            times.append(time.perf_counter() - start)
    except ImportError:
        return None
    return min(times[1:])  # only after the first one is the file in memory


if __name__ == "__main__":
    main()
