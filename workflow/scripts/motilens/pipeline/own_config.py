"""Writing a configuration for a laboratory's own videos and table."""

import csv
import io
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import yaml

from motilens.core.errors import InputError
from motilens.core.labels import LABELS, MOTILITY, VIDEO_FACTS
from motilens.core.suggestions import ask_whether, suggest_names
from motilens.core.text import natural_sorted, shorten_list
from motilens.dataset.issues import Issues
from motilens.dataset.participants import parse_participant_id, read_spelling
from motilens.dataset.spreadsheet import read_sheet
from motilens.dataset.table_columns import NUMBER, find_columns, match_videos, read_number
from motilens.dataset.video_files import is_storage_url, is_video_file, walk_folder

TARGETS = {"motility": MOTILITY, "morphology": tuple(n for n in LABELS if n not in MOTILITY)}
N_PROBED = 5  # videos that are asked for their frame rate
MEANINGS = {
    "participant": "whose video it is: all videos with one ID stay in one fold",
    "frame_rate": "1/s, where a file has another rate than the camera had",
    "microns_per_pixel": "the scale",
}


@dataclass
class Study:
    """What a table and a folder of videos hold.

    Args:
        table, videos: their paths, as they were named.
        titles: the header of each of our names that was found.
        cells: of these columns, without empty ones.
        choices: headers of which each may be it, for names that were not found.
        names: of the videos in the folder, as paths from it; None in an object store.
        owners: for videos that no column names, the ID of each that is named after one.
    """

    table: str
    videos: str
    titles: dict[str, str]
    cells: dict[str, list[str]]
    choices: dict[str, list[str]]
    names: list[str] | None
    owners: dict[str, str]

    @property
    def participants(self) -> list[str]:
        """Return the IDs as the table writes them, each once."""
        return list(dict.fromkeys(map(read_spelling, self.cells.get("participant", []))))

    @property
    def needs_list(self) -> bool:
        """Return whether a table must say whose the videos are: numbers do not begin all names."""
        if not self.owners:
            return False
        for name in self.names:
            digits, owner = re.match(r"\d*", name)[0], self.owners.get(name)
            if owner and "/" in name or "/" not in name and not digits:
                return True
            if owner and parse_participant_id(owner) != str(int(digits)):
                return True
        return False

    def read_values(self, name: str) -> list[float]:
        """Return the numbers in the cells of a column, none without it."""
        cells = self.cells.get(name, [])
        return [read_number(cell) for cell in cells if re.fullmatch(NUMBER, cell)]


def write_own_config(
    videos: str, table: str, out: Path, model: str, measure_rate: Callable[[str], float | None]
) -> list[str]:
    """Write a configuration, and if needed a list of whose the videos are; return lines to print.

    Args:
        videos: a folder.
        table: of labels, CSV or Excel.
        out: the new file.
        model: the text of the configuration that it follows (config/own.yaml).
        measure_rate: returns a video's frames per second, None if it cannot be read.

    Raises:
        InputError: an input cannot be used, or a file is there already.
    """
    _check_paths(videos, table, out)
    video_list = out.with_name(f"{out.stem}_videos.csv")
    study = read_study(videos, table)
    probed = [os.path.join(videos, name) for name in (study.names or [])[:N_PROBED]]
    rates = study.read_values("frame_rate") or [*filter(None, map(measure_rate, probed))]
    text = render_config(study, out, video_list, round(median(rates), 3) if rates else None, model)
    files = {out: text} | ({video_list: _render_list(study.owners)} if study.needs_list else {})
    for path in files:
        if path.exists():
            raise InputError(f"{path}: is there already: remove it, or name another: OUT=")
        if not path.parent.is_dir():
            raise InputError(f"{path}: its folder is missing: make it, or name another: OUT=")
    for path, text in files.items():
        with open(path, "x", encoding="utf-8") as file:  # "x" never overwrites
            file.write(text)
    return [*describe_study(study), f"Written: {', '.join(map(str, files))}."]


