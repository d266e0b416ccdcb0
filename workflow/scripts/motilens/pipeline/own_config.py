"""Writing a configuration for a laboratory's own videos and table."""

import csv
import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from statistics import median

import yaml

from motilens.core.errors import InputError
from motilens.core.labels import LABELS, MOTILITY, VIDEO_FACTS
from motilens.core.suggestions import ask_whether, suggest_names
from motilens.core.text import to_printable
from motilens.dataset.own_study import Study, read_study
from motilens.dataset.video_files import is_storage_url

TARGETS = {"motility": MOTILITY, "morphology": tuple(n for n in LABELS if n not in MOTILITY)}
N_PROBED = 3  # videos that are asked for their frame rate
NOT_FOUND = {
    "video": "; the names of the files say whose they are",
    "frame_rate": "; 1/s, of videos whose files have another rate than the camera had",
    "microns_per_pixel": "; the scale",
}


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
    if rates := study.read_values("frame_rate"):
        rate = f"{median(rates):g} # of most of your videos, by the table"
    else:
        probed = [os.path.join(videos, name) for name in (study.names or [])[:N_PROBED]]
        rates = [*filter(None, map(measure_rate, probed))]
        rate = f"{round(median(rates), 3):g} # of your first videos" if rates else None
    text = render_config(study, out, video_list, rate, model)
    files = {out: text} | ({video_list: _render_list(study.owners)} if study.needs_list else {})
    for path in files:
        if path.exists():
            raise InputError(f"{path}: is there already: remove it, or name another: OUT=")
        if not path.parent.is_dir():
            raise InputError(f"{path}: its folder is missing: make it, or name another: OUT=")
    for path, content in files.items():
        # "x" never overwrites. Names of files may hold bytes that are no UTF-8.
        with open(path, "x", encoding="utf-8", errors="surrogateescape") as file:
            file.write(content)
    marks = text.count("<- ")
    return [
        *describe_study(study),
        f"Written: {', '.join(map(str, files))}. Look at its lines with <- ({marks}), then:",
        f"  make check-data CONFIG={out}",
    ]


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


def render_config(
    study: Study, out: Path, video_list: Path, frame_rate: str | None, model: str
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
            re.sub("frame_rate: .*", f"frame_rate: {frame_rate}", text) if frame_rate else text
        ),
    }
    _, *sections = re.split("^(?=[a-z])", model, flags=re.MULTILINE)
    head = (
        f"# For the videos in {to_printable(study.videos)}. Look at the lines with an arrow.\n"
        "# config/README.md describes each key, docs/how-to/own_data.md the table.\n#\n"
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
    start = "columns:" if study.titles else "# columns:"
    lines.append(f"  {start} # our name: your header. At a <-, add it and remove the first #")
    lines += columns
    if "microns_per_pixel" not in study.titles:
        lines.append("  # microns_per_pixel: 0.5 # the scale of all videos, if you know it")
    lines.append("  on_unreadable_video: skip # such videos are reported and skipped")
    return "\n".join(lines) + "\n\n"


def _render_videos(study: Study, video_list: Path) -> list[str]:
    lines = [f"  videos: {_quote(study.videos)}"]
    if study.is_beside:
        folder = to_printable(Path(study.table).parent)
        lines = [f"  # videos: # the names in the table begin in its own folder, {folder}"]
    elif study.needs_list:
        lines.append(f"  video_list: {_quote(video_list)} # <- whose each is: is it right?")
    elif "video" not in study.titles:
        mark = "<- " if study.names is None else ""
        lines[0] += f" # {mark}the numbers that begin the names are the participants"
    unmatched = study.list_unmatched()
    lines += [f"  # <- {line}" for line in unmatched]
    if unmatched and "video" not in study.titles:
        lines.append("  # on_unmatched: skip # leaves them out; or write them into video_list")
    return lines


def _render_column(study: Study, name: str) -> str:
    if title := study.titles.get(name):
        note = f" # {_describe_range(study, name)}" if study.read_values(name) else ""
        if name == "participant":
            note = " # whose video it is: all videos with one ID stay in one fold"
            if study.may_count_samples:
                note = " # <- the person's ID? If people gave several samples, folds mix them"
            if study.may_be_groups:
                note = f" # <- {len(study.participants)} IDs: of people, or of groups of people?"
        return f"    {name}: {_quote(title)}{note if name != 'video' else ''}"
    if choices := study.choices.get(name):
        return f"    # {name}: # <- {' or '.join(map(repr, choices))}?"
    if name == "video" and len(study.cells.get("participant", [])) > len(study.participants):
        return "    # video: # <- not found: participants have several rows, add the file of each"
    mark = "<- " if name == "participant" or name in _list_lacking(study) else ""
    return f"    # {name}: # {mark}not found{NOT_FOUND.get(name, '')}"


def _list_lacking(study: Study) -> list[str]:
    """Return the labels that are missed: of a target of which there is a part, or of all."""
    known = study.titles.keys() & LABELS.keys()
    return [
        name
        for labels in TARGETS.values()
        for name in labels
        if name not in known and (known & set(labels) or not known)
    ]


def _render_targets(study: Study) -> str:
    lines = []
    for target, labels in TARGETS.items():
        known = [name for name in labels if name in study.titles]
        lacking = [name for name in labels if name in _list_lacking(study)]
        note = f" # <- not found: {', '.join(lacking)}" if lacking else ""
        note = note if known else " # not found: name its columns above, and remove the first #"
        lines.append(f"  {'' if known else '# '}{target}: [{', '.join(known or labels)}]{note}")
    start = "targets:"
    if not study.titles.keys() & LABELS.keys():
        start += " # <- no column of percentages was found"
    return "\n".join([start, *lines]) + "\n\n"


def describe_study(study: Study) -> list[str]:
    """Return what was found in the table, and what was not, in lines."""
    lines = [f"Found in {study.table}:"]
    for name, title in study.titles.items():
        counts = {"participant": f"{len(study.participants)} IDs"}
        counts["video"] = f"{len(study.cells[name])} names"
        lines.append(f"  {name}: {title!r}, {counts.get(name) or _describe_range(study, name)}")
    if lacking := [name for name in ("participant", *LABELS) if name not in study.titles]:
        lines.append(f"Not found: {', '.join(lacking)}.")
    if study.owners:
        lines.append(f"{len(study.owners)} videos are named after participants.")
    return lines + [f"Note: {line}" for line in [*study.notes, *study.list_unmatched()]]


def _describe_range(study: Study, name: str) -> str:
    values = study.read_values(name)
    return f"{min(values):g} to {max(values):g}"


def _render_list(owners: dict[str, str]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\n").writerows(
        [("ID", "video"), *((who, name) for name, who in owners.items())]
    )
    return text.getvalue()


def _quote(text: str | Path) -> str:
    """Return a text as YAML writes it."""
    dumped = yaml.safe_dump(str(text), allow_unicode=True, width=10**6)
    return dumped.removesuffix("\n").removesuffix("\n...")
