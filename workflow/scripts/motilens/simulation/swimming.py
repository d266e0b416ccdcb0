"""Paths of realistic cells, and movements of the stage.

The constants reproduce the hand-made tracks of 14 participants in VISEM-Tracking (V. Thambawita et
al., Scientific Data 10:260, 2023, https://doi.org/10.1038/s41597-023-02173-4, CC BY 4.0), as
`benchmarks/movement.py` measures them, at MICRONS_PER_PIXEL. Those tracks are smooth: they show
next to nothing of the beat, whose frequency is therefore that of computer-assisted analyses in the
WHO manual, and whose sway is the smallest that agrees with them.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import signal

from motilens.simulation.cells import (
    IMMOTILE,
    PROGRESSIVE,
    Cells,
    Poses,
    random_stream,
)

SPEED = (26.5, 9.5)  # µm/s, of progressive cells: mean and standard deviation
MIN_SPEED = 6.0  # µm/s: beyond WHO's limit, 5 µm/s
CIRCLING_SHARE = 0.3  # of the non-progressive cells; the others twitch
# Median, and standard deviation of the logarithm.
SPEED_OF_PARTICIPANTS = (1.0, 0.25)  # times SPEED
CIRCLING_SPEED = (11.0, 0.4)  # µm/s
TWITCHING_SPEED = (1.4, 0.7)  # µm/s
SWAY = (0.32, 0.6)  # µm
WANDER = (0.5, 0.7)  # rad / sqrt(s), of the course
WOBBLE = (0.42, 0.8)  # rad, of the course around itself
UNSTEADINESS = (0.3, 0.4)  # of the logarithm of a cell's speed over time
MEMORY = 0.25  # s, of wobble and of unsteadiness
BEAT_FREQUENCY = (10.0, 2.5)  # Hz: mean and standard deviation
JIGGLE = 0.04  # µm, noise of every head's position: Brownian movement and the camera's


@dataclass(frozen=True)
class Paths:
    """Heads at instants that are `interval` s apart; x, y (µm) and direction, (instants, cells)."""

    interval: float
    x: np.ndarray
    y: np.ndarray
    facing: np.ndarray

    def poses_at(self, instant: int) -> Poses:
        """Return the poses at one instant."""
        return self.x[instant], self.y[instant], self.facing[instant]


def draw_paths(
    cells: Cells, participant: int, seed: int, instants: int, interval: float
) -> tuple[Cells, Paths]:
    """Return cells that swim like real ones, and their paths; of more instants, the same paths."""
    rng = random_stream(participant, seed, "swimming")
    count = len(cells.motility)

    def draw(median: float, deviation: float) -> np.ndarray:
        return rng.lognormal(np.log(median), deviation, count)

    progressive, moves = cells.motility == PROGRESSIVE, cells.motility != IMMOTILE
    circles = ~progressive & (rng.random(count) < CIRCLING_SHARE)
    fast = draw(*SPEED_OF_PARTICIPANTS)[0] * rng.normal(*SPEED, count)
    speed = np.where(circles, draw(*CIRCLING_SPEED), draw(*TWITCHING_SPEED))
    speed = np.where(progressive, np.maximum(fast, MIN_SPEED), speed)
    circling = rng.choice([-1, 1], count) * rng.uniform(2.5, 5, count)
    turning = np.where(circles, circling, rng.normal(0, 0.3, count))
    sway, wander, wobble = draw(*SWAY), draw(*WANDER), draw(*WOBBLE)
    unsteadiness = draw(*UNSTEADINESS)
    frequency = rng.normal(*BEAT_FREQUENCY, count).clip(5, 18)
    movement = {"speed": speed, "turning": turning, "beat_frequency": frequency, "sway": sway}
    cells = replace(cells, **{name: moves * values for name, values in movement.items()})

    noise = rng.standard_normal((instants, 5, count))
    noise[0, 2] = 0
    keep = np.exp(-interval / MEMORY)
    fresh = noise[:, :2] * np.sqrt(1 - keep**2)
    fresh[0] = noise[0, :2]
    swing, pace = np.moveaxis(signal.lfilter([1], [1, -keep], fresh, axis=0), 1, 0)
    time = interval * np.arange(instants)[:, None]
    course = cells.heading + cells.turning * time + moves * wobble * swing
    course += moves * wander * np.sqrt(interval) * np.cumsum(noise[:, 2], axis=0)
    ahead = cells.speed * interval * np.exp(unsteadiness * pace)
    ahead[0] = 0
    side = cells.sway * np.sin(2 * np.pi * cells.beat_frequency * time + cells.phase)
    x = cells.x + np.cumsum(ahead * np.cos(course), axis=0) - side * np.sin(course)
    y = cells.y + np.cumsum(ahead * np.sin(course), axis=0) + side * np.cos(course)
    jiggle = JIGGLE * noise[:, 3:]
    return cells, Paths(interval, x + jiggle[:, 0], y + jiggle[:, 1], course + 0.15 * side)


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
    smooth = signal.lfilter(window / window.sum(), [1], jumps, axis=0)
    return np.cumsum(smooth, axis=0)
