"""Reading tables that people keep: CSV in any dialect, or Excel. All cells are read as text."""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from motilens.core.errors import InputError
from motilens.core.suggestions import ask_whether, suggest_names
from motilens.core.text import shorten_list
from motilens.dataset.excel import Sheet, format_ranges, read_excel
from motilens.dataset.issues import Issues

MIN_SHARED = 0.7  # of the cells of a column are IDs: it is that of another table
SEPARATORS = ";,\t"
EXCEL_SUFFIXES = (".xlsx", ".xlsm")
OLE, ZIP = b"\xd0\xcf\x11\xe0", b"PK\3\4"  # how files of Microsoft and archives begin


def read_table(
    path: str,
    columns: Mapping[str, Sequence[str]],
    optional: Sequence[str] = (),
    issues: Issues | None = None,
    keep_going: bool = False,
) -> list[dict[str, str]]:
    """Read the rows of a table that are not empty.

    Args:
        path: CSV (UTF-8, or UTF-16 with byte order mark; `;`, `,` or tab), .xlsx or .xlsm.
        columns: our names, each with the headers that are understood (in upper and lower case), of
            which one may be there.
        optional: those of our names that may be missing.
        issues: where to report what is not read, such as hidden rows.
        keep_going: whether to report a wrong header there, too, and to go on without its column.

    Returns:
        One dict for each row: line (int, of the file or the sheet), and text for each of our names
        whose column is there.

    Raises:
        InputError: the file cannot be read, lacks a column, or a row does not fit the header.
    """
    issues = issues or Issues()
    sheet = read_sheet(path, issues)
    rows, header = sheet.rows, sheet.rows[0][1]
    places, error = _find_columns(sheet, header, columns, optional)
    if error and not keep_going:
        raise InputError(error)
    if error:
        issues.errors.append(error)
    used = {(line, place) for line, _ in rows for place in places.values()}
    if struck := sorted({line for line, _ in sheet.struck & used}):
        issues.warnings.append(
            f"{sheet.name}: struck through, and read all the same: rows {format_ranges(struck)}: "
            "delete those that do not count"
        )
    place = places.get("participant")
    ids = [cells[place] for line, cells in rows if (line, place) in sheet.decimals]
    if repeated := sorted({cell for cell in ids if "." in cell and ids.count(cell) > 1}):
        issues.warnings.append(
            f"{sheet.name}: IDs that are numbers for Excel have several rows: "
            f"{shorten_list(repeated)}: if 1.1 and 1.10 are two people, format the column as text "
            "and type them again"
        )
    if place is not None and (other := _find_other_order(rows, place)) is not None:
        title = header[other] or "without a header"
        raise InputError(
            f"{sheet.name}: column {other + 1} ({title}) holds the IDs of the participants in "
            "another order: two tables side by side? Bring what belongs to one ID into one row, "
            "and remove that column"
        )
    table, named = [], max(at + 1 for at, title in enumerate(header) if title)
    for line, cells in rows[1:]:
        if len(cells) < len(header) or any(cells[len(header) :]):
            raise InputError(
                f"{path}, line {line}: {len(cells)} cells under a header of {len(header)}: correct "
                "it (is the decimal mark the same as the separator?)"
            )
        if sheet.is_csv and any(cell.isdigit() for cell in cells[named:]):
            raise InputError(
                f"{path}, line {line}: a number to the right of the last name in the header: "
                "correct it (is the decimal mark the same as the separator?)"
            )
        table.append({"line": line} | {name: cells[place] for name, place in places.items()})
    return table


def _find_other_order(rows: list[tuple[int, list[str]]], place: int) -> int | None:
    """Return the column of IDs of a second table beside the first; None without one."""
    (_, header), *_ = rows
    cells = [row for _, row in rows[1:]]
    ids = [row[place] for row in cells if row[place:] and row[place]]
    for other in range(len(header)):
        values = [row[other] for row in cells if row[other:] and row[other]]
        # Numbers from 1 on are folds, stacks or a running number as well, unless named as IDs are.
        is_beside = other > place + 1 and not any(
            "".join(row[other - 1 : other]) for _, row in rows
        )
        is_named = fold_header(header[other]).startswith(fold_header(header[place]))
        if not (is_named or is_beside) and all(map(str.isdecimal, ids)):
            continue
        is_list = len(set(ids)) > 1 and len(set(values)) == len(values) and values != ids
        if is_list and len(set(ids) & set(values)) > MIN_SHARED * len(values):
            return other
    return None


