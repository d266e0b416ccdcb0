"""From a video to its clips: which frames, at which rate, and what is recorded of them."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from motilens import decoding, listing, seeking, stacks
from motilens.listing import Video
from motilens.step import VERSION, sha256
from motilens.video import Damaged, ffmpeg_version

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
    facts = facts or {}
    with ThreadPoolExecutor(1) as beside:  # a second of work for each GB
        video_digest = beside.submit(sha256, source)
        listed = listing.probe(source)
        found, digest = _write_clips(source, path, listed, settings, facts.get("frame_rate"))
    warnings = []
    if listed.frames != found.frames:
        warnings.append(f"holds {listed.frames} packets that make {found.frames} frames")
    if facts.get("frame_rate") and listed.uneven:
        warnings.append("its frames are not evenly spaced in its own times")
    complaint, then = _complaint(found, settings["frame_rate"]), settings["other_frame_rate"]
    if complaint and then == "warn":
        warnings.append(complaint)
    resampled = bool(complaint) and then == "resample"
    if resampled and found.frame_rate < settings["frame_rate"] / (1 + RATE_TOLERANCE):
        warnings.append(
            f"has {found.frame_rate:.5g} frames a second: some are shown twice to make "
            f"{settings['frame_rate']:g} (frames.frame_rate)"
        )
    rate = round(found.frame_rate, 4)
    record = {
        "sample": sample,
        "video": Path(source).name,
        "video_sha256": video_digest.result(),
        "video_codec": found.codec,
        "video_width": found.width,
        "video_height": found.height,
        "video_pixel_aspect": found.pixel_aspect,
        "video_frames": found.frames,
        "video_frame_rate": rate,
        "frame_rate": float(settings["frame_rate"]) if resampled else rate,
        "warning": "; ".join(warnings),
        "content_sha256": digest,
        "filters": decoding.filter_chain(settings["size"], settings["aspect"]),
        "ffmpeg": ffmpeg_version(),
        "motilens": VERSION.read_text(encoding="utf-8").strip(),
    }
    if not np.isnan(listed.frame_rate):
        record["file_frame_rate"] = round(listed.frame_rate, 4)
    said = {"frame_rate": "frame_rate_said"}  # ours may be another, where clips are resampled
    record |= {said.get(name, name): value for name, value in facts.items()}
    _note(path, record)
    return record


def _write_clips(
    source: str, path: str | Path, found: Video, settings: dict, rate: float | None
) -> tuple[Video, str]:
    """Write the clips; what was found in the video, its frames counted by decoding; the digest."""
    for _ in range(2):
        # Parts are looked for by the file's own times, whatever the user says of them.
        believed = _believed(found, rate)
        timeline = _timeline(source, believed, settings)
        numbers = timeline[_clip_numbers(source, believed, len(timeline), settings)]
        count, digest = _decode_clips(source, path, found, numbers, settings)
        if count == found.frames:
            return believed, digest
        # Without a complaint of ffmpeg: some codecs have packets that show nothing. What is
        # shown counts.
        found = listing.with_decoded_times(source, found)
    raise Damaged(
        f"{source}: {found.frames} frames can be counted, {count} decoded: replace the file, "
        "or try ffmpeg -i OLD -c:v ffv1 NEW.mkv"
    )


def _decode_clips(
    source: str, path: str | Path, found: Video, numbers: np.ndarray, settings: dict
) -> tuple[int, str]:
    """Write the clips; the number of frames that the video has, and the clips' digest."""
    size, aspect, needed = settings["size"], settings["aspect"], np.unique(numbers)
    if runs := seeking.parts(found, needed):
        frames = seeking.decode(source, found, needed, runs, size, aspect)
        try:
            return found.frames, stacks.write_clips(path, frames, numbers, size)
        except seeking.Unsure as doubt:
            print(f"all is decoded: {doubt}")
    every = decoding.Decoding(source, size, aspect, needed)
    digest = stacks.write_clips(path, every, numbers, size)
    return len(every.times), digest


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
            f"{source}: {complaint}: if the file is wrong, say the true rate (a column "
            "`frame_rate` beside the video's name; of new videos --frame-rate); if not, choose "
            "frames.other_frame_rate: resample (or frames.frame_rate for all)"
        )
    if not complaint or then == "warn":
        return np.arange(len(times))
    instants = times[0] + np.arange(int((times[-1] - times[0]) * wanted + 1e-6) + 1) / wanted
    # Rounded, for two frames may be equally near: then the earlier one, on every processor.
    return np.searchsorted(np.round((times[1:] + times[:-1]) / 2, 6), np.round(instants, 6))


def _clip_numbers(source: str, found: Video, frames: int, settings: dict) -> np.ndarray:
    """Numbers on the timeline, int (clips, clip length)."""
    length = settings["clip_length"]
    try:
        first = stacks.clip_positions(frames, settings["clips_per_video"], length)
    except stacks.TooShort as error:
        shown = f" ({found.frames} at {found.frame_rate:g} a second, resampled: is that its rate?)"
        raise Damaged(f"{source}: {error}{shown if frames != found.frames else ''}") from error
    return first[:, None] + np.arange(length)
