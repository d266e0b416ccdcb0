"""How the models of a run were made: their cost, settings, versions and digests."""

from collections import defaultdict
from collections.abc import Iterable

import pandas as pd

from motilens.core.records import short_digest
from motilens.reports.page import Page

# Shown elsewhere on the page, or no setting of the user's.
HIDDEN_SETTINGS = {"architecture", "frames", "repeats", "values"}
# Output activations by their name in the configuration.
CONFIG_NAMES = {"softmax": "bounded", "sigmoid": "bounded"}


def make_models_table(records: Iterable[dict], runs: Iterable[dict]) -> pd.DataFrame:
    """Return a row for each trained model, by its model.json and run.json: models.csv."""
    rows = [
        {
            "model": f"{record['target']} regressor" if "target" in record else "autoencoder",
            **{name: record.get(name, "") for name in ("input", "target", "fold", "seed")},
            **{name: run[name] for name in ("seconds", "device", "precision", "threads")},
            "memory": run["peak_memory"],
            "memory_gpu": run["peak_memory_gpu"],
            "restarts": len(record["failed_attempts"]),
            "resumed": len(run["resumed_at_steps"]),
            **{kind: record["diagnostics"][kind] or "" for kind in ("failure", "warning")},
            "samples": len(record["training"]),
            "weights_sha256": record["weights_sha256"],
            "code": short_digest(record["code"]),
        }
        for record, run in zip(records, runs, strict=True)
    ]
    return pd.DataFrame(rows)


def build_run_page(models: pd.DataFrame, records: list[dict], errors: dict, settings: dict) -> Page:
    """Return the run as a page.

    Args:
        records: of the same models as `models` (`make_models_table`).
        errors: mae.json.
        settings: `frames` and, for baselines, `tracking` of the configuration; `data`,
            dataset.simulated or "recordings"; `video_warnings` by sample.
    """
    baselines, ensembles = (
        [record for record in errors["models"].values() if _kind_of_model(record) == kind]
        for kind in ("baseline", "ensemble")
    )
    versions = list_versions([*records, *baselines, *ensembles])
    identity = {
        "digest of the folds": errors["folds_digest"],
        "folds": _join_unique(errors["settings"]["models"]["fold"]),
        "seeds": _join_unique(errors["settings"]["models"]["seed"]),
    }
    data = dict(settings)
    video_warnings = data.pop("video_warnings")
    parts = [
        ("What models cost", summarize_costs(models)),
        ("Data", _two_columns(count_participants(records) | dict(_flatten(data)))),
        *[("Warnings about videos", _two_columns(video_warnings))] * bool(video_warnings),
        ("Input types", list_input_types(records)),
        ("Settings", list_settings(records)),
        ("Versions and digests", _two_columns(identity | versions)),
    ]
    notes = _list_notes(baselines, ensembles, errors["skipped"])
    return Page("How this run was made", parts, notes)


def _list_notes(baselines: list[dict], ensembles: list[dict], skipped: list[str]) -> list[str]:
    notes = [
        "A row of the first table is one kind of model. Seconds are of the training alone, without "
        "the start of the program, with interrupted runs and failed attempts; memory is the "
        "largest of any. What each single model cost, and the digest of its weights, is in "
        "`models.csv` beside this page; who is in which fold in `folds.csv`; every model's "
        "`model.json` names its training participants.",
        "The digest of the code is of our modules and the versions of the libraries that a step "
        "uses (`code` in `model.json` lists them).",
    ]
    if baselines:
        names = ", ".join(dict.fromkeys(record["method"] for record in baselines))
        notes.append(
            f"Baselines ({names}) are in the last table alone: they learn within seconds; what "
            "takes time is to track the cells of each video, some 20 s for 3 s of video."
        )
    if ensembles:
        members = (f"{r['method']} (of {', '.join(r['settings']['members'])})" for r in ensembles)
        notes.append(f"Ensembles are the means of other methods: {_join_unique(members)}.")
    if skipped:
        notes.append(f"**Skipped**: samples {', '.join(skipped)}.")
    return notes


