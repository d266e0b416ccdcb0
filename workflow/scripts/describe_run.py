"""Say how the models of this run were made, and what they cost."""

from motilens import making, pages, step


def main(inputs, output, settings):
    records = [step.read_record(path) for path in inputs.records]
    models = making.models_table(records, map(step.read_record, inputs.runs))
    with step.written_whole(output.models) as temporary:
        models.to_csv(temporary, index=False)
    page = making.page(models, records, step.read_record(inputs.errors), settings)
    pages.write(page, output.markdown, output.web)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input, snakemake.output, snakemake.params.settings)
