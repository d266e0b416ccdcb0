"""Reading tables that people keep: CSV in any dialect, or Excel. All cells are read as text."""

import codecs
import csv
import difflib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from motilens.core.errors import InputError
from motilens.dataset.issues import Issues

SEPARATORS = ";,\t"


def read_table(
    path: str,
    columns: Mapping[str, Sequence[str]],
    optional: Sequence[str] = (),
    issues: Issues | None = None,
) -> list[dict[str, str]]:
    """Read the rows of a table that are not empty.

    Args:
        path: CSV (UTF-8, or UTF-16 with byte order mark; `;`, `,` or tab) or .xlsx.
        columns: our names, each with the headers that are understood (in upper and lower case), of
            which one may be there.
        optional: those of our names that may be missing.
        issues: where to report a wrong header, to go on without its column; None: it is raised.

    Returns:
        One dict for each row: line (int, of the file or the first sheet), and text for each of our
        names whose column is there.

    Raises:
        InputError: the file cannot be read, lacks a column, or a row does not fit the header.
    """
    # pandas' own CSV reader shifts columns silently where a row is longer than the header.
    rows = _read_excel(path) if Path(path).suffix.lower() == ".xlsx" else _read_csv(path)
    rows = [(line, [cell.strip() for cell in cells]) for line, cells in rows]
    rows = [(line, cells) for line, cells in rows if any(cells)]
    if not rows:
        raise InputError(f"{path}: cannot be read as a table: it is empty")
    header = rows[0][1]
    places, error = _find_columns(path, header, columns, optional)
    if error and issues is None:
        raise InputError(error)
    if error:
        issues.errors.append(error)
    table = []
    for line, cells in rows[1:]:
        if len(cells) < len(header) or any(cells[len(header) :]):
            raise InputError(
                f"{path}, line {line}: {len(cells)} cells under a header of {len(header)}: correct "
                "it (is the decimal mark the same as the separator?)"
            )
        table.append({"line": line} | {name: cells[place] for name, place in places.items()})
    return table


def _find_columns(
    path: str, header: list[str], columns: Mapping[str, Sequence[str]], optional: Sequence[str]
) -> tuple[dict[str, int], str | None]:
    """Return the place in the header of each of our names, and what is wrong with the header."""
    titles = [" ".join(name.split()).casefold() for name in header]
    places, problems = {}, []
    for name, accepted in columns.items():
        wanted = [" ".join(title.split()).casefold() for title in accepted]
        matches = [place for place, title in enumerate(titles) if title in wanted]
        if len(matches) == 1:
            places[name] = matches[0]
        elif matches:
            doubled = " and ".join(repr(header[place]) for place in matches)
            problems.append(f"{doubled} both mean {name!r}: keep one, or say which")
        elif name not in optional:
            near = [n for title in accepted for n in difflib.get_close_matches(title, header, 1)]
            suggestion = f" (is it {near[0]!r}?)" if near else ""
            problems.append(f"missing {' or '.join(map(repr, accepted))}{suggestion}")
    shared = [name for name in places if list(places.values()).count(places[name]) > 1]
    if shared:
        problems.append(f"one column is to be {' and '.join(map(repr, shared))}")
    if problems and len(header) == 1:
        problems = ["the separator must be a semicolon, a comma or a tab"]
    if not problems:
        return places, None
    return places, (
        f"{path}: its columns cannot be used: {'; '.join(problems)}; found "
        f"{', '.join(map(repr, header))}: rename them, or give their names in dataset.columns "
        "(the first line must be the header)"
    )


def _read_csv(path: str) -> list[tuple[int, list[str]]]:
    text = _read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    header = text.lstrip("\n").partition("\n")[0]
    separator = max(SEPARATORS, key=header.count)
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    rows, line = [], 1
    try:
        for row in reader:
            if any("\n" in cell for cell in row):
                raise csv.Error("a quotation mark opens a cell that goes on in the next line")
            rows.append((line, row))
            line = reader.line_num + 1
        return rows
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: cannot be read as CSV ({error}): correct it"
        ) from error


def _read_text(path: str) -> str:
    data = _read_bytes(path)
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


def _read_bytes(path: str) -> bytes:
    if Path(path).exists() and not Path(path).is_file():
        raise InputError(f"{path}: is no file: correct its path in the config")
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file: correct its path in the config") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): correct it") from error


def _read_excel(path: str) -> list[tuple[int, list[str]]]:
    data = io.BytesIO(_read_bytes(path))
    try:
        sheet = pd.read_excel(data, header=None, dtype=object, engine="openpyxl")
    except Exception as error:  # openpyxl and zipfile have many
        raise InputError(
            f"{path}: cannot be read as Excel ({error}): save it again as .xlsx, or as `CSV UTF-8`"
        ) from error
    rows = sheet.itertuples(index=False, name=None)
    return [(line, [_cell_text(value) for value in row]) for line, row in enumerate(rows, start=1)]


def _cell_text(value) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"  # Excel shows 15 digits of 0.1 + 0.2, which nobody typed
    return str(value)
