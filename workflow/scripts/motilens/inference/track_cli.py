"""Tracking the cells of new videos from the command line."""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from motilens.core.command_line import parse_options, positive_number, report_stop
from motilens.core.files import atomic_write, write_table
from motilens.core.records import make_provenance
from motilens.core.text import to_printable
from motilens.inference.cell_table import (
    CLASSES,
    SPEEDS,
    count_classes,
    explain_gaps,
    find_scale,
    tabulate_cells,
)
from motilens.inference.new_videos import (
    add_video_options,
    check_video_file,
    describe_unread,
    explain_failure,
    list_videos,
)
from motilens.inference.overlay import write_overlay
from motilens.inference.track_folder import OVERLAY, SUMMARY, TrackFolder, lock_folder
from motilens.tracking.tracker import TrackedVideo, track_video
from motilens.tracking.trajectories import TRACK_COLUMNS
from motilens.video.fingerprints import fingerprint_file

DESCRIPTION = """Track the cells of videos and measure them. For each video, NAME.tracks.csv holds
their places, NAME.cells.csv their speeds and WHO categories, NAME.mp4 the video with its tracks,
and NAME.json how these were made; videos.csv has a row for each video. docs/how-to/track_cells.md
explains all columns."""


def track_new_videos(
    read_settings: Callable[[str | None], dict],
    code: dict[str, str],
    arguments: Sequence[str] | None = None,
) -> None:
    """Track videos; write the files of each, and a table of all.

    Args:
        read_settings: returns the tracker's settings by the path of a configuration (None: the
            defaults).
        code: see `code_versions`.

    Raises:
        InputError: a file is missing, or the folder holds what this call would not have made.
        SystemExit: with 1 if no video could be used.
    """
    sys.stdout.reconfigure(errors="backslashreplace")
    options = parse_arguments(arguments)
    settings = {
        "tracking": read_settings(options.config),
        "duration": options.duration,
        "frame_rate": options.frame_rate,
        "microns_per_pixel": options.microns_per_pixel,
    }
    for line in describe_unread(options.videos):
        print(line)
    videos, rows = list_videos(options.videos), []

    def describe_progress() -> str:
        return f"{len(rows)} of {len(videos)} videos are in {options.out}"

    remedy = "run again to go on: what is done is kept"
    with lock_folder(options.out):
        folder = TrackFolder(options.out, make_provenance(code, settings), not options.no_video)
        folder.check_use(videos)
        with report_stop(describe_progress, options.out, remedy):
            for path in videos:
                rows.append(track_file(path, settings, folder))
                print(f"{len(rows)} of {len(videos)}: {rows[-1]['video']}")
                for line in summarize_row(rows[-1]):
                    print(f"  {line}", flush=True)
                folder.write_summary(rows)  # what is done stays, whatever follows
    usable = sum(not row["error"] for row in rows)
    more = ", and the files of each" if usable else ""
    print(f"{usable} of {len(rows)} videos were tracked: {options.out / SUMMARY}{more}")
    print("For research: not a diagnosis.")
    sys.exit(0 if usable else 1)


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser("motilens track", description=DESCRIPTION)
    add_video_options(parser, "tracks", "a folder, new or of a call that was stopped")
    help_text = "of the videos (height of a pixel): speeds are then in µm/s"
    name = "--microns-per-pixel"
    parser.add_argument(name, type=positive_number, metavar="MICRONS", help=help_text)
    help_text = "of each video, from its beginning, instead of all"
    parser.add_argument("--duration", type=positive_number, metavar="SECONDS", help=help_text)
    help_text = "leave out NAME.mp4"
    parser.add_argument("--no-video", action="store_true", help=help_text)
    help_text = "a configuration: its section `tracking` counts, without duration"
    parser.add_argument("--config", metavar="FILE", help=help_text)
    return parse_options(parser, arguments)


