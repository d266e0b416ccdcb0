"""Draw the learning curves of all models."""

from pathlib import Path

import pandas as pd

from motilens.core.records import read_record
from motilens.evaluation.mae_table import zero_r_losses
from motilens.evaluation.results import read_result
from motilens.pipeline.job import run_job
from motilens.reports.plots import plot_learning_curves


def main(job):
    # Both kinds of paths end in .../fold1/seed0/history.csv.
    runs = [(path, "autoencoder", Path(path).parts[-4]) for path in job.input.autoencoders]
    runs += [(path, Path(path).parts[-4], Path(path).parts[-5]) for path in job.input.regressors]
    histories = [read_result(p).assign(run=p, model=model, input=name) for p, model, name in runs]
    constants = zero_r_losses(map(read_record, job.input.records))
    plot_learning_curves(pd.concat(histories), constants, job.output[0])


if __name__ == "__main__":
    run_job(main, snakemake)
