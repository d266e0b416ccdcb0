"""Percentages of new videos by trained models."""
