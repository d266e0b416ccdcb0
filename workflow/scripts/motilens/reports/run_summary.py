"""How the models of a run were made: their cost, settings, versions and digests."""

from collections.abc import Iterable

import pandas as pd

from motilens.core.records import short_digest
from motilens.reports.page import Page

# Said elsewhere on the page, or no setting of the user's.
HIDDEN_SETTINGS = {"architecture", "frames", "copies", "values"}
CONFIG_NAMES = {"shares": "bounded"}  # what it becomes where percentages add up to 100


def make_models_table(records: Iterable[dict], runs: Iterable[dict]) -> pd.DataFrame:
    """A row for each trained model (models.csv, docs/formats.md).

    Args:
        records, runs: model.json and run.json of each, in the same order.
    """
    rows = []
    for record, run in zip(records, runs, strict=True):
        target = record.get("target")
        rows.append(
            {
                "model": f"{target} regressor" if target else "autoencoder",
                **{name: record.get(name, "") for name in ("input", "target", "fold", "seed")},
                **{name: run[name] for name in ("seconds", "device", "precision", "threads")},
                "memory": run["peak_memory"],
                "memory_gpu": run["peak_memory_gpu"],
                "begun_again": len(record["abandoned_starts"]),
                "resumed": len(run["resumed_at_steps"]),
                **{kind: record["health"][kind] or "" for kind in ("problem", "warning")},
                "samples": len(record["training"]),
                "weights_sha256": record["weights_sha256"],
                "code": short_digest(record["code"]),
            }
        )
    return pd.DataFrame(rows)


def build_run_page(models: pd.DataFrame, records: list[dict], errors: dict, data: dict) -> Page:
    """The run on a page.

    Args:
        models: as of `models_table`.
        records: of the same models.
        errors: mae.json.
        data: `frames` and, for baselines, `tracks` of the configuration; `data`,
            dataset.simulated or "recordings".
    """
    of_split = errors["settings"]
    others = errors["regressors"].values()
    counted = [made for made in others if _kind_of_model(made) == "baseline"]
    averaged = [made for made in others if _kind_of_model(made) == "ensemble"]
    notes = [
        "A row of the first table is one kind of model. Seconds are of the training alone, without "
        "the start of the program, interrupted runs and starts given up included; memory is the "
        "largest of any. What each single model cost, and the digest of its weights, is in "
        "`models.csv` beside this page; who is in which fold in `folds.csv`; every model's own "
        "`model.json` names its training participants.",
        "The digest of the code is of our modules and the versions of the libraries that a step "
        "uses (`code` in `model.json` lists them).",
    ]
    if counted:
        names = ", ".join(dict.fromkeys(made["input"] for made in counted))
        notes.append(
            f"Baselines ({names}) are in the last table alone: they learn within seconds; what "
            "takes time is to follow the cells of each video, some 20 s for 3 s of film."
        )
    if averaged:
        means = {made["input"]: ", ".join(made["settings"]["members"]) for made in averaged}
        told = "; ".join(f"{name} (of {members})" for name, members in means.items())
        notes.append(f"Ensembles are the means of other rows: {told}.")
    if left_out := of_split["left_out"]:
        notes.append(f"**Left out**: samples {', '.join(left_out)}.")
    identity = {
        "digest of the folds": of_split["folds_digest"],
        "folds": _join_unique(of_split["models"]["fold"]),
        "seeds": _join_unique(of_split["models"]["seed"]),
    }
    parts = [
        ("What models cost", summarize_costs(models)),
        ("Data", _two_columns(count_participants(records) | dict(_flatten(data)))),
        ("Input types", list_input_types(records)),
        ("Settings", list_settings(records)),
        (
            "Versions and digests",
            _two_columns(identity | list_versions([*records, *counted, *averaged])),
        ),
    ]
    return Page("How this run was made", parts, notes)


def summarize_costs(models: pd.DataFrame) -> pd.DataFrame:
    """By kind of model and input type, as text."""
    rows = []
    for (model, name), group in models.groupby(["model", "input"], sort=False):
        on_gpu = group["memory_gpu"].dropna()
        rows.append(
            {
                "model": model,
                "input": name,
                "number": len(group),
                "seconds each (median)": f"{group['seconds'].median():.1f}",
                "hours together": f"{group['seconds'].sum() / 3600:.2f}",
                "memory (GB)": f"{group['memory'].max() / 1e9:.1f}",
                "GPU memory (GB)": f"{on_gpu.max() / 1e9:.1f}" if len(on_gpu) else "",
                "device": _join_unique(group["device"] + ", " + group["precision"]),
                "begun again": group["begun_again"].sum(),
                "not sound": (group["problem"].ne("") | group["warning"].ne("")).sum(),
            }
        )
    return pd.DataFrame(rows).astype(str)


def count_participants(records: Iterable[dict]) -> dict[str, int]:
    """How many samples, of how many participants, trained or were held out."""
    seen = {}
    for record in records:
        seen |= record["training"] | record.get("held_out", {})
    people = {labels["participant"] for labels in seen.values()}
    return {"participants": len(people), "samples": len(seen)}


def list_input_types(records: Iterable[dict]) -> pd.DataFrame:
    """What the models of each see, and through which encoder."""
    rows = {}
    for record in records:
        seen = record["architecture"].get("encoder", record["architecture"])
        kind = seen.get("kind") or f"autoencoder, {seen['variant']}"
        shown = {"input": record["input"], "frames": seen["frames"], "copies": seen["copies"]}
        rows[record["input"]] = shown | {"encoder": kind}
    return pd.DataFrame(rows.values()).astype(str)


def list_settings(records: Iterable[dict]) -> pd.DataFrame:
    """Each setting and its value; a row for each value that it has, and which inputs have it."""
    found, everyone = {}, {}
    for record in records:
        step = _kind_of_model(record)
        everyone.setdefault(step, {})[record["input"]] = None
        for key, value in _flatten(record["settings"]):
            if key.partition(".")[0] not in HIDDEN_SETTINGS:
                as_set = CONFIG_NAMES.get(str(value), str(value))
                named = found.setdefault((f"{step}.{key}", as_set), {})
                named[record["input"]] = None
    rows = []
    for (key, value), inputs in sorted(found.items()):
        whole = list(everyone[key.partition(".")[0]])
        shown = "all that have one" if list(inputs) == whole else ", ".join(inputs)
        rows.append({"setting": key, "value": value, "input types": shown})
    return pd.DataFrame(rows)


def list_versions(records: Iterable[dict]) -> dict[str, str]:
    """Of Motilens, Python and libraries that models were made with, several if they differ."""
    found = {}
    for record in records:
        step = _kind_of_model(record)
        own = {"Motilens": record["motilens"], "Python": record["python"]} | record["libraries"]
        own[f"code of {step}s"] = short_digest(record["code"])
        for name, version in own.items():
            found.setdefault(name, []).append(version)
    return {name: _join_unique(seen) for name, seen in found.items()}


def _kind_of_model(record: dict) -> str:
    """The kind of its model."""
    for kind, key in (("baseline", "method"), ("ensemble", "members")):
        if key in record["settings"]:
            return kind
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
