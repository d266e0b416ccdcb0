"""Entry point of the programs that a person calls by hand."""

import os
import sys
from collections.abc import Callable
from typing import NoReturn

from motilens.core.errors import InputError
from motilens.core.faults import can_describe, describe_fault, lacks_space
from motilens.core.packages import check_packages


def run_command_line(main: Callable[[], None]) -> None:
    """Call `main`; report what the user can correct in one line, and exit with code 1."""
    try:
        check_packages()
        main()
    except InputError as error:
        sys.exit(f"ERROR: {error}")
    except Exception as error:
        if not can_describe(error):
            raise
        exit_with_fault(error, sys.argv[0])


def exit_with_fault(error: Exception, place: str) -> NoReturn:
    """Report a fault (see `describe_fault`), and exit with code 1."""
    message = f"ERROR: {describe_fault(error, place)}"
    if not lacks_space(error):
        sys.exit(message)
    # h5py crashes when Python ends if it could not write its last bytes: skip that end.
    sys.stdout.flush()
    print(message, file=sys.stderr, flush=True)
    os._exit(1)
