"""Names, lists and errors as text for people."""

import pickle
import re
from collections.abc import Iterable

MAX_NAMES = 8  # in a line of a message
# Characters such as line breaks, and what turns the direction of what follows.
CONTROL = r"[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"


def shorten_list(names: Iterable[str]) -> str:
    """Join names by commas; of a long list, the first ones and how many more there are."""
    names = list(names)
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more


def natural_sorted(names: Iterable[str]) -> list[str]:
    """Sort names as people count: I2 before I10."""
    return sorted(
        names, key=lambda name: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)]
    )


def describe_error(error: Exception) -> str:
    """Return an exception in one line, without the advice that torch adds."""
    if isinstance(error, pickle.UnpicklingError):
        return "it does not hold tensors alone"
    return " ".join(str(error).split())[:300] or type(error).__name__


def to_printable(name) -> str:
    """Return a line that any file can hold: line breaks and bytes that are no UTF-8 are escaped."""
    text = str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return re.sub(CONTROL, lambda match: ascii(match[0])[1:-1], text)


def format_duration(seconds: float) -> str:
    """Return a duration as `1 h 05 min` or `12 s`."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes else f"{seconds:.0f} s"
