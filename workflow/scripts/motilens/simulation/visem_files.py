"""The files of the simulated data set, in VISEM's own format."""

from pathlib import Path

import pandas as pd

from motilens.core.labels import LABELS
from motilens.simulation.cells import cell_percentages, draw_cells, random_stream
from motilens.simulation.conditions import SCENES, draw_conditions

VIDEO_NOTES = {2: "_lots of debris", 7: "_minor drift"}  # as VISEM's: file names may contain spaces


def make_video_name(participant: int, seed: int) -> str:
    """Return a name of VISEM's pattern `<ID>_<YY.MM.DD>[_note]_<assessor>.avi`, all invented."""
    rng = random_stream(participant, seed, "name")
    year, month, day = rng.integers(9, 14), rng.integers(1, 13), rng.integers(1, 29)
    assessor = "".join(rng.choice(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), rng.integers(2, 4)))
    note = VIDEO_NOTES.get(participant, "")
    return f"{participant}_{year:02d}.{month:02d}.{day:02d}{note}_{assessor}.avi"


def simulated_sample_table(
    participants: int, seed: int, folder: str, style: str = "plain"
) -> pd.DataFrame:
    """Return what `read_samples` will read once the files are written.

    One row for each participant: index sample, participant (str), video (path), six percentages.
    """
    table = pd.DataFrame(
        {
            "participant": str(participant),
            "video": f"{folder}/{make_video_name(participant, seed)}",
            **_draw_percentages(participant, seed, style),
        }
        for participant in range(1, participants + 1)
    )
    return table.set_index(pd.Index(table["participant"], name="sample"))


def _draw_percentages(participant: int, seed: int, style: str) -> dict[str, float]:
    scene = ()
    if style == "realistic":
        scene = SCENES[draw_conditions(participant, seed).scene].population
    return cell_percentages(draw_cells(participant, seed, *scene))


def write_label_table(table: pd.DataFrame, path: Path) -> None:
    """Write VISEM's semen_analysis_data.csv, the columns that a simulation knows."""
    visem = table.rename(columns={"participant": "ID"} | LABELS)[["ID", *LABELS.values()]]
    _write_csv(visem, path)


def write_video_list(table: pd.DataFrame, path: Path) -> None:
    """Write VISEM's videos.csv."""
    names = table["video"].map(lambda video: Path(video).name)
    _write_csv(table.assign(ID=table["participant"], video=names)[["ID", "video"]], path)


def write_track_table(tracks: pd.DataFrame, path: Path) -> None:
    """Write `Recording.tracks` with the columns of VISEM-Tracking; sperm is class 0."""
    table = tracks.round(2)
    table.insert(2, "class", 0)
    table.to_csv(path, index=False)


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write VISEM's dialect: UTF-8 with byte order mark, CR LF, `;`, decimal comma."""
    table.to_csv(
        path, index=False, sep=";", decimal=",", encoding="utf-8-sig", lineterminator="\r\n"
    )
