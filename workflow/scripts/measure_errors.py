"""Put the errors of all regressors into one table."""

import pandas as pd

from motilens import step, tables


def main(predictions, records, output, settings, code):
    made = {path: step.read_record(path) for path in records}
    rows = [
        tables.error_row(tables.read_predictions(path, record), record)
        for path, record in zip(predictions, made.values(), strict=True)
    ]
    common = {"folds": settings["folds_digest"], "left_out": " ".join(settings["left_out"])}
    with step.written_whole(output.table) as temporary:
        pd.DataFrame(rows).assign(**common).to_csv(temporary, index=False)
    step.write_record(output.made, step.provenance(code, settings) | {"regressors": made})


if __name__ == "__main__":
    with step.logged(snakemake):
        main(
            snakemake.input.predictions,
            snakemake.input.records,
            snakemake.output,
            snakemake.params.settings,
            snakemake.params.code,
        )
