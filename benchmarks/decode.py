"""How fast videos become clips, beside ffmpeg that throws the same frames away.

    .venv/bin/python benchmarks/decode.py [frames]

Noisy frames of 640 x 480, 50 a second, in three codecs. As with VISEM's 250 clips of 18 frames,
256 x 256, 30 % of the frames are kept.
OpenCV and PyAV do the same work where they are installed (opencv-python-headless, av).
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.clips.extract import extract_clips
from motilens.clips.hdf5 import write_clips
from motilens.clips.sampling import clip_positions
from motilens.video.decode import SCALE_FLAGS, resize_filter

FRAMES = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
SIZE, LENGTH = 256, 18
SETTINGS = {
    "size": SIZE, "aspect": "squeeze", "clips_per_video": FRAMES * 3 // 10 // 18,
    "clip_length": LENGTH, "frame_rate": 50, "other_frame_rate": "stop",
}  # fmt: skip
FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y"]
CODECS = {
    "H.264": ("h.mp4", "-c:v libx264 -preset veryfast -crf 23"),
    "MPEG-4": ("m.avi", "-c:v mpeg4 -q:v 4"),
    "MJPEG": ("j.avi", "-c:v mjpeg -q:v 4"),
}


def reference(path, folder):
    """The same filters on the same file and threads; nothing is kept."""
    chain = resize_filter(SIZE)
    command = [*FFMPEG, "-flags", "bitexact", "-idct", "simple", "-i", path, "-vf", chain]
    subprocess.run([*command, "-fps_mode", "passthrough", "-f", "null", "-"], check=True)


def ours(path, folder):
    extract_clips(path, f"{folder}/ours.h5", SETTINGS, "1", {})


def with_pyav(path, folder):
    import av
    from av.filter import Graph

    def frames():
        with av.open(path) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            graph = Graph()
            names = [("scale", f"{SIZE}:{SIZE}:{SCALE_FLAGS}"), ("format", "gray")]
            chain = [graph.add_buffer(template=stream), *(graph.add(*name) for name in names)]
            graph.link_nodes(*chain, graph.add("buffersink")).configure()
            for frame in container.decode(stream):
                graph.push(frame)
                yield graph.pull().to_ndarray()

    write(frames(), f"{folder}/pyav.h5")


def with_opencv(path, folder):
    import cv2

    def frames():
        capture = cv2.VideoCapture(path)
        while (found := capture.read())[0]:
            grey = cv2.cvtColor(found[1], cv2.COLOR_BGR2GRAY)
            yield cv2.resize(grey, (SIZE, SIZE), interpolation=cv2.INTER_AREA)

    write(frames(), f"{folder}/opencv.h5")


def write(frames, path):
    positions = clip_positions(FRAMES, SETTINGS["clips_per_video"], LENGTH)
    write_clips(path, enumerate(frames), positions[:, None] + np.arange(LENGTH), SIZE)


def timed(work, *arguments) -> float | None:
    try:
        work(*arguments)  # the file is then in memory
        times = []
        for _ in range(3):
            start = time.monotonic()
            work(*arguments)
            times.append(time.monotonic() - start)
        return min(times)
    except ImportError:
        return None


with tempfile.TemporaryDirectory() as folder:
    print("| codec | ffmpeg -f null, frames/s | ours | PyAV | OpenCV |\n|---|---|---|---|---|")
    for codec, (name, options) in CODECS.items():
        path = f"{folder}/{name}"
        source = [
            "-f",
            "lavfi",
            "-i",
            f"testsrc2=s=640x480:r=50:d={FRAMES / 50},noise=alls=12:allf=t",
        ]
        subprocess.run([*FFMPEG, *source, *options.split(), path], check=True)
        base = timed(reference, path, folder)
        others = [timed(work, path, folder) for work in (ours, with_pyav, with_opencv)]
        ratios = [f"{base / other:.2f}" if other else "not installed" for other in others]
        print(f"| {codec} | {FRAMES / base:.0f} | {' | '.join(ratios)} |", flush=True)
