"""Records: JSON files that say how an output was made."""

import hashlib
import importlib.metadata
import json
import platform
import site
from pathlib import Path

from motilens.core.errors import InputError
from motilens.core.files import atomic_write

CHECKSUM = "record_sha256"  # of the rest of a record
LIBRARIES = (
    "numpy", "scipy", "h5py", "pandas", "torch", "torchvision", "imageio-ffmpeg", "scikit-learn",
    "trackpy",
)  # fmt: skip


class Record(dict):
    """A record, plain JSON values, that names its file when a key is missing."""

    def __init__(self, values: dict, path: str):
        super().__init__(values)
        self.path = path

    def __missing__(self, key):
        raise InputError(f"{self.path} lacks {key!r} (edited?): delete it and run again")


def read_record(path: str) -> Record:
    """Read what `write_record` wrote.

    Raises:
        InputError: it cannot be read or was edited; also later, where a missing key is looked up.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no object")
        if content.pop(CHECKSUM, None) not in (None, short_digest(content)):
            raise ValueError("it was edited")
        return Record(content, path)
    except ValueError as error:
        raise InputError(f"{path} cannot be read ({error}): delete it and run again") from error


def write_record(path: str, record: dict) -> None:
    """Write a record as JSON, with a checksum by which `read_record` sees that it was edited."""
    if isinstance(record, dict):
        record = to_plain(record)
        record[CHECKSUM] = short_digest(record)
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def make_provenance(code_versions: dict, settings: dict) -> dict:
    """Return how an output is made (settings, code, versions), in plain JSON values."""
    return {
        "settings": settings,
        "code": code_versions,
        "motilens": motilens_version(),
        "python": platform.python_version(),
        "libraries": {name: _installed_version(name) for name in LIBRARIES},
    }


def motilens_version() -> str:
    """Return the version of Motilens; it is in no module, so a new number makes nothing stale."""
    return (Path(__file__).parents[1] / "VERSION").read_text(encoding="utf-8").strip()


def _installed_version(library: str) -> str:
    # In this environment alone: Snakemake lends scripts its own packages, behind all others.
    folders = [*site.getsitepackages(), site.getusersitepackages()]
    installed = importlib.metadata.distributions(name=library, path=folders)
    # An environment holds only what its step needs.
    return next((distribution.version for distribution in installed), "not installed")


def to_plain(values: dict) -> dict:
    """Return values as JSON would give them back, with keys sorted at every level."""
    return json.loads(json.dumps(values, sort_keys=True))


def deep_merge(settings: dict, others: dict) -> dict:
    """Return `settings` with the values of `others` in their place, section by section."""
    nested = {
        name: deep_merge(settings[name], part)
        for name, part in others.items()
        if isinstance(part, dict) and isinstance(settings.get(name), dict)
    }
    return settings | others | nested


def short_digest(values) -> str:
    """Return the first 16 hex digits of the SHA-256 of plain values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
