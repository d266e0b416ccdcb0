"""What becomes of every kind of recording and of damage: the tables of docs/recordings.md.

`make recordings` writes them; the tests compare.
"""

import io
import os
import re
import sys
import tempfile
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import h5py

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(Path(__file__).parent)]

from recordings import ROWS, Row, make, number_in  # noqa: E402

from motilens.clips.extract import extract_clips  # noqa: E402
from motilens.core.errors import InputError  # noqa: E402
from motilens.dataset.video_files import resolve_video_path  # noqa: E402
from motilens.reports.page import replace_between_marks  # noqa: E402

SETTINGS = {
    "size": 32, "aspect": "squeeze", "clips_per_video": 5, "clip_length": 18,
    "frame_rate": 50, "other_frame_rate": "warn",
}  # fmt: skip
EXACT = "exact"


def outcome(row: Row, folder: Path) -> str:
    """`exact`, maybe with what is said of it, if each clip holds just the frames that it should."""
    source = make(row, folder)
    try:
        record = extract_clips(str(source), folder / "clips.h5", SETTINGS, "1")
    except InputError as error:
        return f"refused: {in_words(error, source)}"
    with h5py.File(folder / "clips.h5") as file:
        shown = [[number_in(frame) for frame in clip] for clip in file["clips"][:]]
        meant = [[row.numbers[n] for n in clip] for clip in file["frame_numbers"][:]]
    assert shown == meant, (row, shown, meant)
    assert record["video_frames"] == len(row.numbers), (row, record)
    assert (record["video_width"], record["video_height"]) == (row.width, row.height), row
    return f"{EXACT}; {record['warning']}" if record["warning"] else EXACT


def in_words(error: Exception, source: Path) -> str:
    """A message without what differs from run to run."""
    return re.sub(r"0x[0-9a-f]+", "0x...", str(error).replace(str(source), "FILE"))


def outcomes(rows: list[Row] = ROWS) -> list[str]:
    def one(row):
        with tempfile.TemporaryDirectory() as folder:
            return outcome(row, Path(folder))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, rows))


@dataclass(frozen=True)
class Damage:
    """What can befall a file: done to the bytes of a recording, or to the file itself."""

    what: str
    row: Row
    bytes: Callable[[bytes], bytes] | None = None
    file: Callable[[Path], None] | None = None


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def noise(data: bytes) -> bytes:
    """The middle third is random (and the same each time)."""
    import numpy as np

    third = len(data) // 3
    return data[:third] + np.random.default_rng(0).bytes(third) + data[2 * third :]


def dead_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.avi")


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def sound() -> bytes:
    """A second of silence."""
    with io.BytesIO() as file:
        with wave.open(file, "wb") as written:
            written.setparams((1, 2, 8000, 0, "NONE", ""))
            written.writeframes(b"\0" * 16_000)
        return file.getvalue()


def recording(name: str) -> Row:
    return next(row for row in ROWS if row.name + row.suffix == name)


AVI, JPEG = recording("mpeg4.avi"), recording("mjpeg yuvj420p.avi")
DAMAGES = [
    *(Damage(f"cut off in the middle, {row.suffix}", row, half)
      for row in map(recording, ["mpeg4.avi", "h264.mp4", "h264 moov first.mp4", "h264.mkv",
                                 "vp9.webm", "wmv2.wmv", "mpeg4 sound.avi"])),
    *(Damage(f"random bytes in the middle, {row.name}", row, noise)
      for row in (AVI, JPEG, *map(recording, ["h264.mp4", "hevc.mkv", "h264.ts"]))),
    Damage("no bytes", AVI, lambda data: b""),
    Damage("text", AVI, lambda data: b"participant;video\n" * 100),
    Damage("sound only", AVI, lambda data: sound()),
    Damage("too few frames for 104 clips", AVI),
    Damage("deleted during the run", AVI, file=Path.unlink),
    Damage("a dead link", AVI, file=dead_link),
    Damage("a folder", AVI, file=folder_instead),
]  # fmt: skip


def message(damage: Damage, folder: Path) -> str:
    """What a user is told; nothing half-written stays."""
    source = make(damage.row, folder)
    if damage.bytes:
        source.write_bytes(damage.bytes(source.read_bytes()))
    if damage.file:
        damage.file(source)
    settings = SETTINGS | ({} if damage.bytes or damage.file else {"clips_per_video": 104})
    problems: list[str] = []
    place = {"video": str(source), "place": "labels.csv, line 2: participant 1"}
    if os.path.lexists(source) and not resolve_video_path(place, "", problems):
        return in_words(problems[0], source)
    try:
        extract_clips(str(source), folder / "clips.h5", settings, "1")
    except InputError as error:
        return in_words(error, source)
    raise AssertionError(f"{damage.what} goes unnoticed")


def rendered(page: str, found: list[str], messages: list[str]) -> str:
    """The page of the docs with the tables of today."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for row, result in zip(ROWS, found, strict=True):
        grouped.setdefault((row.name, result), []).append(row.suffix)
    lines = ["| recording | containers | clips |", "|---|---|---|"]
    lines += [f"| {name} | {' '.join(s)} | {result} |" for (name, result), s in grouped.items()]
    page = replace_between_marks(page, "recordings", "\n".join(lines))
    lines = ["| what befell the file | what is said |", "|---|---|"]
    lines += [f"| {damage.what} | {text} |" for damage, text in zip(DAMAGES, messages, strict=True)]
    return replace_between_marks(page, "damages", "\n".join(lines))


def essential(page: str) -> str:
    """Without ffmpeg's own words and sizes in bytes: they differ between processors."""
    return re.sub(r"(?m)^(\| .*)$", lambda row: re.sub(r"\(.*?\)|\d+", "", row[1]), page)


def all_messages() -> list[str]:
    texts = []
    for damage in DAMAGES:
        with tempfile.TemporaryDirectory() as folder:
            texts.append(message(damage, Path(folder)))
    return texts


if __name__ == "__main__":
    docs = ROOT / "docs/recordings.md"
    page = rendered(docs.read_text(encoding="utf-8"), outcomes(), all_messages())
    docs.write_text(page, encoding="utf-8")
