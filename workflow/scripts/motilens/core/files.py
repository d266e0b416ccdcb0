"""Files that are written whole or not at all, and their digests."""

import contextlib
import glob
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

# Of a file's name in its temporary name; file systems allow 255 bytes, here with number and suffix.
MAX_START_BYTES = 200


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` only if the block succeeds."""
    path = Path(path)
    start = os.fsencode(path.name)[:MAX_START_BYTES].decode(errors="ignore")
    temporary = path.with_name(f".{start}.{os.getpid()}.part{path.suffix}")
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f".{glob.escape(start)}.*.part*"):
        pid = leftover.name.removeprefix(f".{start}.").partition(".")[0]
        if not pid.isdigit() or not is_process_alive(process_identity(int(pid))):
            leftover.unlink(missing_ok=True)  # of a killed run
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_table(path: str | Path, table, **options) -> None:
    """Write a table of pandas as CSV, without its index; options: of `to_csv`."""
    with atomic_write(path) as temporary:
        table.to_csv(temporary, index=False, **options)


def hash_file(path: str | Path) -> str:
    """Return the SHA-256 of a file's content, 64 hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def process_identity(pid: int | None = None) -> str:
    """Return text by which `is_process_alive` finds a process (None: this one) again."""
    return f"{pid or os.getpid()} {_pid_namespace()}"


def is_process_alive(identity: str | None) -> bool:
    """Return whether the process of a `process_identity` is alive.

    A process in another PID namespace cannot be checked and counts as alive.
    """
    pid, _, namespace = (identity or "").partition(" ")
    if not pid or namespace != _pid_namespace():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _pid_namespace() -> str:
    """Return where process numbers are valid; a container may have its own namespace."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
