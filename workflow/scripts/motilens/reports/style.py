"""Colors and names that all figures share; drawing works without a display."""

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402, F401  (after the choice of the backend)

# Distinct for colour-blind readers (Okabe and Ito).
COLORS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442"]
# Of percentages whose names alone may be taken for their opposite.
DISPLAY_NAMES = {part: f"{part} defects" for part in ("head", "midpiece", "tail")}
