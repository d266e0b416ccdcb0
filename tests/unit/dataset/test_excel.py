"""Excel is read as its user sees it: sheets, rows and columns, and what a cell shows."""

import re
import zipfile
from datetime import date, time

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.chart import BarChart
from openpyxl.styles import Font

from motilens.dataset.excel import format_ranges
from motilens.dataset.excel_formats import format_number, format_text
from support.sample_tables import OWN, read

TABLE = [
    ("participant", "video", "progressive", "nonprogressive", "immotile"),
    ("P1", "films/a.mp4", 50, 30, 20),
    ("P2", "films/b.mp4", 60.5, 20, 19.5),
    ("P3", "films/c.mp4", 40, 40, 20),
]


@pytest.fixture
def book():
    """A workbook whose only sheet holds the table."""
    book = openpyxl.Workbook()
    fill(book.active)
    return book


def fill(sheet, rows=TABLE):
    for row in rows:
        sheet.append(row)


def read_book(own, book, name="labels.xlsx", **settings):
    book.save(own / name)
    return read(own, labels=str(own / name), **OWN | settings)


def progressive(result):
    table, issues = result
    assert issues.errors == []
    return table["progressive"].tolist()


def one_error(result):
    [error] = result[1].errors
    return error


@pytest.mark.parametrize("name", ["labels.xlsx", "labels.XLSM"])
def test_one_sheet_is_read_without_a_word(own, book, name):
    table, issues = read_book(own, book, name)
    assert table["progressive"].tolist() == [50, 60.5, 40]
    assert issues.warnings == issues.notes == issues.errors == []


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_hidden_empty_and_drawn_sheets_are_passed_over(own, book, state):
    outdated, empty = book.create_sheet("2021", 0), book.create_sheet("new", 1)
    fill(outdated, [TABLE[0], ("P1", "films/a.mp4", 48, 12, 40)])
    outdated.sheet_state = state
    empty["A1"].number_format = "0.00"
    book.create_chartsheet("chart", 0).add_chart(BarChart())
    table, issues = read_book(own, book)
    assert table["progressive"].tolist() == [50, 60.5, 40] and issues.warnings == []
    [note] = issues.notes
    assert note.endswith(
        "labels.xlsx: the sheet 'Sheet' is read, not 'chart' (no cells), '2021' (hidden), "
        "'new' (no cells)"
    )


def test_a_second_visible_table_is_a_warning_and_remarks_are_none(own, book):
    remarks = book.create_sheet("remarks")
    remarks["B2"] = "counted twice"
    _, issues = read_book(own, book)
    assert issues.warnings == [] and "'Sheet' is read, not 'remarks'" in issues.notes[0]
    fill(book.create_sheet("2021"))
    table, issues = read_book(own, book)
    [warning] = issues.warnings
    assert "the sheet 'Sheet' is read, not 'remarks', '2021': move the sheet" in warning
    assert len(table) == 3


def test_without_a_visible_table_that_is_said(own, book):
    book.create_sheet("empty")
    book["Sheet"].sheet_state = "hidden"
    assert "labels.xlsx: no visible sheet holds anything" in one_error(read_book(own, book))
    book["empty"]["A1"] = "see the other sheet"
    error = one_error(read_book(own, book))
    assert "labels.xlsx, sheet 'empty': its columns cannot be used: missing" in error


@pytest.mark.parametrize("hide", [
    lambda sheet: setattr(sheet.row_dimensions[3], "hidden", True),
    lambda sheet: setattr(sheet.row_dimensions[3], "height", 0.75),
    lambda sheet: setattr(sheet.row_dimensions[3], "height", 3),
    lambda sheet: sheet.row_dimensions.group(3, 3, hidden=True),
])  # fmt: skip
def test_hidden_rows_are_not_read_and_named(own, book, hide):
    hide(book.active)
    table, issues = read_book(own, book)
    assert list(table.index) == ["P1", "P3"] and issues.errors == []
    assert "labels.xlsx: hidden and not read: rows 3: unhide what counts" in issues.warnings[0]


@pytest.mark.parametrize("hide", [
    lambda sheet: setattr(sheet.column_dimensions["B"], "hidden", True),
    lambda sheet: setattr(sheet.column_dimensions["B"], "width", 0.08),
    lambda sheet: setattr(sheet.column_dimensions["B"], "width", 0.5),
    lambda sheet: sheet.column_dimensions.group("B", "C", hidden=True),
])  # fmt: skip
def test_hidden_columns_are_not_read_and_named(own, book, hide):
    hide(book.active)
    _, issues = read_book(own, book, columns={"video": "video"})
    assert any("missing 'video' (it is in the hidden column B: unhide it)" in e
               for e in issues.errors)  # fmt: skip
    [warning] = [line for line in issues.warnings if "hidden" in line]
    assert "columns B ('video')" in warning


