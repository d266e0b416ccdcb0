"""Write realistic simulated videos with the true positions of all heads, to score trackers on.

    .venv/bin/python benchmarks/simulate_tracking.py OUT_FOLDER [--participants 10] [--seconds 10]

Each participant gets NAME.mp4 and NAME_tracks.csv (frame from 0, track_id, class 0, x_px, y_px,
w_px, h_px: centers and sizes of boxes, as in VISEM-Tracking). videos.csv lists the videos, and
conditions.csv what was drawn for each.
"""

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.simulation.conditions import SCENES, draw_conditions
from motilens.simulation.recording import Recording
from motilens.simulation.visem_files import write_track_table
from motilens.video.encode import encode_video


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--participants", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--frame-rate", type=float, default=50)
    parser.add_argument("--scene", choices=SCENES, help="the same for all participants")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    videos, drawn = [], []
    for participant in range(1, arguments.participants + 1):
        conditions = draw_conditions(participant, arguments.seed)
        if arguments.scene:
            conditions = replace(conditions, scene=arguments.scene)
        frames, rate = round(arguments.seconds * arguments.frame_rate), arguments.frame_rate
        recording = Recording(participant, arguments.seed, frames, rate, conditions)
        name = f"simulated_{participant}"
        path = arguments.folder / f"{name}.mp4"
        encode_video(path, recording.iter_frames(), rate, conditions.rate_factor)
        write_track_table(recording.tracks, arguments.folder / f"{name}_tracks.csv")
        size = {"width": 640, "height": 480}
        videos.append({"video": path.name, "participant": participant, "frames": frames,
                       "frame_rate": rate} | size)  # fmt: skip
        drawn.append({"video": path.name} | asdict(conditions))
        print(path, conditions, flush=True)
    pd.DataFrame(videos).to_csv(arguments.folder / "videos.csv", index=False)
    pd.DataFrame(drawn).to_csv(arguments.folder / "conditions.csv", index=False)


if __name__ == "__main__":
    main()
