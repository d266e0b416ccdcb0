"""Time and peak memory of cutting VISEM's 250 clips out of a long 640 x 480 video.

    .venv/bin/python benchmarks/decode_memory.py [minutes]

The video is ffmpeg's moving test picture in MPEG-4, 50 frames/s, 7 minutes unless told otherwise.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.clips.extract import extract_clips

minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 7
with tempfile.TemporaryDirectory() as folder:
    source = f"{folder}/long.avi"
    picture = ["-f", "lavfi", "-i", "testsrc2=s=640x480:r=50", "-t", str(60 * minutes)]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *picture, "-c:v", "mpeg4"]
    subprocess.run([*command, "-q:v", "4", source], check=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    start = time.time()
    settings = {
        "size": 256, "aspect": "squeeze", "clips_per_video": 250, "clip_length": 18,
        "frame_rate": 50, "other_frame_rate": "stop",
    }  # fmt: skip
    extract_clips(source, f"{folder}/clips.h5", settings, "1")
    seconds = time.time() - start
    own, ffmpeg = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"{3000 * minutes:.0f} frames in {seconds:.1f} s")
    print(
        f"peak memory: {own:.0f} MB here, {ffmpeg:.0f} MB in ffmpeg (encoder {before / 1024:.0f})"
    )
