"""Intervals over participants, agreement, and paired comparisons of all inputs."""

from motilens.core.files import atomic_write
from motilens.core.records import read_record
from motilens.evaluation.mae_table import training_label_table
from motilens.evaluation.statistics import (
    add_constant_rules,
    compare_methods,
    read_all_predictions,
    summarize_errors,
)
from motilens.pipeline.job import run_job
from motilens.reports.page import write_page
from motilens.reports.statistics_page import build_statistics_page, collect_quality_flags

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
    made = [read_record(path) for path in records]
    labels = {
        (record["target"], int(record["fold"])): training_label_table(record) for record in made
    }
    table = add_constant_rules(read_all_predictions(predictions, made), labels)
    summed, compared = summarize_errors(table), compare_methods(table)
    for part, path in ((summed, output.summary), (compared, output.comparisons)):
        with atomic_write(path) as temporary:
            part.to_csv(temporary, index=False)
    page = build_statistics_page(summed, compared, NOTES, collect_quality_flags(made))
    write_page(page, output.markdown, output.web)


if __name__ == "__main__":
    with run_job(snakemake):
        main(snakemake.input.predictions, snakemake.input.records, snakemake.output)
