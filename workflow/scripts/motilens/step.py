"""What every step of the pipeline does alike: log, report errors, write whole files, say how."""

import contextlib
import errno
import glob
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import signal
import site
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from motilens import PARENT, InputError, code, metadata, runs

# Not in a module: a new number alone makes nothing stale.
VERSION = Path(__file__).with_name("VERSION")
LIBRARIES = (
    "numpy", "scipy", "h5py", "pandas", "torch", "torchvision", "imageio-ffmpeg", "scikit-learn",
    "trackpy",
)  # fmt: skip


GRACE = 30  # seconds between asking a step to end and ending it, as Slurm has it

PATIENCE = 60  # seconds between two lines of a step's progress on the terminal

_terminal = 2  # where a person may be looking while all output goes to the log
_doing = ""  # which step this is, for people
_told = 0.0  # when the terminal last heard of it


def warn(message: str) -> None:
    """Say in the log and on the terminal what a person should know though the step goes on."""
    tell(f"WARNING: {message}")


def note(message: str) -> None:
    """Say it in the log; on the terminal too if it is a warning, or nothing was said for long."""
    global _told
    if message.startswith("WARNING: "):
        tell(message.replace("WARNING: ", f"WARNING: {_doing}: ", 1))
        return
    print(message)
    if time.monotonic() - _told >= PATIENCE:
        _told = time.monotonic()
        _write(f"{_doing}: {message}\n")


def tell(message: str) -> None:
    """Say it in the log and on the terminal."""
    message = as_known(message)
    print(message)
    _write(f"\n{message}\n\n")


def _write(text: str) -> None:
    with contextlib.suppress(OSError):  # whoever was looking may be gone
        os.write(_terminal, text.encode())


def as_known(message: str) -> str:
    """With the addresses of files in an object store: users do not know of the fetched copies."""
    return re.sub(r"\.snakemake/storage/(\w+)/", r"\1://", message)


def terminal() -> TextIO:
    """Where a person may be looking while all output goes to the log."""
    return open(os.dup(_terminal), "w", encoding="utf-8")


@contextlib.contextmanager
def logged(snakemake) -> Iterator[None]:
    """Send all output of this process and its children to the step's log.

    What is kept of the step's outputs is in doubt from now on, until its end is noted.

    Args:
        snakemake: what Snakemake gives to a script; its log is <results>/logs/<rule>/..., and
            a rule is called as its script.
    An InputError also goes to the terminal, in one line and without a traceback: it is the
    user's to mend. Any other exception ends the process with its traceback in the log.
    """
    # Asked to end, leave by the front door: half files are removed, ffmpeg is stopped.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    threading.Thread(target=_end_with_run, daemon=True).start()
    log = str(snakemake.log[0])
    results, outputs = log[: log.index(f"/logs/{snakemake.rule}")], list(map(str, snakemake.output))
    metadata.doubt(results, outputs)
    global _terminal, _doing, _told
    _terminal = os.dup(2)
    _doing = " ".join([snakemake.rule, *getattr(snakemake, "wildcards", ())])
    _told = time.monotonic()
    with open(log, "w", buffering=1, encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.stdout.reconfigure(line_buffering=True)
        start = time.monotonic()
        try:
            _check_code(snakemake)
            yield
            print(f"done in {time.monotonic() - start:.2f} s")
            metadata.vouch(results, outputs, snakemake.params)
        except InputError as error:
            _end(error)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            traceback.print_exc()
            # h5py crashes at Python's end when it could not write its last bytes: no end then.
            _end(
                f"{snakemake.output[0]}: no space left on the disk: make room, run again", os._exit
            )


def _end(error: InputError | str, leave: Callable[[int], None] = sys.exit) -> None:
    message = f"\nERROR: {as_known(str(error))}\n\n".encode()
    os.write(_terminal, message)
    with contextlib.suppress(OSError):  # the disk of the log may be full, too
        os.write(2, message)
    leave(1)


def _end_with_run() -> None:
    """Do not outlive a killed Snakemake: the next run may already be making the same files.

    A training gets the time to keep its state, which harms nobody.
    """
    while os.getppid() == PARENT and runs.is_alive(os.environ.get(runs.VARIABLE)):
        time.sleep(0.2)
    # To the main thread itself, which may be asleep.
    signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)
    time.sleep(GRACE)
    os.kill(os.getpid(), signal.SIGKILL)


def _check_code(snakemake) -> None:
    """What runs is what Snakemake will note: it knows the code as it was when the run began.

    Raises:
        InputError: the code has been edited since.
    """
    planned = snakemake.params.get("code", {})
    scripts = Path(__file__).parents[1]
    script = scripts / f"{snakemake.rule}.py"
    if planned and code.versions(script, scripts.parents[1] / "requirements.in") != planned:
        raise InputError(f"the code of {snakemake.rule} was edited during the run: run again")


@contextlib.contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; it becomes `path` only if the block succeeds."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part{path.suffix}")
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.part*"):
        pid = leftover.name.removeprefix(f".{path.name}.").partition(".")[0]
        if not pid.isdigit() or not runs.is_alive(runs.identity(int(pid))):
            leftover.unlink(missing_ok=True)  # of a killed run
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sha256(path: str | Path) -> str:
    """Of a file's content, in hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def provenance(code_versions: dict, settings: dict) -> dict:
    """How an output was made: settings, code, versions. Plain JSON values."""
    return {
        "settings": settings,
        "code": code_versions,
        "motilens": VERSION.read_text(encoding="utf-8").strip(),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def write_record(path: str, record: dict) -> None:
    """Write what is known of an output as JSON."""
    with written_whole(path) as temporary:
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


def _version(library: str) -> str:
    # In this environment alone: Snakemake lends scripts its own packages, behind all others.
    own = [*site.getsitepackages(), site.getusersitepackages()]
    found = importlib.metadata.distributions(name=library, path=own)
    # An environment holds only what its step needs.
    return next((part.version for part in found), "not installed")
