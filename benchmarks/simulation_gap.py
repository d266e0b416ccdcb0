"""Measure why errors on simulated participants are smaller than on real ones.

    .venv/bin/python benchmarks/simulation_gap.py [--groups 4]

Causes are put into the true tracks (10 s) of simulated participants in phase contrast, whose labels
are true counts: each alone, then all together. Each participant is predicted by the 13 others of
his group, as the real ones are. How large a cause is in reality is not known: the constants are
assumptions.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
import numpy as np
import pandas as pd
from movement import RATE, SCENES
from real_participants import predict_held_out

from motilens.core.labels import MOTILITY
from motilens.evaluation.metrics import ZERO_R
from motilens.simulation.cells import cell_percentages
from motilens.simulation.conditions import Conditions
from motilens.simulation.recording import Recording

GROUP, FRAMES = 14, 490
COUNTED = 200  # cells that technicians count
# A percentage of 50 varies by so much (standard deviation) within a preparation. With more, labels
# alone would vary more than the real percentages of non-progressive cells do (9.3).
PREPARATION = 8.0
FALSE_TRACKS = 0.5  # per cell at most: debris that is followed; it rests, but for noise
LOST_CELLS = 0.5  # at most: cells out of focus that are not followed
PIECE_SECONDS = 3.0  # in the mean, until a cell is lost and found again as another one
DRIFT = 12.0  # pixels/s at most, in a direction of its own
METHODS = "cells", "speed"
Sample = tuple[pd.DataFrame, np.ndarray]  # tracks: cell, frame, x, y; percentages, (3,)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", type=int, default=4, help="of 14 participants")
    count = parser.parse_args().groups * GROUP
    samples = [simulate_sample(participant) for participant in range(1, count + 1)]
    print(f"{'cause':24}{'ZeroR':>8}" + "".join(f"{name:>8}{'/ZeroR':>8}" for name in METHODS))
    cases = {"none": [], **{name: [name] for name in CAUSES}, "all together": [*CAUSES]}
    for name, causes in cases.items():
        print_errors(name, [apply_causes(s, causes, seed) for seed, s in enumerate(samples)], GROUP)
    print_errors(f"none, groups of {count}", samples, count)


def simulate_sample(participant: int) -> Sample:
    scene = SCENES[participant % len(SCENES)]
    conditions = Conditions(scene, "none", False, rate_factor=20, vignette=0, noise=1)
    recording = Recording(participant, 0, FRAMES, RATE, conditions)
    tracks = recording.tracks.rename(columns={"track_id": "cell", "x_px": "x", "y_px": "y"})
    percentages = cell_percentages(recording.cells)
    tracks = tracks[["cell", "frame", "x", "y"]].sort_values(["cell", "frame"])
    return tracks, np.array([percentages[name] for name in MOTILITY])


def apply_causes(sample: Sample, causes: list[str], seed: int) -> Sample:
    for name in causes:
        sample = CAUSES[name](*sample, np.random.default_rng([seed, [*CAUSES].index(name)]))
    return sample


def add_label_noise(tracks: pd.DataFrame, percentages: np.ndarray, rng) -> Sample:
    """Count cells elsewhere in the preparation, where shares differ (Dirichlet)."""
    concentration = 50**2 / PREPARATION**2 - 1
    shares = rng.dirichlet(concentration * (percentages / 100).clip(0.005))
    return tracks, 100 * rng.multinomial(COUNTED, shares) / COUNTED


def add_debris(tracks: pd.DataFrame, percentages: np.ndarray, rng) -> Sample:
    cells = tracks["cell"].nunique()
    false = round(cells * rng.uniform(0, FALSE_TRACKS))
    frame, places = np.tile(np.arange(FRAMES), false), rng.uniform(0, 480, (false, 2))
    places = np.repeat(places, FRAMES, axis=0) + rng.normal(0, 0.3, (false * FRAMES, 2))
    number = tracks["cell"].max() + 1 + np.repeat(np.arange(false), FRAMES)
    debris = {"cell": number, "frame": frame, "x": places[:, 0], "y": places[:, 1]}
    return pd.concat([tracks, pd.DataFrame(debris)]), percentages


def lose_cells(tracks: pd.DataFrame, percentages: np.ndarray, rng) -> Sample:
    """Leave out some cells, and break the tracks of the others."""
    cells = tracks["cell"].unique()
    kept = cells[rng.random(len(cells)) >= rng.uniform(0, LOST_CELLS)]
    tracks = tracks[tracks["cell"].isin(kept)]
    broken = rng.random(len(tracks)) < 1 / (PIECE_SECONDS * RATE)
    starts = broken | tracks["cell"].ne(tracks["cell"].shift())
    return tracks.assign(cell=starts.cumsum()), percentages


def add_drift(tracks: pd.DataFrame, percentages: np.ndarray, rng) -> Sample:
    angle, speed = rng.uniform(0, 2 * np.pi), rng.uniform(0, DRIFT) / RATE
    moved = {"x": speed * np.cos(angle), "y": speed * np.sin(angle)}
    moved = {name: tracks[name] + step * tracks["frame"] for name, step in moved.items()}
    return tracks.assign(**moved), percentages


CAUSES = {
    "labels of technicians": add_label_noise,
    "debris": add_debris,
    "cells out of focus": lose_cells,
    "drift": add_drift,
}


def print_errors(name: str, samples: list[Sample], group: int) -> None:
    errors = []
    for first in range(0, len(samples), group):
        members = {str(number): s for number, s in enumerate(samples[first : first + group])}
        tracks = {number: sample[0] for number, sample in members.items()}
        percentages = [sample[1] for sample in members.values()]
        labels = pd.DataFrame(percentages, index=[*members], columns=MOTILITY)
        table = predict_held_out(tracks, dict.fromkeys(tracks, RATE), labels, METHODS)
        errors.append((table["predicted"] - table["true"]).abs().groupby(table["method"]).mean())
    mean = pd.concat(errors, axis=1).mean(axis=1)
    text = "".join(f"{mean[method]:8.1f}{mean[method] / mean[ZERO_R]:8.2f}" for method in METHODS)
    print(f"{name:24}{mean[ZERO_R]:8.1f}{text}", flush=True)


if __name__ == "__main__":
    main()
