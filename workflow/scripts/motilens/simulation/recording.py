"""Realistic videos of simulated participants, and where each head is in them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import ndimage

from motilens.simulation.bodies import HEAD_SCALE, add_bodies, draw_debris, make_heads
from motilens.simulation.cells import (
    FRAME_HEIGHT,
    FRAME_WIDTH,
    MICRONS_PER_PIXEL,
    TORUS_HEIGHT,
    TORUS_WIDTH,
    Poses,
    draw_cells,
    random_stream,
)
from motilens.simulation.conditions import SCENES, Conditions, draw_conditions
from motilens.simulation.microscope import GLOW_SHIFT, add_tails, find_necks
from motilens.simulation.patches import smooth_noise
from motilens.simulation.swimming import draw_paths, draw_stage

TINTS = {False: ((0.95, 1.02, 0.85), (1.14, 1.0, 0.88)), True: ((1, 1, 1.05), (1, 1, 1))}
# Standard deviations of the lens' blur (px) of red, green and blue: red spreads the most.
SPREAD = {False: (0.85, 0.6, 0.45), True: (1.0, 0.9, 0.9)}
# Mean color of the light and its deviation between videos.
CASTS = {False: ((1.03, 0.99, 1.02), (0.03, 0.005, 0.05)), True: ((0.98, 1.01, 0.97), (0.02,) * 3)}
HALO = 6.0  # px that a box reaches beyond the head's outline, as in hand-made boxes


class Recording:
    """One participant's realistic video; the same arguments give the same video.

    `tracks` has one row for each head in each frame that shows its center: frame, track_id, x_px,
    y_px, w_px, h_px (of a box around the head and its halo). A cell that leaves the image and
    comes back gets another track_id.
    """

    def __init__(
        self,
        participant: int,
        seed: int,
        frames: int,
        frame_rate: float = 50.0,
        conditions: Conditions | None = None,
    ):
        self.conditions = conditions or draw_conditions(participant, seed)
        self.scene = SCENES[self.conditions.scene]
        self.frames = frames
        interval = 1 / (2 * frame_rate)  # interlaced frames show two instants
        self.participant, self.seed = participant, seed
        cells = draw_cells(participant, seed, *self.scene.population)
        self.cells, self.paths = draw_paths(cells, participant, seed, 2 * frames, interval)
        self.stage = draw_stage(participant, seed, self.conditions.drift, 2 * frames, interval)
        rng = random_stream(participant, seed, "optics")
        count = len(cells.motility)
        far = rng.random(count) < self.scene.blurred
        self.depth = np.where(far, rng.uniform(0.5, 1, count), rng.uniform(0, 0.3, count))
        self.wobble = rng.uniform(0, 0.15, count), rng.uniform(0, 2 * np.pi, count)
        # Defects of heads are subtle in reality: half as large, and few heads are double.
        length, width = self.cells.head_length, self.cells.head_width
        self.cells = replace(
            self.cells, faint=0.5 * self.cells.faint, defocus=3 * self.depth,
            head_length=(length + 4.3) / 2, head_width=(width + 2.8) / 2,
            second_head=self.cells.second_head & (rng.random(count) < 0.15),
        )  # fmt: skip
        self.background = self._draw_background()
        self.tracks = self._find_tracks()

    def iter_frames(self) -> Iterator[np.ndarray]:
        """Yield frames one by one, uint8 RGB (480, 640, 3)."""
        debris_stream, noise = (
            random_stream(self.participant, self.seed, name) for name in ("debris", "noise")
        )
        amount = self.scene.debris * debris_stream.uniform(0.6, 1.4)
        debris = draw_debris(debris_stream, amount, self.scene.bright_field)
        sheet = noise.standard_normal((3, FRAME_HEIGHT + 200, FRAME_WIDTH + 200), dtype=np.float32)
        if self.scene.bright_field:  # grain of noise as large as in the videos of SVIA
            sheet = ndimage.gaussian_filter(sheet, (0, 1.2, 1.2))
        sheet *= self.conditions.noise / sheet.std()
        bodies = int(debris["body"].max(initial=-1)) + 1
        for frame in range(self.frames):
            steps = debris_stream.normal(0, 0.08, (2, bodies))
            if bodies:
                debris["x"] = debris["x"] + steps[0][debris["body"]]
                debris["y"] = debris["y"] + steps[1][debris["body"]]
            light = self._draw_instant(2 * frame, debris)
            if self.conditions.interlaced:
                light[1::2] = self._draw_instant(2 * frame + 1, debris)[1::2]
            top, left = noise.integers(0, 200, 2)
            cut = sheet[:, top : top + FRAME_HEIGHT, left : left + FRAME_WIDTH]
            yield np.clip(light + cut.transpose(1, 2, 0), 0, 255).astype(np.uint8)

    def _draw_instant(self, instant: int, debris: dict[str, np.ndarray]) -> np.ndarray:
        """Draw the light at an instant, without noise, float32 (480, 640, 3)."""
        bright_field, shift = self.scene.bright_field, self.stage[instant]
        time = instant * self.paths.interval
        layers = np.zeros((2, TORUS_HEIGHT, TORUS_WIDTH), np.float32)
        moved = debris | {"x": debris["x"] + shift[0], "y": debris["y"] + shift[1]}
        poses = self._poses_at(instant)
        add_tails(layers[0], self.cells, find_necks(self.cells, poses), time)
        layers[0] *= 0.6 if bright_field else 1.4
        add_bodies(layers, moved)
        amplitude, phase = self.wobble
        depth = np.clip(self.depth + amplitude * np.sin(time + phase), 0, 1)
        add_bodies(layers, make_heads(self.cells, poses, depth, time, bright_field))
        seen = slice(FRAME_HEIGHT), slice(FRAME_WIDTH)
        light = np.empty_like(self.background)
        dark, bright = TINTS[bright_field]
        for color, spread in enumerate(SPREAD[bright_field]):
            shift = (0, 0) if bright_field else GLOW_SHIFT[color]
            glow = bright[color] * np.roll(layers[1], shift, axis=(0, 1))[seen]
            sharp = self.background[..., color] * np.exp(dark[color] * layers[0][seen] + glow)
            light[..., color] = ndimage.gaussian_filter(sharp, spread, truncate=3)
        return light

    def _poses_at(self, instant: int) -> Poses:
        x, y, facing = self.paths.poses_at(instant)
        shift = self.stage[instant] * MICRONS_PER_PIXEL
        return x + shift[0], y + shift[1], facing

    def _draw_background(self) -> np.ndarray:
        rng = random_stream(self.participant, self.seed, "background")
        y, x = np.mgrid[-1 : 1 : FRAME_HEIGHT * 1j, -1 : 1 : FRAME_WIDTH * 1j]
        x, y = x - rng.uniform(-0.5, 0.5), y - rng.uniform(-0.5, 0.5)
        shade = np.log1p(-self.conditions.vignette * (x**2 + y**2) / 4)
        # Dirt of glass and camera: survives compression, as noise does not.
        grain = 0.045 * smooth_noise(rng, 0.7) + 0.015 * smooth_noise(rng, 3)
        grain *= rng.uniform(0.25, 0.5) if self.scene.bright_field else rng.uniform(0.4, 1.0)
        level = rng.uniform(140, 185) if self.scene.bright_field else rng.uniform(75, 125)
        cast = rng.normal(*CASTS[self.scene.bright_field])
        light = level * np.exp(shade + grain + 0.015 * smooth_noise(rng, 60))
        return (light[..., None] * cast).astype(np.float32)

    def _find_tracks(self) -> pd.DataFrame:
        second = 1 if self.conditions.interlaced else 0
        rows = []
        track, last = np.full(len(self.depth), -1), np.full(len(self.depth), -2)
        known = 0
        scale = HEAD_SCALE[self.scene.bright_field] / MICRONS_PER_PIXEL
        for frame in range(self.frames):
            poses = [self._poses_at(2 * frame + field) for field in {0, second}]
            x, y = (np.mean([pose[k] for pose in poses], axis=0) for k in (0, 1))
            x, y = x / MICRONS_PER_PIXEL % TORUS_WIDTH, y / MICRONS_PER_PIXEL % TORUS_HEIGHT
            seen = np.flatnonzero((x < FRAME_WIDTH - 0.5) & (y < FRAME_HEIGHT - 0.5))
            for cell in seen[last[seen] < frame - 1]:
                track[cell], known = known, known + 1
            last[seen] = frame
            cos, sin = np.cos(poses[0][2]), np.sin(poses[0][2])
            length, width = self.cells.head_length, self.cells.head_width
            w, h = (scale * np.hypot(length * p, width * q) + 2 * HALO + 6 * self.depth
                    for p, q in ((cos, sin), (sin, cos)))  # fmt: skip
            rows += [(frame, track[c], x[c], y[c], w[c], h[c]) for c in seen]
        names = ["frame", "track_id", "x_px", "y_px", "w_px", "h_px"]
        return pd.DataFrame(rows, columns=names)
