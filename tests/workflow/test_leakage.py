"""What is held out is out: no weight of a fold's models depends on its held-out participants."""

import numpy as np

from motilens.simulation.visem_files import write_label_table
from motilens.video.encode import encode_video
from support.changes import LABELS_FILE


def weights(lab):
    return {
        str(path.parent.relative_to(lab.folder / "results")): path.read_bytes()
        for path in (lab.folder / "results").rglob("model.pt")
        if ".snakemake" not in path.parts  # its records are called as the files
    }


def test_videos_and_labels_of_the_held_out_change_no_weight(finished_laboratory, tmp_path):
    """Those held out in fold 1 get striped videos and random labels."""
    lab = finished_laboratory
    trained = [f"regressors/I1/motility/fold{fold}/seed0/model.pt" for fold in (1, 2)]
    folds = (lab.folder / "results/folds.csv").read_text().split()[1:]
    held_out = [line.split(",")[0] for line in folds if line.endswith(",1")]
    assert len(held_out) == 3
    before, other = weights(lab), lab.copy(tmp_path / "a lab")
    random, table = np.random.default_rng(0), lab.table.set_index("participant")
    for number, participant in enumerate(held_out):
        stripes = np.full((30, 480, 640, 3), 20 + number, np.uint8)
        stripes[:, ::2] = 235
        encode_video(other.video(participant), stripes, 50.0)
        percentages = random.dirichlet([1, 1, 1]) * 100
        table.loc[participant, ["progressive", "nonprogressive", "immotile"]] = percentages.round(2)
        table.loc[participant, ["head", "midpiece", "tail"]] = random.uniform(1, 100, 3).round(2)
    write_label_table(table.reset_index(), other.folder / LABELS_FILE)
    # Trained again even where nothing is stale: with whatever they can see.
    forced = ("--forcerun", "train_autoencoder", "train_regressor")
    done = other.snakemake("--cores", "2", *forced, "--", *trained, config="own.yaml").stdout
    assert done.count("Finished jobid") > 7
    after = weights(other)
    names = [name for name in before if "morphology" not in name]
    assert before.keys() == after.keys() and len(names) == 4
    for name in names:
        assert (before[name] == after[name]) == ("fold1" in name), name
    predictions = "results/predictions/I1/motility/fold1/seed0.csv"
    assert (lab.folder / predictions).read_text() != (other.folder / predictions).read_text()
