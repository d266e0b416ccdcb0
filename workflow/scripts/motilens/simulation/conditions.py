"""What a simulated participant's realistic video shows, drawn from the participant's seed.

docs/explanation/method.md has the table for users.
"""

from dataclasses import dataclass

from motilens.simulation.cells import random_stream


@dataclass(frozen=True)
class Scene:
    """One kind of video."""

    share: float  # of the participants
    bright_field: bool  # dark heads on light gray; else phase contrast, bright heads on dark gray
    cell_counts: tuple[int, ...]  # on the torus, of which the image shows 0.63
    progressive: float  # mean share of the cells that are not non-progressive
    blurred: float  # share of the heads that are far out of focus
    debris: float  # how much of it, 1 as in `bodies.DEBRIS`

    @property
    def population(self) -> tuple[tuple[int, ...], float]:
        """Return the last arguments of `draw_cells`."""
        return self.cell_counts, self.progressive


SCENES = {
    "debris": Scene(0.25, False, (10, 20, 25), 0.5, 0.12, 1.4),  # as visem_52
    "defocused": Scene(0.2, False, (50, 100), 0.45, 0.5, 1.0),  # as visem_36
    "dense": Scene(0.2, False, (50, 100), 0.15, 0.15, 2.4),  # as visem_11: mostly immotile
    "clean": Scene(0.1, False, (20, 25, 40), 0.6, 0.1, 0.4),
    "bright field": Scene(0.25, True, (20, 25, 40, 50), 0.6, 0.15, 1.0),  # as videos of SVIA
}
DRIFTS = {"none": 0.5, "constant": 0.3, "jerky": 0.2}


@dataclass(frozen=True)
class Conditions:
    """How one participant's video was recorded."""

    scene: str
    drift: str
    interlaced: bool
    rate_factor: int  # of the encoder
    vignette: float  # fraction of light that is lost towards the edges
    noise: float  # gray levels


def draw_conditions(participant: int, seed: int) -> Conditions:
    """Draw one participant's conditions; see the table above."""
    rng = random_stream(participant, seed, "conditions")
    scene = str(rng.choice(list(SCENES), p=[kind.share for kind in SCENES.values()]))
    drift = str(rng.choice(list(DRIFTS), p=list(DRIFTS.values())))
    interlaced = bool(rng.random() < (0.5 if SCENES[scene].bright_field else 0.1))
    rate_factor = int(rng.integers(16, 29))
    vignette = rng.uniform(0.12, 0.45) if rng.random() < 0.25 else rng.uniform(0, 0.12)
    return Conditions(scene, drift, interlaced, rate_factor, vignette, rng.uniform(1, 4))
