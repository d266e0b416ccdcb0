"""Draw predicted against true percentages of all held-out samples, and their differences."""

from motilens import plots, statistics, step


def main(predictions, records, output):
    table = statistics.read_all(predictions, map(step.read_record, records))
    cases = statistics.sample_means(table)
    for draw, path in ((plots.agreement, output.agreement), (plots.predicted, output.predicted)):
        with step.written_whole(path) as temporary:
            draw(cases, temporary)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input.predictions, snakemake.input.records, snakemake.output)
