"""The checked table of samples: participants, videos and labels.

A sample is a video and its labels. A participant may have several; folds are of participants.
"""

from collections import Counter
from collections.abc import Container, Sequence
from pathlib import Path

import pandas as pd

from motilens.core.errors import InputError
from motilens.core.labels import LABELS, VIDEO_FACTS
from motilens.core.text import natural_sorted, shorten_list, to_printable
from motilens.dataset.issues import Issues
from motilens.dataset.label_values import (
    check_fractions,
    check_motility,
    find_summaries,
    parse_numbers,
)
from motilens.dataset.participants import (
    check_participants,
    compare_spellings,
    find_mentioned,
    find_related,
    sort_by_participant,
    split_name,
)
from motilens.dataset.spreadsheet import read_table
from motilens.dataset.video_files import (
    find_unlisted_videos,
    list_numbered_videos,
    resolve_video_paths,
)
from motilens.video.fingerprints import find_identical_files, find_repeated_addresses

# Headers that are understood for each of our names.
COLUMNS = {"participant": ("ID", "participant"), "video": ("video",)}
COLUMNS |= {fact: (fact,) for fact in VIDEO_FACTS} | {name: (LABELS[name], name) for name in LABELS}


def read_samples(
    dataset: dict,
    needed: Sequence[str],
    compare: bool = True,
    stored: Container[str] | None = None,
    needs_videos: bool = True,
) -> tuple[pd.DataFrame, Issues]:
    """Match labels and videos and check both.

    Args:
        dataset: the configuration's section: labels (a table), and unless it has a column of
            videos, videos (folder) and maybe video_list (a table) or video_names (patterns);
            columns, motility_sum, on_unmatched.
        needed: those of LABELS that a target uses; the others may be missing or wrong.
        compare: whether to look into the videos for two that are the same.
        stored: names of the files in dataset.videos, if that is a folder of an object store.
            These videos are not opened before they are decoded.
        needs_videos: whether some must be named; without any, video is empty.

    Returns:
        One row for each video: index sample (the participant's ID; `ID+2`, `ID+3` for further
        videos), participant (str), video (path), those of VIDEO_FACTS and LABELS that are known
        (float64, NaN where they are not); and what is wrong.
    """
    issues, labels = Issues(), dataset["labels"]
    rows = read_label_rows(dataset, needed, issues, needs_videos or bool(dataset.get("videos")))
    if not rows and not issues.errors:
        issues.errors.append(f"{labels}: has no row under its header: add the participants")
    has_videos = any("video" in row for row in rows)
    expects_videos = "video" in dataset.get("columns", {}) and not dataset.get("video_list")
    if not rows or expects_videos and not has_videos:  # reported already
        matched = []
    elif has_videos:
        folder = dataset.get("videos") or Path(labels).parent
        issues.errors += [
            f"{labels}: names the videos: remove dataset.{key}"
            for key in ("video_list", "video_names")
            if dataset.get(key)
        ]
        _compare_names(rows, labels, issues)
        matched = resolve_video_paths(rows, folder, issues, stored)
        issues.warnings += find_unlisted_videos(folder, [row["video"] for row in rows], labels)
    elif needs_videos or dataset.get("videos"):
        matched = _match_videos_to_labels(dataset, rows, issues, stored)
    else:
        matched, compare = [row | {"video": ""} for row in rows], False
    if compare:
        find_copies = find_identical_files if stored is None else find_repeated_addresses
        issues.errors += find_copies([(row["place"], row["video"]) for row in matched])
    known = [name for name in (*VIDEO_FACTS, *LABELS) if any(name in row for row in matched)]
    table = pd.DataFrame(matched, columns=["participant", "video", *known])
    table = sort_by_participant(table.astype(dict.fromkeys(known, float)))
    _compare_scales(table, issues)
    issues.warnings += find_related(table["participant"].unique())
    participants = table["participant"]
    number = participants.groupby(participants).cumcount() + 1
    names = participants.where(number == 1, participants + "+" + number.astype(str))
    return table.set_index(names.rename("sample")), issues


def read_label_rows(
    dataset: dict, needed: Sequence[str], issues: Issues, needs_videos: bool = True
) -> list[dict]:
    """Return the rows of the table of labels: participant, place, and what else is in it.

    Percentages and facts are floats; None where the cell cannot be used.
    """
    path = dataset["labels"]
    titles = {name: (t,) for name, t in dataset.get("columns", {}).items() if name in COLUMNS}
    required = {*needed, *titles, "participant"}
    if dataset.get("video_list"):
        required -= {"video", *VIDEO_FACTS}  # here or in the list
    optional = [name for name in COLUMNS if name not in required]
    try:
        table = read_table(path, COLUMNS | titles, optional, issues, keep_going=True)
    except InputError as error:
        issues.errors.append(str(error))
        return []
    if not all("participant" in row for row in table):
        return []  # reported already
    rows = []
    for row in check_participants(path, table, issues):
        participant, spelling = row["participant"], row["spelling"]
        is_again = issues.spellings.get(participant) == spelling
        if is_again and not needs_videos and "video" not in row:
            issues.warnings.append(f"{row['place']} has another row: taken for another sample")
        elif is_again and "video" not in {*row, *required}:
            issues.errors.append(
                f"{row['place']} has more than one row: keep one, or name the video of each in a "
                "column `video`"
            )
            continue
        issues.spellings.setdefault(participant, spelling)
        row["signed"] = {name for name in LABELS if row.get(name, "").endswith("%")}
        parse_numbers(row, needed, issues)
        check_motility(row, needed, dataset["motility_sum"], issues)
        rows.append(row)
    check_fractions(rows, needed, path, issues)
    find_summaries(rows, needed, path, issues)
    return rows


