"""The simulated data set in VISEM's own shape: names, label file, list of videos."""

from pathlib import Path

import pandas as pd

from motilens import simulation
from motilens.samples import LABELS


def sample_table(participants: int, seed: int, folder: str) -> pd.DataFrame:
    """What `samples.read_samples` will find once the files are written.

    Returns:
        One row a participant: index sample, participant (str), video (path), six percentages.
    """
    table = pd.DataFrame(
        {
            "participant": str(participant),
            "video": f"{folder}/{simulation.video_name(participant, seed)}",
            **simulation.labels(simulation.draw_cells(participant, seed)),
        }
        for participant in range(1, participants + 1)
    )
    return table.set_index(pd.Index(table["participant"], name="sample"))


def write_labels(table: pd.DataFrame, path: Path) -> None:
    """Write VISEM's semen_analysis_data.csv, the columns that a simulation knows."""
    visem = table.rename(columns={"participant": "ID"} | LABELS)[["ID", *LABELS.values()]]
    _write(visem, path)


def write_video_list(table: pd.DataFrame, path: Path) -> None:
    """Write VISEM's videos.csv."""
    _write(
        table.assign(ID=table["participant"], video=table["video"].map(_name)),
        path,
        ["ID", "video"],
    )


def _write(table: pd.DataFrame, path: Path, columns=None) -> None:
    """VISEM's dialect: UTF-8 with byte order mark, CR LF, `;`, decimal comma."""
    table.to_csv(
        path,
        columns=columns,
        index=False,
        sep=";",
        decimal=",",
        encoding="utf-8-sig",
        lineterminator="\r\n",
    )


def _name(path: str) -> str:
    return Path(path).name
