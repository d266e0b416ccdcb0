"""Tracks of single cells, their kinematics, and baselines that use them."""
