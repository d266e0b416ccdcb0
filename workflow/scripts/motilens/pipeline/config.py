"""Checking a configuration against its schema, with messages for people."""

import difflib
import math
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import yaml

from motilens.core.errors import InputError
from motilens.core.records import deep_merge
from motilens.dataset.video_files import describe_future_mtime, is_storage_url
from motilens.evaluation.metrics import CONSTANT_RULES
from motilens.evaluation.paper import AVERAGE


def check_config(config: dict, schema: dict) -> dict:
    """Compare `config` with a JSON schema.

    Returns:
        The same with whole numbers as int (2.0 means 2), so that they cannot differ in form only,
        and with the schema's default for each key that is left out.

    Raises:
        InputError: with one line for each unknown key, missing key, wrong type or impossible value.
    """
    config = _whole_numbers(config)
    lines = list(_iter_unusable_values(config))
    if not lines:
        validator = jsonschema.Draft202012Validator(schema)
        lines = [
            line
            for error in validator.iter_errors(config)
            for line in _describe_error(error, schema)
        ]
    if lines:
        raise InputError(
            "the configuration cannot be used (config/README.md lists every key):\n  "
            + "\n  ".join(sorted(set(lines)))
        )
    return _fill_defaults(config, schema)


def find_duplicate_keys(path: str | Path) -> list[str]:
    """Keys that stand twice in one mapping of a YAML file, with their lines: the last would win."""
    return list(
        dict.fromkeys(_iter_duplicate_keys(yaml.compose(Path(path).read_text("utf-8")), path))
    )


def _iter_duplicate_keys(node: yaml.Node | None, path: str | Path) -> Iterator[str]:
    if isinstance(node, yaml.SequenceNode):
        for part in node.value:
            yield from _iter_duplicate_keys(part, path)
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, part in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                yield f"{path}, line {line}: {key.value} is there twice: leave one"
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
            yield from _iter_duplicate_keys(part, path)


def find_misplaced_paths(config: dict, clone: Path) -> list[str]:
    """Places where a run would overwrite or remove what is not its own.

    Args:
        config: as `check` gives it.
        clone: the folder of this pipeline.
    """
    named = config["results"]
    results, clone = Path(named).resolve(), clone.resolve()
    if clone.is_relative_to(results):
        return [f"results: {named} holds the pipeline itself: name a folder of its own"]
    if file := next((one for one in (results, *results.parents) if one.is_file()), None):
        return [f"results: {file} is a file: name a folder"]
    theirs = _user_tables(config) | {"dataset.videos": config["dataset"].get("videos")}
    return [
        f"{key}: {path} lies in the folder of results ({named}), where files are overwritten and "
        "removed: move it, or name another folder for results"
        for key, path in sorted(theirs.items())
        if path and not is_storage_url(path) and Path(path).resolve().is_relative_to(results)
    ]


def find_future_tables(config: dict) -> list[str]:
    """The user's tables that are newer than now (of videos, their rows say it)."""
    return [
        f"{key}: {path} {told}"
        for key, path in _user_tables(config).items()
        if path and Path(path).is_file() and (told := describe_future_mtime(path))
    ]


def _user_tables(config: dict) -> dict[str, str | None]:
    """The user's tables, by the keys that name them."""
    dataset, split = config["dataset"], config["folds"]
    named = {f"dataset.{name}": dataset.get(name) for name in ("labels", "video_list")}
    return named | {"folds.file": split.get("file")}


def find_contradictions(config: dict) -> list[str]:
    """What no schema sees: settings that are fine by themselves and not together.

    Args:
        config: as `check` gives it.
    """
    found = []
    inputs, taken = config["inputs"], {*config["baselines"], *CONSTANT_RULES, AVERAGE}
    for name in sorted(taken & set(inputs)):
        found.append(f"inputs: {name} is another row of the tables, too: rename the input")
    for name, members in config["ensembles"].items():
        if name in taken | set(inputs):
            found.append(f"ensembles: {name} is another row of the tables, too: rename it")
        known = [*inputs, *config["baselines"]]
        for member in (one for one in members if one not in known):
            found.append(
                f"ensembles.{name}: {member} is neither among inputs nor among baselines; known "
                f"here: {', '.join(known)}"
            )
    followed, rate = config["tracks"], config["frames"]["frame_rate"]
    if config["baselines"] and followed["seconds"] * rate < followed["shortest"]:
        found.append(
            f"tracks.shortest: no path of {followed['shortest']} frames fits into the first "
            f"{followed['seconds']:g} s (tracks.seconds) at {rate:g} frames/s: lower it, or look "
            "at more"
        )
    for name, kind in config["inputs"].items():
        if kind["encoder"] == "autoencoder":
            settings = deep_merge(config["autoencoder"], kind.get("autoencoder", {}))
            found += _autoencoder_contradictions(name, kind, settings)
        settings = deep_merge(config["regressor"], kind.get("regressor", {}))
        if settings["recurrent"] and kind["encoder"] != "none":
            found.append(
                f"regressor.recurrent: of {name}, it looks at one frame after the other, which "
                f"are there with inputs.{name}.encoder: none alone"
            )
        clips, together = config["frames"]["clips_per_video"], settings["together"]
        if clips % together:
            found.append(
                f"regressor.together: {clips} (frames.clips_per_video) cannot be divided by "
                f"{together} ({name})"
            )
    return found


