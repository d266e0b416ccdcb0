"""Snakemake's records of finished jobs, kept with the results as well.

Snakemake compares params with records in `.snakemake`, beside the results and easily lost:
without them it takes whatever lies there for up to date. A copy within the results goes
wherever they go, so that a fresh clone beside old results knows how they were made.
"""

import base64
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

SNAKEMAKE = Path(".snakemake/metadata")  # a file an output, named by its path in base 64


def keep(results: str) -> None:
    """Copy Snakemake's records of files in `results` there."""
    for name in _records(SNAKEMAKE):
        if _target(name).startswith(f"{results}/"):
            _copy_newer(SNAKEMAKE / name, Path(results) / ".records" / name)


def bring_back(results: str) -> None:
    """Give Snakemake those records that it lacks, or has in an older state."""
    kept = Path(results) / ".records"
    for name in _records(kept):
        _copy_newer(kept / name, SNAKEMAKE / name)
    # Where this folder is missing, Snakemake takes the records for some of an old version.
    (SNAKEMAKE.parent / "incomplete").mkdir(parents=True, exist_ok=True)


def _records(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name).relative_to(folder) for name in names if name[0] != ".")


def _target(name: Path) -> str:
    # A long name is cut into folders, each with an @ before it.
    return base64.urlsafe_b64decode("".join(part.lstrip("@") for part in name.parts)).decode()


def _copy_newer(source: Path, target: Path) -> None:
    if _ended(source) > _ended(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name[:200]}.{os.getpid()}")
        shutil.copyfile(source, temporary)
        os.replace(temporary, target)


def _ended(record: Path) -> float:
    try:
        return json.loads(record.read_text(encoding="utf-8")).get("endtime") or 0.0
    except (FileNotFoundError, ValueError):
        return -1.0
