"""How large sperm are."""

# Length of a human head with its bright rim, as a detector sees it; fixed and stained ones have a
# median of 4.1 µm (WHO manual, 6th edition).
HEAD_MICRONS = 6.2