def track_file(
    path: Path,
    settings: dict,
    folder: TrackFolder,
    describe: Callable[[TrackedVideo], dict] | None = None,
) -> dict:
    """Track a video unless its files are complete; return its row of the table.

    Args:
        settings: tracking, duration, frame_rate, microns_per_pixel; those of `folder`, too.
        describe: returns what else the row holds, plain values.

    Raises:
        InputError, OSError, MemoryError, RuntimeError: the machine is at fault, not the video.
    """
    name = None
    try:
        check_video_file(path)
        content = fingerprint_file(str(path))
        name = folder.take_name(path, content)
        if summary := folder.find_summary(name, content):
            return summary | {"video": str(path)}
        files = folder.start_video(name, path, content)
        known = settings["duration"], settings["frame_rate"], settings["microns_per_pixel"]
        tracked = track_video(str(path), settings["tracking"], *known)
        scale = find_scale(tracked, settings["microns_per_pixel"])
        cells = tabulate_cells(tracked, scale)
        warnings = [*tracked.warnings, *explain_gaps(tracked, cells, scale)]
        tracks = tracked.tracks[TRACK_COLUMNS].astype({"cell": int, "frame": int})
        write_table(files[".tracks.csv"], tracks, float_format="%.2f")
        write_table(files[".cells.csv"], cells, float_format="%.3f")
        if OVERLAY in folder.needed:
            with atomic_write(files[OVERLAY]) as temporary:
                write_overlay(temporary, str(path), tracked, cells)
        summary = {"video": str(path), "name": name} | summarize_video(tracked, cells)
        summary |= {
            "microns_per_pixel": _to_plain(scale.microns_per_pixel), "scale": scale.source
        }  # fmt: skip
        summary |= {f"quality_{key}": _to_plain(value) for key, value in tracked.quality.items()}
        summary |= {"warnings": warnings, "error": "", "fingerprint": content}
        summary |= describe(tracked) if describe else {}
        every_second = tracked.drift[:: max(1, round(tracked.frame_rate))]
        details = {"drift_each_second": every_second.round(2).tolist()}
        folder.end_video(name, summary, details)
        return summary
    except Exception as error:
        message = explain_failure(path, error)
        if name:
            folder.drop_video(name)
        return {"video": to_printable(path), "warnings": [], "error": message}


def summarize_video(tracked: TrackedVideo, cells: pd.DataFrame) -> dict:
    """Return numbers of a video for its row of the table, plain values.

    Median speeds are those of the motile cells (None: there are none), in `unit` per second.
    """
    far = np.linalg.norm(tracked.drift, axis=1).max(initial=0.0)
    names = ("frames", "frame_rate", "width", "height", "polarity", "head_length")
    counts = {"cells": len(cells), **count_classes(cells)}
    numbers = {name: _to_plain(getattr(tracked, name)) for name in names}
    motile = cells[cells["class"].notna() & (cells["class"] != "immotile")]
    medians = {f"median_{name}": _to_plain(motile[name].median()) for name in SPEEDS}
    unit = cells["unit"].iloc[0] if len(cells) else None
    return counts | numbers | {"drift": float(far)} | medians | {"unit": unit}


def _to_plain(value):
    """Return a value as JSON can hold it."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def summarize_row(row: dict) -> list[str]:
    """Return what to say of a video."""
    if row["error"]:
        return [f"ERROR: {row['error']}"]
    kinds = [f"{row[name]} {name.replace('_', ' ')}" for name in CLASSES if row[name]]
    cells = f"{row['cells']} cell{'s' * (row['cells'] != 1)}"
    counts = ": ".join(filter(None, [cells, ", ".join(kinds)]))
    speeds = [f"{n.upper()} {x:.3g}" for n in SPEEDS if (x := row[f"median_{n}"]) is not None]
    unit = "µm" if row["unit"] == "um" else row["unit"]
    medians = [f"median of motile cells: {', '.join(speeds)} {unit}/s"] if speeds else []
    return [counts, *medians, *(f"WARNING: {text}" for text in row["warnings"])]
