"""Videos with hand-made tracks or boxes, in the layouts that `tracking.py` lists."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
import numpy as np
import pandas as pd

from motilens.core.errors import InputError
from motilens.video.probe import VideoInfo

BOX = ["x", "y", "w", "h"]  # center and size, pixels


def find_truths(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each video that has a truth, and the path of the truth.

    Raises:
        InputError: no video has one.
    """
    found = False
    for video in sorted(folder.rglob("*.mp4")):
        number = re.search(r"\d*$", video.stem)[0]
        names = [f"{video.stem}_tracks.csv", f"{video.stem}_boxes.csv"]
        names += [f"tracks_{number}.csv.gz"] * bool(number)
        names += ["labels_ftid"] * (video.stem == video.parent.name)
        paths = [video.with_name(name) for name in names if video.with_name(name).exists()]
        if paths:
            found = True
            yield video, paths[0]
        else:
            missing = " or ".join(names)
            print(f"{video}: is not scored: {missing} is not beside it", file=sys.stderr)
    if not found:
        raise InputError(f"{folder}: holds no NAME.mp4 with its truth: --help lists the layouts")


def read_truth(path: Path, info: VideoInfo) -> tuple[pd.DataFrame, np.ndarray]:
    """Read the truth of a video.

    Returns:
        frame, cell (left out where there are no identities), x, y (center), w, h (pixels; NaN where
        only the center is known); and the labeled frames, ascending.

    Raises:
        InputError: it cannot be read, or a cell is twice in a frame.
    """
    if path.is_dir():
        return read_label_files(path, info.width, info.height)
    if path.name.endswith("_boxes.csv"):
        boxes = read_table(path, ["frame", "xmin", "ymin", "xmax", "ymax"], ["class"])
        frames, boxes = boxes["frame"], boxes[boxes["class"] == "S"]
        low, high = (boxes[[f"x{end}", f"y{end}"]].to_numpy() for end in ("min", "max"))
        values = np.hstack([boxes[["frame"]], (low + high) / 2, high - low])
        truth = pd.DataFrame(values, columns=["frame", *BOX])
    else:
        truth = read_table(path, ["frame", "track_id", "x_px", "y_px"], ["w_px", "h_px"])
        truth = truth.set_axis(["frame", "cell", *BOX], axis=1)
        frames = truth["frame"]
        check_cells_once(truth, path)
    return truth, np.arange(frames.max() + 1 if len(frames) else 0)


def read_tracks(path: Path) -> pd.DataFrame:
    """Read tracks that are to be scored: cell, frame, x, y.

    Raises:
        InputError: they cannot be read, or a cell is twice in a frame.
    """
    tracks = read_table(path, ["cell", "frame", "x", "y"])
    check_cells_once(tracks, path)
    return tracks


def read_table(path: Path, numbers: list[str], optional: tuple | list = ()) -> pd.DataFrame:
    """Read columns of a CSV file: some that hold numbers, and some that may be missing.

    Raises:
        InputError: it cannot be read, or a number is missing or infinite.
    """
    try:
        table = pd.read_csv(path)
        if missing := [name for name in numbers if name not in table]:
            raise ValueError(f"it has no column {', '.join(missing)}")
        table = table.reindex(columns=[*numbers, *optional]).astype(dict.fromkeys(numbers, float))
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}): write it again") from error
    wrong = ~np.isfinite(table[numbers]).all(axis=1)
    if wrong.any():
        names = ", ".join(numbers)
        raise InputError(f"{path}: row {wrong.argmax() + 1}: write a number in each of {names}")
    return table


def read_label_files(folder: Path, width: int, height: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Read VISEM-Tracking's boxes with identities, see `read_truth`."""
    rows, frames = [], []
    for path in sorted(folder.glob("*.txt")):
        number = re.search(r"_frame_(\d+)(_with_ftid)?$", path.stem)
        if not number:
            raise InputError(f"{path}: name it <ID>_frame_<N>_with_ftid.txt; N counts from 0")
        frames.append(int(number[1]))
        for place, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                if line.strip():
                    cell, _, *box = line.split()
                    x, y, w, h = (float(value) for value in box)
                    rows.append((frames[-1], cell, x * width, y * height, w * width, h * height))
            except ValueError as error:
                raise InputError(
                    f"{path}, line {place}: write `identity class x y width height`"
                ) from error
    truth = pd.DataFrame(rows, columns=["frame", "cell", *BOX])
    check_cells_once(truth, folder)
    return truth, np.array(sorted(frames), int)


def check_cells_once(table: pd.DataFrame, path: Path) -> None:
    """Raise an InputError if a cell is at two places in one frame."""
    twice = table[table.duplicated(["frame", "cell"])]
    if len(twice):
        cell, frame = twice.iloc[0][["cell", "frame"]]
        raise InputError(f"{path}: cell {cell} is twice in frame {frame:.0f}: delete one")
