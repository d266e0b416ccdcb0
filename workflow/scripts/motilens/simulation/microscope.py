"""Images of simulated cells as a phase-contrast microscope at x400 shows them.

An image is `background * exp(dark + bright)`: light adds up in the exponent, so nothing becomes
darker than black, and heads saturate to white as on a camera. What absorbs and what glows are kept
in two layers because they differ in color.

Cells and debris live on a torus that is wider and higher than the image by more than the length
of a cell: what leaves on one side comes back on the other, and nothing appears out of nowhere.
Lengths are in pixels unless said otherwise; cells come in µm.
"""

import numpy as np
from numpy.random import Generator
from scipy import ndimage

from motilens.simulation.cells import (
    FRAME_HEIGHT,
    FRAME_WIDTH,
    MICRONS_PER_PIXEL,
    TORUS_HEIGHT,
    TORUS_WIDTH,
    Cells,
    Poses,
)
from motilens.simulation.patches import (
    add_spots,
    add_values,
    as_column,
    pixel_patches,
    smooth_noise,
    smooth_step,
)

# How strongly red, green and blue take part. Shadows look bluish, and so does a strong glow; the
# lens spreads red the most, so that a glow fades out in orange.
DARK_TINT = (0.95, 1.05, 0.8)
BRIGHT_TINT = (1.14, 1.0, 0.88)
EDGE_TINT = (-0.4, 0.0, 0.4)
GLOW_SHIFT = ((0, -1), (0, 0), (-1, 0))  # rows and columns, by which the lens splits the colors
MIDPIECE_LENGTH = 5.0  # µm
TAIL_STEP = 0.4  # µm between the points that draw a tail: under a pixel, so the line is smooth
WAVELENGTH = 38.0  # µm, of the wave that runs down a beating tail
# Mean number in a sample; smallest and largest radius, brightness inside and at the rim; blur.
DEBRIS = {
    "speck": (330, (0.5, -0.7, 0.0), (1.7, 0.0, 0.05), 1.0),
    "globule": (9, (2.0, -1.4, 0.1), (5.0, -0.5, 0.4), 1.0),
    "bead": (35, (0.8, 0.1, -0.35), (2.0, 0.9, -0.1), 0.8),
    "ring": (20, (1.8, -0.6, 0.1), (3.0, -0.2, 0.3), 0.9),
    "ghost": (80, (1.9, -0.3, -0.05), (5.0, 0.08, 0.08), 1.6),  # far out of focus
    "flake": (40, (1.0, -0.7, -0.05), (2.6, -0.2, 0.1), 1.0),  # irregular
    "cell": (2, (7.0, -0.1, 0.4), (11.0, 0.2, 0.8), 1.6),  # leucocytes, immature germ cells
    "granule": (0, (0.6, -0.7, 0.0), (2.0, 0.4, 0.0), 0.9),
}
GRANULES = {"cell": 45, "flake": 3}  # held by each body of these kinds


class Scene:
    """What makes one participant's video besides the cells, and where the debris is."""

    def __init__(self, debris: Generator, background: Generator, noise: Generator):
        self.jiggle, self.noise = debris, noise
        self.debris = draw_debris(debris)
        self.background = draw_background(background)
        # Fresh noise for every pixel would cost more than the rest of the picture: cut each
        # frame's noise from a larger sheet at a random place instead.
        sheet = noise.standard_normal((3, FRAME_HEIGHT + 200, FRAME_WIDTH + 200), dtype=np.float32)
        sheet = ndimage.gaussian_filter(sheet, (0, 0.6, 0.6))  # cameras interpolate colors
        self.noise_sheet = sheet * np.float32(noise.uniform(1.0, 2.5) / sheet.std())

    def draw_frame(self, cells: Cells, poses: Poses, drift: np.ndarray, time: float) -> np.ndarray:
        """Draw the frame at a time (s), uint8 RGB (480, 640, 3); poses are in µm, drift in µm/s.

        Call it once for each frame, in order: the debris takes one step of its Brownian movement.
        """
        dark = np.zeros((TORUS_HEIGHT, TORUS_WIDTH), np.float32)
        bright = np.zeros_like(dark)
        steps = self.jiggle.normal(0, 0.1, (2, len(self.debris["x"])))[:, self.debris["body"]]
        self.debris["x"] += steps[0]
        self.debris["y"] += steps[1]
        add_debris(dark, bright, self.debris, drift * time / MICRONS_PER_PIXEL)
        necks = find_necks(cells, poses)
        add_tails(dark, cells, necks, time)
        add_heads(dark, bright, cells, necks, time)
        return self._expose(dark[:FRAME_HEIGHT, :FRAME_WIDTH], bright)

    def _expose(self, dark: np.ndarray, bright: np.ndarray) -> np.ndarray:
        top, left = self.noise.integers(0, 200, 2)
        frame = np.empty((FRAME_HEIGHT, FRAME_WIDTH, 3), np.uint8)
        for color in range(3):
            glow = np.roll(bright, GLOW_SHIFT[color], axis=(0, 1))[:FRAME_HEIGHT, :FRAME_WIDTH]
            glow *= BRIGHT_TINT[color] + EDGE_TINT[color] * np.minimum(glow, 0.6)
            glow += dark * DARK_TINT[color]
            light = self.background[color] * np.exp(glow, out=glow)
            light += self.noise_sheet[color, top : top + FRAME_HEIGHT, left : left + FRAME_WIDTH]
            frame[..., color] = np.clip(light, 0, 255, out=light)
        return frame