def _autoencoder_contradictions(name: str, kind: dict, settings: dict) -> Iterator[str]:
    loss, variant = settings["loss"], settings["variant"]
    for term, needed in (("divergence", "variational"), ("adversarial", "adversarial")):
        if variant == needed and not loss[term]:
            yield (
                f"autoencoder.loss.{term}: variant {variant} needs it, above 0 ({name}; "
                "config/README.md has a value to begin with)"
            )
        if variant != needed and loss[term]:
            yield f"autoencoder.loss.{term}: only variant {needed} has it, not {variant} ({name})"
    if not any(loss[term] for term in loss.keys() - {"divergence", "adversarial"}):
        yield f"autoencoder.loss: of {name}, all terms are 0, there is nothing to learn"
    if loss["difference"] and kind["frames"] == 1:
        yield (
            f"autoencoder.loss.difference: {name} has one frame, and nothing changes: set it for "
            "the others alone (inputs.NAME.autoencoder.loss.difference)"
        )


def _fill_defaults(value, schema: dict):
    if not isinstance(value, dict) or schema.get("partial"):
        return value
    parts = dict(schema.get("properties", {}))
    for pattern, part in schema.get("patternProperties", {}).items():
        parts |= {key: part for key in value if re.match(pattern, key)}
    defaults = {key: part["default"] for key, part in parts.items() if "default" in part}
    return {
        key: _fill_defaults(part, parts.get(key, {})) for key, part in (defaults | value).items()
    }


def _whole_numbers(value):
    if isinstance(value, dict):
        return {key: _whole_numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _iter_unusable_values(value, place: str = "") -> Iterator[str]:
    """What YAML allows and no configuration can hold."""
    if isinstance(value, dict):
        for key, part in value.items():
            if isinstance(key, str):
                yield from _iter_unusable_values(part, f"{place}.{key}" if place else key)
            else:
                yield f"{place}: the key {key} is no text for YAML: put it in quotes"
    elif isinstance(value, list):
        for part in value:
            yield from _iter_unusable_values(part, place)
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{place}: {value} is not a finite number"


def _describe_error(error: jsonschema.ValidationError, schema: dict) -> list[str]:
    place = ".".join(map(str, error.absolute_path))
    prefix = place + "." if place else ""
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        for pattern in error.schema.get("patternProperties", {}):
            names = [key for key in error.instance if not re.match(pattern, str(key))]
            return [
                f"{prefix}{key}: no usable name: begin with a letter, go on with letters, "
                "digits and _"
                for key in names
            ]
        unknown = [key for key in error.instance if key not in known]
        return [f"{prefix}{key}: unknown key{_suggest_key(key, known, schema)}" for key in unknown]
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return [f"{prefix}{key}: missing" for key in missing]
    if error.validator == "oneOf":
        return [f"{place}: {error.schema.get('$comment', error.message)}"]
    if error.validator == "pattern":
        why = error.schema.get(
            "$comment", "contains { } < > * or a line break, or begins with ~: write it out"
        )
        return [f"{place}: {error.instance!r} {why}"]
    if error.validator == "type" and error.instance is None:
        return [f"{place}: is empty: fill it in, or remove the line"]
    if error.validator == "minItems":
        return [f"{place}: name {error.validator_value} or more, not {len(error.instance)}"]
    if error.validator == "uniqueItems":
        return [f"{place}: names one twice: {', '.join(map(str, error.instance))}"]
    hint = ""
    if error.validator == "type" and re.fullmatch(r"\d+,\d+", str(error.instance)):
        hint = f" (YAML has a decimal point: {error.instance.replace(',', '.')})"
    elif error.validator == "type" and isinstance(error.instance, str):
        hint = (
            " (numbers nested in --config become text: put them into a file for --configfile; "
            "YAML takes 2e-3 for text: write 2.0e-3)"
        )
    return [f"{place}: {error.message}{hint}"]


def _suggest_key(key: str, known: list[str], schema: dict) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    elsewhere = [place for place in _iter_key_paths(schema) if place.rpartition(".")[2] == key]
    if meant := close or elsewhere:
        return f"; did you mean {' or '.join(meant)}?"
    return f"; known here: {', '.join(known)}"


def _iter_key_paths(schema: dict, place: str = "") -> Iterator[str]:
    """Full names of all keys; NAME stands for a name of the user's."""
    parts = dict(schema.get("properties", {}))
    for part in schema.get("patternProperties", {}).values():
        parts["NAME"] = part
    for name, part in parts.items():
        yield f"{place}{name}"
        if not part.get("partial"):  # its keys are those of a section
            yield from _iter_key_paths(part, f"{place}{name}.")
