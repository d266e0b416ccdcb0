"""Write the label file and the list of videos of the simulated data set."""

from motilens import dataset, step


def main(labels, video_list, settings):
    participants, seed = (settings[f"dataset.simulated.{key}"] for key in ("participants", "seed"))
    table = dataset.sample_table(participants, seed, folder=".")
    with step.written_whole(labels) as temporary:
        dataset.write_labels(table, temporary)
    with step.written_whole(video_list) as temporary:
        dataset.write_video_list(table, temporary)


if __name__ == "__main__":
    with step.logged(snakemake):
        main(snakemake.output.labels, snakemake.output.video_list, snakemake.params.settings)
