"""Check the labels and write the table of samples, and the folds by themselves."""

from motilens import samples, step


def main(labels, table, folds, settings):
    checked = samples.assemble(labels, settings["video"], settings["fold"])
    with step.written_whole(table) as temporary:
        checked.to_csv(temporary)
    with step.written_whole(folds) as temporary:
        checked["fold"].to_csv(temporary)


if __name__ == "__main__":
    with step.logged(snakemake.log[0]):
        main(
            snakemake.input.labels,
            snakemake.output.table,
            snakemake.output.folds,
            snakemake.params.settings,
        )
