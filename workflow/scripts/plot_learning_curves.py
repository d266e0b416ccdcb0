"""Draw the learning curves of all models."""

import pandas as pd

from motilens import plots, step


def main(histories, output, settings):
    runs = [
        pd.read_csv(path).assign(run=path, model=model, input=name)
        for path, (model, name) in zip(histories, settings["curves"], strict=True)
    ]
    with step.written_whole(output) as temporary:
        plots.learning_curves(pd.concat(runs), temporary)


if __name__ == "__main__":
    with step.logged(snakemake.log[0]):
        main(snakemake.input, snakemake.output[0], snakemake.params.settings)
