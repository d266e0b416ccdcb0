"""What is found wrong with the user's data, collected so that all of it is reported at once."""

from dataclasses import dataclass, field


@dataclass
class Issues:
    """Lines for people: errors stop a run before it computes anything, warnings do not.

    Notes say what was read; `spellings` how the table of labels writes each participant's ID.
    """

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    spellings: dict[str, str] = field(default_factory=dict, compare=False)
