"""Folds: who is held out together. A split, once made, stays: participants come and go."""

import hashlib
import os
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from motilens.core.errors import InputError
from motilens.core.files import atomic_write
from motilens.core.labels import MOTILITY
from motilens.core.text import shorten_list
from motilens.dataset.issues import Issues
from motilens.dataset.participants import (
    check_participants,
    compare_spellings,
    read_spelling,
    sort_by_participant,
)
from motilens.dataset.spreadsheet import read_table

N_CANDIDATES = 200  # splits drawn, of which the best balanced is taken


def make_split(table: pd.DataFrame, n_folds: int, seed: int) -> dict[str, int]:
    """Assign participants to folds 1 .. n_folds, seeded and balanced on the classes of motility.

    Participants are ranked by progressive motility, and each run of `n_folds` neighbors is dealt
    to the folds at random, so every fold spans the whole range. Of many such splits, the one is
    taken whose folds differ least in the mean of any class.

    The table has participant, and the labels to balance: those of motility that all samples have,
    or else all that they have. Raise an InputError if there are fewer participants than folds.
    """
    labels = table.drop(columns="participant").dropna(axis="columns")
    labels = labels[[name for name in MOTILITY if name in labels] or list(labels)]
    values = labels.groupby(table["participant"]).mean()
    if len(values) < n_folds:
        raise InputError(
            f"folds.number: {n_folds} folds need at least {n_folds} participants, there are "
            f"{len(values)}: a fold without participants has nothing to test"
        )
    values = values.sort_values([*labels.columns[:1], "participant"])
    generator = random.Random(seed)
    candidates = [_stratified_draw(len(values), n_folds, generator) for _ in range(N_CANDIDATES)]
    best = min(candidates, key=lambda folds: _imbalance(values.to_numpy(), np.array(folds)))
    return dict(zip(values.index, best, strict=True))


def _stratified_draw(participants: int, n_folds: int, generator: random.Random) -> list[int]:
    """Return folds of ranked participants, each block of neighbors in an order of its own."""
    folds = []
    for start in range(0, participants, n_folds):
        folds += generator.sample(range(1, n_folds + 1), min(n_folds, participants - start))
    return folds


def _imbalance(values: np.ndarray, folds: np.ndarray) -> float:
    """Return the largest difference between two folds' means of a label, percentage points."""
    means = np.array([values[folds == fold].mean(axis=0) for fold in np.unique(folds)])
    return float(np.ptp(means, axis=0).max(initial=0))


def split_path(results: str | Path, n_folds: int, seed: int) -> Path:
    """Return where a seeded split is saved, with everyone who ever had a place in it."""
    return Path(results) / "splits" / f"folds{n_folds}_seed{seed}.csv"


def save_split(path: Path, n_folds: int, folds: dict[str, int]) -> None:
    """Save a split; participants who were in it before keep their fold, to come back to."""
    every = load_split(path, n_folds) | folds
    table = pd.Series(every, name="fold", dtype=int).rename_axis("participant")
    with atomic_write(path) as temporary:
        table.to_csv(temporary)


def load_split(path: Path, n_folds: int) -> dict[str, int]:
    """Return a split of `save_split`, {} if there is none; raise an InputError if it is damaged."""
    if not path.exists():
        return {}
    folds = {}
    for row in read_table(str(path), {"participant": ["participant"], "fold": ["fold"]}):
        if row["fold"] not in map(str, range(1, n_folds + 1)):
            raise InputError(
                f"{path}, line {row['line']}: {row['fold']!r} is no fold of 1 to {n_folds}: "
                "correct it, or delete the file for a new split"
            )
        if row["participant"] in folds:
            raise InputError(
                f"{path}, line {row['line']}: participant {row['participant']} has a fold already: "
                "keep one row, or delete the file for a new split"
            )
        folds[row["participant"]] = int(row["fold"])
    return folds


