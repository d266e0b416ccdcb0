"""The simulated samples: true labels, movement as WHO defines it, pictures that show both."""

import re
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
    cell_percentages,
    draw_cells,
    head_poses,
)
from motilens.simulation.microscope import Scene, tail_shapes
from motilens.simulation.render import SIMULATED_FRAME_RATE, make_video_name, render_video

STILL = np.zeros(2)

# For each label, one way to give a normal cell that defect.
DEFECTS = [
    {"head_length": 6.0, "head_width": 4.0},
    {"head_length": 2.8, "head_width": 1.9},
    {"head_length": 3.3, "head_width": 3.1},
    {"head_length": 5.8, "head_width": 2.1},
    {"head_taper": 0.45},
    {"second_head": True},
    {"midpiece_width": 2.0},
    {"neck_bend": 1.2},
    {"droplet": 1.6},
    {"tail_length": 24.0},
    {"tail_curve": 12.0},
    {"hairpin": 2.8},
    {"second_tail": True},
]


@pytest.fixture(scope="module")
def populations() -> list[Cells]:
    return [draw_cells(participant, seed=0) for participant in range(1, 301)]


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A microscope that sees nothing but cells."""
    scene = Scene(*(np.random.default_rng(stream) for stream in range(3)))
    scene.debris = {name: values[:0] for name, values in scene.debris.items()}
    return scene


def picture(scene: Scene, cells: Cells, time: float = 0.0) -> np.ndarray:
    scene.noise = np.random.default_rng(0)  # the same noise each time: only the cells differ
    poses = head_poses(cells, STILL, time)
    return scene.picture(cells, poses, STILL, time).astype(float)


def normal_cell() -> Cells:
    """One sperm without a defect that lies still in the middle of the picture."""
    sample = vars(draw_cells(1, seed=0))
    shape = {"head_length": 4.1, "head_width": 2.8, "midpiece_width": 0.9, "tail_length": 48}
    chosen = {"motility": IMMOTILE, "x": 160, "y": 120, **shape}
    return Cells(
        **{name: np.array([chosen.get(name, 0)], old.dtype) for name, old in sample.items()}
    )


def test_same_seed_gives_the_same_video_and_another_seed_another():
    first, again = (list(render_video(3, 5, frames=2)) for _ in range(2))
    other = next(render_video(3, 6, frames=1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[0], other)
    assert first[0].shape == (480, 640, 3) and first[0].dtype == np.uint8


def test_a_longer_video_begins_with_the_shorter_one():
    shorter = list(render_video(2, 0, frames=2))
    longer = list(render_video(2, 0, frames=5))
    assert np.array_equal(shorter, longer[:2])
    assert not np.array_equal(longer[0], longer[4])


def test_labels_count_the_cells(populations):
    for cells in populations:
        values, count = cell_percentages(cells), len(cells.motility)
        assert " ".join(values) == "progressive nonprogressive immotile head midpiece tail"
        assert values["progressive"] + values["nonprogressive"] + values["immotile"] == 100
        assert values["immotile"] == sum(kind == IMMOTILE for kind in cells.motility) * 100 / count
        assert values["head"] == sum(cells.head_defect.tolist()) * 100 / count
        assert all(value == round(value, 1) for value in values.values())


def test_population_resembles_visem(populations):
    published = {
        "progressive": (42.67, 20.18),
        "nonprogressive": (27.68, 9.54),
        "immotile": (29.65, 17.85),
        "head": (95.72, 2.87),
        "midpiece": (23.76, 10.02),
        "tail": (15.06, 9.32),
    }
    drawn = [cell_percentages(cells) for cells in populations]
    for name, (mean, deviation) in published.items():
        values = np.array([sample[name] for sample in drawn])
        assert abs(values.mean() - mean) < 4 * deviation / np.sqrt(300), name
        assert 0.8 < values.std() / deviation < 1.25, name


@pytest.mark.parametrize("start", [0.0, 7.3, 60.0])
def test_velocities_keep_to_the_who_limits(populations, start):
    drift = np.array([1.5, -2.0])
    for cells in populations[:60]:
        before = np.array(head_poses(cells, drift, start)[:2])
        after = np.array(head_poses(cells, drift, start + 1)[:2])
        net = np.hypot(*(after - before - drift[:, None]))  # µm in one second
        assert (net[cells.motility == PROGRESSIVE] >= 5).all()
        assert (net[cells.motility == NONPROGRESSIVE] < 5).all()
        assert np.allclose(net[cells.motility == IMMOTILE], 0, atol=1e-9)


def test_only_immotile_tails_are_still(populations):
    cells = populations[0]
    now, later = (tail_shapes(cells, time)[0] for time in (0, 0.02))
    moved = np.abs(later - now).max(axis=1)
    assert np.array_equal(moved == 0, cells.motility == IMMOTILE)


def test_cells_with_a_defect_have_a_drawn_one(populations):
    """Whoever draws the population must not label a cell without changing its shape."""
    for cells in populations[:60]:
        midpiece = (cells.midpiece_width > 0.9) | (cells.neck_bend != 0) | (cells.droplet > 0)
        assert np.array_equal(midpiece, cells.midpiece_defect)
        short, coiled = cells.tail_length < 38, np.abs(cells.tail_curve) > 4
        tail = short | coiled | (cells.hairpin != 0) | cells.second_tail
        assert np.array_equal(tail, cells.tail_defect)


def test_heads_with_a_defect_have_another_size_or_shape(populations):
    agreed = []
    for cells in populations:
        size = np.sqrt(cells.head_length * cells.head_width / (4.1 * 2.8))
        slenderness = cells.head_length / cells.head_width / (4.1 / 2.8)
        odd = (np.abs(size - 1) > 0.12) | (np.abs(slenderness - 1) > 0.15)
        odd |= (cells.head_taper > 0) | cells.second_head
        agreed.extend(odd == cells.head_defect)
    assert np.mean(agreed) > 0.98  # normal heads vary too: a few lie beyond these limits


@pytest.mark.parametrize("faint", [0.0, 0.85])  # no tail is drawn fainter
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: next(iter(defect)))
def test_defects_show(scene, defect, faint):
    cell = replace(normal_cell(), faint=np.array([faint]))
    changed = replace(cell, **{name: np.array([value]) for name, value in defect.items()})
    assert np.array_equal(picture(scene, cell), picture(scene, cell))
    difference = np.abs(picture(scene, changed) - picture(scene, cell)).mean(axis=2)
    assert np.count_nonzero(difference > 10) >= 15  # the camera's noise is 1 to 2.5


def test_swimming_can_be_seen(scene):
    cells = draw_cells(1, seed=0)

    def changes(kind: int) -> float:
        motility = np.full_like(cells.motility, kind)
        movement = _draw_movement(np.random.default_rng(0), motility)
        population = replace(cells, motility=motility, **movement)
        times = np.arange(10) / SIMULATED_FRAME_RATE
        frames = [picture(scene, population, time) for time in times]
        return np.std(frames, axis=0).mean()

    assert changes(PROGRESSIVE) > changes(NONPROGRESSIVE) > changes(IMMOTILE) == 0


def test_cells_do_not_pop_at_the_edge_of_the_picture(scene):
    """Move a cell across the seam of the torus: no pixel may jump by more than a step's worth."""
    seam = TORUS_WIDTH * MICRONS_PER_PIXEL
    cell = replace(normal_cell(), heading=np.array([np.pi]))
    places = (seam - 0.01, seam, seam + 0.01, 0.01)
    pictures = [picture(scene, replace(cell, x=np.array([x]))) for x in places]
    assert np.abs(np.diff(pictures, axis=0)).max() < 12


@pytest.mark.parametrize("participant", [1, 2, 7, 85])
def test_video_names_follow_visem(participant):
    name = make_video_name(participant, seed=0)
    found = re.fullmatch(r"(\d+)_\d\d\.\d\d\.\d\d(_[a-z ]+)?_[A-Z]{2,3}\.avi", name)
    assert found and int(found[1]) == participant
    assert (" " in name) == (participant in (2, 7))
    assert name == make_video_name(participant, seed=0)
