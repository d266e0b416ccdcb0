"""Videos of simulated samples."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from motilens.simulation.cells import draw_cells, draw_fluid_drift, head_poses, random_stream
from motilens.simulation.microscope import Scene
from motilens.simulation.recording import Recording
from motilens.video.encode import encode_video

SIMULATED_FRAME_RATE = 50.0  # frames/s, as VISEM


def render_video(participant: int, seed: int, frames: int) -> Iterator[np.ndarray]:
    """Yield frames one by one, uint8 RGB (480, 640, 3), at SIMULATED_FRAME_RATE."""
    cells, drift = draw_cells(participant, seed), draw_fluid_drift(participant, seed)
    streams = "debris", "background", "noise"
    scene = Scene(*(random_stream(participant, seed, name) for name in streams))
    for frame in range(frames):
        time = frame / SIMULATED_FRAME_RATE
        yield scene.draw_frame(cells, head_poses(cells, drift, time), drift, time)


def write_video(
    path: str | Path, participant: int, seed: int, seconds: float, style: str
) -> pd.DataFrame | None:
    """Write one participant's video, and return `Recording.tracks`; None in the plain style."""
    count = round(seconds * SIMULATED_FRAME_RATE)
    if style == "plain":
        encode_video(path, render_video(participant, seed, count), SIMULATED_FRAME_RATE)
        return None
    recording = Recording(participant, seed, count, SIMULATED_FRAME_RATE)
    rate_factor = recording.conditions.rate_factor
    encode_video(path, recording.iter_frames(), SIMULATED_FRAME_RATE, rate_factor)
    return recording.tracks
