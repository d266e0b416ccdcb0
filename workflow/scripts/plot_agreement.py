"""Draw predicted against true percentages of all held-out samples, after Bland and Altman."""

from motilens import plots, statistics, step


def main(predictions, records, output):
    table = statistics.read_all(predictions, map(step.read_record, records))
    with step.written_whole(output) as temporary:
        plots.agreement(statistics.sample_means(table), temporary)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input.predictions, snakemake.input.records, snakemake.output[0])