def _check_paths(videos: str, table: str, out: Path) -> None:
    if not (videos and table):
        raise InputError("name the folder of videos and the table: make new VIDEOS=... TABLE=...")
    if re.search(r"\s", str(out)):
        raise InputError(f"{out}: has a space, which make cannot pass on: OUT=another_name.yaml")
    for path, key in ((Path(videos), "VIDEOS"), (Path(table), "TABLE")):
        is_folder = key == "VIDEOS"
        if is_folder and is_storage_url(videos) or (path.is_dir() if is_folder else path.is_file()):
            continue
        kind = "folder" if is_folder else "file"
        problem = f"is no {kind}" if path.exists() else f"no such {kind}"
        beside = os.listdir(path.parent) if path.parent.is_dir() else []
        hint = ask_whether(suggest_names(path.name, beside)) if not path.exists() else ""
        raise InputError(f"{path}: {problem}{hint}: correct {key}=")


def read_study(videos: str, table: str) -> Study:
    """Find out what a table and a folder of videos hold.

    Raises:
        InputError: the table cannot be read, its header is not its first row, or no video is there.
    """
    (_, header), *rows = read_sheet(table, Issues()).rows
    rows = [cells for _, cells in rows]
    columns = find_columns(header, rows)
    for line, (at, cells) in enumerate(read_sheet(table, Issues()).rows[1:10]):
        if not any(columns.values()) and any(find_columns(cells, rows[line + 1 :]).values()):
            raise InputError(
                f"{table}, line {at}: seems to be the header: delete the lines above it"
            )
    clean = {place: " ".join(title.split()) for place, title in enumerate(header)}
    titles = {name: clean[places[0]] for name, places in columns.items() if len(places) == 1}
    cells = {
        name: [row[place] for row in rows if row[place:] and row[place]]
        for name, (place, *others) in ((n, p) for n, p in columns.items() if p)
        if not others
    }
    choices = {name: [clean[p] for p in places] for name, places in columns.items() if places[1:]}
    names = None
    if not is_storage_url(videos):
        names = natural_sorted(n for n in walk_folder(videos) if is_video_file(Path(n).name))
        if not names:
            raise InputError(f"{videos}: holds no video: name their folder: VIDEOS=...")
    study = Study(table, videos, titles, cells, choices, names, {})
    if "video" not in titles:
        study.owners = match_videos(study.participants, names or [])
    return study


def render_config(
    study: Study, out: Path, video_list: Path, frame_rate: float | None, model: str
) -> str:
    """Return the text of `model` with the sections that a study determines."""
    name = re.sub(r"[^\w.-]", "_", out.stem, flags=re.ASCII)
    count = min(3, max(2, len(study.participants)))
    changed = {
        "results": lambda text: f"results: results/{name}\n\n",
        "dataset": lambda text: _render_dataset(study, video_list),
        "targets": lambda text: _render_targets(study),
        "folds": lambda text: re.sub(r"number: \d+", f"number: {count}", text),
        "frames": lambda text: (
            re.sub("frame_rate: .*", f"frame_rate: {frame_rate:g} # of most of your videos", text)
            if frame_rate
            else text
        ),
    }
    _, *sections = re.split("^(?=[a-z])", model, flags=re.MULTILINE)
    head = (
        f"# For the videos in {study.videos} and their labels in {study.table}. Look at the lines\n"
        "# marked <-. config/README.md describes each key, docs/how-to/own_data.md the table.\n#\n"
        f"#   make check-data CONFIG={out}\n"
        f"#   .venv/bin/snakemake --cores all --configfile {out}\n\n"
    )
    return head + "".join(
        changed.get(text.partition(":")[0], lambda text: text)(text) for text in sections
    )


def _render_dataset(study: Study, video_list: Path) -> str:
    lines = ["dataset:", f"  labels: {_quote(study.table)}"]
    lines += _render_videos(study, video_list)
    columns = [_render_column(study, name) for name in ("participant", "video", *LABELS)]
    columns += [_render_column(study, name) for name in VIDEO_FACTS]
    lines += [f"  {'' if study.titles else '# '}columns: # our name: your header", *columns]
    if "microns_per_pixel" not in study.titles:
        lines.append("  # microns_per_pixel: 0.5 # the scale of all videos, if you know it")
    lines.append(
        "  on_unreadable_video: skip # videos that cannot be used are reported and skipped"
    )
    return "\n".join(lines) + "\n\n"


