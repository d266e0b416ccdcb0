"""Entry point of the programs that a person calls by hand."""

import sys
from collections.abc import Callable

from motilens.core.errors import InputError


def run_command_line(main: Callable[[], None]) -> None:
    """Call `main`; report what the user can correct in one line, and exit with code 1."""
    try:
        main()
    except InputError as error:
        sys.exit(f"ERROR: {error}")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.exit(f"ERROR: {place}{error.strerror}")
