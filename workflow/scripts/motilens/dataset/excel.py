"""Reading Excel as its user sees it: the first visible sheet, without hidden rows and columns.

A cell that holds something else than it shows becomes a text that says so, which is neither an ID
nor a number: whoever needs the cell reports it, and nobody else has to.
"""

import io
import re
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from itertools import count, groupby

import openpyxl
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.utils import get_column_letter
from openpyxl.utils.escape import unescape

from motilens.core.errors import InputError
from motilens.core.text import shorten_list
from motilens.dataset.excel_formats import AS_TEXT, format_number, format_text

MIN_HEIGHT, MIN_WIDTH = 4, 0.6  # points, characters: of less, nothing can be read


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


def read_excel(path: str, data: bytes) -> Sheet:
    """Read the first visible sheet that is not empty.

    Raises:
        InputError: `data`, the content of the file, is no workbook, or nothing in it is visible.
    """
    try:
        book, results = _load_book(data, rich_text=True), _load_book(data, data_only=True)
        is_computed = _is_computed(data)
    except Exception as error:  # openpyxl and zipfile have many
        raise InputError(
            f"{path}: cannot be read as Excel ({error}): save it again as .xlsx, or as `CSV UTF-8`"
        ) from error
    # Not iter_rows: a format in the last cell of a sheet would make 17 billion of them.
    filled = {
        sheet.title: {at: cell for at, cell in sheet._cells.items() if cell.value is not None}
        for sheet in book.worksheets
    }
    visible = [s for s in book.worksheets if s.sheet_state == "visible" and filled[s.title]]
    if not visible:
        raise InputError(
            f"{path}: no visible sheet holds anything that can be read: unhide the one that "
            "counts, or save the file again as `Excel Workbook (.xlsx)`"
        )
    title = visible[0].title
    hides_zeros = visible[0].sheet_view.showZeros is False
    texts = {
        at: _cell_text(cell, results[title][cell.coordinate], is_computed)
        for at, cell in filled[title].items()
        if not (hides_zeros and results[title][cell.coordinate].value == 0)
    }
    found = _read_visible_cells(visible[0], {at: text for at, text in texts.items() if text})
    found.name = path
    if len(book.sheetnames) > 1:
        found.name = f"{path}, sheet {title!r}"
        passed = [_describe_sheet(book[n], visible) for n in book.sheetnames if n != title]
        line = f"{path}: the sheet {title!r} is read, not {shorten_list(passed)}"
        if any(_is_table(filled[sheet.title]) for sheet in visible[1:]):
            found.warnings.append(f"{line}: move the sheet that counts to the front")
        else:
            found.notes.append(line)
    if hidden := _describe_hidden(found):
        found.warnings.append(
            f"{found.name}: hidden and not read: {hidden}: unhide what counts (a filter hides "
            "rows, too), and delete the rest"
        )
    return found


def _load_book(data: bytes, **options) -> openpyxl.Workbook:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what is in no cell
        return openpyxl.load_workbook(io.BytesIO(data), **options)


