"""Names of the labels, of what is known about a video, and the size of a cell."""

# Our names of the six labels, all percentages, and the names of their columns in VISEM.
LABELS = {
    "progressive": "Progressive motility (%)",
    "nonprogressive": "Non progressive sperm motility (%)",
    "immotile": "Immotile sperm (%)",
    "head": "Head defects (%)",
    "midpiece": "Midpiece and neck defects (%)",
    "tail": "Tail defects (%)",
}
MOTILITY = ("progressive", "nonprogressive", "immotile")
# What the user may know of a video, with its range: the true frame rate (1/s), the scale (µm).
VIDEO_FACTS = {"frame_rate": (0.1, 1e6), "microns_per_pixel": (1e-3, 1e3)}
# Length (µm) of a human head with its bright rim, as a detector sees it; fixed and stained ones
# have a median of 4.1 µm (WHO manual, 6th edition).
HEAD_MICRONS = 6.2
