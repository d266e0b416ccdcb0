"""Splits into folds: even, balanced, seeded, and kept from run to run."""

import functools

import numpy as np
import pandas as pd
import pytest

from motilens.core.labels import MOTILITY
from motilens.dataset import splits
from motilens.dataset.issues import Issues
from support.errors import assert_refused


def make_table(count):
    return pd.DataFrame(
        {"participant": map(str, range(count)), "progressive": [k * 7 % 90 for k in range(count)]}
    )


def test_a_split_is_seeded_even_and_balanced_if_there_are_enough_participants():
    table = make_table(85)
    split = splits.make_split(table, 3, seed=0)
    assert split == splits.make_split(table.sample(frac=1, random_state=1), 3, seed=0)
    assert split != splits.make_split(table, 3, seed=1)
    grouped = table.groupby(table["participant"].map(split))["progressive"]
    assert sorted(grouped.count()) == [28, 28, 29]
    assert grouped.mean().max() - grouped.mean().min() < 5
    message = "3 folds need at least 3 participants"
    assert_refused(message, splits.make_split, make_table(2), 3, seed=0)


def run(table, results, n_folds=3, seed=0):
    """Do what a run does: load or make the split, and save it."""
    split = splits.load_or_make_split(table, n_folds, seed, str(results))
    splits.save_split(splits.split_path(results, n_folds, seed), n_folds, split)
    return split


def test_participants_stay_in_their_fold(tmp_path):
    first = run(make_table(20), tmp_path)
    assert sorted(map(list(first.values()).count, (1, 2, 3))) == [6, 7, 7]
    corrected = make_table(20).assign(progressive=range(20, 0, -1))
    assert run(corrected, tmp_path) == first
    more = run(make_table(23), tmp_path)
    assert {participant: more[participant] for participant in first} == first
    assert sorted(map(list(more.values()).count, (1, 2, 3))) == [7, 8, 8]
    fewer = run(make_table(23).iloc[5:], tmp_path)
    assert fewer == {participant: more[participant] for participant in fewer}
    assert run(make_table(23), tmp_path) == more, "who comes back has the same fold"


def test_each_number_each_seed_and_other_participants_have_their_own_split(tmp_path):
    first = run(make_table(20), tmp_path)
    assert run(make_table(20), tmp_path, n_folds=5) != first
    assert run(make_table(20), tmp_path, seed=1) != first
    assert run(make_table(20), tmp_path) == first
    assert len(list((tmp_path / "splits").iterdir())) == 3
    others = make_table(20).assign(participant=[f"P{k}" for k in range(20)])
    assert run(others, tmp_path) == splits.make_split(others, 3, seed=0)


def test_an_empty_fold_and_a_damaged_split_are_reported(tmp_path):
    split = run(make_table(9), tmp_path)
    left = make_table(9)[make_table(9)["participant"].map(split) != 2]
    message = "nobody is left in fold 2: delete .*folds3_seed0.csv"
    assert_refused(message, splits.load_or_make_split, left, 3, 0, str(tmp_path))
    path = splits.split_path(tmp_path, 3, 0)
    path.write_text(path.read_text().replace("3,", "3,9"))
    message = "folds3_seed0.csv, line 5: '9.' is no fold of 1 to 3"
    assert_refused(message, splits.load_or_make_split, make_table(9), 3, 0, str(tmp_path))


def read_folds(path, participants, columns=None):
    """Return two folds and the issues."""
    issues = Issues()
    return splits.read_folds_table(str(path), participants, 2, issues, columns), issues


@pytest.mark.parametrize("text, columns", [
    ("ID,fold\n1,1\n2,2\n3,1\n", None),
    ("ID,fold\n1,1.0\n2,2.0\n3,1.0\n", None),
    ("participant\tfold\tvideo\n1\t1\ta\n2\t2\tb\n2\t2\tc\n3\t1\td\n", None),
    ("Patient;Gruppe\n1;1\n2;2\n3;1\n",
     {"participant": "Patient", "fold": "Gruppe", "video": "Film"}),
])  # fmt: skip
def test_own_folds_are_read(tmp_path, text, columns):
    path = tmp_path / "folds.csv"
    path.write_text(text)
    expected = {"1": 1, "2": 2, "3": 1}
    assert read_folds(path, ["1", "2", "3"], columns) == (expected, Issues())


def test_folds_of_those_who_are_left_out_are_not_used(tmp_path):
    path = tmp_path / "folds.csv"
    path.write_text("ID,fold\n1,1\n2,2\n3,1\n4,2\n")
    issues = Issues()
    read = functools.partial(splits.read_folds_table, str(path), n_folds=2, leave_out=True)
    assert read(["1", "2"], issues=issues) == {"1": 1, "2": 2} and issues == Issues()
    read(["1", "3"], issues=issues)
    assert issues.errors == [f"{path}: fold 2 has no participants: correct folds.number"]
    assert read_folds(path, ["1", "2", "3"])[1].errors == [
        f"{path}, line 5: participant 4 is not in the data set: remove it"
    ]


