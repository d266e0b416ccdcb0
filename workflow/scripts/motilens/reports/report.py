"""The report of a run: one page with its tables and figures, which needs no other file."""

import base64
import io
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from markupsafe import Markup
from PIL import Image

from motilens.core.text import natural_sorted
from motilens.evaluation.diagnostics import QUALITY_FLAGS
from motilens.evaluation.metrics import CONSTANT_RULES
from motilens.evaluation.paper import AVERAGE
from motilens.evaluation.statistics import ALL_VALUES, select_target_rows
from motilens.reports.method_descriptions import describe_methods
from motilens.reports.model_card import FEW_PARTICIPANTS, WORSE, errors_vs_zero_r, find_doubts
from motilens.reports.page import Page, load_template, render_html_note, render_html_table
from motilens.reports.statistics_page import build_statistics_page
from motilens.reports.table1 import build_table1_page, describe_external

TEMPLATE = Path(__file__).with_name("report.html.jinja")
FIGURES = ("errors", "agreement", "learning_curves", "gallery")
NO_ISSUES = {"warning": "", "skip_reason": ""}  # of a video
SHEET_SIZE = 1200, 1200  # pixels, at most
PANEL = 100  # units of a panel's side
PERCENT_LIMITS = (-20, 120)  # predictions beyond are drawn at the edge


@dataclass(frozen=True)
class Results:
    """The tables of a run, as in docs/reference/formats.md, and the record of mae.csv."""

    table1: pd.DataFrame
    mae: pd.DataFrame
    statistics: pd.DataFrame
    comparisons: pd.DataFrame
    samples: pd.DataFrame
    record: dict


def render_report(
    results: Results,
    settings: dict,
    videos: dict[str, dict],
    figures: dict[str, str],
    sheets: dict[str, str],
    run_summary: str,
    identity: dict[str, str],
    config: dict,
) -> str:
    """Return the page as HTML.

    Args:
        settings: reference, a method; simulated; warnings about the data; external, if any.
        videos: by sample, its participant and fold, and skip_reason or warning, if it has one.
        figures: paths by name: errors, agreement, and learning_curves and gallery, if drawn.
        sheets: paths of contact sheets by sample.
        run_summary: tables/run_summary.html, if there is one.
        identity: config (its file's name), date, and code, as of `describe_code`.
        config: the configuration.
    """
    tables = results.table1, results.mae, results.comparisons
    table1 = build_table1_page(*tables, settings)
    differences = build_statistics_page(
        results.statistics, results.comparisons, _collect_flags(results.mae), settings["reference"]
    )
    shown = results.samples[~results.samples["method"].isin(CONSTANT_RULES)]
    shown = shown[shown["seed"] == shown["seed"].min()]
    template = load_template(
        TEMPLATE,
        note=lambda text: Markup(render_html_note(text)),
        table=lambda table, name: Markup(render_html_table(table, name)),
        image=embed_image,
    )
    return template.render(
        identity=identity,
        reference=settings["reference"],
        warnings=list_warnings(results, settings, videos),
        averages=select_averages(table1),
        methods=describe_methods(config),
        table1=table1,
        differences=differences,
        figures=figures,
        alt_texts=describe_figures(results),
        panels=draw_panels(shown, results.statistics),
        predictions=list_predictions(shown),
        seed=shown["seed"].min(),
        videos={name: NO_ISSUES | videos[name] for name in natural_sorted(videos)},
        sheets={name: embed_image(path, SHEET_SIZE) for name, path in sheets.items()},
        run_summary=Markup(_read_body(run_summary)),
        versions=list_versions(results.record, identity),
        config=yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
    )


