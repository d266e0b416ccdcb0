"""Reading tables of samples in tests, and changing them."""

from motilens.core.labels import LABELS
from motilens.dataset.samples import read_samples

ALL = tuple(LABELS)
STOP = {"tolerance": 1, "otherwise": "stop"}


def read(files, video_list=None, needed=ALL, **settings):
    """Table, problems, warnings."""
    named = {"labels": str(files / "labels.csv"), "videos": str(files / "videos")}
    if video_list:
        named["video_list"] = str(files / video_list)
    return read_samples(named | {"motility_sum": STOP} | settings, needed)


def table_of(*arguments, **settings):
    table, problems, warnings = read(*arguments, **settings)
    assert problems == [] and warnings == []
    return table


def problems_of(*arguments, **settings):
    return read(*arguments, **settings)[1]


def edit(path, old, new):
    text = path.read_bytes().decode("utf-8-sig")
    assert old in text
    path.write_bytes(text.replace(old, new, 1).encode("utf-8-sig"))


def rewrite(files, change):
    path = files / "labels.csv"
    path.write_bytes(change(path.read_bytes().decode("utf-8-sig")).encode("utf-8-sig"))
