"""Entry point of the programs that a person calls by hand."""

import sys
from collections.abc import Callable

from motilens.core.errors import InputError
from motilens.core.faults import describe_fault, is_machine_fault
from motilens.core.packages import check_packages


def run_command_line(main: Callable[[], None]) -> None:
    """Call `main`; report what the user can correct in one line, and exit with code 1."""
    try:
        check_packages()
        main()
    except InputError as error:
        sys.exit(f"ERROR: {error}")
    except Exception as error:
        if not isinstance(error, OSError) and not is_machine_fault(error):
            raise
        sys.exit(f"ERROR: {describe_fault(error, 'this program')}")
