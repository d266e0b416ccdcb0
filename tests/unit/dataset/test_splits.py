"""Splits into folds: even, balanced, seeded, and kept once they are made."""

import numpy as np
import pandas as pd
import pytest

from motilens.core.errors import InputError
from motilens.dataset.splits import (
    load_or_make_split,
    make_split,
    read_folds_table,
    save_split,
    split_digest,
    split_path,
)


def made_up(count):
    return pd.DataFrame(
        {"participant": map(str, range(count)), "progressive": [k * 7 % 90 for k in range(count)]}
    )


def test_a_split_is_seeded_even_and_balanced():
    table = made_up(85)
    split = make_split(table, 3, seed=0)
    assert split == make_split(table.sample(frac=1, random_state=1), 3, seed=0)
    assert split != make_split(table, 3, seed=1)
    grouped = table.groupby(table["participant"].map(split))["progressive"]
    assert sorted(grouped.count()) == [28, 28, 29]
    assert grouped.mean().max() - grouped.mean().min() < 5


def test_more_folds_than_participants():
    with pytest.raises(InputError, match="3 folds need at least 3 participants"):
        make_split(made_up(2), 3, seed=0)


def run(table, results, number=3, seed=0):
    """What a run does: find the split, and keep it."""
    split = load_or_make_split(table, number, seed, str(results))
    save_split(split_path(results, number, seed), number, split)
    return split


def test_participants_stay_where_they_are(tmp_path):
    first = run(made_up(20), tmp_path)
    assert sorted(map(list(first.values()).count, (1, 2, 3))) == [6, 7, 7]
    corrected = made_up(20).assign(progressive=range(20, 0, -1))
    assert run(corrected, tmp_path) == first

    more = run(made_up(23), tmp_path)
    assert {participant: more[participant] for participant in first} == first
    assert sorted(map(list(more.values()).count, (1, 2, 3))) == [7, 8, 8]

    fewer = run(made_up(23).iloc[5:], tmp_path)
    assert fewer == {participant: more[participant] for participant in fewer}
    assert run(made_up(23), tmp_path) == more, "who comes back has the same place"


def test_each_number_and_seed_has_its_own_split(tmp_path):
    first = run(made_up(20), tmp_path)
    assert run(made_up(20), tmp_path, number=5) != first
    assert run(made_up(20), tmp_path, seed=1) != first
    assert run(made_up(20), tmp_path) == first
    assert len(list((tmp_path / "splits").iterdir())) == 3


def test_other_people_get_a_split_of_their_own(tmp_path):
    run(made_up(20), tmp_path)
    others = made_up(20).assign(participant=[f"P{k}" for k in range(20)])
    assert run(others, tmp_path) == make_split(others, 3, seed=0)


def test_a_fold_that_has_lost_everybody(tmp_path):
    split = run(made_up(9), tmp_path)
    left = made_up(9)[[split[participant] != 2 for participant in made_up(9)["participant"]]]
    with pytest.raises(InputError, match="nobody is left in fold 2: delete .*folds3_seed0.csv"):
        load_or_make_split(left, 3, 0, str(tmp_path))


def test_a_damaged_split_is_told(tmp_path):
    run(made_up(9), tmp_path)
    path = split_path(tmp_path, 3, 0)
    path.write_text(path.read_text().replace("3,", "3,9"))
    with pytest.raises(InputError, match="folds3_seed0.csv, line 5: '9.' is no fold of 1 to 3"):
        load_or_make_split(made_up(9), 3, 0, str(tmp_path))


def test_own_folds_and_their_problems(tmp_path):
    path = tmp_path / "folds.csv"
    path.write_text("ID,fold\n1,1\n2,2\n3,1\n")
    assert read_folds_table(str(path), ["1", "2", "3"], 2) == ({"1": 1, "2": 2, "3": 1}, [])
    path.write_text("participant\tfold\tvideo\n1\t1\ta\n2\t2\tb\n2\t2\tc\n")
    assert read_folds_table(str(path), ["1", "2"], 2) == ({"1": 1, "2": 2}, [])
    named = {"participant": "Patient", "fold": "Gruppe", "video": "Film"}
    path.write_text("Patient;Gruppe\n1;1\n2;2\n")
    assert read_folds_table(str(path), ["1", "2"], 2, named) == ({"1": 1, "2": 2}, [])
    assert "missing 'ID' or 'participant'" in read_folds_table(str(path), ["1", "2"], 2)[1][0]
    path.write_text("ID;fold\n1;1\n2;4\n2;1\n9;1\n")
    _, problems = read_folds_table(str(path), ["1", "2", "3"], 2)
    for part in (
        "folds.csv, line 3: participant 2: fold '4' is not one of 1, 2",
        "folds.csv, line 4: participant 2 is in fold 1 and in fold 4: a participant has one",
        "folds.csv, line 5: participant 9 is not in the data set",
        "folds.csv: participant 3 has no fold",
        "folds.csv: fold 2 has no participants",
    ):
        assert any(line.startswith(str(tmp_path / part)) for line in problems), (part, problems)
    assert len(problems) == 5


def test_all_classes_of_motility_are_balanced():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"participant": [str(k) for k in range(85)]})
    table[["progressive", "nonprogressive", "immotile"]] = 100 * rng.dirichlet([4, 3, 3], 85)
    table["head"] = rng.uniform(90, 100, 85)
    for seed in range(5):
        fold = table["participant"].map(make_split(table, 3, seed))
        means = table.groupby(fold)[["progressive", "nonprogressive", "immotile"]].mean()
        assert (means.max() - means.min()).max() < 1.5


def test_videos_of_one_participant_stay_together():
    table = pd.concat([made_up(20), made_up(7)])
    split = make_split(table, 3, seed=0)
    assert sorted(split) == sorted(set(table["participant"]))
    assert sorted(map(list(split.values()).count, (1, 2, 3))) == [6, 7, 7]
    assert load_or_make_split(table, 3, 0, "nowhere") == split


def test_labels_that_some_have_not_do_not_count():
    table = made_up(9).assign(progressive=[float("nan"), *range(8)], head=range(9))
    assert make_split(table, 3, 0) == make_split(table[["participant", "head"]], 3, 0)


def test_a_digest_is_of_who_is_where():
    assert split_digest({"1": 1, "2": 2}) == split_digest({"2": 2, "1": 1})
    assert split_digest({"1": 1, "2": 2}) != split_digest({"1": 2, "2": 1})
