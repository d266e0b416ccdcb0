"""Reading tables that people keep: CSV in any dialect, or Excel. All cells come as text."""

import codecs
import csv
import difflib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from motilens import InputError

SEPARATORS = ";,\t"


def read(
    path: str, columns: Mapping[str, Sequence[str]], optional: Sequence[str] = ()
) -> list[dict[str, str]]:
    """The rows that are not empty, each with its `line` (of the file or the first sheet).

    Args:
        path: CSV (UTF-8, or UTF-16 with byte order mark; `;`, `,` or tab) or .xlsx.
        columns: our names, each with the headers that mean it; the first that is there counts.
            Upper and lower case are alike.
        optional: those of our names that may be missing.

    Returns:
        One dict a row: line (int), and text for each of our names whose column is there.

    Raises:
        InputError: the file cannot be read, lacks a column, or a row does not fit the header.
    """
    # pandas' own CSV reader shifts columns silently where a row is longer than the header.
    rows = _excel(path) if Path(path).suffix.lower() == ".xlsx" else _csv(path)
    rows = [(line, [cell.strip() for cell in cells]) for line, cells in rows]
    rows = [(line, cells) for line, cells in rows if any(cells)]
    if not rows:
        raise InputError(f"{path}: cannot be read as a table: it is empty")
    header = rows[0][1]
    places = _places(path, header, columns, optional)
    table = []
    for line, cells in rows[1:]:
        if len(cells) < len(header) or any(cells[len(header) :]):
            raise InputError(
                f"{path}, line {line}: {len(cells)} cells under a header of {len(header)}: correct "
                "it (is the decimal mark the same as the separator?)"
            )
        table.append({"line": line} | {name: cells[place] for name, place in places.items()})
    return table


def _places(path, header, columns, optional) -> dict[str, int]:
    """The place in the header of each of our names."""
    plain = [" ".join(name.split()).casefold() for name in header]
    places, problems = {}, []
    for name, accepted in columns.items():
        found = [title for title in map(str.casefold, accepted) if title in plain]
        if found and plain.count(found[0]) == 1:
            places[name] = plain.index(found[0])
        elif found:
            problems.append(f"{found[0]!r} stands more than once: keep one")
        elif name not in optional:
            problems.append(f"missing {' or '.join(map(repr, accepted))}{_meant(accepted, header)}")
    if problems and len(header) == 1:
        problems = ["the separator must be a semicolon, a comma or a tab"]
    if problems:
        raise InputError(
            f"{path}: its columns cannot be used: {'; '.join(problems)}; found "
            f"{', '.join(map(repr, header))}: rename them, or say their names in dataset.columns"
        )
    return places


def _meant(accepted: Sequence[str], header: Sequence[str]) -> str:
    close = [name for title in accepted for name in difflib.get_close_matches(title, header, 1)]
    return f" (is it {close[0]!r}?)" if close else ""


def _csv(path: str) -> list[tuple[int, list[str]]]:
    text = _text(path).replace("\r\n", "\n").replace("\r", "\n")
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(SEPARATORS, key=header.count))
    try:
        return [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise InputError(
            f"{path}, line {reader.line_num}: cannot be read as CSV ({error}): correct it"
        ) from error


def _text(path: str) -> str:
    data = _bytes(path)
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path}, line {line}: is not UTF-8 text: save it as `CSV UTF-8`, or as .xlsx"
        ) from error
    if "\0" in text:
        raise InputError(f"{path}: is no text file: save it as `CSV UTF-8`, or as .xlsx")
    return text


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file: correct its path in the config") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): correct it") from error


def _excel(path: str) -> list[tuple[int, list[str]]]:
    data = io.BytesIO(_bytes(path))
    try:
        sheet = pd.read_excel(data, header=None, dtype=object, engine="openpyxl")
    except Exception as error:  # openpyxl and zipfile have many
        raise InputError(
            f"{path}: cannot be read as Excel ({error}): save it anew as .xlsx, or as `CSV UTF-8`"
        ) from error
    rows = sheet.itertuples(index=False, name=None)
    return [(line, [_cell(value) for value in row]) for line, row in enumerate(rows, start=1)]


def _cell(value) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"  # Excel shows 15 digits of 0.1 + 0.2, and nobody means all of them
    return str(value)
