"""Heads and debris of realistic videos: round or oval bodies with rings around them.

A ring is a bright or dark line at a distance from the outline: halos, the dark edge of a head in
phase contrast, the rings of a head out of focus. Lengths are in px. A ring with amplitude 0.7
doubles the light, one with -0.7 halves it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from motilens.simulation.cells import MICRONS_PER_PIXEL, TORUS_HEIGHT, TORUS_WIDTH, Cells, Poses
from motilens.simulation.patches import add_values, as_column, pixel_patches, smooth_step

REACHES = (5, 9, 14, 26)  # px, half the side of the squares in which bodies are drawn


@dataclass(frozen=True)
class Kind:
    """One kind of debris in an image of average dirt."""

    number: float  # mean
    radius: tuple[float, float]
    core: tuple[float, float]  # light inside, as the amplitude of a ring
    blur: float = 1.0  # of the outline
    rings: tuple[tuple[float, float, float], ...] = ()  # distance from outline, width, amplitude
    slender: tuple[float, float] = (0.8, 1.0)  # width over length
    parts: tuple[int, int] = (1, 1)  # how many stick together
    granules: int = 0  # dark and bright grains inside


# By bright field or not: what is bright in one is dark in the other.
DEBRIS = {
    False: {
        "dot": Kind(500, (0.4, 1.5), (-1.0, -0.05)),
        "speck": Kind(55, (1.2, 2.3), (-2.2, -0.6), rings=((2.6, 1.6, 0.1),), parts=(1, 3)),
        "haloed speck": Kind(
            10, (1.6, 3.0), (-2.2, -1.0), rings=((2.4, 1.8, 0.35), (5, 3, 0.1)), parts=(1, 6)
        ),
        "grainy clump": Kind(
            7, (1.0, 2.6), (-1.5, 1.0), rings=((2, 1.8, 0.25), (5, 3, 0.08)), slender=(0.5, 1),
            parts=(3, 8)
        ),
        "bead": Kind(9, (0.8, 1.4), (0.4, 1.2), rings=((1.4, 0.9, -0.5), (4, 1.5, 0.1))),
        "ringed bead": Kind(
            4, (1.4, 2.4), (0.2, 1.2), rings=((1.4, 1.1, -0.3), (4.5, 2.6, 0.5), (9, 2, 0.06))
        ),
        "crystal": Kind(
            2, (3.5, 5.5), (0.4, 1.1), rings=((1, 1, -0.7), (3.5, 2, 0.2)), slender=(0.4, 0.7)
        ),
        "ghost": Kind(
            45, (2.5, 6.5), (-0.06, 0.04), rings=((0, 1.2, 0.13), (2.5, 1.5, -0.09)), blur=1.5
        ),
        "smudge": Kind(25, (2, 6), (-0.25, -0.05), blur=2.2, slender=(0.4, 1), parts=(1, 3)),
        "thread": Kind(4, (6, 14), (-0.4, -0.1), blur=1.4, slender=(0.06, 0.12)),
        "round cell": Kind(
            1.6, (7, 11), (-0.5, -0.1), rings=((-1, 1.5, -0.2), (2.6, 2.2, 1.0), (6, 3, 0.25)),
            granules=30,
        ),
        "pale round cell": Kind(
            1.2, (6, 10), (0.1, 0.3), rings=((-2, 1.2, -0.35), (1.5, 1.8, 0.5), (5, 2, 0.15)),
            granules=8,
        ),
        # Without a tail it is no sperm (WHO), but it looks like one.
        "loose head": Kind(
            5, (3.4, 4.8), (0.6, 1.2), rings=((0.6, 0.9, -0.3), (1, 3.2, 0.4), (4.5, 4.5, 0.18)),
            slender=(0.55, 0.8)
        ),
    },
    True: {
        "dot": Kind(70, (0.6, 1.6), (-0.3, -0.05), blur=1.3),
        "speck": Kind(28, (1.8, 3.0), (-1.2, -0.35), rings=((2.6, 1.4, 0.13),), blur=1.3),
        "clump": Kind(6, (2.2, 3.6), (-1.4, -0.5), rings=((2.6, 1.5, 0.2),), parts=(2, 4)),
        "blurred speck": Kind(
            22, (3, 5), (-0.2, -0.04), rings=((3.5, 1.6, 0.03),), blur=2.6, slender=(0.6, 1)
        ),
        "glassy bead": Kind(
            4, (2.6, 4.0), (-0.1, 0.15), rings=((-0.3, 1.1, -0.6), (2.6, 1.4, 0.08)), parts=(1, 2)
        ),
        "ghost": Kind(14, (4, 7), (-0.03, 0.03), rings=((0, 1.4, -0.12), (2.6, 1.4, 0.05))),
        "thread": Kind(5, (10, 22), (-0.2, -0.06), blur=1.5, slender=(0.05, 0.08)),
        "round cell": Kind(
            0.7, (13, 18), (-0.14, -0.05), rings=((0, 1.4, -0.35), (3, 1.6, 0.07)), granules=40
        ),
        "loose head": Kind(
            5, (5.5, 7.5), (-1.1, -0.6), rings=((0.3, 1.2, -0.25), (3, 1.6, 0.13)),
            slender=(0.55, 0.8)
        ),
    },
}  # fmt: skip

# Rings of heads in focus and far out of it, and their light inside; what lies between is mixed.
HEAD_RINGS = {
    False: (
        ((0.6, 0.9, -0.3), (1.0, 3.2, 0.4), (4.5, 4.5, 0.18), (-3.0, 0.9, 0.0)),
        ((1.4, 1.3, -0.2), (3.6, 3.0, 0.36), (8.4, 1.8, -0.1), (-3.6, 1.0, -0.35)),
    ),
    True: (
        ((0.3, 1.2, -0.25), (3.0, 1.6, 0.13), (6.0, 1.8, -0.03), (-4.0, 1.4, 0.2)),
        ((0.5, 1.8, -0.22), (4.2, 1.8, 0.1), (7.5, 1.8, -0.02), (-4.5, 1.6, 0.1)),
    ),
}
HEAD_LIGHT = {False: (1.3, 0.6), True: (-1.0, -0.18)}
HEAD_SCALE = {False: 1.0, True: 1.4}  # the videos of SVIA are magnified more


def draw_debris(rng: Generator, amount: float, bright_field: bool) -> dict[str, np.ndarray]:
    """Draw bodies, one entry a part: x, y, angle, a, b, core, blur, rings (n, 4, 3) and body.

    Parts and granules belong to a body and move with it.
    """
    rows = []
    bodies = 0
    for kind in DEBRIS[bright_field].values():
        for _ in range(rng.poisson(amount * kind.number)):
            rows += _draw_body(rng, kind, bodies)
            bodies += 1
    names = "x", "y", "angle", "a", "b", "core", "blur", "rings", "body"
    columns = zip(*rows, strict=True) if rows else [np.zeros(0)] * len(names)
    return {name: np.array(column) for name, column in zip(names, columns, strict=True)}


def _draw_body(rng: Generator, kind: Kind, body: int) -> list[tuple]:
    x, y = rng.uniform(0, TORUS_WIDTH), rng.uniform(0, TORUS_HEIGHT)
    rings = np.zeros((4, 3))
    rings[:, 1] = 1
    rings[: len(kind.rings)] = np.array(kind.rings).reshape(-1, 3)
    rows, parts = [], rng.integers(kind.parts[0], kind.parts[1] + 1)
    rings[:, 2] *= rng.uniform(0.6, 1.3) / np.sqrt(parts)  # the halos of parts add up
    for _ in range(parts):
        a, angle = rng.uniform(*kind.radius), rng.uniform(0, np.pi)
        b, core = a * rng.uniform(*kind.slender), rng.uniform(*kind.core)
        rows.append((x, y, angle, a, b, core, kind.blur, rings, body))
        direction = rng.uniform(0, 2 * np.pi)
        x, y = x + 1.2 * a * np.cos(direction), y + 1.2 * a * np.sin(direction)
    none = np.array([(0, 1, 0)] * 4, float)
    for _ in range(kind.granules):
        distance, direction = 0.85 * a * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        place = rows[0][0] + distance * np.cos(direction), rows[0][1] + distance * np.sin(direction)
        size, core = rng.uniform(0.7, 1.8), rng.normal(0, 2 * abs(kind.core[0]))
        rows.append((*place, 0, size, size, core, 1.0, none, body))
    return rows


def add_bodies(layers: np.ndarray, bodies: dict[str, np.ndarray]) -> None:
    """Add bodies to the layers (2, TORUS_HEIGHT, TORUS_WIDTH): what absorbs and what glows."""
    rings = bodies["rings"].reshape(-1, 4, 3)
    extent = (rings[..., 0] + 1.6 * rings[..., 1]) * (np.abs(rings[..., 2]) > 0.02)
    size = np.digitize(bodies["a"] + np.maximum(extent.max(axis=1), 2), REACHES[:-1])
    for group in np.unique(size):
        part = {name: values[size == group] for name, values in bodies.items()}
        _add_group(layers, part, REACHES[group])


def _add_group(layers: np.ndarray, part: dict[str, np.ndarray], reach: int) -> None:
    dx, dy, pixels = pixel_patches(part["x"], part["y"], reach)
    cos, sin = as_column(np.cos(part["angle"])), as_column(np.sin(part["angle"]))
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    a, b = as_column(part["a"]), as_column(part["b"])
    place = np.clip(along / a, -1, 1)
    width = b * (1 - 0.3 * place**2)  # an oval, between a rectangle with round ends and a lens
    if "taper" in part:
        width *= 1 + as_column(part["taper"]) * place
    outside = np.hypot(np.maximum(np.abs(along) - (a - 0.7 * b), 0), across) - width
    inside = as_column(part["core"]) * smooth_step(-2.5 * outside / as_column(part["blur"]))
    if "seed" in part:  # what a head contains differs between heads
        seed, glint = as_column(part["seed"]), as_column(part["glint"])
        lobes = np.sin(2.6 * along / a + 5 * seed) * np.sin(1.8 * across / b + 9 * seed)
        core = np.exp(-(((along / a - glint) / 0.6) ** 2) - (across / (0.65 * width)) ** 2)
        inside *= 1 + as_column(part["texture"]) * (0.4 * lobes + 1.5 * core - 1)
    for ring in range(4):
        place, spread, light = (as_column(part["rings"][:, ring, k]) for k in range(3))
        if light.any():
            inside += light * np.exp(-(((outside - place) / spread) ** 2))
    add_values(layers[0], pixels, np.minimum(inside, 0))
    add_values(layers[1], pixels, np.maximum(inside, 0))


def make_heads(
    cells: Cells, poses: Poses, depth: np.ndarray, time: float, bright_field: bool
) -> dict[str, np.ndarray]:
    """Return the heads as bodies; poses in µm, depth 0 in focus to 1 far out of it, time in s."""
    which = np.concatenate([np.arange(len(poses[0])), np.flatnonzero(cells.second_head)])
    x, y, angle = (np.array(values)[which] for values in poses)
    a, b = (HEAD_SCALE[bright_field] / 2 / MICRONS_PER_PIXEL * size[which]
            for size in (cells.head_length, cells.head_width))  # fmt: skip
    # A second head grows from the same neck, at an angle to the first.
    neck = x / MICRONS_PER_PIXEL - a * np.cos(angle), y / MICRONS_PER_PIXEL - a * np.sin(angle)
    angle[cells.second_head[which]] -= 0.65
    angle[len(poses[0]) :] += 1.3
    blurred = depth[which, None, None]
    sharp, far = (np.array(rings)[None] for rings in HEAD_RINGS[bright_field])
    light, texture = HEAD_LIGHT[bright_field], 0.8 if bright_field else 1.0
    # Swimming cells roll about their long axis, and their heads flash.
    roll = np.sin(0.5 * np.pi * cells.beat_frequency * time + 3 * cells.phase)[which]
    flash = 1 + 0.2 * roll * (cells.beat_frequency[which] > 0)
    own = 0.75 + 0.5 * (7.3 * cells.phase[which] % 1)  # some heads are brighter than others
    rings = (1 - blurred) * sharp + blurred * far
    rings[..., 2] *= own[:, None]
    return {
        "x": neck[0] + a * np.cos(angle),
        "y": neck[1] + a * np.sin(angle),
        "angle": angle,
        "a": a + 0.8 * depth[which],
        "b": b + 0.8 * depth[which],
        "core": flash * own * (light[0] + (light[1] - light[0]) * depth[which]),
        "blur": 0.9 + 1.2 * depth[which],
        "rings": rings,
        "taper": cells.head_taper[which],
        "seed": cells.phase[which],
        "glint": cells.glint[which],
        "texture": (1 - depth[which]) * texture * (0.4 + 0.6 * (3.1 * cells.phase[which] % 1)),
    }
