"""Draw what was taken of a video, so that a wrong file is seen at a glance."""

from motilens import pictures, stacks, step


def main(clips, record, output):
    known = step.read_record(record)
    with step.written_whole(output) as temporary:
        if "problem" in known:
            pictures.words(f"{known['sample']} was left out: {known['problem']}", temporary)
        else:
            pictures.contact_sheet(stacks.overview(clips), known, temporary)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.input.clips, snakemake.input.record, snakemake.output[0])