def describe_code(folder: Path, version: str) -> str:
    """Return version and commit of Motilens in `folder`; the version alone if it is no clone."""

    def ask_git(*arguments: str) -> list[str]:
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True)
        return done.stdout.splitlines() if done.returncode == 0 else []

    try:
        place = ask_git("rev-parse", "--show-toplevel", "HEAD")
        if len(place) != 2 or Path(place[0]).resolve() != folder.resolve():
            return version  # a copy, maybe in a repository of the user's
        edited = ", edited" if ask_git("status", "--porcelain", "--untracked-files=no") else ""
    except OSError:  # no git here
        return version
    return f"{version}, commit {place[1][:8]}{edited}"


def list_warnings(results: Results, settings: dict, videos: dict[str, dict]) -> list[str]:
    """Return what to know before the numbers, a note each (`Page.notes`), the worst first."""
    lines = []
    if settings["simulated"]:
        lines.append(
            "**The data are simulated**: these figures show that the pipeline works, not that the "
            "method does."
        )
    lines += _list_doubts(results)
    count = results.statistics["participants"].max()
    if count < FEW_PARTICIPANTS:
        lines.append(
            f"**Only {count} participants**: the errors are a rough measure, and differences can "
            "hardly be significant."
        )
    skipped = {name: row["skip_reason"] for name, row in videos.items() if "skip_reason" in row}
    for name in natural_sorted(skipped):
        lines.append(f"**Sample {name} was left out**: {skipped[name]}")
    lines += _count_flags(results.mae)
    if warned := natural_sorted(name for name, row in videos.items() if "warning" in row):
        lines.append(f"**Videos with warnings** (see Participants): {', '.join(warned)}")
    return [*lines, *describe_external(settings), *settings["warnings"]]


def _list_doubts(results: Results) -> Iterator[str]:
    doubtful, methods = defaultdict(list), results.mae["method"].unique()
    for method in methods:
        errors = errors_vs_zero_r(method, results.statistics, results.comparisons)
        for target, words in find_doubts(errors, is_simulated=False).items():
            if words:
                doubtful[target, WORSE in words].append(method)
    for (target, is_worse), names in doubtful.items():
        if is_worse:
            yield f"**{target}: {WORSE}**, significantly: {', '.join(names)}"
        else:
            of_target = results.mae.loc[results.mae["target"] == target, "method"].nunique()
            every = " (no method is)" if len(names) == of_target else ""
            yield f"**{target}: not significantly better than ZeroR**{every}: {', '.join(names)}"


def _count_flags(mae: pd.DataFrame) -> Iterator[str]:
    for name, (_, text) in QUALITY_FLAGS.items():
        rows = mae[mae[name]]
        if len(rows):
            counts = Counter(zip(rows["method"], rows["target"], strict=True))
            found = (f"{count} of {method}, {target}" for (method, target), count in counts.items())
            yield f"**{len(rows)} of {len(mae)} models** ({'; '.join(found)}): {text}"


def _collect_flags(mae: pd.DataFrame) -> dict[tuple[str, str], set[str]]:
    groups = mae.groupby(["method", "target"])
    return {key: {name for name in QUALITY_FLAGS if rows[name].any()} for key, rows in groups}


def select_averages(table1: Page) -> pd.DataFrame:
    """Return the rows of Table 1 that are averages over folds."""
    _, table = table1.parts[0]
    return table[table["Fold"] == AVERAGE].drop(columns="Fold")


