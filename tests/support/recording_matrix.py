"""What becomes of each recording and damage: tables of docs/reference/recordings.md."""

import functools
import io
import os
import re
import tempfile
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from motilens.clips.extract import extract_clips
from motilens.core.errors import InputError
from motilens.core.faults import describe_fault
from motilens.dataset.issues import Issues
from motilens.dataset.video_files import resolve_video_paths
from support.recordings import (
    RECORDINGS,
    Recording,
    find_recording,
    list_warnings,
    make_recording,
    read_number,
)

SETTINGS = {
    "size": 32, "resize_mode": "stretch", "clips_per_video": 5, "clip_length": 18,
    "frame_rate": 50, "on_frame_rate_mismatch": "warn",
}  # fmt: skip
EXACT = "exact"


@functools.cache
def all_outcomes() -> list[str]:
    """Return what becomes of each of RECORDINGS."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(_outcome, RECORDINGS))


def _outcome(recording: Recording) -> str:
    """Return `exact`, maybe with a warning, if each clip holds just the frames that it should."""
    with tempfile.TemporaryDirectory() as folder:
        source, clips = make_recording(recording, Path(folder)), Path(folder, "clips.h5")
        try:
            record = extract_clips(str(source), clips, SETTINGS, "1")
        except InputError as error:
            return f"refused: {_without_run_details(error, source)}"
        with h5py.File(clips) as file:
            shown = [[read_number(frame) for frame in clip] for clip in file["clips"][:]]
            expected = [[recording.numbers[n] for n in clip] for clip in file["frame_numbers"][:]]
    assert shown == expected, (recording, shown, expected)
    assert record["video_frames"] == len(recording.numbers), (recording, record)
    size = (recording.width, recording.height)[:: -1 if recording.rotated else 1]
    assert (record["video_width"], record["video_height"]) == size, recording
    return "; ".join(filter(None, [EXACT, list_warnings(record)]))


def _without_run_details(error: Exception | str, source: Path) -> str:
    """Return a message without what differs from run to run."""
    return re.sub(r"0x[0-9a-f]+", "0x...", str(error).replace(str(source), "FILE"))


@dataclass(frozen=True)
class Damage:
    """What can happen to a file: a change of a recording's bytes, or of the file itself."""

    name: str
    recording: Recording
    change_bytes: Callable[[bytes], bytes] | None = None
    change_file: Callable[[Path], None] | None = None


def _add_noise(data: bytes) -> bytes:
    """Replace the middle third by random bytes, the same each time."""
    third = len(data) // 3
    return data[:third] + np.random.default_rng(0).bytes(third) + data[2 * third :]


def _blank_second_half(data: bytes) -> bytes:
    half = len(data) // 2
    return data[:half] + bytes(len(data) - half)


