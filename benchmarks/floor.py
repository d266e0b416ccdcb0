"""How far a count without mistakes would be from the labels of a simulated study.

    .venv/bin/python benchmarks/floor.py benchmarks/study_cpu.yaml

Counts the kinds of the cells that are in the picture, as if none were taken for another: in the
middle of each clip, and in the seconds in which baselines follow cells. A population is larger than
the picture, so even that misses the labels.
"""

import sys
from pathlib import Path

import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

from motilens import drawing, simulation, stacks  # noqa: E402
from motilens.samples import MOTILITY  # noqa: E402


def error(participant, drawn, moments):
    """Mean absolute error of a participant's motility (percentage points), seen at these frames."""
    cells = simulation.draw_cells(participant, drawn["seed"])
    drift = simulation.fluid_drift(participant, drawn["seed"])
    shares = []
    for moment in moments:
        x, y, _ = simulation.head_poses(cells, drift, moment / simulation.FRAME_RATE)
        column = (x / simulation.MICRONS_PER_PIXEL) % drawing.TORUS_WIDTH
        row = (y / simulation.MICRONS_PER_PIXEL) % drawing.TORUS_HEIGHT
        seen = (column < simulation.WIDTH) & (row < simulation.HEIGHT)
        if seen.any():
            shares.append([100 * np.mean(cells.motility[seen] == kind) for kind in range(3)])
    labels = simulation.labels(cells)
    return np.abs(np.mean(shares, 0) - [labels[name] for name in MOTILITY]).mean()


def main(path):
    config = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    drawn, clips = config["dataset"]["simulated"], config["frames"]["clips_per_video"]
    length = max(kind["frames"] for kind in config["inputs"].values())
    frames = int(drawn["seconds"] * simulation.FRAME_RATE)
    followed = config.get("tracks", {}).get("seconds", 10) * simulation.FRAME_RATE
    for seen, moments in (
        ("clips", stacks.clip_positions(frames, clips, length) + length // 2),
        ("seconds of tracks", range(min(int(followed), frames))),
    ):
        errors = [error(n, drawn, moments) for n in range(1, drawn["participants"] + 1)]
        print(f"{seen}: {np.mean(errors):.2f} percentage points, {len(errors)} participants")


if __name__ == "__main__":
    main(sys.argv[1])
