"""A simulated population of sperm: movement, defects, and the percentages that follow.

Lengths are in µm, times in s, angles in rad. The kinds of movement and of defect follow the WHO
laboratory manual for the examination and processing of human semen, 6th edition (2021). The means
and standard deviations of the labels are those of the 85 participants of VISEM (Haugen et al.,
MMSys 2019, https://doi.org/10.1145/3304109.3325814).
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

Poses = tuple[np.ndarray, np.ndarray, np.ndarray]  # x, y, direction (rad), each (cells,)
CELL_COUNTS = (20, 25, 40, 50)  # with these, every percentage is exact at one decimal
PROGRESSIVE, NONPROGRESSIVE, IMMOTILE = range(3)
# Mean and standard deviation over VISEM's participants, as fractions.
NONPROGRESSIVE_SHARE = (0.2768, 0.0954)
# Of the cells that are not non-progressive: 42.67 / (42.67 + 29.65) swim progressively. The
# deviation is the compromise that brings those of both remaining classes near VISEM's.
PROGRESSIVE_SHARE_OF_REST = (0.59, 0.25)
HEAD_SHARE = (0.9572, 0.0287)
MIDPIECE_SHARE = (0.2376, 0.1002)
TAIL_SHARE = (0.1506, 0.0932)
# One independent random stream a purpose: more debris must not change the cells.
RANDOM_STREAMS = (
    "population", "name", "fluid", "debris", "background", "noise",
    "conditions", "swimming", "stage", "optics",
)  # fmt: skip


@dataclass(frozen=True)
class Cells:
    """A population of sperm; every field is an array with one entry a cell."""

    motility: np.ndarray  # int: PROGRESSIVE, NONPROGRESSIVE or IMMOTILE
    head_defect: np.ndarray  # bool
    midpiece_defect: np.ndarray  # bool
    tail_defect: np.ndarray  # bool
    x: np.ndarray  # head's position at time 0, µm
    y: np.ndarray
    heading: np.ndarray  # direction of swimming at time 0, rad
    speed: np.ndarray  # along the path, µm/s
    turning: np.ndarray  # rate of turning, rad/s
    beat_frequency: np.ndarray  # Hz; 0 for a tail that does not beat
    phase: np.ndarray  # of the beat at time 0, rad
    sway: np.ndarray  # amplitude of the head's sideways movement, µm
    bending: np.ndarray  # amplitude of the tail's tangent angle at its tip, rad
    defocus: np.ndarray  # blur in excess of the sharpest image, px
    slant: np.ndarray  # further blur at the tail's tip, px
    faint: np.ndarray  # contrast that the tail lacks, 0 none to 1 all
    glint: np.ndarray  # where the head is brightest, -1 neck to 1 front
    head_length: np.ndarray  # µm
    head_width: np.ndarray  # µm
    head_taper: np.ndarray  # 0 oval, towards 1 pear-shaped with the narrow end at the neck
    second_head: np.ndarray  # bool
    midpiece_width: np.ndarray  # µm
    neck_bend: np.ndarray  # angle between head and midpiece, rad
    droplet: np.ndarray  # radius of a cytoplasmic droplet at the midpiece, µm
    tail_length: np.ndarray  # midpiece and tail, µm
    tail_curve: np.ndarray  # total turning of the resting tail, rad; beyond 2 pi it is coiled
    hairpin: np.ndarray  # sharp bend halfway down the tail, rad
    second_tail: np.ndarray  # bool


def draw_cells(
    participant: int,
    seed: int,
    counts: tuple[int, ...] = CELL_COUNTS,
    progressive: float = PROGRESSIVE_SHARE_OF_REST[0],
) -> Cells:
    """Draw a participant's population: its percentages first, then cells that add up to them.

    `progressive` is the mean share of those cells that are not non-progressive.
    """
    rng = random_stream(participant, seed, "population")
    count = int(rng.choice(counts))
    motility = _draw_motility(rng, count, progressive)
    shares = HEAD_SHARE, MIDPIECE_SHARE, TAIL_SHARE
    head, midpiece, tail = (_draw_defects(rng, count, *share) for share in shares)
    return Cells(
        motility=motility,
        head_defect=head,
        midpiece_defect=midpiece,
        tail_defect=tail,
        x=rng.uniform(0, TORUS_WIDTH * MICRONS_PER_PIXEL, count),
        y=rng.uniform(0, TORUS_HEIGHT * MICRONS_PER_PIXEL, count),
        heading=rng.uniform(0, 2 * np.pi, count),
        phase=rng.uniform(0, 2 * np.pi, count),
        defocus=np.minimum(rng.exponential(0.4, count), 1.5),
        slant=rng.uniform(0, 0.6, count),
        glint=rng.uniform(-0.3, 0.5, count),
        **_draw_movement(rng, motility),
        **_draw_heads(rng, head),
        **_draw_midpieces(rng, midpiece),
        **_draw_tails(rng, tail),
        faint=0.85 * rng.random(count),
    )


def cell_percentages(cells: Cells) -> dict[str, float]:
    """Return the percentages of cells; the three classes of motility sum to exactly 100."""
    classes = {
        "progressive": cells.motility == PROGRESSIVE,
        "nonprogressive": cells.motility == NONPROGRESSIVE,
        "immotile": cells.motility == IMMOTILE,
        "head": cells.head_defect,
        "midpiece": cells.midpiece_defect,
        "tail": cells.tail_defect,
    }
    return {name: 100 * int(which.sum()) / len(which) for name, which in classes.items()}


def draw_fluid_drift(participant: int, seed: int) -> np.ndarray:
    """Draw the velocity of the fluid, which carries cells and debris alike, (2,) in µm/s."""
    rng = random_stream(participant, seed, "fluid")
    speed, direction = rng.uniform(0, 3), rng.uniform(0, 2 * np.pi)
    return speed * np.array([np.cos(direction), np.sin(direction)])


def head_poses(cells: Cells, drift: np.ndarray, time: float) -> Poses:
    """Return x, y (µm) and direction (rad) of the heads at a time (s).

    Every path is an arc of a circle in the fluid, which drifts (µm/s, (2,)); the beat moves the
    head from side to side across it. Positions are not bounded: `microscope` wraps them onto its
    torus.
    """
    turned = cells.turning * time
    chord = cells.speed * time * np.sinc(turned / (2 * np.pi))
    course, facing = cells.heading + turned / 2, cells.heading + turned
    sway = cells.sway * np.sin(2 * np.pi * cells.beat_frequency * time + cells.phase)
    x = cells.x + drift[0] * time + chord * np.cos(course) - sway * np.sin(facing)
    y = cells.y + drift[1] * time + chord * np.sin(course) + sway * np.cos(facing)
    yaw = 0.15 * sway  # the head also turns about 0.15 rad for every µm that it sways
    return x, y, facing + yaw


def random_stream(participant: int, seed: int, name: str) -> Generator:
    """Return the random generator of one purpose; see RANDOM_STREAMS."""
    return np.random.default_rng([seed, participant, RANDOM_STREAMS.index(name)])


def _draw_beta(rng: Generator, mean: float, deviation: float) -> float:
    """Draw a fraction from the beta distribution with this mean and standard deviation."""
    concentration = mean * (1 - mean) / deviation**2 - 1
    return rng.beta(mean * concentration, (1 - mean) * concentration)


def _draw_motility(rng: Generator, count: int, share: float) -> np.ndarray:
    nonprogressive = _draw_beta(rng, *NONPROGRESSIVE_SHARE)
    progressive = (1 - nonprogressive) * _draw_beta(rng, share, PROGRESSIVE_SHARE_OF_REST[1])
    wanted = count * np.array([progressive, nonprogressive, 1 - progressive - nonprogressive])
    counts = np.floor(wanted).astype(int)
    largest_remainders = np.argsort(counts - wanted)[: count - counts.sum()]
    counts[largest_remainders] += 1
    return rng.permutation(np.repeat([PROGRESSIVE, NONPROGRESSIVE, IMMOTILE], counts))


def _draw_defects(rng: Generator, count: int, mean: float, deviation: float) -> np.ndarray:
    return rng.permutation(count) < round(count * _draw_beta(rng, mean, deviation))


def _draw_movement(rng: Generator, motility: np.ndarray) -> dict[str, np.ndarray]:
    """Draw movements after the WHO manual.

    Rapidly progressive >= 25 µm/s, slowly 5 to 25 µm/s, non-progressive a beating tail without net
    progression (here: small circles, or twitching on the spot, always < 5 µm/s), immotile none.
    Tails beat at about 10 to 20 Hz, which sways the head; Gaffney et al., Annual Review of Fluid
    Mechanics 43, 2011, review how.
    """
    count = len(motility)
    progressive, moves = motility == PROGRESSIVE, motility != IMMOTILE
    rapid, circling = rng.random(count) < 0.7, rng.random(count) < 0.5
    swimming = np.where(rapid, rng.uniform(25, 70, count), rng.uniform(8, 25, count))
    circling_rate = rng.choice([-1, 1], count) * rng.uniform(2, 6, count)
    radius = np.where(circling, rng.uniform(0.5, 1.5, count), 0)
    turning = np.where(progressive, rng.normal(0, 0.25, count).clip(-0.6, 0.6), circling_rate)
    frequency = np.where(progressive, rng.uniform(10, 20, count), rng.uniform(5, 12, count))
    sway = np.where(progressive, rng.uniform(0.5, 1.3, count), rng.uniform(0.2, 0.45, count))
    return {
        "speed": moves * np.where(progressive, swimming, radius * np.abs(turning)),
        "turning": moves * np.where(progressive | circling, turning, 0),
        "beat_frequency": moves * frequency,
        "sway": moves * sway,
        "bending": moves * rng.uniform(0.4, 0.9, count),
    }


def _draw_heads(rng: Generator, defect: np.ndarray) -> dict[str, np.ndarray]:
    """Draw heads; normal ones are ovals of about 4.1 x 2.8 µm (medians of the WHO manual)."""
    kinds = ("large", "small", "round", "tapered", "pyriform", "double")
    kind = np.where(defect, rng.choice(kinds, len(defect)), "normal")
    strength = rng.uniform(0.5, 1, len(defect))
    length, width = rng.normal(4.1, 0.15, len(defect)), rng.normal(2.8, 0.1, len(defect))
    scale = 1 + strength * (0.7 * (kind == "large") - 0.45 * (kind == "small"))
    longer = 1 + strength * (0.6 * (kind == "tapered") - 0.3 * (kind == "round"))
    wider = 1 + strength * (0.15 * (kind == "round") - 0.35 * (kind == "tapered"))
    return {
        "head_length": length * scale * longer,
        "head_width": width * scale * wider,
        "head_taper": 0.6 * strength * (kind == "pyriform"),
        "second_head": kind == "double",
    }


def _draw_midpieces(rng: Generator, defect: np.ndarray) -> dict[str, np.ndarray]:
    kind = np.where(defect, rng.choice(("thick", "bent", "droplet"), len(defect)), "normal")
    strength = rng.uniform(0.5, 1, len(defect))
    side = rng.choice([-1, 1], len(defect))
    return {
        "midpiece_width": 0.9 + 1.6 * strength * (kind == "thick"),
        "neck_bend": side * 1.8 * strength * (kind == "bent"),
        "droplet": 2.4 * strength * (kind == "droplet"),
    }


def _draw_tails(rng: Generator, defect: np.ndarray) -> dict[str, np.ndarray]:
    """Draw tails; normal ones are about 45 µm long, ten times the head (WHO manual)."""
    kinds = ("short", "coiled", "hairpin", "double")
    kind = np.where(defect, rng.choice(kinds, len(defect)), "normal")
    strength = rng.uniform(0.5, 1, len(defect))
    side = rng.choice([-1, 1], len(defect))
    return {
        "tail_length": rng.normal(48, 2, len(defect)) * (1 - 0.7 * strength * (kind == "short")),
        "tail_curve": rng.normal(0, 0.7, len(defect)) + side * 17 * strength * (kind == "coiled"),
        "hairpin": side * (2.4 + 0.6 * strength) * (kind == "hairpin"),
        "second_tail": kind == "double",
    }


FRAME_WIDTH, FRAME_HEIGHT = 640, 480  # px, as VISEM
MICRONS_PER_PIXEL = 0.5
TORUS_MARGIN = 144  # px; the longest cell is about 65 µm = 130 px, its glow 12 px
TORUS_WIDTH, TORUS_HEIGHT = FRAME_WIDTH + TORUS_MARGIN, FRAME_HEIGHT + TORUS_MARGIN
