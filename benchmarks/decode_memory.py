"""Measure time and peak memory of cutting VISEM's 250 clips out of a long 640 x 480 video.

    .venv/bin/python benchmarks/decode_memory.py [minutes]

The video is ffmpeg's moving test picture in MPEG-4 with 50 frames/s. It lasts 7 minutes, unless
another number is given.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

import imageio_ffmpeg

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.clips.extract import extract_clips

SETTINGS = {
    "size": 256, "resize_mode": "stretch", "clips_per_video": 250, "clip_length": 18,
    "frame_rate": 50, "on_frame_rate_mismatch": "error",
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("minutes", type=float, nargs="?", default=7)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as folder:
        video = f"{folder}/long.avi"
        source = ["-f", "lavfi", "-i", "testsrc2=s=640x480:r=50", "-t", str(60 * minutes)]
        ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error"]
        subprocess.run([*ffmpeg, *source, "-c:v", "mpeg4", "-q:v", "4", video], check=True)
        encoder = peak_memory_mb(RUSAGE_CHILDREN)
        start = time.perf_counter()
        extract_clips(video, f"{folder}/clips.h5", SETTINGS, "1")
        seconds = time.perf_counter() - start
    print(f"{3000 * minutes:.0f} frames in {seconds:.1f} s")
    # The largest process so far counts: the decoder, unless the encoder was larger.
    print(
        f"peak memory: Python {peak_memory_mb(RUSAGE_SELF):.0f} MB, ffmpeg "
        f"{peak_memory_mb(RUSAGE_CHILDREN):.0f} MB (encoder {encoder:.0f} MB)"
    )


def peak_memory_mb(who: int) -> float:
    """Return the peak memory of this process, or of the largest child that has ended."""
    return getrusage(who).ru_maxrss / 1024


if __name__ == "__main__":
    main()
