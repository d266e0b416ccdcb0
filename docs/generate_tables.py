"""Write the tables of the documentation that come from code: `make tables`.

config/README.md from config/schema.yaml; docs/reference/reruns.md from the rows that tests prove;
docs/reference/recordings.md from recordings that are made and decoded, which takes a minute.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "tests")]
CONFIG_PAGE = ROOT / "config/README.md"
RERUNS_PAGE = ROOT / "docs/reference/reruns.md"
RECORDINGS_PAGE = ROOT / "docs/reference/recordings.md"
LIMITS = {
    "minimum": "≥{}",
    "exclusiveMinimum": ">{}",
    "multipleOf": "in steps of {}",
    "not": "odd",  # what it is used for here
}
LONG = 10  # names in one line
TYPES = {
    "boolean": "true/false",
    "integer": "integer",
    "number": "number",
    "array": "list",
}


def replace_between_marks(page: str, name: str, table: str) -> str:
    """Return a page with a table between its marks `<!-- name -->` and `<!-- end -->`."""
    pattern = rf"(?s)(<!-- {name} -->\n).*?(<!-- end -->)"
    return re.sub(pattern, lambda match: f"{match[1]}{table}\n{match[2]}", page)


def render_config(page: str) -> str:
    """Return the page with today's list of keys, under a heading for each section."""
    schema = yaml.safe_load((ROOT / "config/schema.yaml").read_text(encoding="utf-8"))
    lines, described, repeated = [], {}, {}
    for name, values, default, description in config_rows(schema, schema):
        notes = "; ".join(part for part in (values, default) if part)
        text = f" ({notes}): {description}" if notes else f": {description}"
        if described.setdefault(text, name) == name:
            lines += [] if "." in name else ["", f"## {name}", ""]
            lines.append(f"- `{name}`{text}")
        else:  # in one line, where the first of them stands
            section = described[text].rpartition(".")[0]
            if section not in repeated:
                lines.append(f"- AS IN {section}")
            repeated.setdefault(section, []).append(f"`{name}`")
    table = "\n".join(lines).strip()
    for section, names in repeated.items():
        table = table.replace(f"AS IN {section}", f"{', '.join(names)}: as in `{section}`.")
    return replace_between_marks(page, "keys", table)


def config_rows(part: dict, schema: dict, place: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield name, values, default and description of each key, in the schema's order.

    NAME stands for a name of the user's.
    """
    required = set(part.get("required", []))
    keys = dict(part.get("properties", {}))
    keys.update(("NAME", value) for value in part.get("patternProperties", {}).values())
    for name, value in keys.items():
        reference = value.get("$ref", "").rpartition("/")[2]
        key = (schema["$defs"][reference] if reference else {}) | value
        if "description" in key:  # a name of the user's is described by its keys
            default = render_default(key, name in required)
            yield f"{place}{name}", render_values(key), default, key["description"]
        if not key.get("partial"):  # its keys are those of a section
            yield from config_rows(key, schema, f"{place}{name}.")


def render_values(key: dict) -> str:
    """Return the values that a key may have, in words."""
    if len(key.get("enum", [])) > LONG:
        return f"[{len(key['enum'])} names](schema.yaml)"
    if "enum" in key:
        names = {value: f"`{json.dumps(value).strip(chr(34))}`" for value in key["enum"]}
        default = key.get("default")
        return ", ".join(f"**{n}**" if v == default else n for v, n in names.items())
    if key.get("type") == "object":
        return ""
    kinds = key.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "string" in kinds or (kinds == ["boolean"] and "default" in key):
        return ""  # the default or the description says it
    words = [TYPES[kind] for kind in kinds if kind != "null"]
    limits = [
        text.format(f"{key[name]:g}" if isinstance(key[name], float) else key[name])
        for name, text in LIMITS.items()
        if name in key
    ]
    if "items" in key:
        limits.append(f"of: {render_values(key['items']) or 'text'}")
    words = [] if words == ["number"] and limits else words
    return " ".join([" or ".join(words), " ".join(limits)]).strip()


def render_default(key: dict, required: bool) -> str:
    """Return the default of a key."""
    if required and "default" not in key:
        return "*required*"
    if "default" not in key or key.get("type") == "object" or "enum" in key:
        return ""  # of several values, it is bold
    return f"default `{json.dumps(key['default']).strip(chr(34))}`"


def render_reruns(page: str) -> str:
    """Return the page with today's lists of changes and modules."""
    from support import rerun_tables, staleness

    for name in ("simulated", "own_data", "folders"):
        rows = getattr(staleness, name.upper())
        page = replace_between_marks(page, name, rerun_tables.render_changes(rows))
    with tempfile.TemporaryDirectory() as folder:
        edits = rerun_tables.Edits(Path(folder))
        page = replace_between_marks(page, "modules", rerun_tables.render_modules(edits))
        return replace_between_marks(page, "steps", rerun_tables.render_steps(edits))


def render_recordings(page: str) -> str:
    """Return the page with today's tables of recordings and damage."""
    from support.recording_matrix import render_tables

    for name, table in render_tables().items():
        page = replace_between_marks(page, name, table)
    return page


def main():
    """Write all pages."""
    pages = {
        CONFIG_PAGE: render_config, RERUNS_PAGE: render_reruns, RECORDINGS_PAGE: render_recordings,
    }  # fmt: skip
    for path, render in pages.items():
        path.write_text(render(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
