"""The records of all samples' clips, read together."""

import re
from collections.abc import Iterable
from pathlib import Path

from motilens.core.errors import InputError
from motilens.core.records import read_record


def read_clips_record(results: str, sample: str) -> dict:
    """The record of a sample's clips; empty if they are not made yet, or are just being made.

    Raises:
        InputError: it is damaged.
    """
    path = f"{results}/frames/{sample}.json"
    try:
        record = read_record(path)
    except FileNotFoundError:
        return {}
    known = isinstance(record, dict) and record.get("sample") == sample
    if not known or not re.fullmatch("[0-9a-f]{64}", str(record.get("content_sha256"))):
        raise InputError(f"{path} is no record of clips of {sample}: delete it and run again")
    return record


def exclusion_reason(results: str, sample: str) -> str | None:
    """Why a sample was left out, or None."""
    return read_clips_record(results, sample).get("problem")


def check_clips_differ(records: Iterable[dict]) -> None:
    """Two videos may differ as files and show the same: held out and seen in training at once.

    Raises:
        InputError: naming them.
    """
    owners, names = {}, {}
    for record in records:
        names[record["sample"]] = record["video"]
        sample, digest = record["sample"], record["content_sha256"]
        if "problem" not in record and (other := owners.setdefault(digest, sample)) != sample:
            raise InputError(
                f"the videos of samples {other} and {sample} ({names[other]} and "
                f"{record['video']}) show the same frames: remove one of them"
            )


def frame_rate_range(records: dict[str, dict]) -> list[float]:
    """The lowest and the highest frame rate (1/s) of the samples' videos, if any is decoded."""
    known = [made["video_frame_rate"] for made in records.values() if "video_frame_rate" in made]
    return [min(known), max(known)] if known else []


def overridden_frame_rates(records: dict[str, dict]) -> list[str]:
    """Of each sample whose frame rate the table says other than its file: both, in words."""
    found = []
    for sample, record in records.items():
        said, of_file = (record.get(name) for name in ("frame_rate_said", "file_frame_rate"))
        if said and of_file and abs(said - of_file) > 0.02 * of_file:
            found.append(f"{sample} ({said:g}, not {of_file:g})")
    return found


def describe_missing_videos(results: str, records: dict[str, dict]) -> list[str]:
    """A line for each sample that was left out, or whose video ended its step in an error."""
    lines = []
    for sample, record in records.items():
        log = Path(results, "logs", "extract_frames", f"{sample}.log")
        if why := record.get("problem"):
            lines.append(f"{sample} was left out: {why}")
        elif not Path(results, "frames", f"{sample}.json").exists() and log.exists():
            text = log.read_text(encoding="utf-8", errors="replace")
            if found := re.findall(r"^ERROR: (.*)$", text, re.MULTILINE):
                lines.append(f"{sample} failed: {found[-1]}")
    return lines
