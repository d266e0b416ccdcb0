"""A finished run as one file to publish or to keep, a Workflow Run RO-Crate: `make crate`.

It holds the pipeline, the configuration, tables and figures, and says which made which; no videos,
clips or models (https://w3id.org/ro/wfrun/workflow/0.6).
"""

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import yaml
from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from motilens.core.command_line import run_command_line  # noqa: E402
from motilens.core.errors import InputError  # noqa: E402
from motilens.core.files import atomic_write  # noqa: E402
from motilens.core.records import VERSION  # noqa: E402

# Beside that of Workflow RO-Crate, which the library names by itself.
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.6": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.6": "Workflow Run Crate",
}
PIPELINE = ["rules", "workflow", "envs", "slurm", "profiles", "requirements.in", "requirements.txt",
            "LICENSE", "README.md", "CITATION.cff"]  # fmt: skip
# Of the results: what a paper shows, and who was in which fold.
RESULTS = ["tables/*", "figures/*.png", "folds.csv"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", nargs="+", type=Path, default=[Path("config/config.yaml")])
    parser.add_argument("--out", type=Path, help="by default crate.zip in the results")
    given = parser.parse_args()
    results = Path(results_of(given.configfile))
    check_finished(given.configfile)
    out = given.out or results / "crate.zip"
    if out.suffix != ".zip":
        raise InputError(f"{out}: name a file that ends in .zip")
    with atomic_write(out) as temporary:
        described(given.configfile, results).write_zip(temporary)
    print(f"{out}: look through it before you publish it. mae.json names")
    print(
        "participants and their labels, folds.csv participants; figures/gallery.png shows a frame."
    )


def results_of(configurations):
    """The folder that these files, merged in their order, name."""
    try:
        read = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in configurations]
    except yaml.YAMLError as error:
        raise InputError(f"{error}: the configuration cannot be read") from error
    named = [part["results"] for part in read if isinstance(part, dict) and "results" in part]
    if not named or not isinstance(named[-1], str):
        raise InputError(f"{configurations[-1]}: names no folder of `results`")
    return named[-1]


def check_finished(configurations):
    """Are the results complete, and those of this configuration?

    Raises:
        InputError: they are not.
    """
    snakemake = [Path(sys.executable).with_name("snakemake"), "-n", "--quiet", "rules"]
    options = ["--snakefile", ROOT / "Snakefile", "--configfile", *configurations]
    told = subprocess.run([*snakemake, *options], capture_output=True, text=True)
    if told.returncode:
        raise InputError(f"the run cannot be looked at:\n{told.stdout}{told.stderr}")
    if "Nothing to be done" not in told.stdout + told.stderr:
        raise InputError(
            "the run is not finished: run it, or see what is missing by `make explain`"
        )


def described(configurations, results):
    """The crate, not yet written."""
    crate = ROCrate()
    crate.name = f"A run of Motilens {VERSION.read_text().strip()}"
    crate.description = "Tables and figures of a run, the pipeline and the configuration behind."
    crate.license = "https://spdx.org/licenses/MIT"
    profiles = [
        crate.add(
            ContextEntity(
                crate, address, {"@type": "CreativeWork", "name": name, "version": address[-3:]}
            )
        )
        for address, name in PROFILES.items()
    ]
    crate.root_dataset["conformsTo"] = profiles
    workflow = crate.add_workflow(
        ROOT / "Snakefile",
        "Snakefile",
        main=True,
        lang="snakemake",
        properties={"name": "Motilens"},
    )
    for path in files_of(ROOT, PIPELINE):
        crate.add_file(path, path.relative_to(ROOT))
    # By their order, which counts: several may have one name.
    inputs = [
        crate.add_file(path, Path("config", path.name if number == 1 else f"{number}_{path.name}"))
        for number, path in enumerate(configurations, start=1)
    ]
    crate.add_file(ROOT / "config/schema.yaml", "config/schema.yaml")
    made = [
        crate.add_file(path, Path("results", path.relative_to(results)))
        for path in files_of(results, RESULTS)
    ]
    began, ended = times(results)
    crate.add_action(
        workflow, object=inputs, result=made,
        properties={"name": "The run", "startTime": began, "endTime": ended},
    )  # fmt: skip
    return crate


def files_of(folder, patterns):
    found = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    inside = [
        file for path in found for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
    ]
    return [
        file
        for file in inside
        if file.is_file() and not file.is_symlink() and "__pycache__" not in file.parts
    ]


def times(results):
    """When the first and the last of its steps began and ended, ISO 8601."""
    records = [json.loads(path.read_text()) for path in (results / ".metadata").rglob("*.json")]
    if not records:
        raise InputError(f"{results}/.metadata: says nothing of when the run was: run it again")
    moments = [[one[kind] for one in records if one.get(kind)] for kind in ("starttime", "endtime")]
    return (
        datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
        for moment in (min(moments[0]), max(moments[1]))
    )


if __name__ == "__main__":
    run_command_line(main)