def test_heights_and_widths_of_0_hide_too(own, book):
    book.active["G1"] = "more"
    book.active.row_dimensions[3].height, book.active.column_dimensions["G"].width = 123, 45
    book.save(own / "labels.xlsx")
    rewrite_part(own / "labels.xlsx", "xl/worksheets/sheet1.xml",
                 lambda text: text.replace('"123"', '"0"').replace('"45"', '"0"'))  # fmt: skip
    table, issues = read(own, labels=str(own / "labels.xlsx"), **OWN)
    assert list(table.index) == ["P1", "P3"]
    assert "hidden and not read: rows 3 and columns G ('more'): unhide" in issues.warnings[0]


def test_a_column_behind_a_hidden_one_keeps_its_cells(own, book):
    book.active.insert_cols(3)
    book.active["C1"], book.active["C2"] = "progressive", 1
    book.active.column_dimensions["C"].hidden = True
    assert progressive(read_book(own, book)) == [50, 60.5, 40]


def test_struck_rows_are_read_with_a_warning(own, book):
    for cell in book.active[3]:
        cell.font = Font(strike=True)
    book.active["E4"].font = Font(strike=True)
    struck = TextBlock(InlineFont(strike=True), "4")
    book.active["C2"] = CellRichText("5", struck)
    result = read_book(own, book)
    assert progressive(result) == [54, 60.5, 40]
    assert "struck through, and read all the same: rows 2-4: delete" in result[1].warnings[0]


@pytest.mark.parametrize("value, number_format, expected", [
    (0.95, "0%", 95), (0.955, "0.0 %", 95.5), (0.07, "0%", 7), (1, "0.00%", 100),
    (52.5, '0.0" %"', 52.5), (52.5, '#,##0.00_);[Red]-#,##0.00', 52.5), (50.25, "0", 50.25),
    (1.1 + 2.2, "General", 3.3), (5.25, "0.0E+00", 5.25), (12.5, "# ?/?", 12.5), (7, "000", 7),
    ("27,5 %", "@", 27.5), ("27.5", '@" "', 27.5),
])  # fmt: skip
def test_percentages_are_read_as_they_are_shown(own, book, value, number_format, expected):
    book.active["C3"] = value
    book.active["C3"].number_format = number_format
    assert progressive(read_book(own, book)) == [50, expected, 40]


@pytest.mark.parametrize("value, number_format, shown", [
    (7, '"P"000', "P007"), (7, r"\P-0", "P-7"), (12, '0" b"', "12 b"), (7.0, "0.0", "7"),
    (0.5, '0.0"%"', "0.5%"), (0.5, "%0", "%50"), (3, "[$€-407]0", "€3"), (0, "0;-0;0", "0"),
    (123456789012.0, "General", "123456789012"), (-3, "0;(0)", "-3"),
])  # fmt: skip
def test_text_around_a_number_belongs_to_it(value, number_format, shown):
    assert format_number(value, number_format) == shown


@pytest.mark.parametrize("value, number_format", [
    (100000, "0.00E+00"), (52000, "0,"), (1234, '00"-"00'), (1234, "00-00"), (5, ";;;"),
    (0, "0;-0;"), (5, "[>1]0;0.0"), (5, '"many"'), (0.5, "0%%"), (1234567890123456, "0"),
    (1e300, "General"),
])  # fmt: skip
def test_a_number_that_is_shown_in_another_way_is_neither_id_nor_percentage(
    own, book, value, number_format
):
    for place in ("A3", "C2"):
        book.active[place] = value
        book.active[place].number_format = number_format
    participant, label = read_book(own, book)[1].errors
    assert "line 3: " in participant and "is no ID" in participant
    assert "P1, progressive: " in label and "format the cell as text" in label


def test_texts_are_shown_by_formats_too():
    assert format_text(" 1 ", '0;0;0;"P"@') == "P 1" and format_text("1", '"P"@') == "P1"
    assert "shown in the format" in format_text("1", ";;;") and format_text("a", "0.0") == "a"


@pytest.mark.parametrize("value, text", [
    (date(2026, 3, 1), "'2026-03-01 (Excel made a date of it: format the cell as text"),
    (time(1, 30), "'01:30:00 (Excel made a date of it"), ("#N/A", "'#N/A'"),
    ("#REF!", "'#REF!'"), ("=B3+1", "'=B3+1 (a formula without a result: open the file in Excel"),
])  # fmt: skip
def test_what_is_no_value_is_reported_by_its_own_text(own, book, value, text):
    book.active["A2"] = book.active["C3"] = value
    participant, label = sorted(read_book(own, book)[1].errors)
    assert f"line 2: {text}" in participant and "is no ID" in participant
    assert f"P2, progressive: {text}" in label


def test_faults_in_cells_that_nobody_needs_do_no_harm(own, book):
    book.active["D3"], book.active["G3"], book.active["G12"] = "#N/A", "=1/0", "a remark"
    book.active.merge_cells("D3:D4")
    assert progressive(read_book(own, book)) == [50, 60.5, 40]


