"""Draw the learning curves of all models."""

from pathlib import Path

import pandas as pd

from motilens import metrics, plots, step, tables


def main(autoencoders, regressors, records, output):
    # Both kinds of paths end in .../fold1/seed0/history.csv.
    runs = [(path, "autoencoder", Path(path).parts[-4]) for path in autoencoders]
    runs += [(path, Path(path).parts[-4], Path(path).parts[-5]) for path in regressors]
    histories = [
        pd.read_csv(path).assign(run=path, model=model, input=name) for path, model, name in runs
    ]
    with step.written_whole(output) as temporary:
        plots.learning_curves(pd.concat(histories), constants(records), temporary)


def constants(records):
    """By target the training losses of ZeroR, the mean over models that have the same loss."""
    found = []
    for record in map(step.read_record, records):
        kind = record["settings"]["loss"]
        loss = metrics.training_loss_of_zero_r(tables.training_labels(record), kind)
        found.append({"target": record["target"], "kind": kind, "loss": loss})
    means = pd.DataFrame(found).groupby(["target", "kind"])["loss"].mean()
    return means.groupby("target").agg(list).to_dict()


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input.autoencoders,
            snakemake.input.regressors,
            snakemake.input.records,
            snakemake.output[0],
        )