def load_or_make_split(
    table: pd.DataFrame, n_folds: int, seed: int, results: str | Path
) -> dict[str, int]:
    """Return the split saved in `results`, or a new one; newcomers join the smallest fold.

    A better balance is not worth moving the others: their models would have to be trained again.

    Raises:
        InputError: fewer participants than folds, or nobody is left in one.
    """
    path = split_path(results, n_folds, seed)
    saved = load_split(path, n_folds)
    present = sort_by_participant(table)["participant"].drop_duplicates()
    folds = {participant: saved[participant] for participant in present if participant in saved}
    if not folds:
        return make_split(table, n_folds, seed)
    for participant in present[~present.isin(list(folds))]:
        sizes = {fold: list(folds.values()).count(fold) for fold in range(1, n_folds + 1)}
        folds[participant] = min(sizes, key=sizes.get)
    if empty := set(range(1, n_folds + 1)) - set(folds.values()):
        raise InputError(
            f"nobody is left in fold {min(empty)}: delete {path} for a new split, or lower "
            "folds.number"
        )
    return folds


def describe_split_source(path: Path, n_folds: int, seed: int, participants: Sequence[str]) -> str:
    """Return where the folds of `load_or_make_split` come from, in words."""
    saved = load_split(path, n_folds)
    n_new = sum(participant not in saved for participant in participants)
    if n_new == len(participants):
        return f"a new split, seed {seed}"
    return f"saved in {os.path.relpath(path)}" + (f"; {n_new} new" if n_new else "")


def find_lost_participants(
    folds: dict[str, int], path: str | Path, n_folds: int, table: str | Path
) -> list[str]:
    """Return a warning if a saved split lacks participants who had a fold in the last run.

    Args:
        folds: of all participants, now.
        path, n_folds: of the saved split.
        table: folds.csv of the results.
    """
    if not Path(table).exists() or not Path(path).exists():
        return []
    last = [row["participant"] for row in read_table(str(table), {"participant": ["participant"]})]
    saved = load_split(path, n_folds)
    if not (lost := [who for who in last if who in folds and who not in saved]):
        return []
    names = shorten_list(lost)
    return [f"{path} lacks {names}, who are in {table}: was it cut off? Their folds are new"]


def read_folds_table(
    path: str,
    participants: Sequence[str],
    n_folds: int,
    issues: Issues,
    columns: dict | None = None,
    leave_out: bool = False,
) -> dict[str, int]:
    """Read folds 1 .. n_folds from a user's table with the columns ID (or participant) and fold.

    A participant may have several rows in a table of videos (a column video), but one fold.
    `columns` are headers where they are others, by our names. With `leave_out`, it may name others
    than `participants`. Return the fold of each participant; `issues` gets what is wrong.
    """
    accepted = {"participant": ["ID", "participant"], "fold": ["fold"], "video": ["video"]}
    for name in accepted.keys() & (columns or {}).keys():
        accepted[name].append(columns[name])
    try:
        rows = check_participants(path, read_table(path, accepted, ["video"], issues), issues)
    except InputError as error:
        issues.errors.append(str(error))
        return {}
    issues.warnings += compare_spellings(path, rows, issues.spellings)
    known_folds = [str(fold) for fold in range(1, n_folds + 1)]
    folds, lines = {}, issues.errors
    for row in rows:
        participant, place = row["participant"], row["place"]
        row["fold"] = read_spelling(row["fold"])  # 1.0 is pandas' way to write 1
        is_again = participant in folds and "video" not in row
        if folds.setdefault(participant, row["fold"]) != row["fold"]:
            lines.append(
                f"{place} is in fold {row['fold']} and in fold {folds[participant]}: a participant "
                "has one fold"
            )
        elif is_again:
            lines.append(f"{place} has more than one row: keep one")
        if row["fold"] not in known_folds:
            lines.append(f"{place}: fold {row['fold']!r} is not one of {', '.join(known_folds)}")
        if participant not in participants and not leave_out:
            lines.append(f"{place} is not in the data set: remove it")
    for participant in participants:
        if participant not in folds:
            lines.append(f"{path}: participant {participant} has no fold: add a row")
    if leave_out:
        folds = {who: fold for who, fold in folds.items() if who in participants}
    for fold in known_folds:
        if fold not in folds.values():
            lines.append(f"{path}: fold {fold} has no participants: correct folds.number")
    return {who: int(fold) for who, fold in folds.items() if fold in known_folds}


def split_digest(folds: dict[str, int]) -> str:
    """Return the first 16 hex digits of the SHA-256 of a split's lines `participant,fold`."""
    text = "".join(f"{who},{fold}\n" for who, fold in sorted(folds.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
