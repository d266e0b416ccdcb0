"""The records of all samples' clips, read together."""

import functools
import re
from collections.abc import Iterable
from pathlib import Path

from motilens.clips.image_quality import shows_nothing
from motilens.core.errors import InputError
from motilens.core.records import read_record
from motilens.core.text import shorten_list

RATE_DIFFERENCE = 0.02  # of the frame rate: what differs less is the same


def read_clips_record(folder: str | Path, sample: str) -> dict:
    """Return the record of a sample's clips, {} if not made yet; raise an InputError if damaged."""
    path = f"{folder}/{sample}.json"
    try:
        record = read_record(path)
    except FileNotFoundError:
        return {}
    digest = str(record.get("content_sha256"))
    if record.get("sample") != sample or not re.fullmatch("[0-9a-f]{64}", digest):
        raise InputError(f"{path} is no record of clips of {sample}: delete it and run again")
    return record


class ClipRecords:
    """The records in a folder, each read once, until a file comes into the folder."""

    def __init__(self, folder: Path):
        self.folder = folder

    def read(self, sample: str) -> dict:
        """Return what `read_clips_record` does."""
        changed_at = self.folder.stat().st_mtime_ns if self.folder.exists() else None
        return self._read_as_of(sample, changed_at)

    @functools.cache  # noqa: B019  (many steps ask)
    def _read_as_of(self, sample: str, changed_at: int | None) -> dict:
        return read_clips_record(self.folder, sample)


def check_clips_differ(records: Iterable[dict]) -> None:
    """Raise an InputError if videos show the same frames: one may be held out, one trained on.

    Those that show nothing have a warning of their own.
    """
    owners = {}
    for record in records:
        sample, video, digest = (record[key] for key in ("sample", "video", "content_sha256"))
        if "skip_reason" in record or shows_nothing(record):
            continue
        other, other_video = owners.setdefault(digest, (sample, video))
        if other != sample:
            raise InputError(
                f"the videos of samples {other} and {sample} ({other_video} and {video}) show the "
                "same frames: remove one of them"
            )


def overridden_frame_rates(records: dict[str, dict]) -> list[str]:
    """Describe each sample whose frame rate differs between the user's table and the video file."""
    lines = []
    for sample, record in records.items():
        given, stored = (record.get(name) for name in ("given_frame_rate", "file_frame_rate"))
        if given and stored and abs(given - stored) > RATE_DIFFERENCE * stored:
            lines.append(f"{sample} ({given:g}, not {stored:g})")
    return lines


def describe_missing_videos(
    folder: str | Path, logs: str | Path, records: dict[str, dict]
) -> list[str]:
    """Describe each sample that was skipped, or whose decoding ended in an error (by its log)."""
    lines = []
    for sample, record in records.items():
        log = Path(logs, f"{sample}.log")
        if reason := record.get("skip_reason"):
            lines.append(f"{sample} was skipped: {reason}")
        elif not Path(folder, f"{sample}.json").exists() and log.exists():
            text = log.read_text(encoding="utf-8", errors="replace")
            if errors := re.findall(r"^ERROR: (.*)$", text, re.MULTILINE):
                lines.append(f"{sample} failed: {errors[-1]}")
    return lines


def describe_run_end(
    folder: str | Path, logs: str | Path, samples: Iterable[str], has_baselines: bool, skip: bool
) -> str:
    """Return what the user should know about the videos at the end of a run; mostly nothing.

    `skip` says whether videos that cannot be used are skipped.
    """
    records = {sample: read_clips_record(folder, sample) for sample in samples}
    lines = []
    rates = [r["video_frame_rate"] for r in records.values() if "video_frame_rate" in r]
    if has_baselines and rates and max(rates) > (1 + RATE_DIFFERENCE) * min(rates):
        lines.append(
            f"Videos have {min(rates):g} to {max(rates):g} frames a second: baselines track cells "
            "at each video's own rate, and the speed along a path depends on it."
        )
    bits = sorted({record["video_bits"] for record in records.values() if "video_bits" in record})
    if len(bits) > 1:
        lines.append(
            f"Videos use {shorten_list(map(str, bits))} bits of their pixels of 16: the same light "
            "gives other gray levels in each, and models may take that for a difference of samples."
        )
    if overridden := overridden_frame_rates(records):
        names = shorten_list(overridden)
        lines.append(f"The table gives another frame rate than the file, and is used: {names}.")
    if missing := describe_missing_videos(folder, logs, records):
        lines.append(f"{len(missing)} of {len(records)} videos could not be used:")
        lines += [f"  {line}" for line in missing]
        if not skip:
            lines.append(
                "Replace or remove them, or skip them (dataset.on_unreadable_video: skip). "
                "`snakemake --keep-going clips` finds all such videos."
            )
    return "\n".join(lines)