def _compare_names(rows: list[dict], table: str, issues: Issues) -> None:
    """Report videos that are named after another participant, as if one column was sorted alone."""
    by_parts = {split_name(row["participant"]): row["participant"] for row in rows}
    others, mentioned = [], Counter()
    for row in rows:
        named = find_mentioned(row["video"], by_parts)
        if named and row["participant"] not in named:
            others.append(row)
            mentioned.update(named)
    if not others:
        return
    found = shorten_list(to_printable(f"{row['video']} ({row['participant']})") for row in others)
    line = (
        f"{table}: videos are named after another participant than that of their row: {found}: was "
        "one column sorted alone?"
    )
    # Sure, if the names hold each ID as often as the rows do, and IDs are no mere numbers or words.
    is_sure = mentioned == Counter(row["participant"] for row in others)
    is_sure &= not any(who.isdecimal() or who.isalpha() for who in mentioned)
    (issues.errors if is_sure else issues.warnings).append(line)


def _match_videos_to_labels(
    dataset: dict, rows: list[dict], issues: Issues, stored: Container[str] | None
) -> list[dict]:
    """Give each video the labels of its participant."""
    labels, video_list = dataset["labels"], dataset.get("video_list")
    folder = dataset.get("videos")
    if not folder:
        issues.errors.append(
            f"{labels}: has no column `video`: add it, or name a folder in dataset.videos"
        )
        return []
    try:
        if video_list:
            videos = _read_video_list(dataset, issues)
        else:
            videos = list_numbered_videos(folder, issues, stored, dataset.get("video_names"))
    except InputError as error:
        issues.errors.append(str(error))
        return []
    if video_list:
        _compare_names(videos, video_list, issues)
    usable = resolve_video_paths(videos, folder, issues, stored)
    if video_list and dataset.get("video_names"):
        issues.errors.append(f"{video_list}: names the videos: remove dataset.video_names")
    if video_list:
        issues.warnings += find_unlisted_videos(folder, [v["video"] for v in videos], video_list)
        issues.warnings += compare_spellings(video_list, videos, issues.spellings)
    by_participant = {row["participant"]: row for row in rows}
    with_video = {video["participant"] for video in videos}
    unlabeled = [video for video in usable if video["participant"] not in by_participant]
    without_video = [row for who, row in by_participant.items() if who not in with_video]
    if dataset.get("on_unmatched") == "skip" and with_video & by_participant.keys():
        missing = {f"row in {labels}": unlabeled, f"video in {video_list or folder}": without_video}
        for what, left_out in missing.items():
            if names := natural_sorted({row["participant"] for row in left_out}):
                issues.warnings.append(
                    f"no {what} for these participants ({len(names)}), who are left out: "
                    f"{', '.join(names)}"
                )
        usable = [video for video in usable if video["participant"] in by_participant]
    else:
        issues.errors += [
            f"{video['video']}: participant {video['participant']} has no row in {labels}: "
            "add the labels or move the video away"
            for video in unlabeled
        ]
        issues.errors += [
            f"{row['place']} has labels but no video in {video_list or folder}: add the video or "
            "remove the row"
            for row in without_video
        ]
    return [_join_rows(by_participant.get(v["participant"], {}), v, issues) for v in usable]


def _join_rows(labels: dict, video: dict, issues: Issues) -> dict:
    """Return what both tables know of a video."""
    known = {key: value for key, value in video.items() if value is not None}
    for fact in VIDEO_FACTS:
        here, there = known.get(fact), labels.get(fact)
        if None not in (here, there) and here != there:
            issues.errors.append(
                f"{video['place']}: {fact} is {here:g} here and {there:g} in the table of labels: "
                "correct one"
            )
    return labels | known


def _read_video_list(dataset: dict, issues: Issues) -> list[dict]:
    """Return the rows of the list of videos: participant, video, place, and facts."""
    path, titles = dataset["video_list"], dataset.get("columns", {})
    columns = {
        name: (*COLUMNS[name], *([titles[name]] if name in titles else []))
        for name in ("participant", "video", *VIDEO_FACTS)
    }
    rows = check_participants(path, read_table(path, columns, VIDEO_FACTS, issues), issues)
    for row in rows:
        parse_numbers(row, (), issues)
    return rows


def _compare_scales(table: pd.DataFrame, issues: Issues) -> None:
    # Where scales differ, cells look bigger only because of another lens.
    scales = table.get("microns_per_pixel", pd.Series(dtype=float))
    if scales.max() > 1.02 * scales.min():
        issues.warnings.append(
            f"videos differ in scale, {scales.min():g} to {scales.max():g} µm per pixel: nothing "
            "corrects for it, and models may mistake size for a difference between samples"
        )
