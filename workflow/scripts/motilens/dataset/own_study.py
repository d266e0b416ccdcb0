"""What a laboratory's table and videos hold: headers in English or German, names of files."""

import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from motilens.core.errors import InputError
from motilens.core.labels import LABELS, MOTILITY, VIDEO_FACTS
from motilens.core.text import natural_sorted, shorten_list, to_printable
from motilens.dataset.issues import Issues
from motilens.dataset.participants import match_videos, parse_participant_id, read_spelling
from motilens.dataset.samples import COLUMNS
from motilens.dataset.spreadsheet import fold_header, read_sheet, read_table
from motilens.dataset.video_files import (
    is_storage_url,
    is_video_file,
    read_leading_number,
    walk_folder,
)

DEFECTS = r"(defe[ck]t(e|en|s)?|anomal\w*|fehler|fehlformen|schäden|missbildung(en)?)"
# Words in the headers of each of our names. The first pattern that finds a column decides: who
# gave a sample comes before the number of the sample, since folds are of people.
WORDS = {
    "participant": (
        r"participant|patient|proband|teilnehmer|subject|donor|spender|person|client|klient",
        r"^ids?$",
        r"\bid\b|\bnr\b|\bno\b|nummer|number|\bcode\b|sample|specimen|probe|eja[ck]ulat|pseudonym",
    ),
    "video": (r"video|datei|\bfile|film|clip|aufnahme|recording|movie",),
    "frame_rate": (
        r"frame ?-?rate|\bfps\b|(frames?|bilder|bild) ?(/|per|pro) ?s(ec(onds?)?|ek(unden?)?)?\b"
        r"|bildrate",
        r"\bhz\b",
    ),
    "microns_per_pixel": (
        r"(\u03bcm?|um|microns?|mikrometer)[\])]? ?(/|per|pro) ?[(\[]?(px|pixel)"
        r"|pixel ?-?(size|grösse).*[\u03bcu]m|\bmpp\b",
    ),
    "progressive": (r"\b(pr|progr?|progressiv\w*|vorwärts\w*)\b",),
    "nonprogressive": (
        r"\bnp\b|\b(non|nicht|not)[ -]?prog(r|ressiv\w*)?\b|\bin situ\b|\bortsst\w*"
        r"|\blo[ck]al(er?)?\b",
    ),
    "immotile": (
        r"^\W*im\b|\bmotil\w* im\b|\bimmot\w*|\bunbeweg\w*"
        r"|\b(non|nicht|not)[ -]?(motil|beweg)\w*",
    ),
    "head": (rf"\b(heads?|kopf|köpfen?){DEFECTS}?\b",),
    "midpiece": (rf"\b(mid[ -]?pieces?|necks?|mittelst(ücke?)?|hals){DEFECTS}?\b",),
    "tail": (rf"\b(tails?|schwanz|schwänzen?|flagell(um|a|en)|geisseln?){DEFECTS}?\b",),
}
# A header that names people, and nothing else of them.
PERSON = re.compile(
    rf"(the|of|by|study|studien|\W|{WORDS['participant'][0]}|en|in|innen|s|ids?|nr|no|nummer"
    r"|number|num|code|kennung|kürzel|name|pseudonym|key)*"
)
# Beside those, a header of percentages may hold these words. With others, we ask (<-).
BESIDE = re.compile(
    r"[abcd]|h|who|in|of|mit|with|u|und|and|pct|proz|prozent|percent(age)?|anteil"
    r"|motil\w*|beweglich\w*|sperm\w*|zellen|cells?"
    rf"|{DEFECTS}|def|defective|ab?norm\w*|pathol\w*"
)
# Headers with these words hold something else: counts, speeds and sizes, sums of columns.
NOT_PERCENTAGES = (
    r"#|10 ?\^|10e|/ ?m?l\b|\bmio|mill|con[ck]|konz|anzahl|number|count|\bn\b|total|gesamt|sum"
    r"|pr\w* ?\+|speed|velo|geschw|\u03bcm|\bum\b|length|width|area|länge|breite|fläche"
    # Normal forms, references, deviations.
    r"|\bnorm|\bo\. ?b\b|\bohne\b|\bok\b|inta[ck]t|gesund|healthy|\bref|\bsoll|\bsd\b|\bs\.d"
    r"|stdev|stabw|standard|deviation|abweichung"
)
OTHER = dict.fromkeys(LABELS, NOT_PERCENTAGES) | {
    "participant": r"video|datei|file|film|clip|\bof\b|count|volum|vorname|\bage\b|\balter\b"
    r"|dat(e|um)\b|geb|birth|sex|geschlecht|con[ck]|konz|group|gruppe|type|\btyp\b|consent"
    r"|einwilligung|status",
    "video": r"rate|fps|length|duration|dauer|länge|size|grösse|format|count|dat(e|um)\b",
    "frame_rate": r"\bbcf\b|\balh\b|beat|cross|schlag|fre[qk]|shutter|strobe?|light|lamp|licht",
    "microns_per_pixel": r"\bnm\b|[ck]amera|sensor|chip",
    "progressive": rf"(non|nicht|not)[ -]?prog|rapid|schnell|slow|langsam|{NOT_PERCENTAGES}",
}
REMEDY = "Make the header the first row, with a name above each column"
NUMBER = r"\d{1,15}([.,]\d+)? ?%?"


