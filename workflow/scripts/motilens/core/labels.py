"""Names of the labels and of what is known about a video."""

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
