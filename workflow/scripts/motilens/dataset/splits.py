"""Folds: who is held out together. A split, once made, stays: participants come and go."""

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from motilens.core.errors import InputError
from motilens.core.files import atomic_write
from motilens.core.labels import MOTILITY
from motilens.dataset.samples import parse_participant_id, sort_by_participant
from motilens.dataset.spreadsheet import read_table

N_CANDIDATES = 200  # splits drawn, of which the best balanced is taken


def make_split(table: pd.DataFrame, number: int, seed: int) -> dict[str, int]:
    """Assign participants to folds 1 .. number, seeded and balanced on the classes of motility.

    Participants are ranked by progressive motility and each run of `number` neighbours is dealt
    to the folds at random, so every fold spans the whole range. Of many such splits that one is
    taken whose folds differ least in the mean of any class.

    Args:
        table: participant, and the labels to balance: those of motility that all samples have,
            or else all that they have.

    Raises:
        InputError: fewer participants than folds.
    """
    labels = table.drop(columns="participant").dropna(axis="columns")
    labels = labels[[name for name in MOTILITY if name in labels] or list(labels)]
    values = labels.groupby(table["participant"]).mean()
    if len(values) < number:
        raise InputError(
            f"folds.number: {number} folds need at least {number} participants, there are "
            f"{len(values)}: a fold without participants has nothing to test"
        )
    values = values.sort_values([*labels.columns[:1], "participant"])
    generator = random.Random(seed)
    drawn = [_stratified_draw(len(values), number, generator) for _ in range(N_CANDIDATES)]
    best = min(drawn, key=lambda folds: _imbalance(values.to_numpy(), np.array(folds)))
    return dict(zip(values.index, best, strict=True))


def _stratified_draw(participants: int, number: int, generator: random.Random) -> list[int]:
    """Folds of ranked participants, each block of neighbours in an order of its own."""
    folds = []
    for start in range(0, participants, number):
        folds += generator.sample(range(1, number + 1), min(number, participants - start))
    return folds


def _imbalance(values: np.ndarray, folds: np.ndarray) -> float:
    """The largest difference between two folds' means of a label, in percentage points."""
    means = np.array([values[folds == fold].mean(axis=0) for fold in np.unique(folds)])
    return float(np.ptp(means, axis=0).max(initial=0))


def split_path(results: str | Path, number: int, seed: int) -> Path:
    """Where a seeded split is kept, with everyone who ever had a place in it."""
    return Path(results) / "splits" / f"folds{number}_seed{seed}.csv"


def save_split(path: Path, number: int, folds: dict[str, int]) -> None:
    """Write a split; who was in it before and is not now keeps the place, to come back to."""
    places = load_split(path, number) | folds
    table = pd.Series(places, name="fold", dtype=int).rename_axis("participant")
    with atomic_write(path) as temporary:
        table.to_csv(temporary)


def load_split(path: Path, number: int) -> dict[str, int]:
    """A split as `keep` wrote it; empty if there is none.

    Raises:
        InputError: it has been damaged.
    """
    if not path.exists():
        return {}
    places = {}
    for row in read_table(str(path), {"participant": ["participant"], "fold": ["fold"]}):
        if row["fold"] not in map(str, range(1, number + 1)):
            raise InputError(
                f"{path}, line {row['line']}: {row['fold']!r} is no fold of 1 to {number}: "
                "correct it, or delete the file for a new split"
            )
        places[row["participant"]] = int(row["fold"])
    return places


def load_or_make_split(table: pd.DataFrame, number: int, seed: int, results: str) -> dict[str, int]:
    """The split kept in `results`, or a new one; newcomers join the smallest fold.

    No balance is worth moving the others: their models would have to be trained anew.

    Args:
        table: as for `split`.

    Raises:
        InputError: fewer participants than folds, or nobody is left in one.
    """
    places = load_split(split_path(results, number, seed), number)
    present = sort_by_participant(table)["participant"].drop_duplicates()
    folds = {participant: places[participant] for participant in present if participant in places}
    if not folds:
        return make_split(table, number, seed)
    for participant in present[~present.isin(list(folds))]:
        sizes = {fold: list(folds.values()).count(fold) for fold in range(1, number + 1)}
        folds[participant] = min(sizes, key=sizes.get)
    if empty := set(range(1, number + 1)) - set(folds.values()):
        raise InputError(
            f"nobody is left in fold {min(empty)}: delete {split_path(results, number, seed)} for a "
            "new split, or lower folds.number"
        )
    return folds


def read_folds_table(
    path: str, participants: Sequence[str], number: int, named: dict | None = None
) -> tuple[dict[str, int], list[str]]:
    """Folds 1 .. number from a user's table with the columns ID (or participant) and fold.

    A participant may stand in several rows, as in a table of videos, but in one fold.

    Args:
        named: headers where they are others, by our names participant and fold.

    Returns:
        The fold of each participant, and all problems, a line each.
    """
    columns = {"participant": ["ID", "participant"], "fold": ["fold"]}
    for name in columns.keys() & (named or {}).keys():
        columns[name].append(named[name])
    try:
        table = read_table(path, columns)
    except InputError as error:
        return {}, [str(error)]
    wanted = [str(fold) for fold in range(1, number + 1)]
    folds, problems = {}, []
    for row in table:
        participant = parse_participant_id(row["participant"]) or repr(row["participant"])
        place = f"{path}, line {row['line']}: participant {participant}"
        if folds.setdefault(participant, row["fold"]) != row["fold"]:
            problems.append(
                f"{place} is in fold {row['fold']} and in fold {folds[participant]}: a participant "
                "has one fold"
            )
        if row["fold"] not in wanted:
            problems.append(f"{place}: fold {row['fold']!r} is not one of {', '.join(wanted)}")
        if participant not in participants:
            problems.append(f"{place} is not in the data set: remove it")
    for participant in participants:
        if participant not in folds:
            problems.append(f"{path}: participant {participant} has no fold: add a row")
    for fold in wanted:
        if fold not in folds.values():
            problems.append(f"{path}: fold {fold} has no participants: correct folds.number")
    return {who: int(fold) for who, fold in folds.items() if fold in wanted}, problems


def split_digest(folds: dict[str, int]) -> str:
    """What tells two splits apart: the first 16 hex digits of a SHA-256 of `participant,fold`."""
    text = "".join(f"{who},{fold}\n" for who, fold in sorted(folds.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
