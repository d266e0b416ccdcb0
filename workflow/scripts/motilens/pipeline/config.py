"""Checking a configuration against its schema, with messages for people."""

import copy
import json
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import jsonschema
import yaml

from motilens.core.errors import InputError
from motilens.core.plugin_files import Plugins, find_plugins
from motilens.core.records import deep_merge
from motilens.core.suggestions import ask_whether, suggest_names
from motilens.pipeline.renamed_keys import RENAMED_KEYS, RENAMED_VALUES

SCHEMA = Path(__file__).with_name("schema.yaml")  # a link to that of config/
# Numbers as people write them. YAML knows 010 (octal), 0x10, 0b1, 1:30 (times 60) and 1_000, too.
PLAIN_NUMBERS = {
    "int": r"[-+]?(0|[1-9]\d*)",
    "float": r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|[-+]?\.inf|\.nan",
}


# Where the schema lists the methods of a kind of plugins.
PLUGIN_PLACES = {
    "backbone": "regressor.backbone",
    "autoencoder": "autoencoder.variant",
    "loss": "autoencoder.loss",
    "encoder": "inputs.NAME.encoder",
    "baseline": "baselines",
}


def read_config_files(paths: Iterable[str | Path]) -> dict:
    """Merge configuration files, JSON or YAML, in their order.

    Raises:
        InputError: one is missing, not UTF-8, not YAML, or empty.
    """
    config = {}
    for path in paths:
        content = _parse_config(path)
        if not isinstance(content, dict):
            raise InputError(f"{path}: is no configuration: it holds no `key: value`")
        config = deep_merge(config, content)
    return config


def _parse_config(path: str | Path):
    try:
        content = Path(path).read_bytes()
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}, line {line}: is not UTF-8: save the file as UTF-8") from error
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}: name a configuration (all that follows --configfile counts "
            "as one: put targets before it, or after --)"
        ) from error
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}, line {mark.line + 1}" if mark else path
        problem = getattr(error, "problem", None) or getattr(error, "reason", error)
        raise InputError(
            f"{place}: is not YAML ({problem}): look for a tab, or for a `:` without quotes in a "
            "value"
        ) from error


def read_section(name: str, path: str | Path | None = None) -> dict:
    """Return one section of a configuration (None: of an empty one), with the schema's defaults.

    Raises:
        InputError: the configuration cannot be read, or the section cannot be used.
    """
    rules = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))["properties"][name]
    config = read_config_files([path]) if path else {}
    section = {name: config.get(name, {})}
    return check_config(section, {"type": "object", "properties": {name: rules}})[name]


def check_config(config: dict, schema: dict) -> dict:
    """Compare a configuration with a JSON schema, to which its plugins add their methods.

    Returns:
        The same with whole numbers as int (2.0 means 2), so that they cannot differ in form only,
        and with the schema's default for each key that is left out.

    Raises:
        InputError: with one line for each unknown key, missing key, wrong type or impossible value.
    """
    config = _convert_whole_numbers(config)
    if isinstance(folder := config.get("plugins"), str):
        schema = extend_schema(schema, find_plugins(folder))
    lines = set(_iter_unusable_values(config))
    if not lines:
        for error in jsonschema.Draft202012Validator(schema).iter_errors(config):
            lines.update(_describe_error(error, schema))
    if lines:
        start = "the configuration cannot be used (config/README.md lists every key):"
        raise InputError("\n  ".join([start, *sorted(lines)]))
    return _fill_defaults(config, schema)


def extend_schema(schema: dict, plugins: Plugins) -> dict:
    """Return a schema that also knows the methods of plugins.

    Raises:
        InputError: one has the name of a method that is there already.
    """
    schema = copy.deepcopy(schema)  # what two keys share stays shared
    for (kind, name), file in sorted(plugins.methods.items()):
        known = _list_in_schema(schema, kind)
        if name in known:
            raise InputError(
                f"{plugins.folder / file}: there is a {kind} {name} already: rename this one"
            )
        if isinstance(known, dict):
            known[name] = {"$ref": "#/$defs/weight"}  # no default, which would make models stale
        else:
            known.append(name)
    return schema


def _list_in_schema(schema: dict, kind: str) -> list | dict:
    """Return the list of names in the schema, or the dict of keys, that a kind adds to."""
    part = schema
    for key in PLUGIN_PLACES[kind].split("."):
        [part] = part["patternProperties"].values() if key == "NAME" else [part["properties"][key]]
    part = part.get("items", part)
    return part["enum"] if "enum" in part else part["properties"]


def find_misread_parts(text: str, name: str | Path) -> list[str]:
    """Return a line for each part of a YAML text that does not mean what it seems to.

    That is a key that is twice in a mapping, of which the last counts, and a number such as 010,
    which is 8. `name` is that of the file.
    """
    try:
        node = yaml.compose(text)
    except yaml.YAMLError:  # JSON with tabs
        return []
    return list(dict.fromkeys(_iter_misread_parts(node, name)))


def _iter_misread_parts(node: yaml.Node | None, name: str | Path) -> Iterator[str]:
    if isinstance(node, yaml.ScalarNode):
        form = PLAIN_NUMBERS.get(node.tag.rpartition(":")[2])
        if form and not re.fullmatch(form, node.value, re.IGNORECASE):
            number = yaml.safe_load(node.value)
            yield (
                f"{name}, line {node.start_mark.line + 1}: YAML reads {node.value} as {number}: "
                "write it as a plain decimal number, or put a text in quotes"
            )
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _iter_misread_parts(item, name)
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                yield f"{name}, line {line}: {key.value} is there twice: keep one"
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
            yield from _iter_misread_parts(value, name)


