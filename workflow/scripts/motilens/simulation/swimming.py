"""Paths of realistic cells, and movements of the stage."""

from dataclasses import dataclass, replace

import numpy as np

from motilens.simulation.cells import (
    IMMOTILE,
    MICRONS_PER_PIXEL,
    PROGRESSIVE,
    Cells,
    Poses,
    random_stream,
)


@dataclass(frozen=True)
class Paths:
    """Heads at instants that are `interval` s apart; x, y (µm) and direction, (instants, cells)."""

    interval: float
    x: np.ndarray
    y: np.ndarray
    facing: np.ndarray

    def poses_at(self, instant: int) -> Poses:
        return self.x[instant], self.y[instant], self.facing[instant]


def draw_paths(
    cells: Cells, participant: int, seed: int, instants: int, interval: float
) -> tuple[Cells, Paths]:
    rng = random_stream(participant, seed, "swimming")
    count = len(cells.motility)
    progressive, moves = cells.motility == PROGRESSIVE, cells.motility != IMMOTILE
    speed = np.where(progressive, rng.lognormal(3.4, 0.4, count), rng.lognormal(1.8, 0.5, count))
    frequency = rng.normal(9, 2.5, count).clip(4, 18)
    sway = np.where(progressive, rng.lognormal(0.0, 0.4, count), rng.lognormal(-0.7, 0.4, count))
    wander = rng.lognormal(-0.3, 0.6, count)  # rad / sqrt(s)
    turning = rng.normal(0, 0.4, count)
    cells = replace(
        cells, speed=moves * speed, beat_frequency=moves * frequency, sway=moves * sway,
        turning=moves * turning,
    )  # fmt: skip
    noise = rng.standard_normal((instants, 4, count))
    steps = moves * (turning * interval + wander * np.sqrt(interval) * noise[:, 0])
    steps[0] = 0
    course = cells.heading + np.cumsum(steps, axis=0)
    time = interval * np.arange(instants)[:, None]
    ahead = cells.speed * interval * np.exp(0.3 * noise[:, 1])
    ahead[0] = 0
    jiggle = 0.04 * noise[:, 2:]
    side = cells.sway * np.sin(2 * np.pi * cells.beat_frequency * time + cells.phase)
    x = cells.x + np.cumsum(ahead * np.cos(course), axis=0) + jiggle[:, 0] - side * np.sin(course)
    y = cells.y + np.cumsum(ahead * np.sin(course), axis=0) + jiggle[:, 1] + side * np.cos(course)
    return cells, Paths(interval, x, y, course + 0.15 * side)


def draw_stage(
    participant: int, seed: int, drift: str, instants: int, interval: float
) -> np.ndarray:
    """Draw where the stage is (px), (instants, 2): still, moving evenly, or jerking."""
    rng = random_stream(participant, seed, "stage")
    direction = rng.uniform(0, 2 * np.pi)
    course = np.array([np.cos(direction), np.sin(direction)])
    time = interval * np.arange(instants)[:, None]
    if drift == "constant":
        return rng.uniform(1, 12) * time * course
    if drift == "none":
        return np.zeros((instants, 2))
    # Jumps at random times, about one in two seconds, each over within a fifth of a second.
    chance = rng.random((instants, 4))
    size = np.where(chance[:, :1] < interval / 2, 3 + 22 * chance[:, 1:2], 0)
    angle = 2 * np.pi * chance[:, 2:3]
    jumps = size * np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
    window = np.hanning(max(round(0.2 / interval), 1) + 2)
    window /= window.sum()
    smooth = [np.convolve(jumps[:, axis], window)[:instants] for axis in range(2)]
    return np.cumsum(np.transpose(smooth), axis=0)
