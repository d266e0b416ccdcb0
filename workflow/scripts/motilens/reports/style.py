"""What all figures share: size, type, colors, panel letters, and drawing without a display."""

import string
import textwrap
from collections.abc import Iterable
from pathlib import Path

import matplotlib

from motilens.core.files import atomic_write

matplotlib.use("Agg")
from matplotlib import font_manager  # noqa: E402  (after the choice of the backend)
from matplotlib import pyplot as plt  # noqa: E402

WIDTH, MAX_HEIGHT = 180, 240  # mm, of a page in a journal
MILLIMETERS = 25.4  # in an inch
DPI = 300
# Distinct for color-blind readers (Okabe and Ito 2008), the first four also in gray.
BLUE, ORANGE, BLACK, PURPLE = "#0072B2", "#E69F00", "#000000", "#CC79A7"
RED, SKY, GREEN, YELLOW = "#D55E00", "#56B4E9", "#009E73", "#F0E442"
COLORS = [BLUE, ORANGE, BLACK, PURPLE, RED, SKY, GREEN]
MARKERS, LINE_STYLES = "osD^vXP*", ["-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1))]
# Percentages whose names alone may be taken for their opposite.
DISPLAY_NAMES = {part: f"{part} defects" for part in ("head", "midpiece", "tail")}
STYLE = {
    "font.size": 7, "axes.titlesize": 8, "figure.titlesize": 8, "figure.labelsize": 7,
    "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "lines.linewidth": 1, "lines.markersize": 3.5, "legend.frameon": False,
    "pdf.fonttype": 42,  # text stays text
}  # fmt: skip
journal_style = plt.rc_context(STYLE)  # a decorator of functions that draw


def make_figure(height: float) -> plt.Figure:
    """Return an empty figure as wide as a page, and no higher; `height` in mm."""
    size = WIDTH / MILLIMETERS, min(height, MAX_HEIGHT) / MILLIMETERS
    return plt.figure(figsize=size, layout="constrained")


def make_grid(rows: int, columns: int, height: float, **options) -> tuple[plt.Figure, list]:
    """Return such a figure and its axes (rows, columns); options: of `subplots`."""
    figure = make_figure(height)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def add_height(figure: plt.Figure, height: float) -> None:
    """Make a figure so many mm higher, but no higher than a page."""
    total = figure.get_figheight() + height / MILLIMETERS
    figure.set_figheight(min(total, MAX_HEIGHT / MILLIMETERS))


def add_letters(axes: Iterable) -> None:
    """Write a, b, c, ... above the upper left corners of panels."""
    letters = string.ascii_lowercase
    for number, axis in enumerate(axes):
        again, letter = divmod(number, len(letters))
        axis.annotate(
            letters[letter] * (again + 1), (0, 1), (-3, 3), xycoords="axes fraction",
            textcoords="offset points", ha="right", va="bottom", fontsize=8, fontweight="bold",
        )  # fmt: skip


def wrap_name(name: str, width: int = 24) -> str:
    """Return a name in three lines of `width` characters at most; a longer one is cut."""
    lines = textwrap.wrap(name, width)
    return "\n".join(lines if len(lines) <= 3 else [*lines[:2], f"{lines[2][:-1]}…"])


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


def save_figure(figure, *paths: str | Path, dpi: int = DPI) -> None:
    """Write a figure in the formats that the names of files end in, and free its memory."""
    for path in paths:
        # The same figure has the same bytes, whenever it is drawn.
        undated = {"CreationDate": None} if Path(path).suffix == ".pdf" else {}
        with atomic_write(path) as temporary:
            figure.savefig(temporary, dpi=dpi, metadata=undated)
    plt.close(figure)
