"""What a step depends on, in plain values that Snakemake can keep and compare.

Snakemake keeps the values of params without their names, and tells dicts with another order of
keys apart: so all dicts are sorted, and their keys say what they are.
"""

import hashlib
import json
import re
from collections.abc import Iterable

from motilens import clips

SHOWN = 8  # names in a line of a message


def listed(names: Iterable[str]) -> str:
    """Names for people: the first of them, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def natural(names: Iterable[str]) -> list[str]:
    """Names as people count, I2 before I10: their order in a configuration has no meaning."""
    return sorted(
        names, key=lambda name: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)]
    )


def plain(settings: dict) -> dict:
    """As JSON would give it back, keys sorted at every level."""
    return json.loads(json.dumps(settings, sort_keys=True))


def merged(settings: dict, others: dict) -> dict:
    """`settings`, with `others` in place of those of the same name, section by section."""
    nested = {
        name: merged(settings[name], part)
        for name, part in others.items()
        if isinstance(part, dict) and isinstance(settings.get(name), dict)
    }
    return settings | others | nested


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
    return {"rests_on": digest(parts)}


def digest(values) -> str:
    """The first 16 hex digits of the SHA-256 of plain values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def content_of(
    results: str, label: str, chosen: Iterable[str], rows: dict, columns: Iterable[str] = ()
) -> dict:
    """For each of the chosen samples that has clips: their digest, and those labels that count.

    Args:
        results: where their clips' records are.
        label: what the samples are to the step; the only key of what is returned.
        rows: participant and label values by sample and column.
        columns: of the labels that count.

    Returns:
        {label: {sample: {"participant": its ID, "frames": 16 hex digits or None, column:
        percentage, ...}}}, without those whose video was left out.

    Raises:
        InputError: a record is damaged.
    """
    content = {}
    for sample in chosen:
        record = clips.read(results, sample)
        if "problem" not in record:
            counting = ["participant", *columns]
            digest = record.get("content_sha256", "")[:16] or None  # None: not made yet
            content[sample] = {"frames": digest} | {name: rows[sample][name] for name in counting}
    return plain({label: content})
