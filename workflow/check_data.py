"""Check the configuration, tables, videos' files and folds, and run nothing: `make check-data`.

Or .venv/bin/python workflow/check_data.py [--configfile FILE ...]
"""

import argparse
import sys

from explain import plan

from motilens.core.labels import LABELS


def main():
    """Print what is understood and what is wrong; exit with 1 if something must be corrected."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", nargs="+", default=[])
    config_files = parser.parse_args().configfile
    try:
        collector = plan(config_files, ["samples.csv"])
    except SystemExit:
        print("Correct this, then check again.", file=sys.stderr)
        raise
    experiment = collector.dependencies.experiment
    labels = experiment.samples[[name for name in LABELS if name in experiment.samples]]
    for name, values in labels.items():
        print(f"{name}: {values.min():g} to {values.max():g} %, in {values.count()} videos")
    print(experiment.describe(), *experiment.notes, sep="\n")
    for line in experiment.warnings:
        print(f"WARNING: {line}")
    named = " ".join(config_files) or "config/config.yaml"
    warnings = len(experiment.warnings)
    print(f"The data of {named} can be used ({warnings} warnings). No video was decoded.")


if __name__ == "__main__":
    main()
