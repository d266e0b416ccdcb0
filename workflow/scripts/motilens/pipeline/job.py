"""What every step does alike: logging, errors, and ending with Snakemake."""

import contextlib
import logging
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from motilens.core.errors import InputError, MachineFault
from motilens.core.faults import can_describe, describe_fault
from motilens.core.files import is_process_alive
from motilens.core.packages import check_packages
from motilens.core.plugin_files import read_methods
from motilens.core.plugins import describe_plugin_error, is_plugin, list_plugin_files, load_plugins
from motilens.pipeline.code_digest import code_versions, plugin_versions
from motilens.pipeline.snakemake_metadata import record_finished

PARENT = os.getppid()  # who started this process; asked before slow imports
LAUNCH_VARIABLE = "MOTILENS_LAUNCH_FOLDER"  # in the environment of jobs: where the run was called
CONFIG_VARIABLE = "MOTILENS_CONFIG"  # there, too: the names of the configuration's files
RUN_VARIABLE = "MOTILENS_RUN"  # in the environment of steps: which process runs Snakemake
GRACE_SECONDS = 30  # between asking a step to end and ending it, as Slurm has it
PROGRESS_SECONDS = 60  # between two lines of a step's progress on the terminal


class TerminalHandler(logging.Handler):
    """Show warnings on the terminal (a file descriptor), and a line of progress now and then.

    `step` is the name of the step and its wildcards.
    """

    def __init__(self, descriptor: int, step: str):
        super().__init__()
        self.descriptor, self.step = descriptor, step
        self.shown_at = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Write the message, unless progress was shown a moment ago."""
        message = restore_storage_addresses(record.getMessage())
        if record.levelno >= logging.WARNING:
            self.write(f"\n{record.levelname}: {self.step}: {message}\n\n")
        elif time.monotonic() - self.shown_at >= PROGRESS_SECONDS:
            self.shown_at = time.monotonic()
            self.write(f"{self.step}: {message}\n")

    def write(self, text: str) -> None:
        """Write text at once, so that lines of several steps do not mix."""
        with contextlib.suppress(OSError):  # the terminal may be closed
            os.write(self.descriptor, text.encode())


class LogFormatter(logging.Formatter):
    """Format messages for the log of a step."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the message, with its level if it is a warning."""
        message = restore_storage_addresses(record.getMessage())
        return message if record.levelno < logging.WARNING else f"{record.levelname}: {message}"


def run_job(main: Callable, job) -> None:
    """Run a step, `main(job)`; send all output of this process and its children to the step's log.

    An InputError is also shown on the terminal, in one line and without a traceback: the user can
    correct it. So is a fault of the machine, with its traceback in the log. Any other exception
    ends the process with its traceback in the log alone.
    """
    # Exit by an exception when asked to end: half files are removed, ffmpeg is stopped.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    threading.Thread(target=_exit_with_snakemake, daemon=True).start()
    terminal = TerminalHandler(os.dup(2), " ".join([job.rule, *getattr(job, "wildcards", ())]))
    try:
        log = open(str(job.log[0]), "w", buffering=1, encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        sys.exit(f"ERROR: {describe_fault(error, str(job.log[0]))}")
    with log as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.stdout.reconfigure(line_buffering=True)
        _configure_logging(terminal)
        started = time.monotonic()
        try:
            check_packages(getattr(job, "scriptdir", None))
            _load_plugins(job, _check_code(job))
            params = list(map(repr, job.params))  # as they were planned
            main(job)
            print(f"done in {time.monotonic() - started:.2f} s")
            record_finished(map(str, job.output), params)
        except InputError as error:
            name = "FAULT" if isinstance(error, MachineFault) else "ERROR"
            _exit_with_error(terminal, error, name)
        except Exception as error:
            if not can_describe(error):
                if not (text := describe_plugin_error(error)):
                    raise
                traceback.print_exc()
                _exit_with_error(terminal, f"{text} (the traceback is in {job.log[0]})")
            with contextlib.suppress(OSError):  # the disk of the log may be full, too
                traceback.print_exc()
            # h5py crashes when Python ends if it could not write its last bytes: skip that end.
            message = describe_fault(error, str(job.output[0]))
            _exit_with_error(terminal, message, "FAULT", os._exit)


def _configure_logging(terminal: TerminalHandler) -> None:
    """Send the messages of our own modules to the log, and what matters to the terminal."""
    log = logging.StreamHandler(sys.stdout)
    log.setFormatter(LogFormatter())
    logger = logging.getLogger("motilens")
    logger.handlers, logger.propagate = [log, terminal], False
    logger.setLevel(logging.INFO)


def _exit_with_error(
    terminal: TerminalHandler,
    error: InputError | str,
    name: str = "ERROR",
    leave: Callable[[int], None] = sys.exit,
) -> None:
    """Show an error on the terminal, and by its name in the log: a fault is not the video's."""
    message = restore_storage_addresses(str(error))
    terminal.write(f"\nERROR: {message}\n\n")
    with contextlib.suppress(OSError):
        os.write(2, f"\n{name}: {message}\n\n".encode())
    leave(1)


def _exit_with_snakemake() -> None:
    """End this step if Snakemake is killed: the next run may already be writing the same files.

    A training has time to save its checkpoint.
    """
    while os.getppid() == PARENT and is_process_alive(os.environ.get(RUN_VARIABLE)):
        time.sleep(0.2)
    # To the main thread itself, which may be asleep.
    signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _check_code(job) -> list[str]:
    """Check that what runs is what Snakemake will record: it read the code when the run began.

    Returns:
        The files of plugins that are part of it.

    Raises:
        InputError: the code has been edited since.
    """
    planned = getattr(job.params, "depends_on", {}).get("code", {})
    scripts = Path(__file__).parents[2]
    script, requirements = scripts / f"{job.rule}.py", scripts.parents[1] / "requirements.in"
    versions = code_versions(script, requirements) if planned else {}
    if plugins := list_plugin_files(planned):
        folder = Path(job.config["plugins"])
        versions |= plugin_versions(folder, plugins, scripts, requirements)
    if versions != planned:
        raise InputError(f"the code of {job.rule} was edited during the run: run again")
    return plugins


def _load_plugins(job, names: list[str]) -> None:
    """Import files of plugins; raise an InputError if one does not register what it seems to."""
    if not names:
        return
    folder = Path(job.config["plugins"])
    load_plugins(folder, names)
    for path in [folder / name for name in names]:
        for method, line in read_methods(path):
            if not is_plugin(*method):
                raise InputError(
                    f"{path}, line {line}: {' '.join(method)} is not registered when the file is "
                    "imported: write @register(...) above a class or function"
                )


def restore_storage_addresses(message: str) -> str:
    """Replace paths of fetched copies by their addresses in the object store."""
    return re.sub(r"\.snakemake/storage/(\w+)/", r"\1://", message)
