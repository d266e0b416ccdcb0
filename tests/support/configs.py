"""Configurations of the project, and small changes of them."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
SCHEMA = yaml.safe_load((ROOT / "config/schema.yaml").read_text(encoding="utf-8"))


def load_config(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def set_key(config: dict, key: str, value) -> dict:
    """Set a key by its full name; return the same configuration."""
    *sections, last = key.split(".")
    section = config
    for name in sections:
        section = section.setdefault(name, {})
    section[last] = value
    return config


def key_paths(schema: dict, place: str = ""):
    """Yield the full name and the schema of each key; NAME stands for a name of the user's."""
    keys = {} if schema.get("partial") else dict(schema.get("properties", {}))
    keys.update(("NAME", part) for part in schema.get("patternProperties", {}).values())
    for name, part in keys.items():
        yield f"{place}{name}", part
        yield from key_paths(part, f"{place}{name}.")
