"""Snakemake's records of finished jobs, kept with the results as well.

Snakemake compares params with records in `.snakemake`, beside the results and easily lost:
without them it takes whatever lies there for up to date. A copy within the results goes
wherever they go, so that a fresh clone beside old results knows how they were made.
"""

import base64
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

SNAKEMAKE = Path(".snakemake/metadata")  # a file an output, named by its path in base 64
LONGEST = 254  # a longer name is cut into folders, each with an @ before it
UNFINISHED = "made by a run that was killed"


def keep(results: str) -> None:
    """Copy Snakemake's records of files in `results` there."""
    for name in _records(SNAKEMAKE):
        here, there = SNAKEMAKE / name, _kept(results) / name
        if _output(name).startswith(f"{results}/") and _ended(here) >= _ended(there):
            _write(there, here.read_text(encoding="utf-8"))


def bring_back(results: str) -> None:
    """Give Snakemake those records that it lacks, or has in an older state."""
    for name in _records(_kept(results)):
        there, here = _kept(results) / name, SNAKEMAKE / name
        if _ended(there) > _ended(here):
            _write(here, there.read_text(encoding="utf-8"))
    # Where this folder is missing, Snakemake takes the records for some of an old version.
    (SNAKEMAKE.parent / "incomplete").mkdir(parents=True, exist_ok=True)


def doubt(results: Path, outputs: Iterable[str]) -> None:
    """Replace what is kept of `outputs`: they are being made anew.

    Should the run be killed, no clone will take them for what was there before. A run that
    goes on from here has records of its own, which are newer.
    """
    for output in outputs:
        record = _kept(results) / _name(str(output))
        _write(record, "")
        # The file system's own time: it is compared with the outputs' times.
        ended = record.stat().st_mtime
        params = [repr({UNFINISHED: True})]
        _write(record, json.dumps({"record_format_version": 6, "params": params, "endtime": ended}))


def _kept(results: str | Path) -> Path:
    return Path(results) / ".records"


def _records(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name).relative_to(folder) for name in names if name[0] != ".")


def _name(output: str) -> Path:
    name = base64.urlsafe_b64encode(output.encode()).decode()
    *parts, last = [name[start : start + LONGEST] for start in range(0, len(name), LONGEST)]
    return Path(*(f"@{part}" for part in parts), last)


def _output(name: Path) -> str:
    return base64.urlsafe_b64decode("".join(part.lstrip("@") for part in name.parts)).decode()


def _ended(record: Path) -> float:
    try:
        return json.loads(record.read_text(encoding="utf-8")).get("endtime") or 0.0
    except (FileNotFoundError, ValueError):
        return -1.0


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
