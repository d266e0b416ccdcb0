"""Show how far a count without mistakes would be from the labels of a simulated study.

    .venv/bin/python benchmarks/floor.py benchmarks/study_cpu.yaml

Counts the cells of each kind, and those with each defect, that are in the picture, as if none were
taken for another: in a single frame, in the middle of each clip, and in the seconds in which
baselines track cells. A population is larger than the picture, so even that misses the labels.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.clips.sampling import clip_positions
from motilens.simulation.cells import (
    FRAME_HEIGHT,
    FRAME_WIDTH,
    MICRONS_PER_PIXEL,
    TORUS_HEIGHT,
    TORUS_WIDTH,
    Cells,
    cell_percentages,
    draw_cells,
    draw_fluid_drift,
    head_poses,
)
from motilens.simulation.render import SIMULATED_FRAME_RATE


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path, help="configuration of the study")
    config = yaml.safe_load(parser.parse_args().config.read_text(encoding="utf-8"))
    simulated, clips = config["dataset"]["simulated"], config["frames"]["clips_per_video"]
    participants, seed = range(1, simulated["participants"] + 1), simulated["seed"]
    frames = int(simulated["seconds"] * SIMULATED_FRAME_RATE)
    tracked = int(config.get("tracking", {}).get("duration", 10) * SIMULATED_FRAME_RATE)
    clip_length = max(kind["frames"] for kind in config["inputs"].values())
    middles = clip_positions(frames, clips, clip_length) + clip_length // 2
    truth = pd.DataFrame([cell_percentages(draw_cells(number, seed)) for number in participants])
    counts = {"mean of all participants (about ZeroR)": truth.mean()}
    for name, chosen in (
        ("one frame", middles[:1]), ("clips", middles),
        ("tracked seconds", range(min(tracked, frames))),
    ):  # fmt: skip
        counts[name] = pd.DataFrame([count_visible(n, seed, chosen) for n in participants])
    for target, values in config["targets"].items():
        print(f"{target}, {len(truth)} participants, mean absolute error in percentage points")
        for name, count in counts.items():
            errors = (count - truth)[values].abs().mean()
            details = ", ".join(f"{value} {error:.2f}" for value, error in errors.items())
            print(f"  {name}: {errors.mean():.2f} ({details})")


def count_visible(participant: int, seed: int, frames: Iterable[int]) -> pd.Series:
    """Return the percentages of the cells that are in the picture, their means over frames."""
    cells, drift = draw_cells(participant, seed), draw_fluid_drift(participant, seed)
    percentages = []
    for frame in frames:
        x, y, _ = head_poses(cells, drift, frame / SIMULATED_FRAME_RATE)
        column = (x / MICRONS_PER_PIXEL) % TORUS_WIDTH
        row = (y / MICRONS_PER_PIXEL) % TORUS_HEIGHT
        visible = (column < FRAME_WIDTH) & (row < FRAME_HEIGHT)
        if visible.any():
            seen = Cells(**{name: values[visible] for name, values in vars(cells).items()})
            percentages.append(cell_percentages(seen))
    return pd.DataFrame(percentages).mean()


if __name__ == "__main__":
    main()