def _fill_defaults(value, schema: dict):
    if not isinstance(value, dict) or schema.get("partial"):
        return value
    parts = dict(schema.get("properties", {}))
    for pattern, part in schema.get("patternProperties", {}).items():
        parts |= {key: part for key in value if re.match(pattern, key)}
    filled = {key: part["default"] for key, part in parts.items() if "default" in part} | value
    return {key: _fill_defaults(part, parts.get(key, {})) for key, part in filled.items()}


def _convert_whole_numbers(value):
    if isinstance(value, dict):
        return {key: _convert_whole_numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_convert_whole_numbers(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _iter_unusable_values(value, place: str = "") -> Iterator[str]:
    """Yield a line for each value that YAML allows and no configuration can hold."""
    if isinstance(value, dict):
        for key, part in value.items():
            if isinstance(key, str):
                yield from _iter_unusable_values(part, f"{place}.{key}" if place else key)
            elif part is None:  # {frame_rate: 49,9}
                yield f"{place}: ,{key}: a decimal comma? Write a point"
            else:
                yield f"{place}: the key {key} is no text for YAML: put it in quotes"
    elif isinstance(value, list):
        for part in value:
            yield from _iter_unusable_values(part, place)
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{place}: {value} is not a finite number"


def _describe_error(error: jsonschema.ValidationError, schema: dict) -> list[str]:
    """Return an error of the schema in plain words, one line for each key."""
    place = ".".join(map(str, error.absolute_path))
    prefix = f"{place}." if place else ""
    value, kind, rule = error.instance, error.validator, error.validator_value
    if kind == "additionalProperties":
        return _describe_unknown_keys(error, schema, prefix)
    if kind == "required":
        return [f"{prefix}{key}: missing" for key in rule if key not in value]
    if kind == "oneOf":
        return [f"{place}: {error.schema.get('$comment', error.message)}"]
    renamed = RENAMED_VALUES.get(place.rpartition(".")[2], {})
    if kind == "enum" and (new := renamed.get(str(value))):
        return [f"{place}: {value} was renamed {new}"]
    if kind == "pattern":
        default = (
            "contains { } < > * \\ or a line break, or ~, $NAME or %NAME%, which nothing replaces: "
            "write the path out (/home/me/results)"
        )
        return [f"{place}: {value!r} {error.schema.get('$comment', default)}"]
    if kind == "type" and value is None:
        return [f"{place}: is empty: fill it in, or remove the line"]
    if kind == "minItems":
        return [f"{place}: name {rule} or more, not {len(value)}"]
    if kind == "uniqueItems":
        return [f"{place}: names one twice: {', '.join(map(str, value))}"]
    hint = ""
    if kind == "enum":
        hint = ask_whether(suggest_names(str(value), [v for v in rule if isinstance(v, str)]))
    elif kind == "type" and re.fullmatch(r"\d+,\d+", str(value)):
        hint = f" (YAML has a decimal point: {value.replace(',', '.')})"
    elif kind == "type" and rule in ("array", ["array", "null"]):
        hint = f" (a list, also of one: [{value}])"
    elif kind == "type" and isinstance(value, str):
        hint = " (it is text: remove its quotes; YAML takes 2e-3 for text, too: write 2.0e-3)"
    return [f"{place}: {error.message}{hint}"]


def _describe_unknown_keys(error: jsonschema.ValidationError, schema: dict, prefix: str):
    if patterns := error.schema.get("patternProperties", {}):
        bad = [key for key in error.instance if not any(re.match(p, str(key)) for p in patterns)]
        return [
            f"{prefix}{key}: no usable name: begin with a letter, go on with letters, digits and _"
            for key in bad
        ]
    known = list(error.schema.get("properties", {}))
    unknown = [key for key in error.instance if key not in known]
    return [f"{prefix}{key}: {_suggest_key(prefix, key, known, schema)}" for key in unknown]


def _suggest_key(prefix: str, key: str, known: list[str], schema: dict) -> str:
    # Settings of one input type have the names of those of their section.
    full = f"{prefix}{key}"
    for old, new in RENAMED_KEYS.items():
        if full == old or full.startswith("inputs.") and full.endswith(f".{old}"):
            return f"was renamed {new}" if new else "was removed, see docs/reference/migration.md"
    close = suggest_names(str(key), known)
    elsewhere = [path for path in _iter_key_paths(schema) if path.rpartition(".")[2] == key]
    if suggestions := close or elsewhere:
        return f"unknown key; did you mean {' or '.join(suggestions)}?"
    return f"unknown key; known here: {', '.join(known)}"


def _iter_key_paths(schema: dict, place: str = "") -> Iterator[str]:
    """Yield the full names of all keys; NAME stands for a name that the user chooses."""
    free = [("NAME", part) for part in schema.get("patternProperties", {}).values()]
    for name, part in (*schema.get("properties", {}).items(), *free):
        yield f"{place}{name}"
        if not part.get("partial"):  # its keys are those of a section
            yield from _iter_key_paths(part, f"{place}{name}.")
