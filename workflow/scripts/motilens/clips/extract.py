"""From a video to its clips and what is recorded of them."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from motilens.clips.hdf5 import open_for_reading, open_for_writing, write_clips
from motilens.clips.image_quality import (
    describe_odd_frames,
    find_torn_frames,
    list_quality_warnings,
    measure_image_quality,
    measure_repeats,
)
from motilens.clips.sampling import (
    RATE_TOLERANCE,
    clip_frame_numbers,
    frame_rate_issue,
    override_frame_rate,
)
from motilens.core.files import hash_file
from motilens.core.records import motilens_version
from motilens.video.decode import FrameReader, resize_filter
from motilens.video.ffmpeg import DamagedVideo, ffmpeg_version
from motilens.video.gray_levels import GrayLevels, find_gray_levels
from motilens.video.interlacing import describe_interlacing
from motilens.video.probe import (
    VideoInfo,
    find_upright_size,
    probe_by_decoding,
    probe_video,
)


def extract_clips(
    source: str, path: str | Path, settings: dict, sample: str, facts: dict | None = None
) -> dict:
    """Decode a video, write its clips (docs/reference/formats.md) and return their record.

    Args:
        settings: size (pixels), resize_mode, clips_per_video, clip_length (frames), frame_rate
            (1/s), on_frame_rate_mismatch.
        facts: what else is recorded; of these, frame_rate (1/s) overrides the file's, and
            microns_per_pixel (µm, before resizing) is a scale.

    Raises:
        DamagedVideo: the video cannot be read, is too short, has the wrong frame rate, or ends
            before its frames do.
    """
    facts = facts or {}
    with ThreadPoolExecutor(1) as thread:  # a second of work for each GB
        video_digest = thread.submit(hash_file, source)
        listed = probe_video(source)
        levels = find_gray_levels(source, listed)
        given = facts.get("frame_rate")
        video, digest, jumps = _write_clips(source, path, listed, levels, settings, given)
        interlacing = describe_interlacing(source, video, levels)
        width, height, pixel_aspect = find_upright_size(source, video)
    issue = frame_rate_issue(video, settings["frame_rate"])
    resampled = issue and settings["on_frame_rate_mismatch"] == "resample"
    rate = round(video.frame_rate, 4)
    with open_for_reading(str(path)) as file:
        quality = measure_image_quality(file["clips"])
        repeated = 0 if resampled else measure_repeats(file["clips"])
        torn = find_torn_frames(file["clips"])
        torn = file["frame_numbers"][:][torn].tolist()
    warnings = [interlacing, *_list_warnings(listed, video, settings, facts)]
    warnings += list_quality_warnings(quality, repeated) + describe_odd_frames(
        [*listed.size_jumps, *jumps, *torn]
    )
    record = {
        "sample": sample,
        "video": Path(source).name,
        "video_sha256": video_digest.result(),
        "video_codec": video.codec,
        "video_width": width,
        "video_height": height,
        "video_pixel_aspect": pixel_aspect,
        "video_frames": video.frames,
        "video_frame_rate": rate,
        "frame_rate": float(settings["frame_rate"]) if resampled else rate,
        "video_pixel_format": video.pixel_format,
        "warning": "; ".join(filter(None, warnings)),
        "content_sha256": digest,
        "filters": resize_filter(settings["size"], settings["resize_mode"], levels),
        "ffmpeg": ffmpeg_version(),
        "motilens": motilens_version(),
    } | quality
    if levels.bits:
        record["video_bits"] = levels.bits
    if not np.isnan(listed.frame_rate):
        record["file_frame_rate"] = round(listed.frame_rate, 4)
    # The rate of the clips may be another, where they are resampled.
    given = {"frame_rate": "given_frame_rate"}
    record |= {given.get(name, name): value for name, value in facts.items()}
    _write_attributes(path, record)
    return record


def _list_warnings(listed: VideoInfo, video: VideoInfo, settings: dict, facts: dict) -> list[str]:
    """List what the user should know about a video, listed by packets and as it was decoded."""
    warnings = [listed.stream_warning]
    if listed.frames != video.frames:
        warnings.append(f"holds {listed.frames} packets that make {video.frames} frames")
    if facts.get("frame_rate") and listed.is_uneven:
        warnings.append("its frames are not evenly spaced in its own times")
    rate, action = settings["frame_rate"], settings["on_frame_rate_mismatch"]
    issue = frame_rate_issue(video, rate)
    if issue and action == "warn":
        warnings.append(issue)
    if issue and action == "resample" and video.is_uneven:
        warnings.append(f"{issue}: each instant shows the nearest frame")
    elif issue and action == "resample" and video.frame_rate < rate / (1 + RATE_TOLERANCE):
        warnings.append(
            f"has {video.frame_rate:.5g} frames a second: some are repeated to make {rate:g} "
            "(frames.frame_rate)"
        )
    return warnings


def _write_clips(
    source: str,
    path: str | Path,
    video: VideoInfo,
    levels: GrayLevels,
    settings: dict,
    frame_rate: float | None,
) -> tuple[VideoInfo, str, list[int]]:
    """Write the clips.

    Return the video with its frames counted by decoding, the digest of the clips, and the frames
    at which the picture jumps.
    """
    for _ in range(2):
        trusted = override_frame_rate(video, frame_rate)
        numbers = clip_frame_numbers(source, trusted, settings)
        selected = np.unique(numbers)
        frames = FrameReader(source, settings["size"], settings["resize_mode"], selected, levels)
        digest = write_clips(path, frames, numbers, settings["size"])
        decoded = len(frames.times)
        if decoded == video.frames:
            return trusted, digest, frames.jumps
        # Some codecs, without a complaint, have packets that show nothing: shown frames count.
        video = probe_by_decoding(source, video)
    raise DamagedVideo(
        f"{source}: {video.frames} frames can be counted, {decoded} decoded: replace the file, or "
        "try ffmpeg -i OLD -c:v ffv1 NEW.mkv"
    )


def write_empty_clips(path: Path, settings: dict, sample: str, source: str, reason: str) -> dict:
    """Write an HDF5 file without clips, of a video that cannot be used, and return its record."""
    length, size = settings["clip_length"], settings["size"]
    with open_for_writing(path) as file:
        file["clips"] = np.empty((0, length, size, size), np.uint8)
        file["frame_numbers"] = np.empty((0, length), int)
    record = {"sample": sample, "video": Path(source).name, "skip_reason": reason}
    record["content_sha256"] = hashlib.sha256().hexdigest()
    _write_attributes(path, record)
    return record


def _write_attributes(path: str | Path, record: dict) -> None:
    with open_for_writing(path, "a") as file:
        file["clips"].attrs.update(record)
