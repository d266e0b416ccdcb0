"""Participants' IDs in tables: which can be used, and which mean the same person."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import pandas as pd

from motilens.core.text import shorten_list
from motilens.dataset.issues import Issues
from motilens.dataset.video_files import (
    NO_DATE,
    NUMBER_END,
    SAYS_PATIENT,
    read_leading_number,
)

# How a row of means or the like begins. Some are initials, too: they alone are no error.
SUMMARY = re.compile(
    r"(means?|averages?|avg|median|s\.?d|st\.? ?dev|stdev|std|s\.?e\.?m|min|max|minimum|maximum"
    r"|range|n|sum|totals?|overall|count|mittelwerte?|mittel|mw|durchschnitt|summe|gesamt|ergebnis|anzahl|stabw"
    r"|standardabweichung|moyenne|promedio|suma|ø|∑|σ|µ)(?=$|[ _(:=±.,])(?![ _]?\d)",
    re.IGNORECASE,
)


# An ID and what follows it: a visit, the a of 01a, or a date.
VISIT = re.compile(
    r"(.*\d.*?)[ _.-]*((visit|v|besuch|scan|sample|probe|day|tag|rep|wdh|t)[ _.-]*\d+|[a-d]"
    r"|(19|20)\d{6})",
    re.IGNORECASE,
)


def check_participants(path: str, rows: Iterable[dict], issues: Issues) -> list[dict]:
    """Complete the rows of a table that have a usable ID, and report the others.

    Each row has participant (a cell) and line. It gets participant (the ID), spelling (as the
    table writes it) and place (for messages).
    """
    usable, spellings, refused = [], {}, defaultdict(list)
    for row in rows:
        cell, place = row["participant"], f"{path}, line {row['line']}"
        row["participant"] = parse_participant_id(cell)
        row["spelling"] = spelling = read_spelling(cell)
        if row["participant"] is None:
            refused[cell == "", re.sub(r"[A-Za-z0-9 ._-]", "", cell)].append((row["line"], cell))
            continue
        row["place"] = f"{place}: participant {row['participant']}"
        if SUMMARY.match(cell):
            row["place"] += " (a row of means or sums? Then delete it)"
        if other := find_other_spelling(spelling, spellings):
            issues.errors.append(
                f"{place}: participants {other} and {spelling} differ only in case, leading zeros, "
                "spaces or . - _: one person? Write one as the other, or rename it"
            )
        usable.append(row)
    for (is_empty, _), ((line, cell), *others) in refused.items():
        also = f" (also lines {shorten_list(str(n) for n, _ in others)})" if others else ""
        remedy = "use letters, digits, spaces and . - _, 64 at most, nothing 20 times in a row"
        if is_empty or SUMMARY.match(cell):
            remedy = "fill it in, or delete the row if it holds means, sums or notes"
        issues.errors.append(f"{path}, line {line}: {cell!r} is no ID: {remedy}{also}")
    return usable


def parse_participant_id(cell: str) -> str | None:
    """Return an ID that can be part of a path; 07, 7 and 7.0 are the same, as are `P 1` and P_1.

    None if the cell has other characters than letters, digits, spaces and . - _, or what Snakemake
    takes for a wildcard that grows without end.
    """
    cell = re.sub("[ \xa0]+", "_", cell)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", cell):
        return None
    number = re.fullmatch(r"(\d+)(\.0*)?", cell)
    participant = str(int(number[1])) if number else cell
    return None if re.search(r"(.+)\1{19}$", participant) else participant


def read_spelling(cell: str) -> str:
    """Return how a cell writes an ID; 7.0 is Excel's way to write 7."""
    number = re.fullmatch(r"(\d+)\.0*", cell)
    return number[1] if number else " ".join(cell.split())


def find_other_spelling(spelling: str, known: dict[tuple, str]) -> str | None:
    """Return how an ID was written before, if that was another way; else remember it in `known`.

    As one would say them, P-07, P_7 and p7 are the same; 1-12 and 11-2 are not.
    """
    first = known.setdefault(split_name(spelling), spelling)
    return first if first != spelling else None


def split_name(name: str) -> tuple[str, ...]:
    """Return the words and numbers of a name as one would say them."""
    parts = re.findall(r"[a-z]+|\d+", name.casefold())
    return tuple(part.lstrip("0") if part.isdigit() else part for part in parts)


