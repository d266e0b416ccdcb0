"""Motilens: sperm motility and morphology from microscope videos, by way of feature images.

The library behind the pipeline. Nothing in it imports Snakemake.
"""

import os

PARENT = os.getppid()  # who started this process; asked before slow imports


class InputError(Exception):
    """Something the user gave cannot be used; the message names the place and the remedy."""
