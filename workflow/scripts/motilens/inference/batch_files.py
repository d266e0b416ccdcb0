"""The files of a call: a table, JSON, and a page of all videos to read and to print."""

import datetime
import os
import urllib.parse
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from motilens.core.errors import InputError
from motilens.core.files import atomic_write, write_table
from motilens.core.records import motilens_version, write_record
from motilens.inference.bundle import Bundle
from motilens.inference.predictor import Prediction, list_values
from motilens.inference.shipped_model import ShippedModel
from motilens.reports.page import load_template
from motilens.reports.style import DISPLAY_NAMES

UNCERTAINTIES = ("held_out_error", "std_over_stacks", "std_over_models")  # of `Prediction.values`
BATCH_PAGE = "index.html"
ABOUT_ERROR = (
    "within it, 95 % of errors are expected, by those on participants whom the model had not seen."
)
MARK = '<meta name="generator" content="Motilens predict">'
TEMPLATE = Path(__file__).with_name("batch.html.jinja")


def write_batch_files(
    folder: Path,
    predictions: Sequence[Prediction],
    model: Bundle | ShippedModel,
    total: int,
) -> None:
    """Write all predictions so far as a table, as JSON and as a page, each whole or not at all.

    `total` is how many videos the call has.
    """
    table = predictions_table(predictions, model.targets)
    write_table(folder / "predictions.csv", table, float_format="%.3f")
    content = [prediction_to_dict(prediction, model) for prediction in predictions]
    write_record(folder / "predictions.json", content)
    write_batch_page(folder, predictions, model, total)


def write_batch_page(
    folder: Path,
    predictions: Sequence[Prediction],
    model: Bundle | ShippedModel,
    total: int,
) -> None:
    """Write the page alone; pictures of videos that are not there yet are left out."""
    has_cells = any(prediction.n_cells is not None for prediction in predictions)
    rows = [describe_video(prediction, model, folder) for prediction in predictions]
    text = load_template(TEMPLATE).render(
        rows=rows,
        usable=sum(not prediction.error for prediction in predictions),
        total=total,
        targets=model.targets,
        has_cells=has_cells,
        columns=len(list_values(model.targets)) + has_cells,
        display=DISPLAY_NAMES,
        about_model=model.warnings,
        about_error=ABOUT_ERROR,
        mark=MARK,
        version=motilens_version(),
        digest=model.digest,
        today=datetime.date.today(),
    )
    with atomic_write(folder / BATCH_PAGE) as temporary:
        temporary.write_text(text, encoding="utf-8")


def predictions_table(
    predictions: Iterable[Prediction], targets: dict[str, list[str]] | None = None
) -> pd.DataFrame:
    """Return a row for each video.

    Its columns are video, for each value <value>, <value>_held_out_error,
    <value>_std_over_stacks and <value>_std_over_models, then warnings, error and page. With
    `targets`, all their values have columns, even where no video has percentages.
    """
    last = ["warnings", "error", "page"]
    known = [
        f"{v}{key}"
        for v in list_values(targets or {})
        for key in ("", *(f"_{u}" for u in UNCERTAINTIES))
    ]
    rows = [{"video": None} | dict.fromkeys(known) | dict.fromkeys(last, "")]  # the columns
    for prediction in predictions:
        row = {"video": prediction.video}
        for value, numbers in prediction.values.items():
            row[value] = numbers["percent"]
            row |= {f"{value}_{key}": numbers[key] for key in UNCERTAINTIES}
        warnings = " | ".join([*prediction.warnings, *prediction.about_model])
        texts = warnings, prediction.error or "", prediction.page or ""
        rows.append(row | dict(zip(last, texts, strict=True)))
    table = pd.DataFrame(rows).iloc[1:]
    return table[[name for name in table if name not in last] + last]


def prediction_to_dict(prediction: Prediction, bundle: Bundle) -> dict:
    """Return all that is known of a prediction but its images, in plain values."""
    return {
        "video": prediction.video,
        "warnings": [*prediction.warnings, *prediction.about_model],
        "doubts": prediction.doubts,
        "values": prediction.values or dict.fromkeys(list_values(bundle.targets)),
        "stacks": {
            target: outputs.mean(0).round(3).tolist()
            for target, outputs in prediction.outputs.items()
            if not bundle.uses_only_tracks
        },
        "cells": prediction.n_cells,
        "error": prediction.error,
        "page": prediction.page,
        "decoded": prediction.record,
        "bundle_sha256": bundle.digest,
        "models": len(bundle.members),
    }


def describe_video(prediction: Prediction, model: Bundle | ShippedModel, folder: Path) -> dict:
    """Return what the page says of one video, as text."""
    values = [(v["percent"], v["held_out_error"]) for v in prediction.values.values()]
    numbers = [f"{percent:.0f} ± {error:.0f} %" for percent, error in values]
    doubts = prediction.own_doubts(model.doubts)
    is_there = prediction.page and (folder / prediction.page).exists()
    links = {"picture": prediction.page} if is_there else {}
    if prediction.overlay:
        links["overlay video"] = os.path.relpath(prediction.overlay, folder)
    percentages = ", ".join(f"{n} {p}" for n, p in zip(prediction.values, numbers, strict=True))
    # In its own row and section, it needs no name.
    error = (prediction.error or "").removeprefix(f"{prediction.video}: ")
    return {
        "name": Path(prediction.video).name,
        "video": prediction.video,
        "numbers": numbers or ["–"] * len(list_values(model.targets)),
        "cells": "–" if error or prediction.n_cells is None else prediction.n_cells,
        "doubts": doubts,
        "notes": error or ", ".join(doubts),
        "warnings": [error] if error else prediction.warnings,
        "counts": count_cells(prediction),
        "links": {text: urllib.parse.quote(link) for text, link in links.items()},
        "description": f"First frame, what moves or is tracked, and percentages: {percentages}",
    }


def count_cells(prediction: Prediction) -> str:
    """Return how many cells have which class, as text; empty if cells were not classified."""
    counts = Counter(name for name in prediction.cell_classes if name)
    if not counts:
        return ""
    names = dict.fromkeys([*filter(counts.get, prediction.values), *counts])  # in the table's order
    parts = [f"{counts[name]} {DISPLAY_NAMES.get(name, name)}" for name in names]
    if unknown := len(prediction.cell_classes) - counts.total():
        parts.append(f"{unknown} seen too briefly")
    return (
        f"Cells by {prediction.class_source}: {', '.join(parts)}. Percentages are the model's, not "
        "shares of these counts."
    )


def check_batch_page(folder: Path) -> None:
    """Check that no foreign file would be overwritten (InputError)."""
    page = folder / BATCH_PAGE
    if page.exists() and not (page.is_file() and MARK.encode() in page.read_bytes()):
        raise InputError(
            f"{page} is there, and is none of ours: name another folder (--out; OUT= with make)"
        )