def _render_videos(study: Study, video_list: Path) -> list[str]:
    folder = f"  videos: {_quote(study.videos)}"
    if "video" in study.titles:
        base = Path(study.table).parent
        beside = [(base / name).is_file() for name in study.cells["video"]]
        inside = [(Path(study.videos) / name).is_file() for name in study.cells["video"]]
        if sum(beside) > sum(inside):
            return [f"  # videos: the names in the table begin in its own folder, {base}"]
        missing = inside.count(False) if study.names is not None else 0
        note = f" # <- {missing} names in the table are no file there" if missing else ""
        return [folder + note]
    lines = [f"{folder} # each belongs to the participant whose ID begins its name"]
    if study.needs_list:
        who = (
            f"  video_list: {_quote(video_list)} # <- whose each video is: look whether it is right"
        )
        lines = [folder, who]
    if study.names is None:
        return [f"{lines[0]} # <- true? Else write a table `ID;video` and name it as video_list"]
    lines += [f"  # <- {line}" for line in list_unmatched(study)]
    if list_unmatched(study):
        lines.append("  # unmatched: leave_out # without the first #, these are left out")
    return lines


def list_unmatched(study: Study) -> list[str]:
    """Return lines about participants and videos of which each lacks the other."""
    if "video" in study.titles or study.names is None:
        return []
    videos = [name for name in study.names if name not in study.owners]
    people = [who for who in study.participants if who not in study.owners.values()]
    lines = [f"no ID of the table is in the names of {len(videos)} videos: {shorten_list(videos)}"]
    lines = lines if videos else []
    if people:
        lines.append(f"no video is named after {len(people)} participants: {shorten_list(people)}")
    if len(study.cells.get("participant", [])) > len(study.participants):
        lines.append("participants have several rows: add a column `video` with the file of each")
    return lines


def _render_column(study: Study, name: str) -> str:
    if title := study.titles.get(name):
        notes = [MEANINGS.get(name, "")] if name == "participant" else []
        notes += [_describe_range(study, name)] if name not in ("participant", "video") else []
        return f"    {name}: {_quote(title)}" + (f" # {notes[0]}" if notes else "")
    if choices := study.choices.get(name):
        which = " or ".join(map(repr, choices))
        return f"    # {name}: # <- {which}? Write one, and remove the first #"
    if name in VIDEO_FACTS:
        return f"    # {name}: # no column; {MEANINGS[name]}"
    if name == "video":
        return "    # video: # no column; the names of the files say whose they are"
    return f"    # {name}: # <- no column: if there is one, write its header, remove the first #"


def _render_targets(study: Study) -> str:
    lines = []
    for target, labels in TARGETS.items():
        known = [name for name in labels if name in study.titles]
        lacking = [name for name in labels if name not in study.titles]
        note = f" # <- add {', '.join(lacking)} if the table has them" if lacking else ""
        lines.append(f"  {'' if known else '# '}{target}: [{', '.join(known or labels)}]{note}")
    start = "targets:"
    if not study.titles.keys() & LABELS.keys():
        start += " # <- no column of percentages was found: name them above, remove the # here"
    return "\n".join([start, *lines]) + "\n\n"


def describe_study(study: Study) -> list[str]:
    """Return what was found in the table, and what was not, in lines."""
    lines = [f"Found in {study.table}:"]
    for name, title in study.titles.items():
        what = {"participant": f"{len(study.participants)} IDs"}.get(name)
        what = what or f"{len(study.cells[name])} names" * (name == "video")
        lines.append(f"  {name}: {title!r}, {what or _describe_range(study, name)}")
    if lacking := [name for name in ("participant", *LABELS) if name not in study.titles]:
        lines.append(f"Not found: {', '.join(lacking)}.")
    if study.owners:
        lines.append(f"{len(study.owners)} videos are named after participants.")
    return lines + [f"Note: {line}." for line in list_unmatched(study)]


def _describe_range(study: Study, name: str) -> str:
    values = study.read_values(name)
    return f"{min(values):g} to {max(values):g}"


def _render_list(owners: dict[str, str]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\n").writerows(
        [("ID", "video"), *((who, name) for name, who in owners.items())]
    )
    return text.getvalue()


def _quote(text: Sequence[str] | Path) -> str:
    """Return a text as YAML writes it."""
    dumped = yaml.safe_dump(str(text), allow_unicode=True, width=10**6)
    return dumped.removesuffix("\n").removesuffix("\n...")
