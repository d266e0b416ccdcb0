"""Folds: who is held out together. A split, once made, stays: participants come and go."""

import random
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from motilens import InputError
from motilens.samples import in_order, participant_id, read_csv
from motilens.step import written_whole


def split(table: pd.DataFrame, number: int, seed: int) -> dict[str, int]:
    """Assign participants to folds 1 .. number, seeded and balanced on progressive motility.

    Participants are ranked by progressive motility; each run of `number` neighbours is dealt
    to the folds at random, so every fold spans the whole range.

    Args:
        table: columns participant and progressive, as from samples.read_samples.

    Raises:
        InputError: fewer participants than folds.
    """
    if len(table) < number:
        raise InputError(
            f"folds.number: {number} folds need at least {number} participants, there are "
            f"{len(table)}: a fold without participants has nothing to test"
        )
    ranked = table.sort_values(["progressive", "participant"])["participant"].tolist()
    generator = random.Random(seed)
    folds = {}
    for start in range(0, len(ranked), number):
        block = ranked[start : start + number]
        folds.update(zip(block, generator.sample(range(1, number + 1), len(block)), strict=True))
    return folds


def kept_at(results: str | Path, number: int, seed: int) -> Path:
    """Where a seeded split is kept, with everyone who ever had a place in it."""
    return Path(results) / "splits" / f"folds{number}_seed{seed}.csv"


def keep(path: Path, number: int, folds: dict[str, int]) -> None:
    """Write a split; who was in it before and is not now keeps the place, to come back to."""
    places = read_kept(path, number) | folds
    table = pd.Series(places, name="fold", dtype=int).rename_axis("participant")
    with written_whole(path) as temporary:
        table.to_csv(temporary)


def read_kept(path: Path, number: int) -> dict[str, int]:
    """A split as `keep` wrote it; empty if there is none.

    Raises:
        InputError: it has been damaged.
    """
    if not path.exists():
        return {}
    places = {}
    for row in read_csv(str(path), ["participant", "fold"]):
        if row["fold"] not in map(str, range(1, number + 1)):
            raise InputError(
                f"{path}, line {row['line']}: {row['fold']!r} is no fold of 1 to {number}: "
                "correct it, or delete the file for a new split"
            )
        places[row["participant"]] = int(row["fold"])
    return places


def seeded(table: pd.DataFrame, number: int, seed: int, results: str) -> dict[str, int]:
    """The split kept in `results`, or a new one; newcomers join the smallest fold.

    No balance is worth moving the others: their models would have to be trained anew.

    Raises:
        InputError: fewer participants than folds, or nobody is left in one.
    """
    places = read_kept(kept_at(results, number, seed), number)
    present = in_order(table)["participant"]
    folds = {participant: places[participant] for participant in present if participant in places}
    if not folds:
        return split(table, number, seed)
    for participant in present[~present.isin(list(folds))]:
        sizes = {fold: list(folds.values()).count(fold) for fold in range(1, number + 1)}
        folds[participant] = min(sizes, key=sizes.get)
    if empty := set(range(1, number + 1)) - set(folds.values()):
        raise InputError(
            f"nobody is left in fold {min(empty)}: delete {kept_at(results, number, seed)} for a "
            "new split, or lower folds.number"
        )
    return folds


def read(path: str, participants: Sequence[str], number: int) -> dict[str, int]:
    """Folds from a user's CSV `ID,fold` (or `ID;fold`) with folds 1 .. number.

    Raises:
        InputError: with a line for each participant without a fold or in two, each unknown
            participant and each fold without participants.
    """
    table = read_csv(path, ["ID", "fold"])
    owners = [participant_id(row["ID"]) or repr(row["ID"]) for row in table]
    problems = [
        f"{path}: participant {participant} is in more than one row: a participant has one fold"
        for participant in {owner for owner in owners if owners.count(owner) > 1}
    ]
    folds = {owner: row["fold"] for owner, row in zip(owners, table, strict=True)}
    for participant in set(participants) - folds.keys():
        problems.append(f"{path}: participant {participant} has no fold: add a row")
    for participant in folds.keys() - set(participants):
        problems.append(f"{path}: participant {participant} is not in the data set: remove it")
    wanted = [str(fold) for fold in range(1, number + 1)]
    for participant, fold in folds.items():
        if fold not in wanted:
            problems.append(
                f"{path}: participant {participant}: fold {fold!r} is not one of {wanted}"
            )
    for fold in wanted:
        if fold not in folds.values():
            problems.append(f"{path}: fold {fold} has no participants: correct folds.number")
    if problems:
        raise InputError("the folds cannot be used:\n  " + "\n  ".join(sorted(problems)))
    return {participant: int(folds[participant]) for participant in participants}
