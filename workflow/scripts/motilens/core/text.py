"""Names, lists and errors as text for people."""

import pickle
import re
from collections.abc import Iterable

MAX_NAMES = 8  # names in a line of a message


def shorten_list(names: Iterable[str]) -> str:
    """Names for people: the first of them, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more


def natural_sorted(names: Iterable[str]) -> list[str]:
    """Names as people count, I2 before I10: their order in a configuration has no meaning."""
    return sorted(
        names, key=lambda name: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)]
    )


def describe_error(error: Exception) -> str:
    """An exception in one line, without what torch advises."""
    if isinstance(error, pickle.UnpicklingError):
        return "it does not hold tensors alone"
    return " ".join(str(error).split())[:300] or type(error).__name__


def to_printable(name) -> str:
    """A text that any file can hold: bytes that are no UTF-8 are written as escapes."""
    return str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