@dataclass
class Study:
    """What a table and a folder of videos hold.

    Args:
        table, videos: their paths, as they were named.
        titles: the header of each of our names that was found.
        cells: of these columns, without empty ones.
        choices: headers of which each may be it, for names of which we are not sure.
        names: of the videos in the folder, as paths from it; None in an object store.
        owners: for videos that no column names, the ID of each that is named after one.
        notes: lines about what of the table is not read.
    """

    table: str
    videos: str
    titles: dict[str, str]
    cells: dict[str, list[str]]
    choices: dict[str, list[str]]
    names: list[str] | None
    owners: dict[str, str]
    notes: list[str]

    @property
    def participants(self) -> list[str]:
        """Return the IDs as the table writes them, each once."""
        return list(dict.fromkeys(map(read_spelling, self.cells.get("participant", []))))

    @property
    def may_be_groups(self) -> bool:
        """Return whether so few IDs are in so many rows that they may be those of groups."""
        return 3 * len(self.participants) <= len(self.cells.get("participant", []))

    @property
    def may_count_samples(self) -> bool:
        """Return whether the IDs may be of samples: the header does not speak of people."""
        title = _simplify_header(self.titles.get("participant", ""))
        return not re.search("|".join(WORDS["participant"][:2]), title)

    @property
    def needs_list(self) -> bool:
        """Return whether a table must say whose the videos are: numbers do not begin all names."""
        if not self.owners:
            return False
        for name in self.names:
            digits, owner = read_leading_number(name), self.owners.get(name)
            if owner and "/" in name or "/" not in name and not digits:
                return True
            if owner and parse_participant_id(owner) != str(int(digits)):
                return True
        return False

    def read_values(self, name: str) -> list[float]:
        """Return the numbers in the cells of a column, none without it."""
        cells = self.cells.get(name, [])
        return [read_number(cell) for cell in cells if re.fullmatch(NUMBER, cell)]

    @property
    def is_beside(self) -> bool:
        """Return whether the names in the column of videos begin in the table's own folder."""
        names, folders = self.cells.get("video", []), (Path(self.table).parent, self.videos)
        beside, inside = (
            sum(os.path.isfile(os.path.join(f, name)) for name in names) for f in folders
        )
        return beside > inside

    def list_unmatched(self) -> list[str]:
        """Return lines about participants, names and videos that lead nowhere."""
        folder = Path(self.table).parent if self.is_beside else self.videos
        names = self.cells.get("video", [])
        lost = [name for name in names if not os.path.isfile(os.path.join(folder, name))]
        kinds = {f"names of videos that are no file in {folder}": lost}
        if self.participants and "video" not in self.titles:
            people = [who for who in self.participants if who not in self.owners.values()]
            videos = [name for name in self.names or () if name not in self.owners]
            kinds = {"participants without a video": people, "videos without an ID": videos}
        return [
            f"{kind} ({len(names)}): {to_printable(shorten_list(names))}"
            for kind, names in kinds.items()
            if names and self.names is not None
        ]


