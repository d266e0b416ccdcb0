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
DIGESTS = Path(".snakemake/digests")  # our own: of what is published, as it was made
PUBLISHED = ("tables", "figures")
MAX_NAME = 254  # a longer name is cut into folders, each with an @ before it
# Where steps leave records; other folders may hold the user's own files.
RECORDED = ("clips", "autoencoders", "regressors", "baselines", "ensembles", "tables", "bundles")


def record_finished(outputs: Iterable[str], params: Iterable[str]) -> None:
    """Record the params (`repr`) that outputs were made with, as Snakemake does in the end.

    A job on a cluster may outlive the Snakemake that waits for it, and then nobody else does.
    """
    for output in outputs:
        ended = os.stat(output).st_mtime
        with atomic_write(metadata_path(output)) as temporary:
            record = {"record_format_version": 6, "params": sorted(params), "endtime": ended}
            temporary.write_text(json.dumps(record), encoding="utf-8")
        if Path(output).parts[0] in PUBLISHED:
            with atomic_write(metadata_path(output, DIGESTS)) as temporary:
                temporary.write_text(hash_file(output), encoding="utf-8")


def find_edited_outputs(results: Path) -> list[str]:
    """Return a line for each table or figure that is not as it was made; Snakemake reruns none."""
    paths = [path for folder in PUBLISHED for path in sorted(Path(results, folder).rglob("[!.]*"))]
    names = {path: path.relative_to(results).as_posix() for path in paths}
    made = {path: results / metadata_path(name, DIGESTS) for path, name in names.items()}
    return [
        f"{path}: was edited since it was made: delete it and run again"
        for path, digest in made.items()
        if digest.is_file() and digest.read_text(encoding="utf-8") != hash_file(path)
    ]


def read_depends_on(outputs: Iterable[str]) -> dict | None:
    """Return what outputs were made with (the param of their rule); None if nothing is recorded."""
    for path in map(metadata_path, outputs):
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            params = json.loads(path.read_text(encoding="utf-8"))["params"]
            return ast.literal_eval(params[0]) if params else {}
    return None


def find_untracked_records(results: Path) -> list[str]:
    """Return the records of which Snakemake has no metadata, as after an incomplete copy.

    Snakemake would take such results for up to date, whatever the configuration. It knows of those
    of a killed run that they are incomplete.
    """
    records = (path for kind in RECORDED for path in Path(results, kind).rglob("[!.]*.json"))
    names = sorted(path.relative_to(results).as_posix() for path in records)
    marks = METADATA, INCOMPLETE
    return [n for n in names if not any((results / metadata_path(n, m)).exists() for m in marks)]


def check_results(results: Path) -> None:
    """Check that Snakemake knows how existing results were made.

    Raises:
        InputError: they were made by Motilens 0.1, or copied without Snakemake's records.
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