def _broken_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.avi")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _silence(data: bytes) -> bytes:
    """Return a second of silence, as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(b"\0" * 16_000)
    return file.getvalue()


AVI, JPEG = find_recording("mpeg4.avi"), find_recording("mjpeg yuvj420p.avi")
CUT_OFF = ("mpeg4.avi", "h264.mp4", "h264 moov first.mp4", "h264.mkv", "vp9.webm", "wmv2.wmv",
           "mpeg4 sound.avi")  # fmt: skip
DAMAGES = [
    *(Damage(f"cut off ({recording.suffix})", recording, lambda data: data[: len(data) // 2])
      for recording in map(find_recording, CUT_OFF)),
    *(Damage(f"random bytes ({recording.name})", recording, _add_noise)
      for recording in (AVI, JPEG, *map(find_recording, ("h264.mp4", "hevc.mkv", "h264.ts")))),
    *(Damage(f"second half zeros ({recording.name})", recording, _blank_second_half)
      for recording in map(find_recording, ("raw gray.avi", "h264.ts", "mpeg2.ts"))),
    Damage("no bytes", AVI, lambda data: b""),
    Damage("text", AVI, lambda data: b"participant;video\n" * 100),
    Damage("sound only", AVI, _silence),
    Damage("too few frames for 104 clips", AVI),
    Damage("deleted during the run", AVI, change_file=Path.unlink),
    Damage("a broken link", AVI, change_file=_broken_link),
    Damage("a folder", AVI, change_file=_folder),
]  # fmt: skip


def damage_message(damage: Damage, folder: Path) -> str:
    """Return the message that a user gets."""
    source, settings = make_recording(damage.recording, folder), SETTINGS
    if damage.change_bytes:
        source.write_bytes(damage.change_bytes(source.read_bytes()))
    elif damage.change_file:
        damage.change_file(source)
    else:
        settings = SETTINGS | {"clips_per_video": 104}
    issues = Issues()
    row = {"video": str(source), "place": "labels.csv, line 2: participant 1"}
    if os.path.lexists(source) and not resolve_video_paths([row], "", issues):
        return _without_run_details(issues.errors[0], source)
    try:
        extract_clips(str(source), folder / "clips.h5", settings, "1")
    except InputError as error:
        return _without_run_details(error, source)
    except OSError as error:
        return _without_run_details(describe_fault(error, ""), source)
    raise AssertionError(f"{damage.name}: not noticed")


def render_tables() -> dict[str, str]:
    """Return the tables of recordings and of damage, in Markdown, by their marks in the page.

    Recordings are listed by codec and container; those that are refused or were cut, by name.
    """
    suffixes: dict[tuple[str, str], list[str]] = {}
    for recording, outcome in zip(RECORDINGS, all_outcomes(), strict=True):
        cut = outcome != EXACT and recording.name.endswith(" gop")
        by_name = cut or outcome.startswith("refused")
        name = recording.name if by_name else recording.name.split()[0]
        suffixes.setdefault((_without_details(outcome), name), []).append(recording.suffix)
    names: dict[str, list[str]] = {}
    for (outcome, name), containers in suffixes.items():
        names.setdefault(outcome, []).append(f"{name} ({' '.join(dict.fromkeys(containers))})")
    damages: dict[str, list[str]] = {}
    for damage in DAMAGES:
        with tempfile.TemporaryDirectory() as folder:
            message = damage_message(damage, Path(folder))
        damages.setdefault(_without_details(message), []).append(damage.name)
    damages = {message: _join_kinds(listed) for message, listed in damages.items()}
    return {
        "recordings": _render_table("clips", "recordings", names),
        "damages": _render_table("message", "damage", damages),
    }


def _join_kinds(names: list[str]) -> list[str]:
    """Return names of damage, such as `cut off (.avi, .mkv)`, one for each kind."""
    kinds: dict[str, list[str]] = {}
    for kind, _, of in (name.rstrip(")").partition(" (") for name in names):
        kinds.setdefault(kind, []).append(of)
    joined = {kind: ", ".join(dict.fromkeys(of)) for kind, of in kinds.items()}
    return [f"{kind} ({of})" if of else kind for kind, of in joined.items()]


def _render_table(first: str, second: str, rows: dict[str, list[str]]) -> str:
    lines = [f"| {text} | {', '.join(dict.fromkeys(listed))} |" for text, listed in rows.items()]
    return "\n".join([f"| {first} | {second} |", "|---|---|", *lines])


def _without_details(text: str) -> str:
    """Return a message without the file, the remedy, and ffmpeg's options, words and numbers.

    Words and numbers differ between processors.
    """
    text = re.sub(r"ffmpeg (-noautorotate )?-i OLD [^;]*", "ffmpeg ...", text.replace("FILE: ", ""))
    text = re.sub(r": (replace|copy|lower|correct|for the second|ffmpeg \.\.\.)[^;]*", "", text)
    text = re.sub(r"(error|time) \((?:[^()]|\([^()]*\))*\)", r"\1 (...)", text)
    text = re.sub(r"has [\d.]+ frames a second", "has N frames a second", text)
    text = re.sub(r"\d+ packets that make \d+", "N packets that make M", text)
    return re.sub(r"\d{3,} of \d{3,}", "N of M", text)