def draw_background(rng: Generator) -> np.ndarray:
    """Draw uneven, slightly vignetted gray-brown light with fine grain, float32 (3, 480, 640)."""
    clouds = smooth_noise(rng, 50)
    grain = 0.6 * smooth_noise(rng, 0.8) + 0.6 * smooth_noise(rng, 3)
    y, x = np.mgrid[-1 : 1 : FRAME_HEIGHT * 1j, -1 : 1 : FRAME_WIDTH * 1j]
    vignette = -rng.uniform(0.01, 0.06) * (x**2 + y**2) + rng.uniform(-0.03, 0.03) * x
    light = rng.uniform(80, 105) * np.exp(0.025 * clouds + 0.018 * grain + vignette)
    cast = np.array([1.06, 1.0, 0.915]) + rng.normal(0, 0.005, 3)
    stains = np.exp([0.01 * smooth_noise(rng, 4) for _ in cast])
    return (cast[:, None, None] * light * stains).astype(np.float32)


def draw_debris(rng: Generator) -> dict[str, np.ndarray]:
    """Draw round bodies, one entry each: x, y, radius, core, rim, blur, and their body.

    Granules belong to the cell or flake that holds them and move with it, others to themselves.
    """
    amount = rng.uniform(0.5, 1.6)
    counts = {kind: rng.poisson(amount * values[0]) for kind, values in DEBRIS.items()}
    counts["granule"] = sum(number * counts[host] for host, number in GRANULES.items())
    kind = np.repeat(list(counts), list(counts.values()))
    body = np.arange(len(kind))
    hosts = [np.repeat(body[kind == host], number) for host, number in GRANULES.items()]
    body[kind == "granule"] = np.concatenate(hosts)
    low, high, blur = (np.array([DEBRIS[name][part] for name in kind]) for part in (1, 2, 3))
    radius, core, rim = rng.uniform(low, high).T
    x, y = rng.uniform(0, TORUS_WIDTH, len(kind)), rng.uniform(0, TORUS_HEIGHT, len(kind))
    direction = rng.uniform(0, 2 * np.pi, len(kind))
    distance = radius[body] * np.sqrt(rng.random(len(kind))) * (kind == "granule")
    x, y = x[body] + distance * np.cos(direction), y[body] + distance * np.sin(direction)
    return {"x": x, "y": y, "radius": radius, "core": core, "rim": rim, "blur": blur, "body": body}


def add_debris(
    dark: np.ndarray, bright: np.ndarray, debris: dict[str, np.ndarray], shift: np.ndarray
) -> None:
    """Add round bodies to both layers, moved by `shift` (px) from where they were."""
    size = np.digitize(debris["radius"], (1.8, 5.0))
    for group, reach in enumerate((6, 11, 17)):
        part = {name: values[size == group] for name, values in debris.items()}
        dx, dy, pixels = pixel_patches(part["x"] + shift[0], part["y"] + shift[1], reach)
        core, rim, blur = as_column(part["core"]), as_column(part["rim"]), as_column(part["blur"])
        outside = np.hypot(dx, dy) - as_column(part["radius"])
        signal = core * smooth_step(-2.5 * outside / blur)
        signal += rim * np.exp(-(((outside - 1.5 * blur) / (1.6 * blur)) ** 2))
        add_values(dark, pixels, np.minimum(signal, 0))
        add_values(bright, pixels, np.maximum(signal, 0))


def find_necks(cells: Cells, poses: Poses) -> Poses:
    """Return where heads and midpieces meet (px), from the heads' centers (µm)."""
    x, y, facing = poses
    x = (x - cells.head_length / 2 * np.cos(facing)) / MICRONS_PER_PIXEL
    y = (y - cells.head_length / 2 * np.sin(facing)) / MICRONS_PER_PIXEL
    return x, y, facing


