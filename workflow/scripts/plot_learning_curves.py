"""Draw the learning curves of all models."""

from pathlib import Path

import pandas as pd

from motilens.core.records import read_record
from motilens.evaluation.mae_table import zero_r_losses
from motilens.evaluation.results import read_result
from motilens.pipeline.job import run_job
from motilens.reports.plots import plot_learning_curves

AUTOENCODER = "autoencoder"
UNITS = {"mse": "squared percentage points", "l1": "percentage points"}  # of regressors' losses


def main(job):
    # Both kinds of paths end in .../fold1/seed0/history.csv.
    runs = [(path, AUTOENCODER, Path(path).parts[-4]) for path in job.input.autoencoders]
    runs += [(path, Path(path).parts[-4], Path(path).parts[-5]) for path in job.input.regressors]
    histories = [
        read_result(path).assign(
            run=path, model=model, input=name, fold=int(Path(path).parts[-3].removeprefix("fold"))
        )
        for path, model, name in runs
    ]
    records = [read_record(path) for path in job.input.records]
    units = find_units(records, map(read_record, job.input.autoencoder_records))
    plot_learning_curves(pd.concat(histories), units, zero_r_losses(records), job.output)


def find_units(regressors, autoencoders) -> dict[str, str]:
    """Return the units of the losses by panel; where models differ, all of them."""
    units = {}
    for record in regressors:
        units.setdefault(record["target"], {})[UNITS[record["settings"]["loss"]]] = None
    for record in autoencoders:
        is_paper = record["settings"]["variant"] == "paper"
        unit = "squared gray levels, white is 1" if is_paper else "1: the mean gray level"
        units.setdefault(AUTOENCODER, {})[unit] = None
    return {panel: "\nor ".join(names) for panel, names in units.items()}


if __name__ == "__main__":
    run_job(main, snakemake)
