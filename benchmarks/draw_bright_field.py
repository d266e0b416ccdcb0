"""Draw clean bright fields, dark heads with tails on light gray, with the true positions of heads.

    .venv/bin/python benchmarks/draw_bright_field.py OUT_FOLDER
    .venv/bin/python benchmarks/tracking.py OUT_FOLDER

The drawing is plain, not that of Motilens' simulator, which the detector of heads was fitted to.
Half of the cells swim fast, a fifth slowly, the others are immotile. Layout: NAME.mp4 and
NAME_tracks.csv, as of simulate_tracking.py.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFilter

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.simulation.visem_files import write_track_table
from motilens.video.encode import encode_video

WIDTH, HEIGHT = 640, 480
BACKGROUND, TAIL_CONTRAST, NOISE = 205, 35, 2.0  # gray levels
HEAD_MICRONS = 5.0
# By name: frames/s, length of a head (pixels), number of cells, gray level of heads, tails.
FIELDS = {
    "15_per_second": (15, 10, 30, 90, True),
    "30_per_second": (30, 10, 30, 90, True),
    "60_per_second": (60, 10, 30, 90, True),
    "small": (60, 7, 40, 90, True),
    "large": (30, 14, 30, 90, True),
    "faint": (60, 12, 30, 165, True),
    "without_tails": (60, 12, 30, 90, False),
}


class Field:
    """Cells whose heads swing around straight or slowly turning ways.

    Args:
        frame_rate: 1/s.
        head: length of a head (pixels).
        cells: how many.
        gray: level of heads.
        has_tails: whether tails are drawn.
        seed: of all that is random.
    """

    def __init__(self, frame_rate, head, cells, gray, has_tails=True, seed=0):
        self.rng, self.frame_rate, self.head = np.random.default_rng(seed), frame_rate, head
        self.gray, self.has_tails = gray, has_tails
        self.places = self.rng.uniform((0, 0), (WIDTH, HEIGHT), (cells, 2))
        self.angles = self.rng.uniform(0, 2 * np.pi, cells)
        kinds = self.rng.choice(3, cells, p=[0.5, 0.2, 0.3])
        fast, slow = self.rng.uniform(25, 70, cells), self.rng.uniform(5, 20, cells)
        scale = head / HEAD_MICRONS
        self.moves = kinds < 2
        self.speeds = scale * np.choose(kinds, [fast, slow, 0 * fast])
        self.beats = self.rng.uniform(6, 14, cells)  # Hz
        self.swings = scale * np.array([1.5, 1, 0])[kinds] * self.rng.uniform(0.5, 1, cells)

    def iter_frames(self, seconds: float, tracks: list) -> Iterator[np.ndarray]:
        """Yield frames, uint8 (height, width, 3), and add frame, cell and head to `tracks`."""
        for number in range(round(seconds * self.frame_rate)):
            turns = self.rng.normal(0, 0.6, len(self.angles)) / np.sqrt(self.frame_rate)
            self.angles += turns * self.moves
            ahead = np.column_stack([np.cos(self.angles), np.sin(self.angles)])
            aside = ahead[:, ::-1] * [-1, 1]
            self.places += self.speeds[:, None] / self.frame_rate * ahead
            self.places %= WIDTH, HEIGHT
            phases = 2 * np.pi * self.beats * number / self.frame_rate
            heads = self.places + (self.swings * np.sin(phases))[:, None] * aside
            tracks += [(number, cell, *head) for cell, head in enumerate(heads)]
            yield self._draw(heads, phases)

    def _draw(self, heads: np.ndarray, phases: np.ndarray) -> np.ndarray:
        image = Image.new("L", (2 * WIDTH, 2 * HEIGHT), BACKGROUND)
        draw = ImageDraw.Draw(image)
        outline = np.linspace(0, 2 * np.pi, 30)
        oval = self.head * np.column_stack([np.cos(outline) / 2, np.sin(outline) / 3])
        along = np.linspace(0, 1, 20)
        for cell, head in enumerate(heads):
            angle = self.angles[cell] + 0.15 * np.cos(phases[cell]) * self.moves[cell]
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            if self.has_tails:
                wave = np.sin(phases[cell] - 2.4 * np.pi * along)
                tail = np.column_stack([
                    -self.head * (0.5 + 7.5 * along), 1.2 * self.swings[cell] * along * wave
                ])  # fmt: skip
                points = 2 * (head + tail @ turn)
                draw.line(list(map(tuple, points)), fill=BACKGROUND - TAIL_CONTRAST, width=2)
            draw.polygon(list(map(tuple, 2 * (head + oval @ turn))), fill=self.gray)
        small = image.filter(ImageFilter.GaussianBlur(1.2)).resize((WIDTH, HEIGHT), Image.BOX)
        noisy = np.asarray(small, float) + self.rng.normal(0, NOISE, (HEIGHT, WIDTH))
        return np.repeat(noisy.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=4)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, look) in enumerate(FIELDS.items()):
        tracks, field = [], Field(*look, seed=seed)
        path = arguments.folder / f"{name}.mp4"
        encode_video(path, field.iter_frames(arguments.seconds, tracks), float(look[0]), 18)
        table = pd.DataFrame(tracks, columns=["frame", "track_id", "x_px", "y_px"])
        write_track_table(table, path.with_name(f"{name}_tracks.csv"))
        print(path, flush=True)


if __name__ == "__main__":
    main()
