"""Draw the learning curves of all models."""

from pathlib import Path

import pandas as pd

from motilens import plots, step


def main(autoencoders, regressors, output):
    # Both kinds of paths end in .../fold1/seed0/history.csv.
    runs = [(path, "autoencoder", Path(path).parts[-4]) for path in autoencoders]
    runs += [(path, Path(path).parts[-4], Path(path).parts[-5]) for path in regressors]
    histories = [
        pd.read_csv(path).assign(run=path, model=model, input=name) for path, model, name in runs
    ]
    with step.written_whole(output) as temporary:
        plots.learning_curves(pd.concat(histories), temporary)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input.autoencoders, snakemake.input.regressors, snakemake.output[0])
