"""Names of the labels and of what is known about a video."""

# Our names of the six labels and VISEM's names of their columns, all percentages.
LABELS = {
    "progressive": "Progressive motility (%)",
    "nonprogressive": "Non progressive sperm motility (%)",
    "immotile": "Immotile sperm (%)",
    "head": "Head defects (%)",
    "midpiece": "Midpiece and neck defects (%)",
    "tail": "Tail defects (%)",
}
MOTILITY = ("progressive", "nonprogressive", "immotile")
# What may be said of a video: the true rate of its frames (1/s), its scale (µm); least and most.
VIDEO_FACTS = {"frame_rate": (0.1, 1e6), "microns_per_pixel": (1e-3, 1e3)}