def _list_runs(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return all runs of neighboring words, each once."""
    spans = combinations(range(len(words) + 1), 2)
    return [*dict.fromkeys(words[start:end] for start, end in spans)]


def find_related(participants: Iterable[str]) -> list[str]:
    """Return a line if some IDs are like others with something behind: `7 b` among 7 and 8."""
    words = {who: split_name(who) for who in participants}

    def describe_form(parts: tuple[str, ...]) -> tuple[bool, ...]:
        return tuple(part.isalpha() for part in parts)

    forms, groups = set(map(describe_form, words.values())), defaultdict(list)
    for who, parts in words.items():
        groups[parts].append(who)
        visit = VISIT.fullmatch(who)
        if visit or describe_form(parts[:-1]) in forms:
            groups[split_name(visit[1]) if visit else parts[:-1]].append(who)
    related = [
        " + ".join(group)
        for parts, group in groups.items()
        if len(group) > 1 and (parts in words.values() or not all(map(str.isalpha, parts)))
    ]
    if not related:
        return []
    return [
        f"IDs are alike: {shorten_list(related)}: samples of one person? Then give "
        "them one ID, since folds are of IDs"
    ]


def find_mentioned(name: str, by_parts: Mapping[tuple, str]) -> set[str]:
    """Return the participants whose ID is anywhere in a video's name.

    Numbers count that begin it, or follow a word such as patient.

    Args:
        by_parts: of each participant, by `split_name`.
    """
    stem = Path(name).stem
    # Not a letter alone, nor numbers such as those of a date.
    runs = {
        r for r in _list_runs(split_name(stem)) if any(map(str.isalpha, r)) and len("".join(r)) > 1
    }
    numbers = [*SAYS_PATIENT.findall(stem), read_leading_number(name)]
    runs |= {split_name(number) for number in numbers if number}
    return {by_parts[run] for run in runs if run in by_parts}


def compare_spellings(path: str, rows: Iterable[dict], spellings: Mapping[str, str]) -> list[str]:
    """Return a line if another table than that of the labels writes some IDs in another way."""
    pairs = {
        f"{row['spelling']} as {known}": None
        for row in rows
        if (known := spellings.get(row["participant"], row["spelling"])) != row["spelling"]
    }
    if not pairs:
        return []
    return [
        f"{path}: participants are written in another way than in the labels, and are taken for "
        f"the same: {shorten_list(pairs)}"
    ]


def sort_by_participant(table: pd.DataFrame) -> pd.DataFrame:
    """Sort rows by participant as people count, 2 before 10; keep the order within one."""
    return table.sort_values(
        "participant", key=lambda ids: ids.map(lambda i: (len(i), i)), kind="stable"
    )


def match_videos(participants: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Return whose the videos are that are named after one participant: of names, the participant.

    A name is the ID, or begins with it, or an ID of letters and digits is somewhere in it. After a
    number, as `list_numbered_videos` reads it, none follows. Of names, as of IDs, P-07 and p7 are
    the same. Two participants in one name, or in a name and that of its folder, are none.
    """
    by_parts, owners = defaultdict(list), {}
    for who in dict.fromkeys(participants):
        by_parts[split_name(who)].append(who)
    by_parts.pop((), None)
    for name in names:
        folders, stem = Path(name).parent.parts, Path(name).stem
        words = split_name(stem)
        found = by_parts.get(words) or [
            who
            for parts in _list_runs(words)
            if parts in by_parts
            and (_begins_with(stem, parts) or len({part.isdigit() for part in parts}) == 2)
            for who in by_parts[parts]
        ]
        around = [who for folder in folders for who in by_parts.get(split_name(folder), ())]
        if len({*found, *around}) == 1:
            owners[name] = (found or around)[0]
    return owners


def _begins_with(stem: str, parts: Sequence[str]) -> bool:
    if any(part.isalpha() for part in parts):
        return split_name(stem)[: len(parts)] == parts
    numbers = r"[^a-z\d]+".join(f"0*{part or 0}" for part in parts)
    return bool(re.match(rf"{NO_DATE}[^a-z\d]*{numbers}{NUMBER_END}", stem.casefold()))
