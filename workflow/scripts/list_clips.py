"""List the clips of some samples: frames, size and rate of each video, and their digest."""

import pandas as pd

from motilens import clips, step


def main(records, output):
    table = [step.read_record(path) for path in records]
    clips.refuse_same(table)
    with step.written_whole(output) as temporary:
        listed = pd.DataFrame(table).drop(columns=["filters", "made"], errors="ignore")
        listed.to_csv(temporary, index=False)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input, snakemake.output[0])
