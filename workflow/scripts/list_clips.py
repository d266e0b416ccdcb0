"""List the clips of some samples: frames, size and rate of each video, and their digest."""

import pandas as pd

from motilens import clips, likeness, step


def main(records, output, everybody):
    table = [step.read_record(path) for path in records]
    clips.refuse_same(table)
    for first, second in likeness.pairs(table) if everybody else ():
        step.warn(
            f"the videos of samples {first['sample']} and {second['sample']} ({first['video']} and "
            f"{second['video']}) look the same: if one is a copy of the other, coded anew or cut, "
            "one person is in training and held out: remove it"
        )
    with step.written_whole(output) as temporary:
        listed = pd.DataFrame(table).drop(columns=["filters", "made", "thumbnail"], errors="ignore")
        listed.to_csv(temporary, index=False)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input, snakemake.output[0], snakemake.wildcards.group == "all")
