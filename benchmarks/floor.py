"""How far a count without mistakes would be from the labels of a simulated study.

    .venv/bin/python benchmarks/floor.py benchmarks/study_cpu.yaml

Counts the kinds of the cells that are in the picture in the middle of each clip, as if none were
taken for another. A population is larger than the picture, so even that misses the labels.
"""

import sys
from pathlib import Path

import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

from motilens import drawing, simulation, stacks  # noqa: E402
from motilens.samples import MOTILITY  # noqa: E402


def error(participant, drawn, clips, length):
    """Mean absolute error of a participant's motility (percentage points)."""
    cells = simulation.draw_cells(participant, drawn["seed"])
    drift = simulation.fluid_drift(participant, drawn["seed"])
    frames = int(drawn["seconds"] * simulation.FRAME_RATE)
    shares = []
    for middle in stacks.clip_positions(frames, clips, length) + length // 2:
        x, y, _ = simulation.head_poses(cells, drift, middle / simulation.FRAME_RATE)
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
    errors = [error(n, drawn, clips, length) for n in range(1, drawn["participants"] + 1)]
    print(f"{len(errors)} participants: {np.mean(errors):.2f} percentage points")


if __name__ == "__main__":
    main(sys.argv[1])
