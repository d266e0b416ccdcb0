"""From a video to its clips: which frames, at which rate, and what is recorded of them."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from motilens import stacks, video
from motilens.step import VERSION
from motilens.video import Damaged, Video

RATE_TOLERANCE = 0.02  # of the frame rate: 49 to 51 frames/s are 50


def extract_clips(
    source: str, path: str | Path, settings: dict, sample: str, facts: dict | None = None
) -> dict:
    """Decode the video `source` and write its clips to `path` (docs/formats.md).

    Args:
        settings: size (pixels), aspect, clips_per_video, clip_length (frames), frame_rate (1/s),
            other_frame_rate.
        sample: its name.
        facts: what else is recorded; of these, frame_rate (1/s) is believed more than the file,
            and microns_per_pixel (µm, before resizing) is a scale.

    Returns:
        What is recorded with the clips: of the video, its decoding and their content.

    Raises:
        Damaged: the video cannot be read, is too short, has the wrong frame rate, or ends before
            its frames do.
    """
    facts, size, aspect = facts or {}, settings["size"], settings["aspect"]
    found = video.probe(source)
    packets, warnings = found.frames, []
    for _ in range(2):
        found = _believed(found, facts.get("frame_rate"))
        timeline = _timeline(source, found, settings)
        numbers = timeline[_clip_numbers(source, len(timeline), settings)]
        count, digest = stacks.write_clips(path, video.decode(source, size, aspect), numbers, size)
        if count == found.frames:
            break
        # Without a complaint of ffmpeg: some codecs have packets that show nothing, and an edit
        # list may hide frames. What is shown counts.
        found = video.with_decoded_times(source, found)
    if count != found.frames:
        raise Damaged(
            f"{source}: {found.frames} frames can be counted, {count} decoded: replace the file, "
            "or try ffmpeg -i OLD -c:v ffv1 NEW.mkv"
        )
    if packets != count:
        warnings.append(f"holds {packets} packets that make {count} frames")
    complaint, then = _complaint(found, settings["frame_rate"]), settings["other_frame_rate"]
    if complaint and then == "warn":
        warnings.append(complaint)
    resampled = bool(complaint) and then == "resample"
    with open(source, "rb") as original:
        source_digest = hashlib.file_digest(original, "sha256").hexdigest()
    record = {
        "sample": sample,
        "video": Path(source).name,
        "video_sha256": source_digest,
        "video_codec": found.codec,
        "video_width": found.width,
        "video_height": found.height,
        "video_pixel_aspect": found.pixel_aspect,
        "video_frames": count,
        "video_frame_rate": round(found.frame_rate, 4),
        "frame_rate": float(settings["frame_rate"]) if resampled else round(found.frame_rate, 4),
        "warning": "; ".join(warnings),
        "content_sha256": digest,
        "filters": video.filter_chain(size, aspect),
        "ffmpeg": video.ffmpeg_version(),
        "motilens": VERSION.read_text(encoding="utf-8").strip(),
    }
    record |= {name: value for name, value in facts.items() if name != "frame_rate"}
    _note(path, record)
    return record


def leave_out(path: str | Path, settings: dict, sample: str, source: str, problem: str) -> dict:
    """Write to `path` a file without clips, of a video that cannot be used.

    Returns:
        What is recorded of it.
    """
    length, size = settings["clip_length"], settings["size"]
    with stacks.written(path) as file:
        file["clips"] = np.empty((0, length, size, size), np.uint8)
        file["frame_numbers"] = np.empty((0, length), int)
    record = {"sample": sample, "video": Path(source).name, "problem": problem}
    record["content_sha256"] = hashlib.sha256().hexdigest()
    _note(path, record)
    return record


def _note(path: str | Path, record: dict) -> None:
    with stacks.written(path, "a") as file:
        file["clips"].attrs.update(record)


def _believed(found: Video, rate: float | None) -> Video:
    """The same with evenly spaced frames at the rate that the user says, if so."""
    return replace(found, times=np.arange(found.frames) / rate) if rate else found


def _complaint(found: Video, wanted: float) -> str | None:
    """What is wrong with the times of a video's frames, if anything."""
    rate = found.frame_rate
    if np.isnan(rate):
        return "does not say when its frames were taken"
    if found.uneven:
        return f"its frames are not evenly spaced in time ({rate:.5g} a second on average)"
    if abs(rate - wanted) > RATE_TOLERANCE * wanted:
        return f"has {rate:.5g} frames a second, not {wanted:g} (frames.frame_rate)"
    return None


def _timeline(source: str, found: Video, settings: dict) -> np.ndarray:
    """Numbers of the video's frames, one for each frame that the method is shown.

    Resampled by time, it is the frame nearest to each instant: some are shown twice, or never.

    Raises:
        Damaged: the frame rate is another than the method assumes, and nothing is to be done.
    """
    wanted, times = settings["frame_rate"], found.times
    complaint, then = _complaint(found, wanted), settings["other_frame_rate"]
    if complaint and (then == "stop" or np.isnan(found.frame_rate)):
        raise Damaged(
            f"{source}: {complaint}: say the true rate in a column `frame_rate` beside the "
            "video's name, or see frames.other_frame_rate"
        )
    if not complaint or then == "warn":
        return np.arange(len(times))
    instants = times[0] + np.arange(int((times[-1] - times[0]) * wanted + 1e-6) + 1) / wanted
    # Rounded, for two frames may be equally near: then the earlier one, on every processor.
    return np.searchsorted(np.round((times[1:] + times[:-1]) / 2, 6), np.round(instants, 6))


def _clip_numbers(source: str, frames: int, settings: dict) -> np.ndarray:
    """Numbers on the timeline, int (clips, clip length)."""
    length = settings["clip_length"]
    try:
        first = stacks.clip_positions(frames, settings["clips_per_video"], length)
    except stacks.TooShort as error:
        raise Damaged(f"{source}: {error}") from error
    return first[:, None] + np.arange(length)
