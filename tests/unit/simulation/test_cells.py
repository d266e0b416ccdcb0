"""Simulated populations: true labels, and movement as WHO defines it."""

import numpy as np
import pytest

from motilens.simulation.cells import (
    IMMOTILE,
    NONPROGRESSIVE,
    PROGRESSIVE,
    Cells,
    cell_percentages,
    draw_cells,
    head_poses,
)


@pytest.fixture(scope="module")
def populations() -> list[Cells]:
    return [draw_cells(participant, seed=0) for participant in range(1, 301)]


def test_labels_count_the_cells(populations):
    for cells in populations:
        values, count = cell_percentages(cells), len(cells.motility)
        assert " ".join(values) == "progressive nonprogressive immotile head midpiece tail"
        assert values["progressive"] + values["nonprogressive"] + values["immotile"] == 100
        assert values["immotile"] == sum(kind == IMMOTILE for kind in cells.motility) * 100 / count
        assert values["head"] == sum(cells.head_defect.tolist()) * 100 / count
        assert all(value == round(value, 1) for value in values.values())


def test_populations_resemble_visem(populations):
    published = {
        "progressive": (42.67, 20.18), "nonprogressive": (27.68, 9.54), "immotile": (29.65, 17.85),
        "head": (95.72, 2.87), "midpiece": (23.76, 10.02), "tail": (15.06, 9.32),
    }  # fmt: skip
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


def test_midpieces_and_tails_with_a_defect_have_another_shape(populations):
    """No cell may be labeled without a change of its shape."""
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
