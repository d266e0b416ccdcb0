"""The checked table of samples: who took part, which video, which labels, which fold."""

import csv
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from motilens import InputError

# Our names of the six labels and VISEM's names of their columns, all percentages.
LABELS = {
    "progressive": "Progressive motility (%)",
    "nonprogressive": "Non progressive sperm motility (%)",
    "immotile": "Immotile sperm (%)",
    "head": "Head defects (%)",
    "midpiece": "Midpiece and neck defects (%)",
    "tail": "Tail defects (%)",
}
MOTILITY = ("progressive", "nonprogressive", "immotile")
TOLERANCE = 1.0  # percentage points by which rounding may move the sum of the three from 100
VIDEO_SUFFIXES = (".avi", ".mp4", ".m4v", ".mov", ".mkv", ".ts", ".mts", ".mpg", ".wmv", ".webm")


def read_samples(labels: str, videos: str, video_list: str | None = None) -> pd.DataFrame:
    """Match labels and videos and check both; all problems are told at once.

    Args:
        labels: CSV in VISEM's dialect (`;`, decimal comma) with a column ID and those of LABELS.
        videos: folder of videos.
        video_list: CSV `ID;video` that says whose each video is; without it, a video belongs
            to the participant whose ID (an integer) begins its name, as in VISEM.

    Returns:
        One row a participant: participant (str), video (path), and the columns of LABELS.

    Raises:
        InputError: with a line for each problem.
    """
    label_table, problems = read_labels(labels)
    video_paths, more_problems = find_videos(videos, video_list)
    problems += more_problems
    for participant in video_paths.keys() - label_table.index:
        problems.append(
            f"{video_paths[participant]}: participant {participant} has no row in {labels}: "
            "add the labels or move the video away"
        )
    for participant in label_table.index.difference(list(video_paths)):
        where = video_list or videos
        problems.append(
            f"{labels}: participant {participant} has labels but no video in {where}: "
            "add the video or remove the row"
        )
    if problems:
        raise InputError("the data set cannot be used:\n  " + "\n  ".join(sorted(problems)))
    table = label_table.assign(video=pd.Series(video_paths)).rename_axis("participant")
    return in_order(table.reset_index())[["participant", "video", *LABELS]]


def read_labels(path: str) -> tuple[pd.DataFrame, list[str]]:
    """Labels by participant (index, str), float64 percentages, and the problems of its rows.

    Raises:
        InputError: the file cannot be read at all, or lacks a column.
    """
    table = read_csv(path, ["ID", *LABELS.values()])
    rows: dict[str, dict] = {}
    problems = []
    for row in table:
        participant = participant_id(row["ID"])
        place = f"{path}, line {row['line']}: participant {participant}"
        if not participant:
            problems.append(
                f"{path}, line {row['line']}: {row['ID']!r} is no ID: use letters, digits and . - _"
            )
        elif participant in rows:
            problems.append(f"{place} has more than one row: keep one")
        else:
            rows[participant] = {name: _percentage(row[LABELS[name]]) for name in LABELS}
            problems += [
                f"{place}, column {LABELS[name]!r}: {row[LABELS[name]]!r} is not a percentage: "
                "correct it"
                for name, value in rows[participant].items()
                if value is None
            ]
            motility = [rows[participant][name] for name in MOTILITY]
            if None not in motility and abs(sum(motility) - 100) > TOLERANCE:
                problems.append(
                    f"{place}: its three percentages of motility add up to {sum(motility):g}, "
                    "not 100: correct them"
                )
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(LABELS)), problems


