"""Draw the learning curves of all models."""

from pathlib import Path

import pandas as pd

from motilens.core.files import atomic_write
from motilens.core.records import read_record
from motilens.evaluation.mae_table import training_label_table
from motilens.evaluation.metrics import zero_r_training_loss
from motilens.pipeline.job import run_job
from motilens.reports.plots import plot_learning_curves


def main(autoencoders, regressors, records, output):
    # Both kinds of paths end in .../fold1/seed0/history.csv.
    runs = [(path, "autoencoder", Path(path).parts[-4]) for path in autoencoders]
    runs += [(path, Path(path).parts[-4], Path(path).parts[-5]) for path in regressors]
    histories = [
        pd.read_csv(path).assign(run=path, model=model, input=name) for path, model, name in runs
    ]
    with atomic_write(output) as temporary:
        plot_learning_curves(pd.concat(histories), constants(records), temporary)


def constants(records):
    """By target the training losses of ZeroR, the mean over models that have the same loss."""
    found = []
    for record in map(read_record, records):
        kind = record["settings"]["loss"]
        loss = zero_r_training_loss(training_label_table(record), kind)
        found.append({"target": record["target"], "kind": kind, "loss": loss})
    means = pd.DataFrame(found).groupby(["target", "kind"])["loss"].mean()
    return means.groupby("target").agg(list).to_dict()


if __name__ == "__main__":
    with run_job(snakemake):
        main(
            snakemake.input.autoencoders,
            snakemake.input.regressors,
            snakemake.input.records,
            snakemake.output[0],
        )
