"""Simulated images show what the labels count: movement and defects."""

from dataclasses import replace

import numpy as np
import pytest

from motilens.simulation.cells import (
    IMMOTILE,
    MICRONS_PER_PIXEL,
    NONPROGRESSIVE,
    PROGRESSIVE,
    TORUS_WIDTH,
    Cells,
    _draw_movement,
    draw_cells,
    head_poses,
)
from motilens.simulation.microscope import Scene, tail_shapes
from motilens.simulation.render import SIMULATED_FRAME_RATE

NO_DRIFT = np.zeros(2)

# For each label, one way to give a normal cell that defect.
DEFECTS = [
    {"head_length": 6.0, "head_width": 4.0}, {"head_length": 2.8, "head_width": 1.9},
    {"head_length": 3.3, "head_width": 3.1}, {"head_length": 5.8, "head_width": 2.1},
    {"head_taper": 0.45}, {"second_head": True}, {"midpiece_width": 2.0}, {"neck_bend": 1.2},
    {"droplet": 1.6}, {"tail_length": 24.0}, {"tail_curve": 12.0}, {"hairpin": 2.8},
    {"second_tail": True},
]  # fmt: skip


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A microscope that sees nothing but cells."""
    scene = Scene(*(np.random.default_rng(stream) for stream in range(3)))
    scene.debris = {name: values[:0] for name, values in scene.debris.items()}
    return scene


def draw(scene: Scene, cells: Cells, time: float = 0.0) -> np.ndarray:
    scene.noise = np.random.default_rng(0)  # the same noise each time: only the cells differ
    poses = head_poses(cells, NO_DRIFT, time)
    return scene.draw_frame(cells, poses, NO_DRIFT, time).astype(float)


def normal_cell() -> Cells:
    """One sperm without a defect that lies still in the middle of the image."""
    sample = vars(draw_cells(1, seed=0))
    shape = {"head_length": 4.1, "head_width": 2.8, "midpiece_width": 0.9, "tail_length": 48}
    chosen = {"motility": IMMOTILE, "x": 160, "y": 120, **shape}
    return Cells(
        **{name: np.array([chosen.get(name, 0)], old.dtype) for name, old in sample.items()}
    )


def test_only_immotile_tails_are_still():
    cells = draw_cells(1, seed=0)
    now, later = (tail_shapes(cells, time)[0] for time in (0, 0.02))
    moved = np.abs(later - now).max(axis=1)
    assert np.array_equal(moved == 0, cells.motility == IMMOTILE)


@pytest.mark.parametrize("faint", [0.0, 0.85])  # no tail is drawn fainter
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: next(iter(defect)))
def test_defects_are_visible(scene, defect, faint):
    cell = replace(normal_cell(), faint=np.array([faint]))
    changed = replace(cell, **{name: np.array([value]) for name, value in defect.items()})
    normal = draw(scene, cell)
    assert np.array_equal(normal, draw(scene, cell))
    difference = np.abs(draw(scene, changed) - normal).mean(axis=2)
    assert np.count_nonzero(difference > 10) >= 15  # the camera's noise is 1 to 2.5


def test_swimming_is_visible(scene):
    cells = draw_cells(1, seed=0)

    def change(kind: int) -> float:
        motility = np.full_like(cells.motility, kind)
        movement = _draw_movement(np.random.default_rng(0), motility)
        population = replace(cells, motility=motility, **movement)
        times = np.arange(10) / SIMULATED_FRAME_RATE
        frames = [draw(scene, population, time) for time in times]
        return np.std(frames, axis=0).mean()

    assert change(PROGRESSIVE) > change(NONPROGRESSIVE) > change(IMMOTILE) == 0


def test_cells_do_not_pop_at_the_edge_of_the_image(scene):
    """Move a cell across the seam of the torus: no pixel may jump by more than a step's worth."""
    seam = TORUS_WIDTH * MICRONS_PER_PIXEL
    cell = replace(normal_cell(), heading=np.array([np.pi]))
    places = (seam - 0.01, seam, seam + 0.01, 0.01)
    images = [draw(scene, replace(cell, x=np.array([x]))) for x in places]
    assert np.abs(np.diff(images, axis=0)).max() < 12
