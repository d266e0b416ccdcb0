"""Tracks of single cells: heads are found, linked, and judged."""
