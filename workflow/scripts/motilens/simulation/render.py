"""Videos of simulated samples."""

from collections.abc import Iterator

import numpy as np

from motilens.simulation.cells import draw_cells, draw_fluid_drift, head_poses, random_stream
from motilens.simulation.microscope import Scene

SIMULATED_FRAME_RATE = 50.0  # frames/s, as VISEM


def render_video(participant: int, seed: int, frames: int) -> Iterator[np.ndarray]:
    """Yield frames one by one, uint8 RGB (480, 640, 3), at SIMULATED_FRAME_RATE."""
    cells, drift = draw_cells(participant, seed), draw_fluid_drift(participant, seed)
    streams = "debris", "background", "noise"
    scene = Scene(*(random_stream(participant, seed, name) for name in streams))
    for frame in range(frames):
        time = frame / SIMULATED_FRAME_RATE
        yield scene.draw_frame(cells, head_poses(cells, drift, time), drift, time)