def rewrite_part(path, name, change):
    """Change the text of one part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    parts[name] = change(parts[name].decode()).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)


@pytest.mark.parametrize("mark, error", [("", None), (' fullCalcOnLoad="1"', "without a result")])
def test_results_of_formulas_count_unless_they_are_placeholders(own, book, mark, error):
    """As some programs write them: 0, and a mark that Excel is to compute them."""
    book.active["C3"], book.active["A9"] = "=120/2", '=IF(1,"","")'
    book.save(own / "labels.xlsx")
    sheet = "xl/worksheets/sheet1.xml"
    rewrite_part(own / "labels.xlsx", "xl/workbook.xml",
                 lambda text: re.sub(' fullCalcOnLoad="1"', mark, text))  # fmt: skip
    rewrite_part(
        own / "labels.xlsx",
        sheet,
        lambda text: re.sub(
            r"(<f>120/2</f>)<v ?/>|(<f>120/2</f>)<v></v>", r"<f>120/2</f><v>60</v>", text
        ),
    )
    rewrite_part(own / "labels.xlsx", sheet, lambda text: text.replace('r="A9"', 'r="A9" t="str"'))
    table, issues = read(own, labels=str(own / "labels.xlsx"), **OWN)
    if error:
        assert any("=120/2 (a formula without a result" in line for line in issues.errors)
    else:
        assert issues.errors == [] and table["progressive"].tolist() == [50, 60, 40]


@pytest.mark.parametrize("area, message", [
    ("A2:A3", "line 3: 'a part of the merged cells A2:A3 (unmerge them and fill in each)' is no"),
    ("C2:C4", "P2, progressive: 'a part of the merged cells C2:C4 (unmerge"),
    ("B2:B3", "a part of the merged cells B2:B3 (unmerge them and fill in each) is no file"),
])  # fmt: skip
def test_merged_cells_are_reported_where_they_matter(own, book, area, message):
    book.active.merge_cells(area)
    assert any(message in line for line in read_book(own, book)[1].errors)


def test_a_merged_frame_rate_is_reported(own, book):
    """It need not be there, but where it is, an empty cell would mean another rate."""
    for row, value in enumerate(("frame_rate", 100, None, None), start=1):
        book.active.cell(row, 6, value)
    book.active.merge_cells("F2:F4")
    errors = read_book(own, book)[1].errors
    assert len(errors) == 2 and "frame_rate: 'a part of the merged cells F2:F4" in errors[0]


@pytest.mark.parametrize("name", ["NA", "N/A", "None", "nan", "null", "NULL", "True", "1e5", "-"])
def test_ids_that_libraries_take_for_empty_are_ids(own, book, name):
    book.active["A3"] = name
    table, issues = read_book(own, book)
    if name in ("N/A", "-"):
        assert f"line 3: {name!r} is no ID" in issues.errors[0]
    else:
        assert name in table.index and issues.errors == []


def test_numbers_that_may_have_lost_a_zero_are_a_warning(own, book):
    for line, number in enumerate((1.1, 1.1, 1.2), start=2):
        book.active.cell(line, 1, number)
    table, issues = read_book(own, book)
    assert list(table.index) == ["1.1", "1.1+2", "1.2"] and issues.errors == []
    [warning] = issues.warnings
    assert "have several rows: 1.1: if 1.1 and 1.10 are two people, format" in warning


@pytest.mark.parametrize("raised", ["superscript", "subscript"])
def test_a_raised_part_of_a_cell_is_no_digit_of_it(own, book, raised):
    note = TextBlock(InlineFont(vertAlign=raised), "1")
    book.active["A2"] = book.active["C3"] = book.active["D3"] = CellRichText("9", note)
    book.active["A4"] = CellRichText(TextBlock(InlineFont(b=True), "P"), "3")
    participant, label = sorted(read_book(own, book)[1].errors)
    assert "line 2: '91 (a part of it is raised or lowered" in participant
    assert "P2, progressive: '91 (a part of it is raised or lowered: type" in label


def test_a_true_or_false_is_an_id(own, book):
    book.active["A3"] = True
    assert "TRUE" in read_book(own, book)[0].index


def test_a_format_in_the_last_cell_of_the_sheet_costs_no_time(own, book):
    book.active["XFD1048576"].number_format = "0.00"
    assert progressive(read_book(own, book)) == [50, 60.5, 40]
    book.active["XFD1"] = "far away"
    assert progressive(read_book(own, book)) == [50, 60.5, 40]


def test_ranges_are_short():
    assert format_ranges([2, 4, 5, 6, 9, 10]) == "2, 4-6, 9-10" and format_ranges([]) == ""


def test_characters_that_excel_escapes_are_read_as_shown(own, book):
    book.active["A2"] = "P1_x000D_"
    assert list(read_book(own, book)[0]["participant"]) == ["P1", "P2", "P3"]


def test_zeros_that_the_sheet_does_not_show_are_empty(own, book):
    book.active["C3"] = 0
    book.active.sheet_view.showZeros = False
    assert "P2: progressive: empty" in one_error(read_book(own, book))