def draw_panels(cases: pd.DataFrame, statistics: pd.DataFrame) -> list[tuple[str, list[dict]]]:
    """Return the panels of predicted against true percentages of each method.

    A panel has value, low, high (its range in percent, along both axes), text (what it shows, in
    words) and points: x, y (in a square of PANEL units, y downwards) and the name of each.
    """
    limits = {}
    for value, rows in cases.groupby("value"):
        both = rows[["true", "predicted"]]
        low = max(np.floor(both.min(axis=None) / 10) * 10, PERCENT_LIMITS[0])
        high = min(np.ceil(both.max(axis=None) / 10) * 10, PERCENT_LIMITS[1])
        limits[value] = low, max(high, low + 10)
    keys, panels = ["method", "target", "value"], defaultdict(list)
    numbers = statistics[statistics["level"] == "participant"].set_index(keys).sort_index()
    for key, rows in cases.groupby(keys, sort=False):
        (method, target, value), of_panel = key, numbers.loc[key]
        low, high = limits[value]
        places = (rows[["true", "predicted"]].clip(low, high) - low) / (high - low) * PANEL
        names = (
            f"{row.sample}: true {row.true:.1f} %, predicted {row.predicted:.1f} %"
            for row in rows.itertuples()
        )
        points = zip(places["true"], PANEL - places["predicted"], names, strict=True)
        text = (
            f"{method}, {target}, {value}: {len(rows)} samples, mean absolute error "
            f"{of_panel['mae']:.1f}, mean difference {of_panel['bias']:+z.1f} percentage points"
        )
        if of_panel["correlation"] == of_panel["correlation"]:
            text += f", correlation {of_panel['correlation']:z.2f}"
        panel = {"value": value, "low": low, "high": high, "text": text, "points": list(points)}
        panels[method].append(panel)
    return list(panels.items())


def list_predictions(cases: pd.DataFrame) -> pd.DataFrame:
    """Return true and predicted percentages as text: a row for each sample and value."""
    keys = ["sample", "target", "value"]
    table = cases.pivot_table(index=keys, columns="method", values="predicted", sort=False)
    table.insert(0, "true", cases.groupby(keys)["true"].first())
    order = {name: place for place, name in enumerate(natural_sorted(set(cases["sample"])))}
    rows = table.map(lambda x: f"{x:.1f}" if x == x else "").reset_index()
    return rows.sort_values("sample", key=lambda names: names.map(order), kind="stable")


def describe_figures(results: Results) -> dict[str, str]:
    """Return what figures show, in words, for those who do not see them."""
    rows, texts = select_target_rows(results.statistics), []
    for target, part in rows.groupby("target", sort=False):
        numbers = (f"{row.method} {row.mae:.1f}" for row in part.itertuples())
        texts.append(f"{target}: {', '.join(numbers)}")
    single = results.statistics[results.statistics["level"] == "participant"]
    single = single[(single["value"] != ALL_VALUES) & ~single["method"].isin(CONSTANT_RULES)]
    low, high = (single.loc[getattr(single["bias"], f"idx{end}")()] for end in ("min", "max"))
    ends = (f"{row['bias']:+z.1f} ({row['method']}, {row['value']})" for row in (low, high))
    return {
        "errors": f"Mean absolute errors in percentage points. {'. '.join(texts)}.",
        "agreement": f"Predicted − true percentages. Mean differences: from {' to '.join(ends)}.",
    }


def list_versions(record: dict, identity: dict[str, str]) -> pd.DataFrame:
    """Return how the report and the tables were made, by mae.json."""
    rows = {"configuration": identity["config"], "report written": identity["date"]}
    rows |= {"Motilens": identity["code"], "Python": record["python"]} | record["libraries"]
    rows |= {"digest of the folds": record["folds_digest"]}
    return pd.DataFrame({"of": list(rows), "": list(rows.values())})


def embed_image(path: str, size: tuple[int, int] | None = None) -> dict:
    """Return an image as attributes of <img>: src, a data URI, and width and height.

    As it is, or no larger than `size` (pixels), as WebP.
    """
    with Image.open(path) as image:
        if size is None:
            kind, content = image.format.lower(), Path(path).read_bytes()
        else:
            image = image.convert("RGB")
            image.thumbnail(size)
            image.save(written := io.BytesIO(), "WEBP", quality=60)
            kind, content = "webp", written.getvalue()
        width, height = image.size
    src = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return {"src": src, "width": width, "height": height}


def _read_body(path: str) -> str:
    """Return what is below the title of a page of ours (`render_html`), with lower headings."""
    text = Path(path).read_text(encoding="utf-8") if path else ""
    body = text.partition("</h1>")[2].rpartition("</body>")[0]
    return re.sub(r"<(/?)h2>", r"<\1h3>", body)
