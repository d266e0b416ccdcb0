"""How far a count without mistakes would be from the labels of a simulated study.

    .venv/bin/python benchmarks/floor.py benchmarks/study_cpu.yaml

Counts the cells of each kind, and those with each defect, that are in the picture, as if none were
taken for another: in a single frame, in the middle of each clip, and in the seconds in which
baselines follow cells. A population is larger than the picture, so even that misses the labels.
"""

import sys
from pathlib import Path

import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

from motilens.clips.sampling import clip_positions  # noqa: E402
from motilens.simulation.cells import (  # noqa: E402
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
from motilens.simulation.render import SIMULATED_FRAME_RATE  # noqa: E402


def counted(participant, seed, moments):
    """Percentages of a participant's cells that are in the picture at these frames, their mean."""
    cells = draw_cells(participant, seed)
    drift, shares = draw_fluid_drift(participant, seed), []
    for moment in moments:
        x, y, _ = head_poses(cells, drift, moment / SIMULATED_FRAME_RATE)
        column = (x / MICRONS_PER_PIXEL) % TORUS_WIDTH
        row = (y / MICRONS_PER_PIXEL) % TORUS_HEIGHT
        seen = (column < FRAME_WIDTH) & (row < FRAME_HEIGHT)
        if seen.any():
            kinds = {name: values[seen] for name, values in vars(cells).items()}
            shares.append(cell_percentages(Cells(**kinds)))
    return pd.DataFrame(shares).mean()


def main(path):
    config = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    drawn, clips = config["dataset"]["simulated"], config["frames"]["clips_per_video"]
    length = max(kind["frames"] for kind in config["inputs"].values())
    frames = int(drawn["seconds"] * SIMULATED_FRAME_RATE)
    followed = config.get("tracks", {}).get("seconds", 10) * SIMULATED_FRAME_RATE
    middles = clip_positions(frames, clips, length) + length // 2
    of_tracks, seed = range(min(int(followed), frames)), drawn["seed"]
    everyone = range(1, drawn["participants"] + 1)
    truth = pd.DataFrame([cell_percentages(draw_cells(n, seed)) for n in everyone])
    answers = {"the mean of all (about ZeroR)": truth.mean()}
    for seen, moments in (
        ("one frame", middles[:1]), ("clips", middles), ("seconds of tracks", of_tracks)
    ):  # fmt: skip
        answers[seen] = pd.DataFrame([counted(n, seed, moments) for n in everyone])
    for target, values in config["targets"].items():
        print(f"{target}, {len(truth)} participants, mean absolute error in percentage points")
        for name, answer in answers.items():
            errors = (answer - truth)[values].abs().mean()
            each = ", ".join(f"{value} {error:.2f}" for value, error in errors.items())
            print(f"  {name}: {errors.mean():.2f} ({each})")


if __name__ == "__main__":
    main(sys.argv[1])
