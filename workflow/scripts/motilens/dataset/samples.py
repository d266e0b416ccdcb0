"""The checked table of samples: participants, videos and labels.

A sample is a video and its labels. A participant may have several; folds are of participants.
"""

import re
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

import pandas as pd

from motilens.core.errors import InputError
from motilens.core.labels import LABELS, MOTILITY, VIDEO_FACTS
from motilens.dataset.spreadsheet import read_table
from motilens.dataset.video_files import (
    find_identical_files,
    find_repeated_addresses,
    find_unlisted_videos,
    list_numbered_videos,
    resolve_video_path,
)

COLUMNS = {"participant": ("ID", "participant"), "video": ("video",)}
COLUMNS |= {fact: (fact,) for fact in VIDEO_FACTS} | {name: (LABELS[name], name) for name in LABELS}


def read_samples(
    dataset: dict, needed: Sequence[str], compare: bool = True, stored: Container[str] | None = None
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Match labels and videos and check both.

    Args:
        dataset: the configuration's section: labels (a table), and unless it has a column of
            videos, videos (folder) and maybe video_list (a table); columns, motility_sum.
        needed: those of LABELS that somebody asks for; the others may be missing or wrong.
        compare: whether to look into the videos for two that are the same.
        stored: names of the files in dataset.videos, if that is a folder of an object store.
            Nobody looks into these videos before they are decoded.

    Returns:
        One row a video: index sample (the participant's ID; `ID+2`, `ID+3` for further videos),
        participant (str), video (path), those of FACTS and LABELS that are known (float64, NaN
        where they are not); then all problems, and what is worth a warning, a line each.
    """
    problems, warnings = [], []
    rows = read_label_rows(dataset, needed, problems, warnings)
    if not rows and not problems:
        problems.append(f"{dataset['labels']}: has no row under its header: add the participants")
    in_rows = "video" in dataset.get("columns", {}) and not dataset.get("video_list")
    if not rows or in_rows and not any("video" in row for row in rows):  # has been told
        found = []
    elif any("video" in row for row in rows):
        folder = dataset.get("videos") or Path(dataset["labels"]).parent
        if dataset.get("video_list"):
            problems.append(f"{dataset['labels']}: names the videos: remove dataset.video_list")
        found = [row for row in rows if resolve_video_path(row, folder, problems, stored)]
        warnings += find_unlisted_videos(folder, [row["video"] for row in rows], dataset["labels"])
    else:
        found = _match_videos_to_labels(dataset, rows, problems, warnings, stored)
    if compare:
        same = find_identical_files if stored is None else find_repeated_addresses
        problems += same([(row["place"], row["video"]) for row in found])
    known = [name for name in (*VIDEO_FACTS, *LABELS) if any(name in row for row in found)]
    table = pd.DataFrame(found, columns=["participant", "video", *known])
    table = sort_by_participant(table.astype(dict.fromkeys(known, float)))
    warnings += _warn_of_different_scales(table)
    problems += _find_fractions(table, needed, dataset["labels"])
    return (
        table.set_index(pd.Index(_sample_names(table["participant"]), name="sample")),
        problems,
        warnings,
    )


def read_label_rows(
    dataset: dict, needed: Sequence[str], problems: list, warnings: list
) -> list[dict]:
    """The rows of the table of labels: participant, place, and what else is in it.

    Percentages and facts are floats; None where nothing usable is there.
    """
    path = dataset["labels"]
    named = {
        name: (title,) for name, title in dataset.get("columns", {}).items() if name in COLUMNS
    }
    there = {*needed, *named, "participant"}  # what the user names is there,
    if dataset.get("video_list"):
        there -= {"video", *VIDEO_FACTS}  # here or in the list
    optional = [name for name in COLUMNS if name not in there]
    try:
        table = read_table(path, COLUMNS | named, optional, problems)
    except InputError as error:
        problems.append(str(error))
        return []
    rows, seen, written = [], set(), {}
    for row in table:
        if "participant" not in row:
            break  # has been told
        participant = _checked_participant(path, row, problems)
        if participant is None:
            continue
        if participant in seen and "video" not in {*row, *there}:
            problems.append(
                f"{path}, line {row['line']}: participant {participant} has more than one row: "
                "keep one, or name the video of each in a column `video`"
            )
            continue
        seen.add(participant)
        other = written.setdefault(_spoken_form(participant), participant)
        if other != participant:
            problems.append(
                f"{path}, line {row['line']}: participants {other} and {participant} differ only "
                "in case, leading zeros or . - _: one person? Write one as the other, or rename it"
            )
        place = f"{path}, line {row['line']}: participant {participant}"
        row |= {"participant": participant, "place": place}
        _parse_numbers(row, needed, problems)
        _check_motility(row, needed, dataset["motility_sum"], problems, warnings)
        rows.append(row)
    return rows


def _match_videos_to_labels(
    dataset: dict, rows: list[dict], problems: list, warnings: list, stored: Container[str] | None
) -> list[dict]:
    """Give each video the labels of its participant."""
    labels, listed = dataset["labels"], dataset.get("video_list")
    folder = dataset.get("videos")
    if not folder:
        problems.append(
            f"{labels}: has no column `video`: add it, or say dataset.videos (a folder)"
        )
        return []
    try:
        owned = (
            _read_video_list(dataset, problems)
            if listed
            else list_numbered_videos(folder, problems, stored)
        )
    except InputError as error:
        problems.append(str(error))
        return []
    for row in owned:
        row["participant"] = parse_participant_id(row["participant"])
    found = [row for row in owned if resolve_video_path(row, folder, problems, stored)]
    if listed:
        warnings += find_unlisted_videos(folder, [row["video"] for row in owned], listed)
    by_participant = {row["participant"]: row for row in rows}
    for row in found:
        if rows and row["participant"] not in by_participant:
            problems.append(
                f"{row['video']}: participant {row['participant']} has no row in {labels}: "
                "add the labels or move the video away"
            )
    for participant in by_participant.keys() - {row["participant"] for row in owned}:
        problems.append(
            f"{labels}: participant {participant} has labels but no video in {listed or folder}: "
            "add the video or remove the row"
        )
    return [by_participant.get(row["participant"], {}) | row for row in found]


def _read_video_list(dataset: dict, problems: list) -> list[dict]:
    """The rows of the list of videos: participant, video, place, and what is said of the video."""
    path, named = dataset["video_list"], dataset.get("columns", {})
    wanted = {
        name: (*COLUMNS[name], *([named[name]] if name in named else []))
        for name in ("participant", "video", *VIDEO_FACTS)
    }
    rows = []
    for row in read_table(path, wanted, VIDEO_FACTS):
        participant = _checked_participant(path, row, problems)
        row["place"] = f"{path}, line {row['line']}: participant {participant}"
        if participant is not None:
            _parse_numbers(row, (), problems)
            rows.append(row | {"participant": participant})
    return rows


def _checked_participant(path: str, row: dict, problems: list) -> str | None:
    participant = parse_participant_id(row["participant"])
    if participant is None:
        problems.append(
            f"{path}, line {row['line']}: {row['participant']!r} is no ID: use letters, digits and "
            ". - _"
        )
    return participant


def _parse_numbers(row: dict, needed: Sequence[str], problems: list) -> None:
    """Turn the cells of labels and facts into floats, None where they are not usable."""
    if empty := [name for name in LABELS if name in needed and row.get(name) == ""]:
        problems.append(
            f"{row['place']}: nothing is said of {', '.join(empty)}: fill it in, or remove the row"
        )
    for name in (*LABELS, *VIDEO_FACTS):
        if name not in row:
            continue
        text = row[name]
        if name in LABELS:
            number = _parse_number(text.removesuffix("%").rstrip())
            row[name] = number if number is not None and number <= 100 else None
            if text and row[name] is None and name in needed:
                problems.append(
                    f"{row['place']}, {name}: {text!r} is not a percentage from 0 to 100: correct "
                    "it"
                )
        else:
            number, (low, high) = _parse_number(text), VIDEO_FACTS[name]
            row[name] = number if number is not None and low <= number <= high else None
            if text and row[name] is None:
                problems.append(
                    f"{row['place']}, {name}: {text!r} is not between {low:g} and {high:g}: "
                    "correct it"
                )


def _check_motility(row: dict, needed, allowed: dict, problems: list, warnings: list) -> None:
    values = [row.get(name) for name in MOTILITY]
    if not set(MOTILITY) <= set(needed) or None in values:
        return
    if abs(sum(values) - 100) > allowed["tolerance"] + 1e-9:
        told = problems if allowed["otherwise"] == "stop" else warnings
        remedy = "multiply them by 100" if abs(sum(values) - 1) <= 0.02 else "correct them"
        told.append(
            f"{row['place']}: its three percentages of motility add up to {sum(values):g}, not "
            f"100: {remedy} (or see dataset.motility_sum)"
        )


def _find_fractions(table: pd.DataFrame, needed: Sequence[str], labels: str) -> list[str]:
    """0.95 is what Excel holds where it shows 95 %; of all three of motility the sum tells."""
    told = MOTILITY if set(MOTILITY) <= set(needed) else ()
    others = table[[name for name in needed if name in table and name not in told]]
    if len(table) > 1 and others.size and 0 < others.max(axis=None) <= 1:
        return [
            f"{labels}: none of {', '.join(others)} is above 1: these are fractions, multiply "
            "them by 100"
        ]
    return []


def _warn_of_different_scales(table: pd.DataFrame) -> list[str]:
    """Cells that look bigger only because of another lens."""
    scales = table.get("microns_per_pixel", pd.Series(dtype=float))
    if scales.notna().any() and scales.max() > 1.02 * scales.min():
        return [
            f"videos differ in scale, {scales.min():g} to {scales.max():g} µm per pixel: nothing "
            "corrects for it, and the models may take size for a difference"
        ]
    return []


def _sample_names(participants: Iterable[str]) -> list[str]:
    """The participant's ID for the first video, `ID+2` for the second, and so on."""
    names, counts = [], {}
    for participant in participants:
        counts[participant] = number = counts.get(participant, 0) + 1
        names.append(participant if number == 1 else f"{participant}+{number}")
    return names


def sort_by_participant(table: pd.DataFrame) -> pd.DataFrame:
    """Rows by participant as people count: 2 before 10; their own order within one."""
    return table.sort_values(
        "participant", key=lambda ids: ids.map(lambda i: (len(i), i)), kind="stable"
    )


def parse_participant_id(cell: str) -> str | None:
    """An ID as it may stand in a path; 07, 7 and 7.0 are the same participant."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", cell):
        return None
    number = re.fullmatch(r"(\d+)(\.0*)?", cell)
    return str(int(number[1])) if number else cell


def _spoken_form(participant: str) -> tuple[str, ...]:
    """As one would say it: P-07, P_7 and p7 are the same; 1-12 and 11-2 are not."""
    parts = re.findall(r"[a-z]+|\d+", participant.casefold())
    return tuple(part.lstrip("0") if part.isdigit() else part for part in parts)


def _parse_number(cell: str) -> float | None:
    if not re.fullmatch(r"\d{1,15}([.,]\d+)?", cell):
        return None
    return float(cell.replace(",", "."))
