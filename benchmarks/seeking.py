"""When it pays to look for single parts of a video instead of decoding it from end to end.

    .venv/bin/python benchmarks/seeking.py [minutes]

Clips of 18 frames, 256 x 256, out of a 640 x 480 video of 7 minutes at 50 frames/s; both ways in
one run, and the one that is chosen.
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
from motilens.clips.sampling import clip_positions
from motilens.video.probe import probe_video
from motilens.video.seek import MAX_COST_RATIO, plan_segments

MINUTES = float(sys.argv[1]) if len(sys.argv) > 1 else 7
CODECS = {
    "MJPEG, AVI": ("j.avi", "-c:v mjpeg -q:v 6"),
    "MPEG-4, AVI, a key frame every 12": ("m.avi", "-c:v mpeg4 -q:v 6 -g 12"),
    "H.264, MP4, a key frame every 250": ("h.mp4", "-c:v libx264 -preset veryfast -g 250"),
}


def clips(path: str, folder: str, count: int, sought: bool) -> float:
    """Seconds for `count` clips, one way or the other."""
    MAX_COST_RATIO = 1e9 if sought else 0
    settings = {
        "size": 256, "aspect": "squeeze", "clips_per_video": count, "clip_length": 18,
        "frame_rate": 50, "other_frame_rate": "stop",
    }  # fmt: skip
    start = time.monotonic()
    extract_clips(path, f"{folder}/{sought}.h5", settings, "1")
    return time.monotonic() - start


def chosen(path: str, count: int) -> str:
    found = probe_video(path)
    first = clip_positions(found.frames, count, 18)
    MAX_COST_RATIO = WORTH
    return "parts" if plan_segments(found, np.ravel(first[:, None] + np.arange(18))) else "whole"


WORTH = MAX_COST_RATIO
with tempfile.TemporaryDirectory() as folder:
    print("| video | clips | whole, s | parts, s | chosen |\n|---|---|---|---|---|")
    for codec, (name, options) in CODECS.items():
        path = f"{folder}/{name}"
        picture = ["-f", "lavfi", "-i", f"testsrc2=s=640x480:r=50:d={60 * MINUTES}"]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *picture]
        subprocess.run([*command, *options.split(), path], check=True)
        for count in (10, 50, 250):
            whole, parts = (clips(path, folder, count, sought) for sought in (False, True))
            way = chosen(path, count)
            print(f"| {codec} | {count} | {whole:.1f} | {parts:.1f} | {way} |", flush=True)