def read_study(videos: str, table: str) -> Study:
    """Find out what a table and a folder of videos hold.

    Raises:
        InputError: the table cannot be read, its header is not its first row, or no video is there.
    """
    issues = Issues()
    (_, header), *numbered = read_sheet(table, issues).rows
    rows = [cells for _, cells in numbered]
    columns = find_columns(header, rows)
    for number, (line, cells) in enumerate(numbered[:10], 1):
        if any(columns[name] for name in LABELS):
            break
        below = find_columns(cells, rows[number:])
        if any(below[name] for name in LABELS):
            raise InputError(f"{table}, line {line}: seems to be the header. {REMEDY}")
    if sum(map(bool, header)) == 1:
        raise InputError(f"{table}: its first row is {''.join(header)!r} alone, a title? {REMEDY}")
    read_table(table, {})  # refuses rows that do not fit the header
    clean = {place: " ".join(title.split()) for place, title in enumerate(header)}
    claimed = [place for name in LABELS for place in columns[name]]
    sure = {
        name: places[0]
        for name, places in columns.items()
        if len(places) == 1
        and (name not in LABELS or claimed.count(places[0]) == 1)
        and _is_sure(name, clean[places[0]])
    }
    titles = {name: clean[place] for name, place in sure.items()}
    cells = {
        name: [row[place] for row in rows if row[place:] and row[place]]
        for name, place in sure.items()
    }
    choices = {
        name: [clean[p] for p in places]
        for name, places in columns.items()
        if places and name not in sure
    }
    names = None
    if not is_storage_url(videos):
        names = natural_sorted(n for n in walk_folder(videos) if is_video_file(Path(n).name))
        if not names:
            raise InputError(f"{videos}: holds no video: name their folder: VIDEOS=...")
    stems = {name for path in names or () for name in (Path(path).name, Path(path).stem)}
    if names and "video" in titles and not any(Path(c).name in stems for c in cells["video"]):
        choices["video"] = [titles.pop("video")]
        cells.pop("video")
    notes = [*issues.notes, *issues.warnings]
    study = Study(table, videos, titles, cells, choices, names, {}, notes)
    if "video" not in titles:
        study.owners = match_videos(study.participants, names or [])
    return study


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
        exact = [p for p in usable if titles[p] in accepted]
        full = _simplify_header(LABELS.get(name, ""))
        other = re.compile(OTHER.get(name, "(?!)"))
        possible = [p for p in usable if p not in files and not other.search(titles[p])]
        named = [[p for p in possible if re.search(word, titles[p])] for word in patterns]
        if name == "participant":  # `Patient` alone, or what else is known of patients
            unsure = [p for p in named[0] if not PERSON.fullmatch(titles[p])]
            tiers = [[p for p in named[0] if p not in unsure]]
            tiers += [[*dict.fromkeys([*tier, *unsure])] for tier in named[1:]]
        elif name in LABELS and full not in titles:  # beside `head`, `Head %` may be meant
            tiers = [[*dict.fromkeys([*exact, *named[0]])]]
        else:
            tiers = [[p for p in exact if titles[p] == full], exact, *named]
        found[name] = next(filter(None, tiers), [])
    found["video"] = [place for place in files if titles[place]] or found["video"]
    return found


def _is_sure(name: str, title: str) -> bool:
    """Return whether a header of a label has no words that may say something else."""
    title = _simplify_header(title)
    if name == "frame_rate" and not re.search(WORDS[name][0], title):
        return False  # so many Hz of what?
    if name == "microns_per_pixel" and not re.search(r"(/|per|pro) ?[(\[]?(px|pixel)|mpp", title):
        return False  # of the camera's pixels?
    if name == "participant" and re.search(WORDS[name][0], title):
        return bool(PERSON.fullmatch(title))
    if name not in LABELS or title in map(_simplify_header, COLUMNS[name]):
        return True
    rest = re.sub(WORDS[name][0], " ", title)
    if re.search(r"\d\d|\d ?h|\b(of|von|der) \W*(motil|beweg|ab?norm|pathol)", rest):
        return False  # of 200 cells, after 24 hours; of motile cells
    if re.search(r"cells|zellen|sperm", rest) and not re.search("%|pct|pro[cz]ent|percent", title):
        return False  # counts?
    if len(re.findall(rf"{DEFECTS}|ab?norm\w*|pathol\w*", title)) > 1:
        return False  # defects of the head, of those with defects?
    if name == "progressive" and len(set(re.findall(r"\b[ab]\b", rest))) == 1:
        return False  # one of two grades
    if name in MOTILITY and re.search(rf"{DEFECTS}|def|norm|path", rest):
        return False
    return all(map(BESIDE.fullmatch, re.findall(r"[^\W\d]+", rest)))


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
    "participant": lambda cells: (
        _share(parse_participant_id, cells) > 0.5 and sum(map(bool, cells)) > len(cells) / 2
    ),
    "video": any,
    **{name: _are_numbers(*limits) for name, limits in VIDEO_FACTS.items()},
    **dict.fromkeys(LABELS, _are_numbers(0, 100)),
}
