"""What a step depends on, in plain values that Snakemake can keep and compare.

Snakemake keeps the values of params without their names, and tells dicts with another order of
keys apart: so all dicts are sorted, and their keys say what they are.
"""

import hashlib
import json
import re
from collections.abc import Iterable

from motilens import InputError
from motilens.step import read_record


def natural(names: Iterable[str]) -> list[str]:
    """Names as people count, I2 before I10: their order in a configuration has no meaning."""
    return sorted(
        names, key=lambda name: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)]
    )


def plain(settings: dict) -> dict:
    """As JSON would give it back, keys sorted at every level."""
    return json.loads(json.dumps(settings, sort_keys=True))


def settings_of(config: dict, *keys: str, **others) -> dict:
    """Parts of the configuration by their full names, and what follows from other parts."""
    found = dict(others)
    for key in keys:
        part = config
        for name in key.split("."):
            part = part[name]
        found[key] = part
    return plain(found)


def rests_on(*parts) -> dict:
    """A digest of all that earlier steps depend on.

    Snakemake hands a change on from step to step by the times of files, which do not survive a
    copy: a run that ended half way would then look whole.
    """
    text = json.dumps(parts, sort_keys=True)
    return {"rests_on": hashlib.sha256(text.encode()).hexdigest()[:16]}


def content_of(
    label: str, participants: Iterable[str], results: str, rows: dict, columns: Iterable[str] = ()
) -> dict:
    """For each of the participants: digest of the clips, and those labels that count.

    Args:
        label: what the participants are to the step; the only key of what is returned.
        results: where their clips' records are.
        rows: label values by participant and column.
        columns: of the labels that count.

    Returns:
        {label: {participant: {"frames": 16 hex digits or None, column: percentage, ...}}}

    Raises:
        InputError: a record is damaged.
    """
    content = {}
    for participant in participants:
        record = f"{results}/frames/{participant}.json"
        try:
            digest = read_record(record)["content_sha256"][:16]
        except FileNotFoundError:
            digest = None  # not made yet, or just being made
        except KeyError as error:
            raise InputError(f"{record} has no {error}: delete it and run again") from error
        content[participant] = {"frames": digest} | {
            column: rows[participant][column] for column in columns
        }
    return plain({label: content})
