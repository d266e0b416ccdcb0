"""A table as its file shows it: text in rows, and what its reader should know."""

from dataclasses import dataclass, field


@dataclass
class Sheet:
    """The rows of a table that are not empty.

    Args:
        name: the file, and the sheet if the file has several.
        rows: (line, cells) from the header on, all of the header's length in Excel.
        hidden_lines: of rows that hold something and are not read.
        hidden_columns: headers of columns that are not read, by their letters.
        struck, decimals: (line, index) of cells struck through, and of numbers such as 1.1.
        notes, warnings: lines about what is read.
        is_csv: whether it is a text file.
    """

    name: str
    rows: list[tuple[int, list[str]]]
    hidden_lines: list[int] = field(default_factory=list)
    hidden_columns: dict[str, str] = field(default_factory=dict)
    struck: set[tuple[int, int]] = field(default_factory=set)
    decimals: set[tuple[int, int]] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    is_csv: bool = False
