"""What all figures share: colors, names, and drawing without a display."""

from pathlib import Path

import matplotlib

from motilens.core.files import atomic_write

matplotlib.use("Agg")
from matplotlib import font_manager  # noqa: E402  (after the choice of the backend)
from matplotlib import pyplot as plt  # noqa: E402

# Distinct for color-blind readers (Okabe and Ito).
COLORS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442"]
# Percentages whose names alone may be taken for their opposite.
DISPLAY_NAMES = {part: f"{part} defects" for part in ("head", "midpiece", "tail")}


def make_grid(rows: int, columns: int, width: float, height: float, **options):
    """Return a figure of so many inches and its axes (rows, columns); options: of `subplots`."""
    size = (width, height)
    return plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained", **options)


def to_drawable(text: str) -> str:
    """Return text that figures can show; what no font has is escaped, by its code.

    Our own font has no Chinese, for example: fonts of the machine that have are used beside it.
    """
    own = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    missing = {char for char in text if char != "\n" and not own.get_char_index(ord(char))}
    for entry in font_manager.fontManager.ttflist if missing else ():
        if entry.name.startswith("Last Resort"):  # it has a box for each character
            continue
        font = font_manager.get_font(entry.fname)
        if shown := {char for char in missing if font.get_char_index(ord(char))}:
            family = plt.rcParams["font.family"]
            if entry.name not in family:  # by an earlier text
                plt.rcParams["font.family"] = [*family, entry.name]
            missing -= shown
    return "".join(ascii(char)[1:-1] if char in missing else char for char in text)


def save_figure(figure, path: str | Path, dpi: int = 150) -> None:
    """Write a figure as PNG and free its memory."""
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=dpi)
    plt.close(figure)
