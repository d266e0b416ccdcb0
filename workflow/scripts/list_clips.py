"""List the clips of some participants: frames, size and rate of each video, and their digest."""

import pandas as pd

from motilens import step


def main(records, output):
    table = pd.DataFrame(step.read_record(path) for path in records)
    with step.written_whole(output) as temporary:
        table.drop(columns=["filters", "made"]).to_csv(temporary, index=False)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input, snakemake.output[0])
