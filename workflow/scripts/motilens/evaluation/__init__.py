"""Predictions, errors and statistics."""