def read_sheet(path: str, issues: Issues) -> Sheet:
    """Read the rows of a table that are not empty, with the header; see `read_table`.

    Raises:
        InputError: the file cannot be read, or has no row.
    """
    # pandas' own readers shift columns silently where a row is longer than the header, and guess
    # that initials such as NA are empty.
    is_excel, data = Path(path).suffix.lower() in EXCEL_SUFFIXES, _read_bytes(path)
    if data.startswith(OLE):
        raise InputError(
            f"{path}: is protected by a password, or an old .xls: save it as .xlsx without a "
            "password, or as `CSV UTF-8`"
        )
    if data.startswith(ZIP) and not is_excel:
        raise InputError(
            f"{path}: is a file of Excel or OpenDocument: rename it .xlsx if Excel saved it, else "
            "save it as `CSV UTF-8`"
        )
    sheet = read_excel(path, data) if is_excel else Sheet(path, _read_csv(path, data), is_csv=True)
    rows = [(line, [cell.strip() for cell in cells]) for line, cells in sheet.rows]
    sheet.rows = [(line, cells) for line, cells in rows if any(cells)]
    issues.notes += sheet.notes
    issues.warnings += sheet.warnings
    if not sheet.rows:
        raise InputError(f"{sheet.name}: cannot be read as a table: it is empty")
    return sheet


def _find_columns(
    sheet: Sheet, header: list[str], columns: Mapping[str, Sequence[str]], optional: Sequence[str]
) -> tuple[dict[str, int], str | None]:
    """Return the place in the header of each of our names, and what is wrong with the header."""
    titles, hidden = [fold_header(name) for name in header], sheet.hidden_columns
    wanted = {name: [*map(fold_header, accepted)] for name, accepted in columns.items()}
    known = set().union(*wanted.values())
    free = [name for name, title in zip(header, titles, strict=True) if title not in known]
    places, problems = {}, []
    for name, accepted in columns.items():
        matches = [place for place, title in enumerate(titles) if title in wanted[name]]
        if len(matches) == 1:
            places[name] = matches[0]
            if cut := [t for t in free if fold_header(t).startswith(f"{titles[matches[0]]} #")]:
                problems.append(
                    f"{header[matches[0]]!r} or {cut[0]!r}? In YAML, # begins a comment: write "
                    f"{cut[0]!r} in quotes, or rename one"
                )
        elif matches:
            doubled = " and ".join(repr(header[place]) for place in matches)
            problems.append(f"{doubled} both mean {name!r}: keep one, or say which")
        elif name not in optional:
            hint = ask_whether(near for title in accepted for near in suggest_names(title, free))
            if letters := [a for a, title in hidden.items() if fold_header(title) in wanted[name]]:
                hint = f" (it is in the hidden column {letters[0]}: unhide it)"
            problems.append(f"missing {' or '.join(map(repr, accepted))}{hint}")
    shared = [name for name in places if list(places.values()).count(places[name]) > 1]
    if shared:
        problems.append(f"one column is to be {' and '.join(map(repr, shared))}")
    if problems and len(header) == 1 and sheet.is_csv:
        problems = ["the separator must be a semicolon, a comma or a tab"]
    if not problems:
        return places, None
    return places, (
        f"{sheet.name}: its columns cannot be used: {'; '.join(problems)}; found "
        f"{', '.join(map(repr, filter(None, header)))}: rename them, or give their names in "
        "dataset.columns (the first line must be the header)"
    )


def fold_header(title: str) -> str:
    """Return a header in the form in which headers are compared."""
    visible = "".join(char for char in title if unicodedata.category(char) != "Cf")
    return " ".join(visible.split()).casefold()


def _read_csv(path: str, data: bytes) -> list[tuple[int, list[str]]]:
    text = _decode(path, data).replace("\r\n", "\n").replace("\r", "\n")
    separator, line = _find_separator(text), 1
    if named := re.match('\n*"?sep=(.)"?(\\1|[;,\t])*\n', text, re.IGNORECASE):  # Excel writes this
        separator, line = named[1], 1 + named[0].count("\n")
        text = text[named.end() :]
    reader, skipped = csv.reader(io.StringIO(text), delimiter=separator, strict=True), line - 1
    rows = []
    try:
        for row in reader:
            if any("\n" in cell for cell in row):
                raise csv.Error("a quotation mark opens a cell that goes on in the next line")
            rows.append((line, row))
            line = reader.line_num + skipped + 1
        return rows
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: cannot be read as CSV ({error}): correct it"
        ) from error


def _find_separator(text: str) -> str:
    """Return what separates cells: as often in every line if possible, else in the header."""
    lines = [line for line in re.sub('"[^"]*"', "", text).split("\n") if line.strip()] or [""]
    counts = {separator: [line.count(separator) for line in lines] for separator in SEPARATORS}
    # A comma in the header may be a part of a name, in other lines the decimal mark.
    return max(counts, key=lambda s: (min(counts[s]) == max(counts[s]) > 0, counts[s][0]))


def _decode(path: str, data: bytes) -> str:
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig").lstrip("\ufeff")
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
