"""What all figures share: colors, names, and drawing without a display."""

from pathlib import Path

import matplotlib

from motilens.core.files import atomic_write

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402  (after the choice of the backend)

# Distinct for color-blind readers (Okabe and Ito).
COLORS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442"]
# Percentages whose names alone may be taken for their opposite.
DISPLAY_NAMES = {part: f"{part} defects" for part in ("head", "midpiece", "tail")}


def make_grid(rows: int, columns: int, width: float, height: float, **options):
    """Return a figure of so many inches and its axes (rows, columns); options: of `subplots`."""
    size = (width, height)
    return plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained", **options)


def save_figure(figure, path: str | Path, dpi: int = 150) -> None:
    """Write a figure as PNG and free its memory."""
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=dpi)
    plt.close(figure)
