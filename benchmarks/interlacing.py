"""Measure what interlacing does to speeds in simulated videos, and what `bwdif` mends.

    .venv/bin/python benchmarks/interlacing.py [--participants 3]

Mean speeds (pixels per frame at 25 frames/s) of the cells tracked in three seconds.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.motility.kinematics import compute_kinematics
from motilens.simulation.render import render_video
from motilens.tracking.tracker import track_first_seconds
from motilens.video.encode import encode_video

SETTINGS = {
    "detector": "blobs", "duration": 3, "diameter": 11, "min_mass_fraction": 0.25,
    "search_range": 18, "memory": 3, "min_track_duration": 1.04,
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--participants", type=int, default=3)
    for participant in range(1, parser.parse_args().participants + 1):
        moments = list(render_video(participant, 1, 150))
        woven = [frame.copy() for frame in moments[::2]]
        for frame, later in zip(woven, moments[1::2], strict=True):
            frame[1::2] = later[1::2]
        with tempfile.TemporaryDirectory() as folder:
            paths = {name: f"{folder}/{name}.mkv" for name in ("progressive", "woven", "separated")}
            encode_video(paths["progressive"], moments[::2], 25.0)
            encode_video(paths["woven"], woven, 25.0)
            command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", paths["woven"]]
            options = ["-vf", "bwdif=mode=send_frame", "-c:v", "ffv1", paths["separated"]]
            subprocess.run([*command, *options], check=True)
            for name, path in paths.items():
                cells = compute_kinematics(track_first_seconds(path, SETTINGS)[0], 25.0)
                speeds = ", ".join(f"{key} {cells[key].mean():.1f}" for key in ("vcl", "vap"))
                print(
                    f"participant {participant}, {name}: {len(cells)} cells, {speeds}", flush=True
                )


if __name__ == "__main__":
    main()
