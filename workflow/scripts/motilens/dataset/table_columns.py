"""Which columns of a laboratory's table hold what: its headers, in English or German, and cells."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from motilens.core.labels import LABELS, VIDEO_FACTS
from motilens.dataset.participants import parse_participant_id, split_name
from motilens.dataset.samples import COLUMNS
from motilens.dataset.spreadsheet import fold_header
from motilens.dataset.video_files import is_video_file

# Words in the headers of each of our names. The first pattern that finds a column decides: who
# gave a sample comes before the number of the sample, since folds are of people.
WORDS = {
    "participant": (
        r"participant|patient|proband|teilnehmer|subject|donor|spender|person|client|klient",
        r"^ids?$",
        r"id\b|\bnr\b|\bno\b|nummer|number|\bcode\b|sample|specimen|probe|eja[ck]ulat|pseudonym",
    ),
    "video": (r"video|datei|\bfile|film|clip|aufnahme|recording|movie",),
    "frame_rate": (r"frame ?-?rate|\bfps\b|(frames?|bilder|bild) ?(/|per|pro) ?s|bildrate|\bhz\b",),
    "microns_per_pixel": (
        r"(\u03bcm?|um|microns?|mikrometer)[\])]? ?(/|per|pro) ?[(\[]?(px|pixel)"
        r"|pixel ?-?(size|grösse).*[\u03bcu]m|\bmpp\b",
    ),
    "progressive": (r"^pr\b|\bprog|vorw",),
    "nonprogressive": (r"^np\b|(non|nicht|not)[ -]?prog|in situ|ortsst|\blo[ck]al",),
    "immotile": (r"^im\b|immot|unbeweg|(non|nicht|not)[ -]?(motil|beweg)|\bstatic",),
    "head": (r"\bhead|kopf|köpf",),
    "midpiece": (r"mid[ -]?piece|\bneck|mittelst|\bhals",),
    "tail": (r"\btail|schwanz|schwänz|flagell|geissel",),
}
# Headers with these words hold something else: counts, speeds and sizes, sums of columns.
NOT_PERCENTAGES = (
    r"10 ?\^|10e|/ ?m?l\b|\bmio|mill|con[ck]|konz|anzahl|number|count|\bn\b|total|gesamt|sum|\+"
    r"|speed|velo|geschw|\u03bcm|\bum\b|length|width|area|länge|breite|fläche|\bnormal"
)
OTHER = dict.fromkeys(LABELS, NOT_PERCENTAGES) | {
    "participant": r"video|datei|file|film|clip|\bof\b|count|volum|vorname|\bage\b|\balter\b"
    r"|dat(e|um)\b|geb|birth|sex|geschlecht|con[ck]|konz",
    "video": r"rate|fps|length|duration|dauer|länge|size|grösse|format|count|dat(e|um)\b",
    "microns_per_pixel": r"\bnm\b",
    "progressive": rf"(non|nicht|not)[ -]?prog|{NOT_PERCENTAGES}",
}
NUMBER = r"\d{1,15}([.,]\d+)? ?%?"


def find_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """Return for each of our names the places of the columns that may be it: none, one, several.

    Headers that `read_samples` understands come first. A column whose cells do not fit, or are
    empty, is none.
    """
    titles = [_simplify_header(title) for title in header]
    columns = [[row[place] for row in rows if row[place:]] for place in range(len(header))]
    files = [place for place, cells in enumerate(columns) if _share(is_video_file, cells) > 0.5]
    found = {}
    for name, patterns in WORDS.items():
        usable = [p for p, cells in enumerate(columns) if titles[p] and CELLS[name](cells)]
        accepted = {_simplify_header(title) for title in COLUMNS[name]}
        other = re.compile(OTHER.get(name, "(?!)"))
        tiers = [[p for p in usable if titles[p] in accepted]] if name != "participant" else []
        for pattern in patterns:
            named = [p for p in usable if re.search(pattern, titles[p])]
            tiers.append([p for p in named if p not in files and not other.search(titles[p])])
        found[name] = next(filter(None, tiers), [])
    found["video"] = [place for place in files if titles[place]] or found["video"]
    return found


def match_videos(participants: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Return whose the videos are that are named after one participant: of names, the participant.

    A name is the ID, or begins with it, or an ID of letters and digits is somewhere in it. Of
    names, as of IDs, P-07 and p7 are the same. Two participants in one name are none.
    """
    parts_of, owners = {who: split_name(who) for who in participants}, {}
    for name in names:
        words = split_name(Path(name).stem)
        tiers = (
            [who for who, parts in parts_of.items() if words == parts],
            [
                who
                for who, parts in parts_of.items()
                if words[: len(parts)] == parts
                or len({part.isdigit() for part in parts}) == 2
                and any(words[at : at + len(parts)] == parts for at in range(len(words)))
            ],
        )
        if len(owner := next(filter(None, tiers), [])) == 1:
            owners[name] = owner[0]
    return owners


def _simplify_header(title: str) -> str:
    # In this form, µ is the Greek letter. macOS may write ü as two characters.
    return unicodedata.normalize("NFC", fold_header(title)).replace("_", " ")


def _share(fits: Callable[[str], object], cells: Sequence[str]) -> float:
    """Return the share of the cells that are not empty that fit; 0 if all are empty."""
    filled = [cell for cell in cells if cell]
    return sum(bool(fits(cell)) for cell in filled) / max(len(filled), 1)


def _are_numbers(low: float, high: float) -> Callable[[Sequence[str]], bool]:
    def fits(cell: str) -> bool:
        return bool(re.fullmatch(NUMBER, cell)) and low <= read_number(cell) <= high

    return lambda cells: _share(fits, cells) > 0.5


def read_number(cell: str) -> float:
    """Return the number in a cell, with a decimal point or comma, maybe with %."""
    return float(cell.rstrip("% ").replace(",", "."))


# Whether the cells of a column can be what its header says.
CELLS = {
    "participant": lambda cells: _share(parse_participant_id, cells) > 0.5,
    "video": any,
    **{name: _are_numbers(*limits) for name, limits in VIDEO_FACTS.items()},
    **dict.fromkeys(LABELS, _are_numbers(0, 100)),
}
