"""What a video looks like in a few numbers, and whether models have seen its like."""

import numpy as np

# Of a range that training videos span: so far beyond it a new video may lie.
RANGE_MARGIN = 0.1
EMPTY_FACTOR = 4  # times less contrast than any video of the training: noise of the camera alone
EMPTY_FIELD = "the field is empty, or the lens covered"
STILL_FACTOR = 4  # times less movement than any video of the training: next to none
APPEARANCE_FEATURES = {
    "frame_rate": ("frame rate", "frames/s"),
    "longer_side": ("longer side", "pixels"),
    "shorter_side": ("shorter side", "pixels"),
    "brightness": ("brightness", "of white"),
    "contrast": ("contrast", "of white"),
    "sharpness": ("sharpness", "of its contrast"),
    "movement": ("movement", "of its contrast"),
}


def measure_appearance(clips: np.ndarray, record: dict) -> dict[str, float]:
    """A video by its clips.

    Args:
        clips: uint8 (clips, frames, height, width).
        record: of the clips, see docs/formats.md.

    Returns:
        frame_rate (1/s), longer_side, shorter_side (of the video, in pixels as high as they are
        wide: a camera that was turned makes no difference); brightness and contrast, mean and
        standard deviation of grey levels (white is 1); sharpness and movement: root mean square
        of the differences of neighbouring pixels and of successive frames, over the contrast
        (0 where nothing is seen; movement NaN for clips of one frame).
    """
    sums = np.zeros(5)
    for clip in clips:
        grey = clip.astype(np.float32) / 255
        edges = [np.diff(grey, axis=axis) ** 2 for axis in (1, 2)]
        change = np.diff(grey, axis=0) ** 2
        moved = change.mean() if change.size else np.nan
        sums += [grey.mean(), (grey**2).mean(), edges[0].mean(), edges[1].mean(), moved]
    mean, square, down, across, moved = sums / len(clips)
    sides = record["video_width"] * record["video_pixel_aspect"], record["video_height"]
    contrast = np.sqrt(max(square - mean**2, 0))
    seen = contrast > 1e-6
    return {
        "frame_rate": float(record["video_frame_rate"]),
        "longer_side": float(max(sides)),
        "shorter_side": float(min(sides)),
        "brightness": float(mean),
        "contrast": float(contrast),
        "sharpness": float(np.sqrt(down + across) / contrast) if seen else 0.0,
        "movement": float(np.sqrt(moved) / contrast) if seen else 0.0,
    }


def training_ranges(measured: list[dict[str, float]]) -> dict[str, list[float]]:
    """Least and greatest of each number over the training videos."""
    return {
        name: [min(one[name] for one in measured), max(one[name] for one in measured)]
        for name in APPEARANCE_FEATURES
        if not any(np.isnan(one[name]) for one in measured)
    }


def describe_out_of_range(video: dict[str, float], known: dict[str, list[float]]) -> list[str]:
    """In plain words, by what a video differs from all that the models were trained with."""
    found = []
    for name, (low, high) in known.items():
        room = RANGE_MARGIN * (high - low) + 1e-6 * abs(high)
        if not low - room <= video[name] <= high + room:
            (words, unit), beside = (
                APPEARANCE_FEATURES[name],
                "more" if video[name] > high else "less",
            )
            found.append(
                f"{words} {_format_number(video[name])} {unit}, {beside} than in training "
                f"({_format_number(low)} to {_format_number(high)})"
            )
    if is_empty_field(video, known):
        found.append(EMPTY_FIELD)
    elif video["movement"] < known.get("movement", [0])[0] / STILL_FACTOR:
        found.append("next to nothing moves: a still picture, or no living cells?")
    return found


def _format_number(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def is_empty_field(video: dict[str, float], known: dict[str, list[float]]) -> bool:
    """Whether it shows no more than a camera's noise."""
    return video["contrast"] < max(1e-3, known.get("contrast", [0])[0] / EMPTY_FACTOR)
