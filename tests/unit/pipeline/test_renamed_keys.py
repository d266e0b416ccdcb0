"""Each key and value that had another name in Motilens 0.1 is reported with its new name."""

import re

import pytest

from motilens.core.errors import InputError
from motilens.pipeline.config import check_config
from motilens.pipeline.renamed_keys import RENAMED_KEYS, RENAMED_VALUES
from support.configs import SCHEMA, key_paths, load_config, set_key

CONFIG = "config/visem.yaml"  # it has an archive
NEW_KEYS = dict(key_paths(SCHEMA))
OLD_VALUES = [
    (key, old, new)
    for name, values in RENAMED_VALUES.items()
    for key, part in NEW_KEYS.items()
    for old, new in values.items()
    if key.rpartition(".")[2] == name and "enum" in part
]


def old_places():
    """Yield each old key where it was, and its new name."""
    for key, new in RENAMED_KEYS.items():
        if key != "copies":
            yield key, new
        if key == "copies" or key.startswith(("autoencoder.", "regressor.")):
            yield f"inputs.I1.{key}", new


def list_new_keys(new):
    """The full names of all keys that a message names."""
    keys, _, parts = new.partition(" (")
    inside = [f"{keys}.{name}" for name in re.findall(r": (\w+)", parts)]
    return keys.split(" and ") + inside


def only_error(key, value):
    with pytest.raises(InputError) as error:
        check_config(set_key(load_config(CONFIG), key, value), SCHEMA)
    [line] = str(error.value).split("\n  ")[1:]
    return line


@pytest.mark.parametrize("key, new", list(old_places()))
def test_each_old_key_has_a_line_with_its_new_name(key, new):
    name = f"was renamed {new}" if new else "was removed, see docs/reference/migration.md"
    assert only_error(key, {"any": "value"}) == f"{key}: {name}"


@pytest.mark.parametrize("key, old, new", OLD_VALUES)
def test_each_old_value_has_a_line_with_its_new_name(key, old, new):
    assert only_error(key, old) == f"{key}: {old} was renamed {new}"
    assert new in NEW_KEYS[key]["enum"] and old not in NEW_KEYS[key]["enum"]


def test_a_list_of_an_old_value_is_no_old_value():
    assert only_error("regressor.loss", ["squared"]).startswith(
        "regressor.loss: ['squared'] is not"
    )


def test_each_new_name_is_a_key_and_no_old_name_is():
    new = {key for names in RENAMED_KEYS.values() if names for key in list_new_keys(names)}
    assert len(new) > len(RENAMED_KEYS)
    assert new - {"repeats"} <= NEW_KEYS.keys() and "inputs.NAME.repeats" in NEW_KEYS
    assert not NEW_KEYS.keys() & {
        key.replace("inputs.I1", "inputs.NAME") for key, _ in old_places()
    }
    assert {key.rpartition(".")[2] for key, _, _ in OLD_VALUES} == RENAMED_VALUES.keys()
