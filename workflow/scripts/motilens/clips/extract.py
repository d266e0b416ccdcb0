"""From a video to its clips and what is recorded of them."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from motilens.clips.hdf5 import open_for_writing, write_clips
from motilens.clips.sampling import (
    RATE_TOLERANCE,
    build_timeline,
    clip_frame_numbers,
    frame_rate_issue,
    override_frame_rate,
)
from motilens.core.files import hash_file
from motilens.core.records import VERSION
from motilens.video.decode import FrameReader, resize_filter
from motilens.video.ffmpeg import DamagedVideo, ffmpeg_version
from motilens.video.probe import VideoInfo, probe_by_decoding, probe_video
from motilens.video.seek import SeekError, decode_segments, plan_segments


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
        video_digest = beside.submit(hash_file, source)
        listed = probe_video(source)
        found, digest = _write_clips(source, path, listed, settings, facts.get("frame_rate"))
    warnings = []
    if listed.frames != found.frames:
        warnings.append(f"holds {listed.frames} packets that make {found.frames} frames")
    if facts.get("frame_rate") and listed.uneven:
        warnings.append("its frames are not evenly spaced in its own times")
    complaint, then = frame_rate_issue(found, settings["frame_rate"]), settings["other_frame_rate"]
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
        "filters": resize_filter(settings["size"], settings["aspect"]),
        "ffmpeg": ffmpeg_version(),
        "motilens": VERSION.read_text(encoding="utf-8").strip(),
    }
    if not np.isnan(listed.frame_rate):
        record["file_frame_rate"] = round(listed.frame_rate, 4)
    said = {"frame_rate": "frame_rate_said"}  # ours may be another, where clips are resampled
    record |= {said.get(name, name): value for name, value in facts.items()}
    _write_attributes(path, record)
    return record


def _write_clips(
    source: str, path: str | Path, found: VideoInfo, settings: dict, rate: float | None
) -> tuple[VideoInfo, str]:
    """Write the clips; what was found in the video, its frames counted by decoding; the digest."""
    for _ in range(2):
        # Parts are looked for by the file's own times, whatever the user says of them.
        believed = override_frame_rate(found, rate)
        timeline = build_timeline(source, believed, settings)
        numbers = timeline[clip_frame_numbers(source, believed, len(timeline), settings)]
        count, digest = _decode_clips(source, path, found, numbers, settings)
        if count == found.frames:
            return believed, digest
        # Without a complaint of ffmpeg: some codecs have packets that show nothing. What is
        # shown counts.
        found = probe_by_decoding(source, found)
    raise DamagedVideo(
        f"{source}: {found.frames} frames can be counted, {count} decoded: replace the file, "
        "or try ffmpeg -i OLD -c:v ffv1 NEW.mkv"
    )


def _decode_clips(
    source: str, path: str | Path, found: VideoInfo, numbers: np.ndarray, settings: dict
) -> tuple[int, str]:
    """Write the clips; the number of frames that the video has, and the clips' digest."""
    size, aspect, needed = settings["size"], settings["aspect"], np.unique(numbers)
    if runs := plan_segments(found, needed):
        frames = decode_segments(source, found, needed, runs, size, aspect)
        try:
            return found.frames, write_clips(path, frames, numbers, size)
        except SeekError as doubt:
            print(f"all is decoded: {doubt}")
    every = FrameReader(source, size, aspect, needed)
    digest = write_clips(path, every, numbers, size)
    return len(every.times), digest


def write_empty_clips(
    path: str | Path, settings: dict, sample: str, source: str, problem: str
) -> dict:
    """Write to `path` a file without clips, of a video that cannot be used.

    Returns:
        What is recorded of it.
    """
    length, size = settings["clip_length"], settings["size"]
    with open_for_writing(path) as file:
        file["clips"] = np.empty((0, length, size, size), np.uint8)
        file["frame_numbers"] = np.empty((0, length), int)
    record = {"sample": sample, "video": Path(source).name, "problem": problem}
    record["content_sha256"] = hashlib.sha256().hexdigest()
    _write_attributes(path, record)
    return record


def _write_attributes(path: str | Path, record: dict) -> None:
    with open_for_writing(path, "a") as file:
        file["clips"].attrs.update(record)
