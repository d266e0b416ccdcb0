"""What a video looks like in a few numbers, and whether models have seen its like."""

import numpy as np

from motilens.clips.image_quality import MIN_MOVEMENT

RANGE_MARGIN = 0.1  # of the range of training videos, by which a new video may exceed it
# At least, where training videos were all alike: of the value; of brightness, of white. On four
# real recordings, other seconds of them and copies that are encoded again stay within these.
MIN_MARGINS = {
    "frame_rate": 0.02,
    "longer_side": 0.02,
    "shorter_side": 0.02,
    "brightness": 0.04,
    "contrast": 0.2,
    "sharpness": 0.1,
    "movement": 0.4,
}
EMPTY_FACTOR = 4  # times less contrast than any training video: a camera's noise alone
STILL_FACTOR = 4  # times less movement than any training video: next to none
# Times outside the range of training, beyond which a network's answer means nothing. Real videos of
# one microscope are up to 1.3 times outside that of the others, simulated ones 2; test patterns,
# photographs, noise and most drawn dots 2.6 and more, screens 2.2 to 3.
FAR_FACTOR = 2.5
FAR_FEATURES = ("brightness", "contrast", "sharpness", "movement")
EMPTY_FIELD = "the field is empty, or the lens covered"
APPEARANCE_FEATURES = {
    "frame_rate": ("frame rate", "frames/s"),
    "longer_side": ("longer side", "pixels"),
    "shorter_side": ("shorter side", "pixels"),
    "brightness": ("brightness", "of white"),
    "contrast": ("contrast", "of white"),
    "sharpness": ("sharpness", "of its contrast"),
    "movement": ("movement", "of its contrast"),
}
# Of a tracked video, with margins: shares of the value by which tracks of cells hardly differ.
TRACKING_FEATURES = {
    "frame_rate": ("frame rate", "frames/s"),
    "seconds": ("duration", "s"),
    "head_length": ("length of a head", "pixels, in a frame of 640"),
    "heads_per_frame": ("number of heads in a frame", ""),
}
TRACKING_MARGINS = {
    "frame_rate": 0.1, "seconds": 0.05, "head_length": 0.25, "heads_per_frame": 0.3
}  # fmt: skip


def measure_appearance(clips: np.ndarray, record: dict) -> dict[str, float]:
    """Measure what a video looks like.

    Args:
        clips: uint8 (clips, frames, height, width).
        record: of the clips (docs/reference/formats.md).

    Returns:
        frame_rate (1/s), longer_side, shorter_side (of the video, in square pixels: a rotated
        camera makes no difference); brightness and contrast, mean and standard deviation of gray
        levels (white is 1); sharpness and movement: root mean square of the differences of
        neighboring pixels and of successive frames, over the contrast (0 where nothing is seen;
        movement NaN for clips of one frame).
    """
    sums = np.zeros(5)
    for clip in clips:
        gray = clip.astype(np.float32) / 255
        changes = [np.diff(gray, axis=axis) ** 2 for axis in (1, 2, 0)]
        means = [part.mean() if part.size else np.nan for part in (gray, gray**2, *changes)]
        sums += means
    mean, square, down, across, moved = sums / len(clips)
    sides = record["video_width"] * record["video_pixel_aspect"], record["video_height"]
    contrast = np.sqrt(max(square - mean**2, 0))
    is_visible = contrast > 1e-6
    return {
        "frame_rate": float(record["video_frame_rate"]),
        "longer_side": float(max(sides)),
        "shorter_side": float(min(sides)),
        "brightness": float(mean),
        "contrast": float(contrast),
        "sharpness": float(np.sqrt(down + across) / contrast) if is_visible else 0.0,
        "movement": float(np.sqrt(moved) / contrast) if is_visible else 0.0,
    }


def training_ranges(measured: list[dict[str, float]]) -> dict[str, list[float]]:
    """Return the least and greatest of each number over the training videos."""
    return {
        name: [min(video[name] for video in measured), max(video[name] for video in measured)]
        for name in APPEARANCE_FEATURES
        if not any(np.isnan(video[name]) for video in measured)
    }


def describe_out_of_range(video: dict[str, float], ranges: dict[str, list[float]]) -> list[str]:
    """Return, in plain words, how a video (`measure_appearance`) differs from all of training."""
    lines = compare_with_ranges(video, ranges, APPEARANCE_FEATURES, MIN_MARGINS)
    if video["movement"] < ranges.get("movement", [0])[0] / STILL_FACTOR:
        lines.append("next to nothing moves: a still image, or no living cells?")
    return lines


def explain_no_answer(
    video: dict[str, float], ranges: dict[str, list[float]], record: dict
) -> str | None:
    """Return why a video (`measure_appearance`) can have no percentages; None if it can.

    Args:
        record: of its clips.
    """
    if is_empty_field(video, ranges):
        return EMPTY_FIELD
    if record["movement"] < MIN_MOVEMENT:
        return "nothing moves: it is a still image, or shows no cells"
    # Little movement is no reason: cells may be dead.
    far = {
        name: [low / FAR_FACTOR if name != "movement" else 0.0, high * FAR_FACTOR]
        for name, (low, high) in ranges.items()
        if name in FAR_FEATURES
    }
    if not all(low <= video[name] <= high for name, (low, high) in far.items()):
        lines = describe_out_of_range(video, {name: ranges[name] for name in far})
        return f"it looks like none of the training videos: {'; '.join(lines)}"
    return None


def compare_with_ranges(
    video: dict[str, float],
    ranges: dict[str, list[float]],
    features: dict[str, tuple[str, str]],
    min_margins: dict[str, float],
) -> list[str]:
    """Return a line for each number of a video that is outside the range of training.

    Args:
        features: name and unit of each number, in words.
        min_margins: see MIN_MARGINS.
    """
    lines = []
    for name, (low, high) in ranges.items():
        wide = RANGE_MARGIN * (high - low)
        scales = (1, 1) if name == "brightness" else (low, high)
        below, above = (max(wide, min_margins[name] * scale) for scale in scales)
        if not low - below <= video[name] <= high + above:
            words, unit = features[name]
            limits = dict.fromkeys(map(_format_number, (low, high)))  # once, if they are alike
            value = f"{words} {_format_number(video[name])} {unit}".rstrip()
            lines.append(f"{value} (training: {' to '.join(limits)})")
    return lines


def is_empty_field(video: dict[str, float], ranges: dict[str, list[float]]) -> bool:
    """Return whether a video shows no more than a camera's noise."""
    return video["contrast"] < max(1e-3, ranges.get("contrast", [0])[0] / EMPTY_FACTOR)


def _format_number(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"