def summarize_costs(models: pd.DataFrame) -> pd.DataFrame:
    """Return costs by kind of model and input type, as text."""
    rows = []
    for (model, name), group in models.groupby(["model", "input"], sort=False):
        on_gpu = group["memory_gpu"].dropna()
        row = {
            "model": model,
            "input": name,
            "number": len(group),
            "seconds each (median)": f"{group['seconds'].median():.1f}",
            "hours together": f"{group['seconds'].sum() / 3600:.2f}",
            "memory (GB)": f"{group['memory'].max() / 1e9:.1f}",
            "GPU memory (GB)": f"{on_gpu.max() / 1e9:.1f}" if len(on_gpu) else "",
            "device": _join_unique(group["device"] + ", " + group["precision"]),
            "restarts": group["restarts"].sum(),
            "not sound": (group["failure"].ne("") | group["warning"].ne("")).sum(),
        }
        rows.append(row)
    return pd.DataFrame(rows).astype(str)


def count_participants(records: Iterable[dict]) -> dict[str, int]:
    """Return how many samples, of how many participants, were trained on or held out."""
    samples = {}
    for record in records:
        samples |= record["training"] | record.get("held_out", {})
    participants = {labels["participant"] for labels in samples.values()}
    return {"participants": len(participants), "samples": len(samples)}


def list_input_types(records: Iterable[dict]) -> pd.DataFrame:
    """Return what the models of each input type see, and through which encoder."""
    rows = {}
    for record in records:
        encoder = record["architecture"].get("encoder", record["architecture"])
        rows[record["input"]] = {
            "input": record["input"],
            "frames": encoder["frames"],
            "repeats": encoder["repeats"],
            "encoder": encoder.get("kind") or f"autoencoder, {encoder['variant']}",
        }
    return pd.DataFrame(rows.values()).astype(str)


def list_settings(records: Iterable[dict]) -> pd.DataFrame:
    """Return each setting: a row for each value that it has, and which input types have it."""
    inputs_of, all_inputs = defaultdict(dict), defaultdict(dict)  # as ordered sets
    for record in records:
        kind = _kind_of_model(record)
        all_inputs[kind][record["input"]] = None
        for key, value in _flatten(record["settings"]):
            if key.partition(".")[0] not in HIDDEN_SETTINGS:
                text = CONFIG_NAMES.get(str(value), str(value))
                inputs_of[f"{kind}.{key}", text][record["input"]] = None
    rows = []
    for (key, value), inputs in sorted(inputs_of.items()):
        every = list(all_inputs[key.partition(".")[0]])
        text = "all that have one" if list(inputs) == every else ", ".join(inputs)
        rows.append({"setting": key, "value": value, "input types": text})
    return pd.DataFrame(rows)


def list_versions(records: Iterable[dict]) -> dict[str, str]:
    """Return versions of Motilens, Python and libraries, several where models differ."""
    versions = defaultdict(list)
    for record in records:
        own = {"Motilens": record["motilens"], "Python": record["python"]} | record["libraries"]
        own[f"code of {_kind_of_model(record)}s"] = short_digest(record["code"])
        for name, version in own.items():
            versions[name].append(version)
    return {name: _join_unique(values) for name, values in versions.items()}


def _kind_of_model(record: dict) -> str:
    if "baseline" in record["settings"]:
        return "baseline"
    if "members" in record["settings"]:
        return "ensemble"
    return "regressor" if "target" in record else "autoencoder"


def _flatten(values: dict, place: str = "") -> Iterable[tuple[str, object]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{place}{key}.")
        else:
            yield f"{place}{key}", value


def _two_columns(values: dict) -> pd.DataFrame:
    return pd.DataFrame({"of": list(values), "": list(values.values())})


def _join_unique(values: Iterable) -> str:
    return "; ".join(map(str, dict.fromkeys(values)))
