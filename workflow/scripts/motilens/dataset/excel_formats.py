"""What Excel shows of a cell: its value in a number format, such as 95 % of 0.95, P007 of 7."""

import re

AS_TEXT = "format the cell as text and type it again"
# Parts of a number format: a text, a character, a space, nothing, a color or the like.
PARTS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|General|.', re.DOTALL)
DIGITS = re.compile(r"General|@|[#?0,]*[#?0](\.[#?0]*)?|\.[#?0]+|[#?0 ]+/[#?0-9 ]+")
SCIENTIFIC = re.compile(r"[#?0]+(\.[#?0]*)?E[+-][#?0]+")
LITERAL = "\0"  # in place of a part that stands for itself


def format_text(text: str, number_format: str) -> str:
    """Return a text as it is shown, or with a remark if it is shown in another way."""
    sections = _split_sections(number_format)
    before, core, after = _split_section(sections[3] if len(sections) > 3 else sections[-1])
    if core == "@":
        return f"{before}{text}{after}".strip()
    return text.strip() if len(sections) < 4 else _refuse(text, number_format)


def format_number(value: float, number_format: str) -> str:
    """Return a number as it is shown: with text around it, leading zeros and a percent sign.

    Decimals that the format hides are kept. With a remark if it is shown in another way.
    """
    if abs(value) >= 1e15:
        return f"{value:.15g} (Excel keeps 15 digits of a number: {AS_TEXT})"
    is_whole, number = value == int(value), _shorten(value)
    if value < 0:
        return number
    sections = _split_sections(number_format)
    section = sections[2 if value == 0 and len(sections) > 2 else 0]
    before, core, after = _split_section(section)
    if SCIENTIFIC.fullmatch(core):  # Excel makes 100000 of an ID such as 1E5
        return _refuse(number, number_format) if is_whole else number
    if not DIGITS.fullmatch(core) or section.count("%") > 1:
        return _refuse(number, number_format)
    if "%" in section:
        number = _shorten(100 * value)
    if is_whole:
        number = number.zfill(core.partition(".")[0].count("0"))
    return f"{before}{number}{after}".strip()


def _shorten(value: float) -> str:
    """Return a number without the digits that nobody typed: Excel holds 15 of 0.1 + 0.2."""
    return str(int(value)) if value == int(value) else f"{value:.10g}"


def _refuse(text: str, number_format: str) -> str:
    return f"{text} (shown in the format {number_format!r}: choose another, or {AS_TEXT})"


def _split_sections(number_format: str) -> list[list[str]]:
    """Return the parts of a format's sections, which are for values above 0, below 0, 0, text."""
    sections = [[]]
    for part in PARTS.findall(number_format):
        if part == ";":
            sections.append([])
        else:
            sections[-1].append(part)
    return sections


def _split_section(parts: list[str]) -> tuple[str, str, str]:
    """Return the text before the digits, the placeholders of the digits, and the text after."""
    slots = [k for k, part in enumerate(parts) if part == "General" or part in "0123456789#?.,@"]
    if not slots or any(re.match(r"\[[<>=]", part) for part in parts):
        return "", "", ""
    first, last = slots[0], slots[-1] + 1
    before, after = ("".join(map(_literal, side)) for side in (parts[:first], parts[last:]))
    core = [LITERAL if len(p) > 1 and p != "General" else p for p in parts[first:last]]
    return before, "".join(core), after


def _literal(part: str) -> str:
    """Return what a part of a format shows."""
    if part[0] == '"':
        return part[1:-1] if len(part) > 1 else ""
    if part[0] == "[":
        currency = re.match(r"\[\$([^-\]]*)", part)
        return currency[1] if currency else ""
    if len(part) == 2:
        return {"\\": part[1], "_": " ", "*": ""}[part[0]]
    return part
