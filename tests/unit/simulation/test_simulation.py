"""Simulated cells and images: true labels, movement as WHO defines it, visible defects."""

import re
from dataclasses import replace

import numpy as np
import pytest

from motilens.simulation import cells as simulated
from motilens.simulation.cells import IMMOTILE, NONPROGRESSIVE, PROGRESSIVE, draw_cells
from motilens.simulation.microscope import Scene, tail_shapes
from motilens.simulation.render import SIMULATED_FRAME_RATE, render_video
from motilens.simulation.visem_files import make_video_name


@pytest.fixture(scope="module")
def populations() -> list[simulated.Cells]:
    return [draw_cells(participant, seed=0) for participant in range(1, 301)]


def test_labels_count_the_cells_and_resemble_visem(populations):
    drawn = [simulated.cell_percentages(cells) for cells in populations]
    for cells, values in zip(populations, drawn, strict=True):
        count = len(cells.motility)
        assert " ".join(values) == "progressive nonprogressive immotile head midpiece tail"
        assert values["progressive"] + values["nonprogressive"] + values["immotile"] == 100
        assert values["immotile"] == sum(kind == IMMOTILE for kind in cells.motility) * 100 / count
        assert values["head"] == sum(cells.head_defect.tolist()) * 100 / count
        assert all(value == round(value, 1) for value in values.values())
    published = {
        "progressive": (42.67, 20.18), "nonprogressive": (27.68, 9.54), "immotile": (29.65, 17.85),
        "head": (95.72, 2.87), "midpiece": (23.76, 10.02), "tail": (15.06, 9.32),
    }  # fmt: skip
    for name, (mean, deviation) in published.items():
        values = np.array([sample[name] for sample in drawn])
        assert abs(values.mean() - mean) < 4 * deviation / np.sqrt(300), name
        assert 0.8 < values.std() / deviation < 1.25, name


@pytest.mark.parametrize("start", [0.0, 7.3, 60.0])
def test_velocities_keep_to_the_who_limits(populations, start):
    drift = np.array([1.5, -2.0])
    for cells in populations[:60]:
        before = np.array(simulated.head_poses(cells, drift, start)[:2])
        after = np.array(simulated.head_poses(cells, drift, start + 1)[:2])
        net = np.hypot(*(after - before - drift[:, None]))  # µm in one second
        assert (net[cells.motility == PROGRESSIVE] >= 5).all()
        assert (net[cells.motility == NONPROGRESSIVE] < 5).all()
        assert np.allclose(net[cells.motility == IMMOTILE], 0, atol=1e-9)


def test_cells_with_a_defect_have_another_size_or_shape(populations):
    """No cell may be labeled without a change of its shape."""
    for cells in populations[:60]:
        midpiece = (cells.midpiece_width > 0.9) | (cells.neck_bend != 0) | (cells.droplet > 0)
        assert np.array_equal(midpiece, cells.midpiece_defect)
        short, coiled = cells.tail_length < 38, np.abs(cells.tail_curve) > 4
        tail = short | coiled | (cells.hairpin != 0) | cells.second_tail
        assert np.array_equal(tail, cells.tail_defect)
    agreed = []
    for cells in populations:
        size = np.sqrt(cells.head_length * cells.head_width / (4.1 * 2.8))
        slenderness = cells.head_length / cells.head_width / (4.1 / 2.8)
        odd = (np.abs(size - 1) > 0.12) | (np.abs(slenderness - 1) > 0.15)
        odd |= (cells.head_taper > 0) | cells.second_head
        agreed.extend(odd == cells.head_defect)
    assert np.mean(agreed) > 0.98  # normal heads vary too: a few lie beyond these limits


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


def draw(scene: Scene, cells: simulated.Cells, time: float = 0.0) -> np.ndarray:
    scene.noise = np.random.default_rng(0)  # the same noise each time: only the cells differ
    poses = simulated.head_poses(cells, NO_DRIFT, time)
    return scene.draw_frame(cells, poses, NO_DRIFT, time).astype(float)


def normal_cell() -> simulated.Cells:
    """One sperm without a defect that lies still in the middle of the image."""
    sample = vars(draw_cells(1, seed=0))
    shape = {"head_length": 4.1, "head_width": 2.8, "midpiece_width": 0.9, "tail_length": 48}
    chosen = {"motility": IMMOTILE, "x": 160, "y": 120, **shape}
    values = {n: np.array([chosen.get(n, 0)], old.dtype) for n, old in sample.items()}
    return simulated.Cells(**values)


def test_swimming_is_visible_and_only_immotile_tails_are_still(scene):
    cells = draw_cells(1, seed=0)
    now, later = (tail_shapes(cells, time)[0] for time in (0, 0.02))
    moved = np.abs(later - now).max(axis=1)
    assert np.array_equal(moved == 0, cells.motility == IMMOTILE)

    def change(kind: int) -> float:
        motility = np.full_like(cells.motility, kind)
        movement = simulated._draw_movement(np.random.default_rng(0), motility)
        population = replace(cells, motility=motility, **movement)
        frames = [draw(scene, population, k / SIMULATED_FRAME_RATE) for k in range(10)]
        return np.std(frames, axis=0).mean()

    assert change(PROGRESSIVE) > change(NONPROGRESSIVE) > change(IMMOTILE) == 0


@pytest.mark.parametrize("faint", [0.0, 0.85])  # no tail is drawn fainter
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: next(iter(defect)))
def test_defects_are_visible(scene, defect, faint):
    cell = replace(normal_cell(), faint=np.array([faint]))
    changed = replace(cell, **{name: np.array([value]) for name, value in defect.items()})
    normal = draw(scene, cell)
    assert np.array_equal(normal, draw(scene, cell))
    difference = np.abs(draw(scene, changed) - normal).mean(axis=2)
    assert np.count_nonzero(difference > 10) >= 15  # the camera's noise is 1 to 2.5


def test_cells_do_not_pop_at_the_edge_of_the_image(scene):
    """Move a cell across the seam of the torus: no pixel may jump by more than a step's worth."""
    seam = simulated.TORUS_WIDTH * simulated.MICRONS_PER_PIXEL
    cell = replace(normal_cell(), heading=np.array([np.pi]))
    places = (seam - 0.01, seam, seam + 0.01, 0.01)
    images = [draw(scene, replace(cell, x=np.array([x]))) for x in places]
    assert np.abs(np.diff(images, axis=0)).max() < 12


def test_the_same_seed_gives_the_same_video_however_long():
    first, again = (list(render_video(3, 5, frames=2)) for _ in range(2))
    other = next(render_video(3, 6, frames=1))
    assert np.array_equal(first, again) and not np.array_equal(first[0], other)
    assert first[0].shape == (480, 640, 3) and first[0].dtype == np.uint8
    shorter, longer = (list(render_video(2, 0, frames)) for frames in (2, 5))
    assert np.array_equal(shorter, longer[:2]) and not np.array_equal(longer[0], longer[4])


@pytest.mark.parametrize("participant", [1, 2, 7, 85])
def test_video_names_follow_visem(participant):
    name = make_video_name(participant, seed=0)
    match = re.fullmatch(r"(\d+)_\d\d\.\d\d\.\d\d(_[a-z ]+)?_[A-Z]{2,3}\.avi", name)
    assert match and int(match[1]) == participant and (" " in name) == (participant in (2, 7))
    assert name == make_video_name(participant, seed=0)
