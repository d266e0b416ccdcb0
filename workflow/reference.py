"""Write the table of config/README.md from config/schema.yaml: `make reference`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from motilens.reports.page import replace_between_marks  # noqa: E402

SCHEMA, PAGE = ROOT / "config/schema.yaml", ROOT / "config/README.md"
LIMITS = {
    "minimum": "from {}",
    "exclusiveMinimum": "above {}",
    "maximum": "to {}",
    "multipleOf": "in steps of {}",
    "not": "that is odd",  # what it is used for here
}
TYPES = {
    "string": "text",
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "array": "list",
}


def rendered(page: str, schema: dict) -> str:
    """The page with the table of today between its two marks."""
    lines = ["| key | values | default | meaning |", "|---|---|---|---|", *rows(schema, schema)]
    return replace_between_marks(page, "keys", "\n".join(lines))


def rows(part: dict, schema: dict, place: str = "") -> Iterator[str]:
    """A line for each key, in the schema's order; NAME stands for a name of the user's."""
    required = set(part.get("required", []))
    inside = dict(part.get("properties", {}))
    inside.update(("NAME", one) for one in part.get("patternProperties", {}).values())
    for name, found in inside.items():
        one = resolved(found, schema)
        if "description" in one:  # what a name of the user's stands for says itself by its keys
            default = shown(one, name in required)
            cells = [f"`{place}{name}`", values(one), default, one["description"]]
            yield "| " + " | ".join(cells) + " |"
        if not one.get("partial"):  # its keys are those of a section
            yield from rows(one, schema, f"{place}{name}.")


def resolved(part: dict, schema: dict) -> dict:
    """With what it refers to."""
    name = part.get("$ref", "").rpartition("/")[2]
    return (schema["$defs"][name] if name else {}) | part


def values(part: dict) -> str:
    """What may stand there, in words."""
    if "enum" in part:
        return ", ".join(f"`{json.dumps(one).strip(chr(34))}`" for one in part["enum"])
    if part.get("type") == "object":
        return ""
    kinds = part.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = [TYPES[kind] for kind in kinds if kind != "null"]
    limits = [
        text.format(f"{part[name]:g}" if isinstance(part[name], float) else part[name])
        for name, text in LIMITS.items()
        if name in part
    ]
    if "items" in part:
        limits.append(f"of: {values(part['items'])}")
    said = " ".join([" or ".join(words), " ".join(limits)]).strip()
    return f"{said}, or null" if "null" in kinds else said


def shown(part: dict, required: bool) -> str:
    if required and "default" not in part:
        return "*required*"
    if "default" not in part or part.get("type") == "object":
        return ""
    return f"`{json.dumps(part['default']).strip(chr(34))}`"


if __name__ == "__main__":
    made = rendered(PAGE.read_text(encoding="utf-8"), yaml.safe_load(SCHEMA.read_text("utf-8")))
    PAGE.write_text(made, encoding="utf-8")