def add_heads(
    dark: np.ndarray, bright: np.ndarray, cells: Cells, necks: Poses, time: float
) -> None:
    """Add the heads to both layers: lobes of light, a dark outline, a glow around it."""
    # A second head grows from the same neck, at an angle to the first.
    which = np.concatenate([np.arange(len(necks[0])), np.flatnonzero(cells.second_head)])
    x, y, angle = (values[which] for values in necks)
    angle[cells.second_head[which]] -= 0.65
    angle[len(necks[0]) :] += 1.3
    half_length = cells.head_length[which] / 2 / MICRONS_PER_PIXEL
    x, y = x + half_length * np.cos(angle), y + half_length * np.sin(angle)

    dx, dy, pixels = pixel_patches(x, y, 16)
    cos, sin, a = as_column(np.cos(angle)), as_column(np.sin(angle)), as_column(half_length)
    b = as_column(cells.head_width[which] / 2 / MICRONS_PER_PIXEL)
    blur = as_column(0.8 + cells.defocus[which])
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    width = b * (1 + as_column(cells.head_taper[which]) * np.clip(along / a, -1, 1))
    scaled = np.hypot(along / a, across / width) + 1e-6
    slope = np.hypot(along / a**2, across / width**2) + 1e-6
    outside = scaled * (scaled - 1) / slope  # distance from the outline, to first order
    # The glow follows the long axis: far away, the distance above is too rough.
    beyond = np.maximum(np.abs(along) - np.maximum(a - b, 0), 0)
    away = np.maximum(np.hypot(beyond, across) - b, 0)

    # Swimming cells roll about their long axis, and their heads flash.
    roll = np.sin(0.5 * np.pi * cells.beat_frequency * time + 3 * cells.phase)
    flash = as_column((0.25 * roll * (cells.beat_frequency > 0))[which])
    from_glint = along / a - as_column(cells.glint[which])
    core = np.exp(-((from_glint / 0.5) ** 2) - (across / (0.5 * width)) ** 2)
    # What a head contains differs between heads: lobes of light with gray between them.
    seed = as_column(cells.phase[which])
    lobes = np.sin(2.6 * along / a + 5 * seed) * np.sin(1.8 * across / b + 9 * seed)
    inside = (flash + 0.8 * lobes) * smooth_step(-3 * outside / blur) + (0.9 + flash) * core
    glow = 0.35 * np.exp(-((away / (1.5 + blur)) ** 2))
    glow += 0.35 * np.clip(1 - (away / 10) ** 2, 0, 1) ** 2
    shade = 0.5 - 0.3 * np.clip(along / a, -1, 1)  # darker at the neck
    add_values(dark, pixels, -shade * np.exp(-(((outside - 0.3) / (0.9 * blur)) ** 2)))
    add_values(bright, pixels, inside + glow)


def add_tails(dark: np.ndarray, cells: Cells, necks: Poses, time: float) -> None:
    """Add midpieces, droplets and tails: dark lines that fade towards their tips."""
    # A second tail leaves the first one at once.
    which = np.concatenate([np.arange(len(necks[0])), np.flatnonzero(cells.second_tail)])
    bend, along = (values[which] for values in tail_shapes(cells, time))
    bend[len(necks[0]) :] += 0.7 * np.sqrt(along[len(necks[0]) :])
    x, y, facing = (values[which, None] for values in necks)
    angle, step = facing + np.pi + bend, TAIL_STEP / MICRONS_PER_PIXEL
    x = x + step * np.cumsum(np.cos(angle), axis=1)
    y = y + step * np.cumsum(np.sin(angle), axis=1)

    length = TAIL_STEP * np.arange(along.shape[1])
    thick = cells.midpiece_width[which, None] * smooth_step(3 * (MIDPIECE_LENGTH - length))
    # Tails lie at a slant: they leave the focus on their way.
    sigma = 0.65 + 0.4 * thick + cells.defocus[which, None] + cells.slant[which, None] * along
    # A beating tail smears within the exposure, the more the farther from the head.
    smear = 1 - 0.35 * along * (cells.bending[which, None] > 0)
    fade = smear * np.clip(1 - along, 0, 1) ** 0.6
    # Each tail has grains and stretches that hardly show, always at the same places of its own.
    seed = cells.phase[which, None]
    fade *= 1 - cells.faint[which, None] * (0.6 + 0.4 * np.sin(0.2 * length + 7 * seed))
    fade *= 1 + 0.5 * np.sin(0.9 * length + 3 * np.sin(0.35 * length + 9 * seed))
    depth = 0.14 * (fade + 1.5 * thick) * step / sigma**2  # out of focus is also fainter
    drawn = along <= 1
    add_spots(dark, x[drawn], y[drawn], sigma[drawn], -depth[drawn], 4)

    held, middle = np.flatnonzero(cells.droplet), int(0.4 * MIDPIECE_LENGTH / TAIL_STEP)
    size = cells.droplet[held] / MICRONS_PER_PIXEL
    x, y = x[held, middle], y[held, middle]
    add_spots(dark, x, y, 0.7 * size, np.full(len(held), -0.9), 8)


def tail_shapes(cells: Cells, time: float) -> tuple[np.ndarray, np.ndarray]:
    """Return angles (rad) of the tails' points at a time (s), and how far along each point is.

    Angles are against straight backwards: they, not positions, keep the tail's length whatever its
    shape. The beat is a wave that travels from neck to tip and grows on its way. Along the tail, 0
    is the neck, 1 the tip, and beyond it nothing. Both are (cells, points).
    """
    length = np.arange(0, cells.tail_length.max(), TAIL_STEP)
    along = length / cells.tail_length[:, None]
    beat = 2 * np.pi * (cells.beat_frequency[:, None] * time - length / WAVELENGTH)
    wave = cells.bending[:, None] * along**0.6 * np.sin(beat + cells.phase[:, None])
    hairpin = cells.hairpin[:, None] * smooth_step(40 * (along - 0.45))
    rest = cells.neck_bend[:, None] + cells.tail_curve[:, None] * along**1.4
    return rest + hairpin + wave, along
