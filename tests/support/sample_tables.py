"""Reading tables of samples in tests, and changing them."""

import re

from motilens.core.labels import LABELS
from motilens.dataset.issues import Issues
from motilens.dataset.samples import read_samples

ALL = tuple(LABELS)
HEADER = "participant,video,progressive,nonprogressive,immotile"
OWN = {"videos": None, "needed": ["progressive"]}  # settings of a table that names its videos
STRICT_SUM = {"tolerance": 1, "on_mismatch": "error"}


def read(files, video_list=None, needed=ALL, **settings):
    """Return the table and the issues."""
    dataset = {"labels": str(files / "labels.csv"), "videos": str(files / "videos")}
    if video_list:
        dataset["video_list"] = str(files / video_list)
    return read_samples(dataset | {"motility_sum": STRICT_SUM} | settings, needed)


def table_of(*arguments, **settings):
    table, issues = read(*arguments, **settings)
    assert issues == Issues()
    return table


def errors_of(*arguments, **settings):
    return read(*arguments, **settings)[1].errors


def edit(path, old, new):
    text = path.read_bytes().decode("utf-8-sig")
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode("utf-8-sig"))


def rewrite(files, change):
    path = files / "labels.csv"
    path.write_bytes(change(path.read_bytes().decode("utf-8-sig")).encode("utf-8-sig"))


def write_rows(own, *rows):
    (own / "labels.csv").write_text("\n".join(rows))


def assert_reported(messages, errors):
    for message in messages:
        assert any(re.search(message, line) for line in errors), (message, errors)
