"""What every step does alike: logging, errors, and ending with Snakemake."""

import contextlib
import errno
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from motilens.core.errors import InputError
from motilens.core.files import is_process_alive
from motilens.pipeline.code_digest import code_versions
from motilens.pipeline.run_locks import RUN_VARIABLE
from motilens.pipeline.snakemake_metadata import mark_complete, mark_incomplete

PARENT = os.getppid()  # who started this process; asked before slow imports
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
    message = restore_storage_addresses(message)
    print(message)
    _write(f"\n{message}\n\n")


def _write(text: str) -> None:
    with contextlib.suppress(OSError):  # whoever was looking may be gone
        os.write(_terminal, text.encode())


def restore_storage_addresses(message: str) -> str:
    """With the addresses of files in an object store: users do not know of the fetched copies."""
    return re.sub(r"\.snakemake/storage/(\w+)/", r"\1://", message)


def open_terminal() -> TextIO:
    """Where a person may be looking while all output goes to the log."""
    return open(os.dup(_terminal), "w", encoding="utf-8")


@contextlib.contextmanager
def run_job(snakemake) -> Iterator[None]:
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
    threading.Thread(target=_exit_with_snakemake, daemon=True).start()
    log = str(snakemake.log[0])
    results, outputs = log[: log.index(f"/logs/{snakemake.rule}")], list(map(str, snakemake.output))
    mark_incomplete(results, outputs)
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
            mark_complete(results, outputs, snakemake.params)
        except InputError as error:
            _exit_with_error(error)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            traceback.print_exc()
            # h5py crashes at Python's end when it could not write its last bytes: no end then.
            _exit_with_error(
                f"{snakemake.output[0]}: no space left on the disk: make room, run again", os._exit
            )


def _exit_with_error(error: InputError | str, leave: Callable[[int], None] = sys.exit) -> None:
    message = f"\nERROR: {restore_storage_addresses(str(error))}\n\n".encode()
    os.write(_terminal, message)
    with contextlib.suppress(OSError):  # the disk of the log may be full, too
        os.write(2, message)
    leave(1)


def _exit_with_snakemake() -> None:
    """Do not outlive a killed Snakemake: the next run may already be making the same files.

    A training gets the time to keep its state, which harms nobody.
    """
    while os.getppid() == PARENT and is_process_alive(os.environ.get(RUN_VARIABLE)):
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
    scripts = Path(__file__).parents[2]
    script = scripts / f"{snakemake.rule}.py"
    if planned and code_versions(script, scripts.parents[1] / "requirements.in") != planned:
        raise InputError(f"the code of {snakemake.rule} was edited during the run: run again")
