"""Whether clips show anything: gray levels, contrast, movement, saturation."""

import itertools

import numpy as np

from motilens.core.text import shorten_list
from motilens.video.repeats import MAX_REPEATED, measure_change, share_repeated

# Below or above these, somebody should look. Real and simulated videos: 80 levels and more, a
# contrast of 5, a movement of 0.9, no black or white pixels.
MIN_GRAY_LEVELS, MIN_CONTRAST, MIN_MOVEMENT = 32, 1.0, 0.1
MAX_WHITE, MAX_BLACK = 0.1, 0.9
TORN_LEVELS = 10  # gray levels of a whole line; moving cells change a line's mean by less than 3
MIN_SHARE = 1e-4  # of all pixels, for a gray level to count
MAX_CLIPS = 50  # that are measured: more would take as long as decoding, and say the same


def measure_image_quality(clips: np.ndarray) -> dict[str, float]:
    """Measure what clips show; black borders do not count.

    Args:
        clips: uint8 (clips, frames, height, width), or a dataset of HDF5; MAX_CLIPS of them, evenly
            spread, are read.

    Returns:
        gray_levels (how many are in use), contrast (standard deviation, gray levels), movement
        (root mean square of the differences of successive frames, or of clips of one frame, in gray
        levels), and the shares of pixels that are black and white.
    """
    counts, squares, n_changes, previous, brightest = np.zeros(256), 0.0, 0, None, 0
    for index in range(0, len(clips), -(-len(clips) // MAX_CLIPS)):
        clip = clips[index]
        counts += np.bincount(clip.ravel(), minlength=256)
        brightest = np.maximum(brightest, clip.max(0))
        if len(clip) > 1:
            frames = clip
        else:
            frames = clip if previous is None else np.concatenate([previous, clip])
            previous = clip
        changes = np.diff(frames.astype(np.float32), axis=0)
        squares, n_changes = squares + float(np.square(changes).sum()), n_changes + changes.size
    rows, columns = (brightest.any(axis).sum() for axis in (1, 0))
    inside = max(rows * columns, 1) / brightest.size if rows else 1
    counts[0] -= (1 - inside) * counts.sum()
    shares, levels = counts / counts.sum(), np.arange(256)
    mean = shares @ levels
    return {
        "gray_levels": int((shares > MIN_SHARE).sum()),
        "contrast": round(float(np.sqrt(shares @ (levels - mean) ** 2)), 2),
        "movement": round(float(np.sqrt(squares / max(n_changes, 1) / inside)), 2),
        "black": round(float(shares[0]), 4),
        "white": round(float(shares[255]), 4),
    }


def measure_repeats(clips: np.ndarray) -> float:
    """Return the share of frames that repeat the one before, see above for `clips`."""
    chosen = (clips[index] for index in range(0, len(clips), -(-len(clips) // MAX_CLIPS)))
    return share_repeated(
        [measure_change(*pair) for pair in itertools.pairwise(clip)] for clip in chosen
    )


def find_torn_frames(clips: np.ndarray) -> np.ndarray:
    """Return which frames, bool (clips, frames), have a line unlike that of both neighbors.

    Codecs without checksums, such as raw pixels, show overwritten bytes as lines of garbage. See
    `measure_image_quality` for `clips`; clips of one or two frames do not tell.
    """
    torn = np.zeros(clips.shape[:2], bool)
    n_frames = clips.shape[1]
    if n_frames < 3:
        return torn
    for index in range(0, len(clips), -(-len(clips) // MAX_CLIPS)):
        clip = clips[index].astype(np.int16)
        for number in range(n_frames):
            start = min(max(number - 1, 0), n_frames - 3)
            first, second = (n for n in range(start, start + 3) if n != number)
            before, after = (np.abs(clip[number] - clip[other]) for other in (first, second))
            excess = np.minimum(before, after) - np.abs(clip[first] - clip[second])
            torn[index, number] = excess.mean(axis=1).max() > TORN_LEVELS
    return torn


def describe_odd_frames(numbers: list[int]) -> list[str]:
    """Return a warning of frames, by number, that look unlike those beside them."""
    if not numbers:
        return []
    names = shorten_list(map(str, sorted(set(numbers))))
    return [
        f"its picture changes suddenly at frame {names}: damaged, a flash, a flickering lamp, or "
        "two recordings in one? Look at it there, and replace the video, or cut it"
    ]


def shows_nothing(record: dict) -> bool:
    """Return whether the clips of a record are (nearly) of one gray level."""
    return record.get("contrast", MIN_CONTRAST) < MIN_CONTRAST


def list_quality_warnings(measured: dict[str, float], repeated: float = 0) -> list[str]:
    """List what is wrong with clips (`measure_image_quality`), in plain words.

    `repeated` is the share of frames that repeat the one before.
    """
    look = "look at its contact sheet"
    if shows_nothing(measured):
        return [f"shows nothing: its contrast is {measured['contrast']:g} gray levels: {look}"]
    lines = []
    if measured["gray_levels"] < MIN_GRAY_LEVELS:
        lines.append(
            f"shows only {measured['gray_levels']} gray levels: write it with more contrast, or "
            "more bits"
        )
    if measured["movement"] < MIN_MOVEMENT:
        lines.append(f"nothing moves in its clips, a still image: {look}")
    elif repeated > MAX_REPEATED:
        lines.append(
            f"{repeated:.0%} of its frames repeat the one before: frozen, or recorded at a lower "
            f"frame rate? {look[0].upper()}{look[1:]}"
        )
    for name, limit in (("black", MAX_BLACK), ("white", MAX_WHITE)):
        if measured[name] > limit:
            lines.append(f"{measured[name]:.0%} of its pixels are {name}: exposed wrongly?")
    return lines