def _is_computed(data: bytes) -> bool:
    """Return whether formulas have their results: some programs write 0 and leave it to Excel."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [name for name in archive.namelist() if name.endswith("workbook.xml")]
        marks = [re.search(b'fullCalcOnLoad="(1|true)"', archive.read(part)) for part in parts]
    return not any(marks)


def _describe_sheet(sheet, visible: Container) -> str:
    if sheet in visible:
        return repr(sheet.title)
    return f"{sheet.title!r} ({'no cells' if sheet.sheet_state == 'visible' else 'hidden'})"


def _is_table(cells: Iterable[tuple[int, int]]) -> bool:
    return all(len(set(numbers)) > 1 for numbers in zip(*cells, strict=True))


def _read_visible_cells(sheet, texts: dict[tuple[int, int], str]) -> Sheet:
    """Return the rows of a sheet; `texts` are those of its cells by line and column."""
    lines, columns = ({at[axis] for at in texts} for axis in (0, 1))
    hidden_lines = {n for n in lines if _is_hidden_line(sheet, n)}
    hidden_columns = {n for n in columns if _is_hidden_column(sheet, n)}
    rows = defaultdict(dict)
    for (line, column), text in sorted(texts.items()):
        if line not in hidden_lines and column not in hidden_columns:
            rows[line][column] = text
    header = min(rows, default=0)
    # What is to the right of the header is no part of the table.
    shown = [n for n in range(1, max(rows[header], default=0) + 1) if n not in hidden_columns]
    for area in sheet.merged_cells.ranges:
        if (area.min_row, area.min_col) in texts:
            _fill_covered_cells(rows, area, shown)
    cells = {
        (line, index): sheet.cell(line, n)
        for line in rows
        for index, n in enumerate(shown)
        if (line, n) in texts
    }
    return Sheet(
        "",
        [(line, [row.get(n, "") for n in shown]) for line, row in rows.items()],
        sorted(hidden_lines),
        {get_column_letter(n): texts.get((header, n), "") for n in sorted(hidden_columns)},
        struck={at for at, cell in cells.items() if _is_struck(cell)},
        decimals={at for at, cell in cells.items() if isinstance(cell.value, float)},
    )


def _is_hidden_line(sheet, line: int) -> bool:
    height, usual = None, sheet.sheet_format.defaultRowHeight
    if line in sheet.row_dimensions:
        if sheet.row_dimensions[line].hidden:
            return True
        height = sheet.row_dimensions[line].height
    return (usual if height is None else height) < MIN_HEIGHT


def _is_hidden_column(sheet, column: int) -> bool:
    for group in sheet.column_dimensions.values():
        if group.min <= column <= group.max:
            return group.hidden or group.width < MIN_WIDTH
    usual = sheet.sheet_format.defaultColWidth
    return usual is not None and usual < MIN_WIDTH


def _fill_covered_cells(rows: dict[int, dict[int, str]], area, columns: Iterable[int]) -> None:
    """Say in each empty cell that a merged area covers that it is one."""
    for line in (line for line in rows if area.min_row <= line <= area.max_row):
        for column in (n for n in columns if area.min_col <= n <= area.max_col):
            text = f"a part of the merged cells {area.coord} (unmerge them and fill in each)"
            rows[line].setdefault(column, text)


def _is_struck(cell) -> bool:
    parts = cell.value if isinstance(cell.value, CellRichText) else []
    fonts = [cell.font, *(part.font for part in parts if isinstance(part, TextBlock))]
    return any(font and font.strike for font in fonts)


def _has_raised_part(cell) -> bool:
    parts = cell.value if isinstance(cell.value, CellRichText) else []
    fonts = [part.font if isinstance(part, TextBlock) else cell.font for part in parts]
    return len({(font and font.vertAlign) or "baseline" for font in fonts}) > 1


def _describe_hidden(found: Sheet) -> str:
    columns = [
        f"{letter} ({title!r})" if title else letter
        for letter, title in found.hidden_columns.items()
    ]
    kinds = {"rows": format_ranges(found.hidden_lines), "columns": shorten_list(columns)}
    return " and ".join(f"{kind} {names}" for kind, names in kinds.items() if names)


def format_ranges(numbers: Iterable[int]) -> str:
    """Return ascending numbers as `2, 4-6`."""
    counter = count()
    runs = [list(run) for _, run in groupby(numbers, lambda number: number - next(counter))]
    return shorten_list(f"{r[0]}-{r[-1]}" if len(r) > 1 else str(r[0]) for r in runs)


def _cell_text(cell, result, is_computed: bool) -> str:
    """Return what a cell shows, or what is wrong with it; `result`: the cell with its result."""
    value = cell.value
    if cell.data_type == "f":
        # A result that is an empty text has a type of its own.
        if not is_computed or result.value is None and result.data_type != "str":
            formula = getattr(value, "text", value)
            return f"{formula} (a formula without a result: open the file in Excel and save it)"
        value = result.value
    if value is None:
        return ""
    if isinstance(value, date | time | timedelta):
        return f"{str(value).removesuffix(' 00:00:00')} (Excel made a date of it: {AS_TEXT})"
    if isinstance(value, bool):
        return str(value).upper()
    shown_in = cell.number_format
    if shown_in == "General" and cell._style.numFmtId:  # mostly dates of East Asia
        shown_in = f"no. {cell._style.numFmtId}"
    if isinstance(value, int | float):
        return format_number(value, shown_in)
    if _has_raised_part(cell):
        return f"{value} (a part of it is raised or lowered: type the cell as plain text)"
    return format_text(unescape(str(value)), shown_in)
