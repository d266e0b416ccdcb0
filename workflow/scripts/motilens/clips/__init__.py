"""Clips: the runs of frames that are cut from a video and stored."""
