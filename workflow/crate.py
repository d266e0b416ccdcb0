"""Pack a finished run as one file to publish or to keep, a Workflow Run RO-Crate: `make crate`.

It holds the pipeline, the configuration, tables and figures, and says which made which; no videos,
clips or models (https://w3id.org/ro/wfrun/workflow/0.6).
"""

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from motilens.core.command_line import run_command_line  # noqa: E402
from motilens.core.errors import InputError  # noqa: E402
from motilens.core.files import atomic_write  # noqa: E402
from motilens.core.records import motilens_version  # noqa: E402
from motilens.pipeline.config import read_config_files  # noqa: E402
from motilens.pipeline.snakemake_metadata import METADATA  # noqa: E402

# Beside that of Workflow RO-Crate, which the library names by itself.
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.6": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.6": "Workflow Run Crate",
}
PIPELINE = ["rules", "workflow", "envs", "slurm", "profiles", "requirements.in", "requirements.txt",
            "LICENSE", "README.md", "CITATION.cff"]  # fmt: skip
# What a paper shows, and who was in which fold.
RESULTS = ["tables/*", "figures/*.png", "figures/*.pdf", "folds.csv"]


def main():
    """Check that a run is finished, and pack it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", nargs="+", type=Path, default=[Path("config/config.yaml")])
    parser.add_argument("--out", type=Path, help="by default crate.zip in the results")
    options = parser.parse_args()
    results = Path(find_results(options.configfile))
    check_finished(options.configfile)
    out = options.out or results / "crate.zip"
    if out.suffix != ".zip":
        raise InputError(f"{out}: name a file that ends in .zip")
    with atomic_write(out) as temporary:
        make_crate(options.configfile, results).write_zip(temporary)
    print(
        f"{out}: look through it before you publish it. mae.json names participants and their\n"
        "labels, folds.csv participants; figures/gallery.png shows a frame."
    )


def find_results(config_files):
    """Return the folder of results that these files, merged in their order, name."""
    results = read_config_files(config_files).get("results")
    if not isinstance(results, str):
        raise InputError(f"{config_files[-1]}: names no folder of `results`")
    return results


def check_finished(config_files):
    """Check that the results are complete, and those of this configuration.

    Raises:
        InputError: they are not.
    """
    snakemake = [Path(sys.executable).with_name("snakemake"), "-n", "--quiet", "rules"]
    options = ["--snakefile", ROOT / "Snakefile", "--configfile", *config_files]
    plan = subprocess.run([*snakemake, *options], capture_output=True, text=True)
    if plan.returncode:
        raise InputError(f"the run cannot be planned:\n{plan.stdout}{plan.stderr}")
    if "Nothing to be done" not in plan.stdout + plan.stderr:
        raise InputError(
            "the run is not finished: run it, or see what is missing by `make explain`"
        )


def make_crate(config_files, results):
    """Return the crate, not yet written."""
    crate = ROCrate()
    crate.name = f"A run of Motilens {motilens_version()}"
    crate.description = "Tables and figures of a run, the pipeline and the configuration behind."
    crate.license = "https://spdx.org/licenses/MIT"
    profiles = []
    for address, name in PROFILES.items():
        properties = {"@type": "CreativeWork", "name": name, "version": address[-3:]}
        profiles.append(crate.add(ContextEntity(crate, address, properties)))
    crate.root_dataset["conformsTo"] = profiles
    workflow = crate.add_workflow(
        ROOT / "Snakefile", "Snakefile", main=True, lang="snakemake",
        properties={"name": "Motilens"},
    )  # fmt: skip
    for path in list_files(ROOT, PIPELINE):
        crate.add_file(path, path.relative_to(ROOT))
    # By their order, which counts: several may have one name.
    inputs = [
        crate.add_file(path, Path("config", path.name if number == 1 else f"{number}_{path.name}"))
        for number, path in enumerate(config_files, start=1)
    ]
    crate.add_file(ROOT / "config/schema.yaml", "config/schema.yaml")
    if plugins := read_config_files(config_files).get("plugins"):
        for path in list_files(Path(plugins), ["**/*.py"]):
            crate.add_file(path, Path("plugins", path.relative_to(plugins)))
    outputs = [
        crate.add_file(path, Path("results", path.relative_to(results)))
        for path in list_files(results, RESULTS)
    ]
    started, ended = run_times(results)
    crate.add_action(
        workflow, object=inputs, result=outputs,
        properties={"name": "The run", "startTime": started, "endTime": ended},
    )  # fmt: skip
    return crate


def list_files(folder, patterns):
    """Return the files that match patterns, or are in matching folders."""
    matches = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    files = [file for path in matches for file in (sorted(path.rglob("*")) or [path])]
    files = [file for file in files if file.is_file() and not file.is_symlink()]
    # Without what others leave there: caches, .snakemake, locks of an office program.
    return [
        file
        for file in files
        if not any(p.startswith((".", "__pycache__")) for p in file.relative_to(folder).parts)
    ]


def run_times(results):
    """Return when the first of a run's steps began and the last one ended, ISO 8601."""
    files = [path for path in (results / METADATA).rglob("*") if path.is_file()]
    if not files:
        raise InputError(f"{results / METADATA}: the time of the run is not known: run it again")
    records = [json.loads(path.read_text()) for path in files]
    started, ended = ([r[k] for r in records if r.get(k)] for k in ("starttime", "endtime"))
    ends = min(started), max(ended)
    return (datetime.fromtimestamp(t, UTC).isoformat(timespec="seconds") for t in ends)


if __name__ == "__main__":
    run_command_line(main)
