"""A folder with a laboratory's own data, a configuration and results."""

from pathlib import Path

import yaml

from motilens.simulation.visem_files import simulated_sample_table, write_label_table
from support.changes import draw_video
from support.project import TINY, Project, copy_project

TRACKED = {"baselines": ["cells"], "tracking": {"duration": 0.6, "min_track_duration": 0.52}}


class Laboratory(Project):
    """Six labeled participants, one input type, two folds, a small network."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.table = simulated_sample_table(6, seed=1, folder="lab/videos")
        config = yaml.safe_load(TINY.read_text(encoding="utf-8"))
        config["dataset"] = {"labels": "lab/labels.csv", "videos": "lab/videos"}
        config["inputs"] = {"I1": {"frames": 1}}
        config["regressor"]["backbone"] = "mobilenet_v3_small"
        self.config, self.env = config, {}

    def write_data(self):
        """Write videos, labels and the configuration."""
        (self.folder / "lab/videos").mkdir(parents=True)
        write_label_table(self.table, self.folder / "lab/labels.csv")
        for participant in self.table["participant"]:
            draw_video(self.video(participant), int(participant))
        self.write_configuration()
        return self

    @classmethod
    def made(cls, folder: Path):
        """Return one with its data, before any run."""
        return cls(copy_project(folder / "a lab").folder).write_data()

    def write_configuration(self):
        (self.folder / "own.yaml").write_text(yaml.safe_dump(self.config, sort_keys=False))

    def video(self, participant):
        return self.folder / self.table.set_index("participant")["video"][str(participant)]

    def files(self):
        return [path for path in self.folder.rglob("*") if path.is_file()]
