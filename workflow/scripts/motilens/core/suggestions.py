"""Names that somebody may have meant."""

import difflib
import re
from collections.abc import Iterable

CUTOFF = 0.6  # as in difflib


def suggest_names(wanted: str, names: Iterable[str]) -> list[str]:
    """Return the names that are most like another: all that are equally alike, or none.

    None has other digits: they tell patients and columns apart, and 8 is no misspelled 4.
    """
    digits = re.findall(r"\d+", wanted)
    alike = {
        name: difflib.SequenceMatcher(None, name.casefold(), wanted.casefold()).ratio()
        for name in names
        if re.findall(r"\d+", name) == digits
    }
    best = max(alike.values(), default=0)
    return [name for name, ratio in alike.items() if ratio == best >= CUTOFF]


def ask_whether(names: Iterable[str]) -> str:
    """Return a question that ends an error, ` (is it 'a' or 'b'?)`; nothing without names."""
    question = " or ".join(map(repr, dict.fromkeys(names)))
    return f" (is it {question}?)" if question else ""
