"""Checking a configuration against its schema, with messages for people."""

import difflib
import re

import jsonschema

from motilens import InputError


def check(config: dict, schema: dict) -> None:
    """Compare `config` with a JSON schema.

    Raises:
        InputError: with one line for each unknown key, missing key, wrong type or impossible value.
    """
    validator = jsonschema.Draft202012Validator(schema)
    lines = [line for error in validator.iter_errors(config) for line in _explain(error)]
    if lines:
        raise InputError(
            "the configuration cannot be used (config/README.md lists every key):\n  "
            + "\n  ".join(sorted(lines))
        )


def _explain(error: jsonschema.ValidationError) -> list[str]:
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
        return [f"{prefix}{key}: unknown key{_closest(key, known)}" for key in unknown]
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return [f"{prefix}{key}: missing" for key in missing]
    if error.validator == "oneOf":
        return [f"{place}: {error.schema.get('$comment', error.message)}"]
    hint = ""
    if error.validator == "type" and isinstance(error.instance, str):
        hint = " (a value in --config is text: put numbers into a file for --configfile)"
    return [f"{place}: {error.message}{hint}"]


def _closest(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(str(key), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known here: {', '.join(known)}"
