"""Draw predicted against true percentages of all held-out samples, after Bland and Altman."""

import pandas as pd

from motilens import plots, statistics, step, tables


def main(predictions, records, output):
    cases = pd.concat(
        statistics.sample_means(
            statistics.long_table(tables.read_predictions(path), step.read_record(record))
        )
        for path, record in zip(predictions, records, strict=True)
    )
    with step.written_whole(output) as temporary:
        plots.agreement(cases, temporary)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input.predictions, snakemake.input.records, snakemake.output[0])
