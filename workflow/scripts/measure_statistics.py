"""Intervals over participants, agreement, and paired comparisons of all inputs."""

from motilens import pages, statistics, step, tables

NOTES = (
    "Mean absolute errors in percentage points, one answer for each sample (the mean over its "
    "stacks), participants alike, all folds together. In brackets 95 % intervals, by drawing "
    "participants again (bootstrap). *Better than ZeroR by*: the difference on the same "
    "participants; below 0 it is worse; an interval that holds 0 shows nothing, and of few "
    "participants (fewer than 20, say) no interval shows much. *p*: permutation test of pairs, "
    "adjusted for all comparisons in `comparisons.csv` (Benjamini and Hochberg).",
    "With three folds or more, the models of two of them share training participants, so intervals "
    "are a little too narrow. They say nothing of other laboratories, microscopes or populations.",
)


def main(predictions, records, output):
    made = [step.read_record(path) for path in records]
    labels = {
        (record["target"], int(record["fold"])): tables.training_labels(record) for record in made
    }
    table = statistics.with_constants(statistics.read_all(predictions, made), labels)
    summed, compared = statistics.summary(table), statistics.comparisons(table)
    for part, path in ((summed, output.summary), (compared, output.comparisons)):
        with step.written_whole(path) as temporary:
            part.to_csv(temporary, index=False)
    page = statistics.page(summed, compared, NOTES, statistics.marks(made))
    pages.write(page, output.markdown, output.web)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input.predictions, snakemake.input.records, snakemake.output)