def find_videos(folder: str, video_list: str | None) -> tuple[dict[str, str], list[str]]:
    """The video of each participant, and the problems of single videos.

    Raises:
        InputError: no such folder, or the list cannot be read.
    """
    if not Path(folder).is_dir():
        raise InputError(f"{folder}: no such folder of videos: correct dataset.videos")
    owned, problems = _listed(video_list) if video_list else _named(folder)
    videos: dict[str, str] = {}
    owners: dict[Path, str] = {}
    for participant, name in owned:
        path = str(Path(folder) / name)
        if participant in videos:
            problems.append(
                f"{path}: participant {participant} already has {videos[participant]}: keep one"
            )
        elif not Path(path).is_file():
            problems.append(
                f"{video_list or folder}: participant {participant}: {path} is no file: correct it"
            )
        elif set(path) & set("{}<>"):
            problems.append(f"{path}: {{ }} < > have a meaning in Snakemake's paths: rename it")
        elif owner := owners.get(Path(path).resolve()):
            problems.append(
                f"{video_list or folder}: participants {owner} and {participant} have the same "
                f"video {path}: a video belongs to one participant"
            )
        videos[participant] = path
        owners[Path(path).resolve()] = participant
    return videos, problems


def _listed(video_list: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Participant and name of each video by the list, and the problems of its rows."""
    owned, problems = [], []
    for row in read_csv(video_list, ["ID", "video"]):
        participant = participant_id(row["ID"])
        if participant and row["video"]:
            owned.append((participant, row["video"]))
        else:
            problems.append(
                f"{video_list}, line {row['line']}: ID {row['ID']!r} or video "
                f"{row['video']!r} is not usable: correct it"
            )
    return owned, problems


def _named(folder: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Participant and name of each video by the number that begins it, and the problems."""
    owned, problems = [], []
    for path in sorted(Path(folder).iterdir()):
        if path.suffix.lower() not in VIDEO_SUFFIXES or path.name.startswith("."):
            continue
        if digits := re.match("[0-9]*", path.name)[0]:
            owned.append((str(int(digits)), path.name))
        else:
            problems.append(
                f"{path}: its name does not begin with a participant's ID: rename it, or "
                "say whose it is in a CSV `ID;video` (dataset.video_list)"
            )
    return owned, problems


def fingerprint(path: str) -> str:
    """What tells whether a video is still the same: its size and 32 pieces spread over it.

    Neither its name nor its times; a film of many GB costs 1 MB of reading. A changed frame
    changes the sizes in a container's index or, uncompressed, the pieces of any edit that is
    not confined to a fraction of a second.

    Returns:
        The first 16 hex digits of a SHA-256.

    Raises:
        InputError: it cannot be read.
    """
    pieces, length = 32, 2**15
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            digest = hashlib.sha256(str(size).encode())
            for piece in range(pieces):
                file.seek(max(size - length, 0) * piece // (pieces - 1))
                digest.update(file.read(length))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): allow it") from error
    return digest.hexdigest()[:16]


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Rows by participant as people count: 2 before 10."""
    return table.sort_values("participant", key=lambda ids: ids.map(lambda i: (len(i), i)))


def read_csv(path: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows that are not empty, `columns` as text, with the number of each row's `line`.

    pandas is no help here: given rows longer than the header, it shifts the columns silently.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        header, *rows = csv.reader(text.splitlines(), delimiter=_separator(text))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file: correct its path in the config") from error
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise InputError(f"{path}: cannot be read as CSV in UTF-8 ({error}): correct it") from error
    header = [name.strip() for name in header]
    missing = [name for name in columns if header.count(name) != 1]
    if missing:
        raise InputError(
            f"{path}: missing or doubled columns: {', '.join(map(repr, missing))}; found {header}: "
            "name them as docs/formats.md says"
        )
    table = []
    for line, row in enumerate(rows, start=2):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) < len(header) or any(cells[len(header) :]):
            raise InputError(
                f"{path}, line {line}: {len(cells)} cells under a header of {len(header)}: correct "
                "it (is the decimal mark the same as the separator?)"
            )
        named = dict(zip(header, cells, strict=False))
        table.append({"line": line} | {name: named[name] for name in columns})
    return table


def _separator(text: str) -> str:
    header = text.partition("\n")[0]
    return max(";,\t", key=header.count)


def participant_id(cell: str) -> str | None:
    """An ID as it may stand in a path; 07 and 7 are the same participant."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", cell):
        return None
    return str(int(cell)) if cell.isdigit() else cell


def _percentage(cell: str) -> float | None:
    if not re.fullmatch(r"\d+([.,]\d+)?", cell):
        return None
    value = float(cell.replace(",", "."))
    return value if value <= 100 else None
