"""What a step depends on, in plain values that Snakemake can keep and compare."""

from collections.abc import Iterable

from motilens.clips.records import read_clips_record
from motilens.core.records import short_digest, to_plain


def select_settings(config: dict, *keys: str, **others) -> dict:
    """Parts of the configuration by their full names, and what follows from other parts."""
    found = dict(others)
    for key in keys:
        part = config
        for name in key.split("."):
            part = part[name]
        found[key] = part
    return to_plain(found)


def upstream_digest(*parts) -> dict:
    """A digest of all that earlier steps depend on.

    Snakemake hands a change on from step to step by the times of files, which do not survive a
    copy: a run that ended half way would then look whole.
    """
    return {"rests_on": short_digest(parts)}


def clips_content(
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
        record = read_clips_record(results, sample)
        if "problem" not in record:
            counting = ["participant", *columns]
            digest = record.get("content_sha256", "")[:16] or None  # None: not made yet
            content[sample] = {"frames": digest} | {name: rows[sample][name] for name in counting}
    return to_plain({label: content})
