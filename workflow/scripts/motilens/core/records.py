"""Records: JSON files that say how an output was made."""

import hashlib
import importlib.metadata
import json
import platform
import site
from pathlib import Path

from motilens.core.errors import InputError
from motilens.core.files import atomic_write

# Not in a module: a new number alone makes nothing stale.
VERSION = Path(__file__).parents[1] / "VERSION"
LIBRARIES = (
    "numpy", "scipy", "h5py", "pandas", "torch", "torchvision", "imageio-ffmpeg", "scikit-learn",
    "trackpy",
)  # fmt: skip


def make_provenance(code_versions: dict, settings: dict) -> dict:
    """How an output was made: settings, code, versions. Plain JSON values."""
    return {
        "settings": settings,
        "code": code_versions,
        "motilens": VERSION.read_text(encoding="utf-8").strip(),
        "python": platform.python_version(),
        "libraries": {name: _installed_version(name) for name in LIBRARIES},
    }


def write_record(path: str, record: dict) -> None:
    """Write what is known of an output as JSON."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


class Record(dict):
    """What is known of an output. Of what it lacks it says in which file."""

    def __init__(self, values: dict, path: str):
        super().__init__(values)
        self.path = path

    def __missing__(self, key):
        raise InputError(f"{self.path} lacks {key!r} (edited?): delete it and run again")


def read_record(path: str) -> Record:
    """What `write_record` wrote: settings, participants, versions, digests.

    Raises:
        InputError: it cannot be read; also later, by whatever looks for a key that is not there.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no object")
        return Record(content, path)
    except ValueError as error:
        raise InputError(f"{path} cannot be read ({error}): delete it and run again") from error


def _installed_version(library: str) -> str:
    # In this environment alone: Snakemake lends scripts its own packages, behind all others.
    own = [*site.getsitepackages(), site.getusersitepackages()]
    found = importlib.metadata.distributions(name=library, path=own)
    # An environment holds only what its step needs.
    return next((part.version for part in found), "not installed")


def to_plain(settings: dict) -> dict:
    """As JSON would give it back, keys sorted at every level."""
    return json.loads(json.dumps(settings, sort_keys=True))


def deep_merge(settings: dict, others: dict) -> dict:
    """`settings`, with `others` in place of those of the same name, section by section."""
    nested = {
        name: deep_merge(settings[name], part)
        for name, part in others.items()
        if isinstance(part, dict) and isinstance(settings.get(name), dict)
    }
    return settings | others | nested


def short_digest(values) -> str:
    """The first 16 hex digits of the SHA-256 of plain values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
