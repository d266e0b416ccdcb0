"""Entry point of the programs that a person calls by hand."""

import argparse
import contextlib
import math
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from motilens.core.errors import InputError
from motilens.core.faults import can_describe, describe_fault, is_machine_fault, lacks_space
from motilens.core.packages import check_packages
from motilens.core.plugins import describe_plugin_error


def run_command_line(main: Callable[[], None]) -> None:
    """Call `main`; report what the user can correct in one line, and exit with code 1."""
    try:
        check_packages()
        main()
    except InputError as error:
        sys.exit(f"ERROR: {error}")
    except Exception as error:
        if can_describe(error):
            exit_with_fault(error, sys.argv[0])
        if text := describe_plugin_error(error):
            sys.exit(f"ERROR: {text}")
        raise


def exit_with_fault(error: Exception, place: str) -> NoReturn:
    """Report a fault (see `describe_fault`), and exit with code 1."""
    message = f"ERROR: {describe_fault(error, place)}"
    if not lacks_space(error):
        sys.exit(message)
    # h5py crashes when Python ends if it could not write its last bytes: skip that end.
    sys.stdout.flush()
    print(message, file=sys.stderr, flush=True)
    os._exit(1)


@contextlib.contextmanager
def report_stop(describe_progress: Callable[[], str], out: Path, remedy: str) -> Iterator[None]:
    """Say what is done if the user or a fault stops the block.

    Args:
        describe_progress: returns what is done, in a few words.
        out: the folder that is written to.
        remedy: how to go on after a fault.

    Raises:
        SystemExit: the user stops it (Ctrl-C or SIGTERM), or the machine is at fault.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(f"Stopped: {describe_progress()}")
    except Exception as error:
        print(f"Stopped: {describe_progress()}; {remedy}", file=sys.stderr)
        if is_machine_fault(error):
            exit_with_fault(error, str(out))
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def parse_options(
    parser: argparse.ArgumentParser, arguments: Sequence[str] | None
) -> argparse.Namespace:
    """Parse arguments, None: those of the call; a file whose name begins with a dash is a file."""
    arguments = sys.argv[1:] if arguments is None else arguments
    return parser.parse_args([spell_path(argument) for argument in arguments])


def spell_path(argument: str) -> str:
    """Return the path of a file whose name begins with a dash as no option begins."""
    is_path = argument.startswith("-") and Path(argument).exists()
    return f"./{argument}" if is_path else argument


def output_path(text: str) -> Path:
    """Return a path to write to, for argparse; not a file, or what a shell should replace."""
    if re.match(r"~|.*\$[A-Za-z_(]", text):
        raise argparse.ArgumentTypeError(f"{text}: ~ and $ are not replaced: write the path out")
    if Path(text).is_file():
        raise argparse.ArgumentTypeError(f"{text} is a file: name a folder")
    return Path(text)


def positive_number(text: str) -> float:
    """Return a number above 0, for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no number above 0")
    return number


def whole_number(text: str) -> int:
    """Return a whole number, 0 or more, for argparse."""
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 0 to 999999999")
    return int(text)
