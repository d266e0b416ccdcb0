"""Snakemake's metadata of finished jobs, kept with the results as well.

Snakemake compares params with what it notes in `.snakemake`, beside the results and easily lost:
without it, it takes whatever lies there for up to date. A copy within the results goes wherever
they go, so that a fresh clone beside old results knows how they were made.

Paths are relative to the folder of the run, where Snakemake's own are.
"""

import base64
import json
import os
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

SNAKEMAKE = Path(".snakemake/metadata")  # a file an output, named by its path in base 64
LONGEST = 254  # a longer name is cut into folders, each with an @ before it
# Where steps leave records, in the order of the pipeline; other folders may hold the user's own.
RECORDED = ("frames", "autoencoders", "regressors", "baselines", "ensembles", "tables", "bundles")
UNFINISHED = "made by a run that was killed"


def sync_metadata(results: str, alone: bool = True) -> None:
    """Of each output in `results`, keep the newer metadata, here and there.

    Args:
        alone: no other run is going on here. Otherwise only what is missing here is brought, and
            no doubts: another run may be about to settle them.
    """
    if not Path(results).is_dir():
        return
    known, mark = map(_read, _marks(results))
    # If others lay in this folder before, what came with these knows how they were made.
    others = alone and mark and known != mark
    for path in {*_noted(results), *_kept(results)}:
        here, there = SNAKEMAKE / _name(f"{results}/{path}"), _copy(results, path)
        noted, copied = _read(here), _read(there)
        if others and noted:
            here.unlink()
            noted = ""
        ended, output = _ended(copied), Path(results, path)
        if ended < 0 and (others or there.exists()) and output.exists():  # unknown, or damaged
            ended = output.stat().st_mtime
            copied = _record([{UNFINISHED: True}], ended)
        if noted and _ended(noted) >= ended:
            if (text := _renamed(noted, results, "<results>")) != copied:
                _write(there, text)
        elif copied and (alone or not noted and UNFINISHED not in copied):
            _write(here, _renamed(copied, "<results>", results))
    if others:
        _write(_marks(results)[0], mark)
    # Where this folder is missing, Snakemake takes its metadata for some of an old version.
    (SNAKEMAKE.parent / "incomplete").mkdir(parents=True, exist_ok=True)


def find_untracked_records(results: str) -> list[str]:
    """After `sync`: records of models, clips and tables of which no note says how they were made.

    So it is where results were copied without their hidden folder, or by a copy that broke off.
    Snakemake would take what lies there for up to date, whatever the configuration.
    """
    there = (Path(kind) / path for kind in RECORDED for path in _files(Path(results, kind)))
    records = sorted(path.as_posix() for path in there if path.suffix == ".json")
    return [record for record in records if not _copy(results, record).exists()]


def mark_run(results: str) -> None:
    """A run begins: mark the results, so that an older copy in their place will be noticed.

    Snakemake takes outputs that are older than their inputs for a mistake, and removes them: so no
    file may come from the future, as those do that another clock has written.
    """
    mark = secrets.token_hex(8)
    for path in _marks(results):
        _write(path, mark)
    now = time.time()
    for parent, _, names in os.walk(results):
        for name in names:
            path = Path(parent, name)
            if path.lstat().st_mtime > now:
                os.utime(path, (now, now), follow_symlinks=False)


def mark_incomplete(results: str, outputs: Iterable[str]) -> None:
    """Replace what is kept of `outputs`: they are being made anew.

    Should the step be killed, no clone will take them for what was there before. Where the run
    took place, Snakemake's own metadata are newer.
    """
    for output in outputs:
        there = _copy(results, output.removeprefix(f"{results}/"))
        _write(there, "")
        # The file system's own time: it is compared with the outputs' times.
        _write(there, _record([{UNFINISHED: True}], there.stat().st_mtime))


def mark_complete(results: str, outputs: Iterable[str], params: Iterable) -> None:
    """Note of `outputs` that they are whole and what they were made with, as Snakemake would.

    A job of a cluster may outlive the Snakemake that waits for it, and then nobody else does.
    """
    params = list(params)
    for output in outputs:
        there = _copy(results, output.removeprefix(f"{results}/"))
        _write(there, _record(params, os.stat(output).st_mtime))


def _record(params: Iterable, ended: float) -> str:
    """What Snakemake would note of an output, as far as we ask for it."""
    noted = sorted(map(repr, params))
    return json.dumps({"record_format_version": 6, "params": noted, "endtime": ended})


def _marks(results: str) -> tuple[Path, Path]:
    """Where is noted which results these are: beside Snakemake's metadata, and with the results."""
    return SNAKEMAKE.parent / "results" / _name(results), Path(results) / ".metadata" / ".mark"


def _noted(results: str) -> Iterator[str]:
    for name in _files(SNAKEMAKE):
        # A long name is cut into folders.
        coded = "".join(part.lstrip("@") for part in name.parts)
        try:
            output = base64.urlsafe_b64decode(coded).decode()
        except ValueError:
            continue  # not Snakemake's
        if output.startswith(f"{results}/"):
            yield output.removeprefix(f"{results}/")


def _kept(results: str) -> Iterator[str]:
    for name in _files(Path(results) / ".metadata"):
        yield name.as_posix().removesuffix(".json")


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name).relative_to(folder) for name in names if name[0] != ".")


def _name(output: str) -> Path:
    coded = base64.urlsafe_b64encode(output.encode()).decode()
    *parts, last = [coded[start : start + LONGEST] for start in range(0, len(coded), LONGEST)]
    return Path(*(f"@{part}" for part in parts), last)


def _copy(results: str, path: str) -> Path:
    return Path(results) / ".metadata" / f"{path}.json"


def _renamed(text: str, old: str, new: str) -> str:
    """With the paths in it, as JSON writes them, in another folder of results."""
    return text.replace(json.dumps(f"{old}/")[:-1], json.dumps(f"{new}/")[:-1])


def _ended(text: str) -> float:
    try:
        return json.loads(text).get("endtime") or 0.0
    except ValueError:
        return -1.0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    number, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    with open(number, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)
