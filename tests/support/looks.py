"""Simulated videos of bright and of dark heads."""

from motilens.simulation.conditions import Conditions
from motilens.simulation.recording import Recording
from motilens.video.encode import encode_video

FRAMES, RATE = 40, 50.0
LOOKS = {
    "bright": Conditions("clean", "none", False, rate_factor=20, vignette=0.1, noise=1.5),
    "dark": Conditions("bright field", "none", False, rate_factor=20, vignette=0.1, noise=1.5),
}


def draw_looks(folder):
    """Draw a video of each look: path and true tracks."""
    made = {}
    for look, conditions in LOOKS.items():
        recording = Recording(3, 5, FRAMES, conditions=conditions)
        path = str(folder / f"{look}.mkv")
        encode_video(path, recording.iter_frames(), RATE)
        made[look] = path, recording.tracks
    return made
