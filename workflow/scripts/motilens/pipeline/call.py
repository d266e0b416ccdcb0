"""What Snakemake would answer with a traceback, before it reads our rules (profiles/default)."""

import atexit
import getpass
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import yaml

from motilens.core.errors import InputError
from motilens.core.faults import find_write_error
from motilens.core.records import deep_merge
from motilens.pipeline.config import find_misread_parts, read_config_files

DEFAULT_CONFIG = Path("config/config.yaml")
EXAMPLE = "--config 'regressor={epochs: 8}'"


def check_call(
    entries: Iterable[str],
    config_files: Iterable[Path],
    cache: Path,
    report: Path | None = None,
) -> None:
    """Check the entries of --config, the configurations, and the folders that are written.

    `cache` is where Snakemake caches; another folder is taken if that cannot be written. `report`
    is the file of --report.

    Raises:
        InputError: something cannot be used.
    """
    for option in ("--config", "-C", "--configfile", "--configfiles"):
        if sys.argv.count(option) > 1:
            raise InputError(
                f"{option} stands {sys.argv.count(option)} times, and only the last would count: "
                "write it once, before all its values"
            )
    for entry in entries:
        check_entry(entry)
    read_config_files(config_files or [DEFAULT_CONFIG])
    choose_temporary_folder()
    choose_cache_folder(cache)
    if report and (error := find_write_error(Path(report).absolute().parent)):
        raise InputError(
            f"{report}: cannot be written ({error.strerror}): name another file: "
            "make report REPORT=/elsewhere/provenance.html"
        )
    try:
        getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        os.environ["LOGNAME"] = f"user{os.getuid()}"


def check_entry(entry: str) -> None:
    """Check an entry of --config; raise an InputError that says how to write it."""
    key, equals, value = entry.partition("=")
    if not equals:
        raise InputError(
            f"--config: {entry!r} is no KEY=VALUE. Put each entry into quotes: {EXAMPLE}"
        )
    if re.fullmatch(r"[a-zA-Z_][\w-]*\w", key):
        return
    section, *names = re.findall(r"[a-zA-Z_]\w*", key) or [""]
    if not names:
        raise InputError(f"--config: {key!r} is no key of the configuration: write {EXAMPLE}")
    nested = value
    for name in reversed(names):
        nested = f"{{{name}: {nested}}}"
    raise InputError(
        f"--config: {entry} names a key within a section: write --config '{section}={nested}'"
    )


def restore_numbers(config: dict, entries: Iterable[str]) -> dict:
    """Return a configuration with the numbers of --config, which Snakemake takes for text.

    It does so where they are in sections and lists. `entries` are those of --config.

    Raises:
        InputError: an entry is no YAML, or has a number that does not mean what it seems to.
    """
    for entry in entries:
        key, _, value = entry.partition("=")
        text = value.strip("'\"")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            problem = " ".join(str(getattr(error, "problem", error)).split())
            raise InputError(
                f"--config: {entry} cannot be read ({problem}): write it as in a file: {EXAMPLE}"
            ) from error
        if isinstance(value, dict | list):
            if lines := find_misread_parts(text, f"--config: {entry}"):
                raise InputError("\n  ".join(lines))
            config = deep_merge(config, {key: value})
    return config


def choose_temporary_folder() -> None:
    """Set TMPDIR to another folder if the one that it names cannot be written.

    Raises:
        InputError: no folder can.
    """
    named = [folder for name in ("TMPDIR", "TEMP", "TMP") if (folder := os.environ.get(name))]
    errors = []
    for folder in [*named, "/tmp", "/var/tmp", os.getcwd()]:
        error = find_write_error(folder) if os.path.isdir(folder) else "no such folder"
        if error is None:
            break
        errors.append(f"{folder} ({getattr(error, 'strerror', error)})")
    else:
        raise InputError(
            f"no folder takes temporary files: {', '.join(errors)}: free some space, or set TMPDIR "
            "to a folder that can be written"
        )
    if errors:
        print(f"WARNING: TMPDIR: {errors[0]}: {folder} is used instead", file=sys.stderr)
        os.environ["TMPDIR"] = tempfile.tempdir = folder


def choose_cache_folder(cache: Path) -> None:
    """Set XDG_CACHE_HOME, for Snakemake and all steps, if `cache` cannot be written."""
    if not (error := find_write_error(cache)):
        return
    folder = os.path.abspath(".snakemake/cache")
    if find_write_error(folder):
        folder = tempfile.mkdtemp(prefix="motilens-cache-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    print(f"WARNING: {cache}: {error.strerror}: {folder} is used instead", file=sys.stderr)
    os.environ["XDG_CACHE_HOME"] = folder
    os.environ.setdefault("MPLCONFIGDIR", f"{folder}/matplotlib")