def test_spellings_of_own_folds_are_compared_with_the_labels(tmp_path):
    path = tmp_path / "folds.csv"
    path.write_text("ID;fold\n07;1\nP 2;2\n7;1\n")
    issues = Issues(spellings={"7": "07", "P_2": "P_2"})
    assert splits.read_folds_table(str(path), ["7", "P_2"], 2, issues) == {"7": 1, "P_2": 2}
    assert "line 4: participants 07 and 7 differ only in" in issues.errors[0]
    assert issues.warnings[0].endswith("taken for the same: P 2 as P_2, 7 as 07")


def test_all_errors_of_own_folds_are_reported(tmp_path):
    path = tmp_path / "folds.csv"
    path.write_text("Patient;Gruppe\n1;1\n2;2\n")
    [error] = read_folds(path, ["1", "2"])[1].errors
    assert "missing 'ID' or 'participant'" in error
    path.write_text("ID;fold\n1;1\n2;4\n2;1\n9;1\n")
    errors = read_folds(path, ["1", "2", "3"])[1].errors
    for message in (
        "folds.csv, line 3: participant 2: fold '4' is not one of 1, 2",
        "folds.csv, line 4: participant 2 is in fold 1 and in fold 4: a participant has one",
        "folds.csv, line 5: participant 9 is not in the data set",
        "folds.csv: participant 3 has no fold", "folds.csv: fold 2 has no participants",
    ):  # fmt: skip
        assert any(line.startswith(str(tmp_path / message)) for line in errors), (message, errors)
    assert len(errors) == 5


def test_labels_that_all_samples_have_are_balanced():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"participant": [str(k) for k in range(85)]})
    table[list(MOTILITY)] = 100 * rng.dirichlet([4, 3, 3], 85)
    table["head"] = rng.uniform(90, 100, 85)
    for seed in range(5):
        fold = table["participant"].map(splits.make_split(table, 3, seed))
        means = table.groupby(fold)[list(MOTILITY)].mean()
        assert (means.max() - means.min()).max() < 1.5
    table = make_table(9).assign(progressive=[float("nan"), *range(8)], head=range(9))
    assert splits.make_split(table, 3, 0) == splits.make_split(table[["participant", "head"]], 3, 0)


def test_participants_are_split_not_videos_and_the_digest_says_how():
    table = pd.concat([make_table(20), make_table(7)])
    split = splits.make_split(table, 3, seed=0)
    assert sorted(split) == sorted(set(table["participant"]))
    assert sorted(map(list(split.values()).count, (1, 2, 3))) == [6, 7, 7]
    assert splits.load_or_make_split(table, 3, 0, "nowhere") == split
    assert splits.split_digest({"1": 1, "2": 2}) == splits.split_digest({"2": 2, "1": 1})
    assert splits.split_digest({"1": 1, "2": 2}) != splits.split_digest({"1": 2, "2": 1})


def test_a_saved_split_that_was_cut_off_is_noticed(tmp_path):
    path, table = tmp_path / "splits/folds2_seed0.csv", tmp_path / "folds.csv"
    folds = {"1": 1, "2": 2, "3": 1, "4": 2}
    splits.save_split(path, 2, folds)
    pd.DataFrame(folds.items(), columns=["participant", "fold"]).to_csv(table, index=False)
    assert splits.find_lost_participants(folds | {"5": 1}, path, 2, table) == []
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    [line] = splits.find_lost_participants(folds, path, 2, table)
    assert "lacks 3, 4, who are in" in line


def test_a_participant_twice_in_a_saved_split_is_an_error(tmp_path):
    path = splits.split_path(tmp_path, 3, 0)
    for again in ("7,1", "7,2"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"participant,fold\n7,1\n8,2\n{again}\n")
        assert_refused("line 4: participant 7 has a fold already", splits.load_split, path, 3)


def test_where_the_split_comes_from_is_said(tmp_path):
    path, names = splits.split_path(tmp_path, 3, 0), [str(k) for k in range(20)]
    assert splits.describe_split_source(path, 3, 0, names) == "a new split, seed 0"
    run(make_table(20), tmp_path)
    assert splits.describe_split_source(path, 3, 0, names).endswith("splits/folds3_seed0.csv")
    source = splits.describe_split_source(path, 3, 0, [*names, "20"])
    assert source.startswith("saved in ") and source.endswith("; 1 new")
    strangers = splits.describe_split_source(path, 3, 0, ["P1", "P2"])
    assert strangers == "a new split, seed 0"


def test_a_participant_twice_in_own_folds_is_an_error_unless_rows_are_videos(tmp_path):
    text = "ID,fold\n1,1\n2,2\n2,2\n3,1\n"
    (tmp_path / "folds.csv").write_text(text)
    _, issues = read_folds(tmp_path / "folds.csv", ["1", "2", "3"])
    assert len(issues.errors) == 1 and "line 4: participant 2 has more than one" in issues.errors[0]


def test_folds_that_are_the_ids_in_another_order_are_no_second_table(tmp_path):
    """Before, a saved split of three participants in three folds was refused."""
    path, folds = tmp_path / "folds.csv", {"1": 3, "2": 1, "3": 2}
    splits.save_split(path, 3, folds)
    assert splits.load_split(path, 3) == folds
    assert splits.read_folds_table(str(path), ["1", "2", "3"], 3, Issues()) == folds
