"""Comparing runs: what an earlier run left is not averaged in, labels are the same everywhere."""

import pytest
from compare import check_leftovers, find_folds, read_methods

from motilens.core.files import hash_file
from motilens.core.records import write_record
from support.errors import assert_refused
from support.predictions import one_prediction


def write_run(folder, folds=("1",), seeds=("0",), true=90.0, **changes):
    """Write predictions of one participant for each fold and seed, and the records of models."""
    for fold in folds:
        for seed in seeds:
            table, record = one_prediction()
            table["true_head"] = true
            record |= {"fold": fold, "seed": seed, "held_out": {"3": {"head": true}}} | changes
            record["held_out"]["3"]["participant"] = "3"
            path = folder / f"predictions/I1/morphology/fold{fold}/seed{seed}.csv"
            made = folder / f"regressors/I1/morphology/fold{fold}/seed{seed}"
            for parent in (path.parent, made):
                parent.mkdir(parents=True, exist_ok=True)
            table.to_csv(path, index=False)
            record["predictions_sha256"] = hash_file(path)
            write_record(str(made / "model.json"), record)
    return str(folder), "I1"


def read_runs(*places):
    return read_methods({f"{n}": (place,) for n, place in enumerate(places)}, "morphology", ["1"])


def test_labels_of_held_out_participants_are_compared(tmp_path):
    """Before, only those of training were: the errors were of other true values."""
    one, same = write_run(tmp_path / "a"), write_run(tmp_path / "b")
    assert set(read_runs(one, same)["true"]) == {90.0}
    other = write_run(tmp_path / "c", true=60.0)
    assert_refused("1: fold 1 has other participants or labels", read_runs, one, other)


@pytest.mark.parametrize("changes, message", [
    ([{"seed": "1", "settings": {"epochs": 2}}], "different settings"),
    ([{"fold": "2"}], "participant 3 is held out in two folds"),
])  # fmt: skip
def test_what_an_earlier_run_left_is_noticed(changes, message):
    first = {"fold": "1", "seed": "0", "settings": {"epochs": 1}}
    first["held_out"] = {"3": {"participant": "3"}}
    models = [("a/seed0.csv", first | change) for change in ({}, *changes)]
    assert_refused(f"a:I1: .*{message}.*earlier run: delete", check_leftovers, "a:I1", models)
    check_leftovers("a:I1", [models[0], ("a/seed1.csv", first | {"seed": "1"})])


def test_models_that_the_tables_do_not_list_are_left_out(tmp_path):
    place = write_run(tmp_path / "a", seeds=("0", "3"), folds=("1", "2"))
    (tmp_path / "a/tables").mkdir()
    listed = {"regressors/I1/morphology/fold1/seed0/model.json": {}}
    write_record(str(tmp_path / "a/tables/mae.json"), {"models": listed})
    assert find_folds({"m": [place]}, "morphology") == {"1"}
    assert set(read_runs(place)["seed"]) == {0}


def test_zero_r_is_there_whatever_seeds_the_first_method_has(tmp_path):
    later, first = write_run(tmp_path / "a", seeds=("3",)), write_run(tmp_path / "b")
    assert "ZeroR" in set(read_runs(later, first)["method"])
