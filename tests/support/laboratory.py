"""A folder with a laboratory's own data, a configuration and results."""

import yaml
from changes import draw
from conftest import Project, copy_project

from motilens.simulation.visem_files import simulated_sample_table, write_label_table

FOLLOWED = {"baselines": ["cells"], "tracks": {"seconds": 0.6, "shortest": 26}}


class Laboratory(Project):
    """Six labelled participants, one input type, two folds, a small network."""

    def __init__(self, folder):
        super().__init__(folder)
        self.table = simulated_sample_table(6, seed=1, folder="lab/videos")
        config = yaml.safe_load((folder / "tests/tiny.yaml").read_text(encoding="utf-8"))
        config["dataset"] = {"labels": "lab/labels.csv", "videos": "lab/videos"}
        config["inputs"] = {"I1": {"frames": 1}}
        config["regressor"]["backbone"] = "mobilenet_v3_small"
        self.config, self.env = config, {}

    @classmethod
    def made(cls, folder):
        """With its videos and labels, before any run."""
        lab = cls(copy_project(folder / "a lab").folder)
        (lab.folder / "lab/videos").mkdir(parents=True)
        write_label_table(lab.table, lab.folder / "lab/labels.csv")
        for participant in lab.table["participant"]:
            draw(lab.video(participant), int(participant))
        lab.write_configuration()
        return lab

    def write_configuration(self):
        (self.folder / "own.yaml").write_text(yaml.safe_dump(self.config, sort_keys=False))

    def video(self, participant):
        return self.folder / self.table.set_index("participant")["video"][str(participant)]

    def files(self):
        return [path for path in self.folder.rglob("*") if path.is_file()]
