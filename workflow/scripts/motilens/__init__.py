"""Motilens: sperm motility and morphology from microscope videos, by way of feature images.

The library behind the pipeline. Nothing in it imports Snakemake.
"""
