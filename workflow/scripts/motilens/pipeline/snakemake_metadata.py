"""Snakemake's own records of finished jobs, in `.snakemake/metadata` of the results.

Snakemake compares a job's params with those that are recorded there, in a JSON file for each
output. Paths are relative to the folder of results, where Snakemake works.
"""

import ast
import base64
import contextlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

from motilens.core.errors import InputError
from motilens.core.files import atomic_write, hash_file
from motilens.core.text import shorten_list

METADATA, INCOMPLETE = Path(".snakemake/metadata"), Path(".snakemake/incomplete")
CONTENTS = Path(".snakemake/contents")  # our own, by output: its size and digest as it was made
MAX_DIGESTED = 2**16  # bytes: of a greater output, which no one edits, the size is enough
MAX_NAME = 254  # a longer name is cut into folders, each with an @ before it
# Where steps leave records; other folders may hold the user's own files.
RECORDED = ("clips", "autoencoders", "regressors", "baselines", "external", "ensembles", "tables",
            "bundles")  # fmt: skip
SAMPLE_TABLES = ("samples.csv", "folds.csv")


def record_finished(outputs: Iterable[str], params: Iterable[str]) -> None:
    """Record the params (`repr`) that outputs were made with, as Snakemake does in the end.

    A job on a cluster may outlive the Snakemake that waits for it, and then nobody else does.
    """
    for output in outputs:
        ended = os.stat(output).st_mtime
        with atomic_write(metadata_path(output)) as temporary:
            record = {"record_format_version": 6, "params": sorted(params), "endtime": ended}
            temporary.write_text(json.dumps(record), encoding="utf-8")
        with atomic_write(CONTENTS / output) as temporary:
            temporary.write_text(_describe_content(output), encoding="utf-8")


def _describe_content(path: str | Path) -> str:
    size = os.path.getsize(path)
    return f"{size} {hash_file(path) if size <= MAX_DIGESTED else ''}"


def find_changed_outputs(results: Path) -> list[str]:
    """Return the outputs, by their names, that are not as they were made; Snakemake reruns none.

    Somebody has edited them, or a full disk or a broken copy cut them off. What a killed step left
    is not among them, nor what is gone: Snakemake makes that again.
    """
    marks = (path for path in Path(results, CONTENTS).rglob("[!.]*") if path.is_file())
    names = sorted(path.relative_to(results / CONTENTS).as_posix() for path in marks)
    return [
        name
        for name in names
        if Path(results, name).is_file()
        and Path(results, CONTENTS, name).read_text(encoding="utf-8")
        != _describe_content(results / name)
        and not Path(results, metadata_path(name, INCOMPLETE)).exists()
    ]


def read_depends_on(outputs: Iterable[str]) -> dict | None:
    """Return what outputs were made with (the param of their rule); None if nothing is recorded."""
    for path in map(metadata_path, outputs):
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            params = json.loads(path.read_text(encoding="utf-8"))["params"]
            return ast.literal_eval(params[0]) if params else {}
    return None


def find_untracked_records(results: Path) -> list[str]:
    """Return records and tables of which Snakemake has no metadata, as after an incomplete copy.

    Snakemake would take such results for up to date, whatever the configuration. It knows of those
    of a killed run that they are incomplete.
    """
    records = (path for kind in RECORDED for path in Path(results, kind).rglob("[!.]*.json"))
    names = sorted(path.relative_to(results).as_posix() for path in records)
    names += [name for name in SAMPLE_TABLES if Path(results, name).exists()]
    marks = METADATA, INCOMPLETE
    return [n for n in names if not any((results / metadata_path(n, m)).exists() for m in marks)]


def check_results(results: Path) -> None:
    """Check that Snakemake knows how existing results were made, and that they are as they were.

    Raises:
        InputError: they were made by Motilens 0.1, copied without Snakemake's records, or changed.
    """
    if Path(results, ".metadata").exists():
        raise InputError(
            f"{results}: made by Motilens 0.1, whose results have other names: set `results` to "
            "another folder (docs/reference/migration.md)"
        )
    if names := find_untracked_records(results):
        raise InputError(
            f"{results}: nothing says how these were made: {shorten_list(names)}. Copy results "
            "with their hidden folder .snakemake, or remove these (--touch takes everything that "
            "is there for up to date)"
        )
    if names := find_changed_outputs(results):
        raise InputError(
            f"{results}: these were changed or cut off since they were made: "
            f"{shorten_list(names)}. Delete them and run again, or put back what was there"
        )


def clamp_future_mtimes(folder: Path) -> None:
    """Set modification times in the future (clock skew) to now.

    Otherwise Snakemake deletes outputs that seem older than their inputs.
    """
    now = time.time()
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            if path.lstat().st_mtime > now:
                os.utime(path, (now, now), follow_symlinks=False)


def metadata_path(output: str, folder: Path = METADATA) -> Path:
    """Return where Snakemake keeps the metadata (or another mark) of an output."""
    name = base64.urlsafe_b64encode(output.encode()).decode()
    *folders, last = [name[start : start + MAX_NAME] for start in range(0, len(name), MAX_NAME)]
    return folder.joinpath(*(f"@{folder}" for folder in folders), last)
