"""Check the labels; write the table of samples, the folds by themselves, and keep the split."""

from pathlib import Path

from motilens import folds, samples, step


def main(labels, output, settings):
    checked = samples.assemble(labels, settings["samples"])
    with step.written_whole(output.table) as temporary:
        checked.to_csv(temporary)
    with step.written_whole(output.folds) as temporary:
        checked["fold"].to_csv(temporary)
    if "folds.seed" in settings:
        number, seed = settings["folds.number"], settings["folds.seed"]
        kept = folds.kept_at(Path(output.table).parent, number, seed)
        folds.keep(kept, number, checked["fold"].to_dict())


if __name__ == "__main__":
    with step.logged(snakemake.log[0], snakemake.output):
        main(snakemake.input.labels, snakemake.output, snakemake.params.settings)
