"""What a configuration and a data set determine: samples, folds, methods and their models."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path

import pandas as pd

from motilens.core.labels import MOTILITY
from motilens.core.plugin_files import Method, Plugins, find_plugins
from motilens.core.records import deep_merge
from motilens.core.text import natural_sorted
from motilens.dataset.splits import save_split, split_path
from motilens.evaluation.metrics import ZERO_R
from motilens.evaluation.paper import PAPER_STACKS
from motilens.simulation.cells import MICRONS_PER_PIXEL


@dataclass(frozen=True)
class Experiment:
    """All that rules need to know before any job runs.

    Args:
        config: as `check_config` returns it.
        samples: indexed by sample: participant, video (path), fold, and what is known of labels,
            frame rate and scale.
        warnings, notes: about the data, a line each.
        launch_folder: where Snakemake was called; paths in the configuration begin there.
        stored: for videos in an object store, size and time of each by its name; else None.
        split_source: where the folds come from, in words.
    """

    config: dict
    samples: pd.DataFrame
    warnings: list[str]
    launch_folder: Path
    stored: dict[str, dict] | None = None
    notes: list[str] = field(default_factory=list)
    split_source: str = ""

    @cached_property
    def is_simulated(self) -> bool:
        """Return whether the pipeline draws its own data set."""
        return bool(self.config["dataset"].get("simulated"))

    @cached_property
    def plugins(self) -> Plugins:
        """Return the methods of the user's own."""
        folder = self.config.get("plugins")
        return find_plugins(self.launch_folder / folder if folder else None)

    @cached_property
    def rows(self) -> dict[str, dict]:
        """Return what is known of each sample, without what is not a number."""
        return {
            sample: {name: value for name, value in row.items() if value == value}
            for sample, row in self.samples.to_dict("index").items()
        }

    @cached_property
    def sample_names(self) -> list[str]:
        """Return the names of all samples."""
        return list(self.samples.index)

    @cached_property
    def folds_by_participant(self) -> dict[str, int]:
        """Return the fold of each participant."""
        return dict(zip(self.samples["participant"], self.samples["fold"].map(int), strict=True))

    def held_out(self, fold) -> list[str]:
        """Return the samples that are held out in a fold."""
        return list(self.samples.index[self.samples["fold"] == int(fold)])

    def training(self, fold) -> list[str]:
        """Return the samples that the models of a fold are trained on."""
        return list(self.samples.index[self.samples["fold"] != int(fold)])

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """Return the groups of samples whose clips are indexed together, by name."""
        trainings = {f"training{fold}": self.training(fold) for fold in self.folds}
        return {"all": self.sample_names, "gallery": self.held_out(1)[:1]} | trainings

    def video_path(self, sample: str) -> str:
        """Return where the video of a sample is: absolute, an address, or in the results."""
        path = self.samples["video"][sample]
        if self.is_simulated or self.stored is not None:
            return path
        return str(self.launch_folder / path)

    def microns_per_pixel(self, sample: str) -> float | None:
        """Return the scale of a sample's video (µm); None if nobody has given it."""
        if self.is_simulated:
            return MICRONS_PER_PIXEL
        given = self.rows[sample].get("microns_per_pixel")
        return given or self.config["dataset"].get("microns_per_pixel")

    @cached_property
    def inputs(self) -> list[str]:
        """Return the input types, I2 before I10: their order in a file has no meaning."""
        return natural_sorted(self.config["inputs"])

    @cached_property
    def targets(self) -> list[str]:
        """Return the targets, motility first as in the paper."""
        return sorted(self.config["targets"], key=lambda name: (name != "motility", name))

    @cached_property
    def folds(self) -> list[int]:
        """Return the folds, from 1."""
        return list(range(1, self.config["folds"]["number"] + 1))

    @cached_property
    def seeds(self) -> list[int]:
        """Return the seeds, ascending."""
        return sorted(self.config["seeds"])

    @cached_property
    def clip_length(self) -> int:
        """Return the frames of a clip: as many as the longest input type needs."""
        return max((kind["frames"] for kind in self.config["inputs"].values()), default=1)

    @cached_property
    def uses_videos(self) -> bool:
        """Return whether a method of ours looks at videos; external ones have done so elsewhere."""
        return bool(self.config["inputs"] or self.config["baselines"])

    @cached_property
    def model_wildcards(self) -> dict[str, list]:
        """Return all values of the wildcards of regressors."""
        names = {"input": self.inputs, "target": self.targets}
        return names | {"fold": self.folds, "seed": self.seeds}

    @cached_property
    def autoencoded(self) -> list[str]:
        """Return the input types whose encoder is trained."""
        return [name for name in self.inputs if self.encoder_kind(name) == "autoencoder"]

    def encoder_kind(self, input_type: str) -> str:
        """Return the encoder of an input type, as in the configuration."""
        return self.config["inputs"][input_type]["encoder"]

    @cached_property
    def regressor_methods(self) -> list[tuple[str, str]]:
        """Return (method, target) of all regressors; a method is called as its input type."""
        return list(product(self.inputs, self.targets))

    @cached_property
    def baseline_methods(self) -> list[tuple[str, str]]:
        """Return (method, target) of all baselines; `casa` and `speed` predict motility alone."""
        values = {target: set(self.config["targets"][target]) for target in self.targets}
        return [
            (name, target)
            for name in sorted(self.config["baselines"])
            for target in self.targets
            if (name != "casa" or values[target] <= set(MOTILITY))
            and (name != "speed" or values[target] == set(MOTILITY))
        ]

    def external_file(self, method: str, target: str, fold: int, seed: int) -> Path:
        """Return where the user keeps predictions that were made elsewhere."""
        folder = self.launch_folder / self.config["external"][method]
        return folder / target / f"fold{fold}" / f"seed{seed}.csv"

    @cached_property
    def external_methods(self) -> list[tuple[str, str]]:
        """Return (method, target) of all predictions that were made elsewhere."""
        return [
            (name, target)
            for name in natural_sorted(self.config["external"])
            for target in self.targets
            if self.external_file(name, target, 1, 0).parents[1].is_dir()
        ]

    @cached_property
    def ensembles(self) -> dict[str, list[str]]:
        """Return the members of each ensemble."""
        ensembles = self.config["ensembles"]
        return {name: natural_sorted(ensembles[name]) for name in natural_sorted(ensembles)}

    @cached_property
    def ensemble_methods(self) -> list[tuple[str, str]]:
        """Return (method, target) of all ensembles; each member must predict the target."""
        single = {*self.regressor_methods, *self.baseline_methods, *self.external_methods}
        return [
            (name, target)
            for name, members in self.ensembles.items()
            for target in self.targets
            if {(member, target) for member in members} <= single
        ]

    @cached_property
    def methods(self) -> list[tuple[str, str]]:
        """Return (method, target) of all that predicts."""
        single = self.regressor_methods + self.baseline_methods + self.external_methods
        return single + self.ensemble_methods

    @cached_property
    def reference(self) -> str:
        """Return the method that tables compare all others with, beside ZeroR."""
        if name := self.config.get("reference"):
            return name
        kind = self.config["inputs"].get("I4", {})
        seen = kind.get("frames"), kind.get("repeats"), kind.get("encoder")
        return "I4" if seen == (*PAPER_STACKS["I4"], "autoencoder") else ZERO_R

    @cached_property
    def bundled_methods(self) -> list[str]:
        """Return the methods that can predict single videos, and ensembles of such."""
        single = self.inputs + [name for name in self.config["baselines"] if name == "cells"]
        ensembles = [name for name, members in self.ensembles.items() if {*members} <= {*single}]
        return single + ensembles

    def step_of(self, method: str) -> tuple[str, str]:
        """Return the step that predicts by a method, and the wildcard that names the method."""
        if method in self.inputs:
            return "train_regressor", "input"
        if method in self.config["external"]:
            return "copy_predictions", "external"
        if method in self.ensembles:
            return "average_predictions", "ensemble"
        return "predict_baseline", "baseline"

    def members(self, method: str) -> list[str]:
        """Return the members of an ensemble; another method is its own only member."""
        return self.ensembles.get(method, [method])

    def step_settings(self, step: str, input_type: str) -> dict:
        """Return the settings of a training, where an input type may have some of its own."""
        own = self.config["inputs"][input_type].get(step, {})
        settings = deep_merge(self.config[step], own)
        if step == "autoencoder":
            # A plugin's term has no default: with a weight of 0, it is as if it were not there.
            settings["loss"] = {
                term: weight
                for term, weight in settings["loss"].items()
                if weight or ("loss", term) not in self.plugins.methods
            }
        return settings

    def plugin_files(self, step: str, wildcards) -> frozenset[str]:
        """Return the files of plugins that hold the methods of a job; of tables, none."""
        used = set()
        if step in ("train_autoencoder", "make_feature_images"):
            used = self._encoder_methods(wildcards["input"])
        elif step == "plot_gallery":
            used = used.union(*map(self._encoder_methods, self.autoencoded))
        elif step == "predict_baseline":
            used = {("baseline", wildcards["baseline"])}
        elif step in ("train_regressor", "make_bundle"):
            method = wildcards["input" if step == "train_regressor" else "method"]
            for name in {*self.members(method)} & {*self.inputs}:
                backbone = self.step_settings("regressor", name)["backbone"]
                used |= {("backbone", backbone)} | self._encoder_methods(name)
        return frozenset(self.plugins.methods[m] for m in used if m in self.plugins.methods)

    def _encoder_methods(self, input_type: str) -> set[Method]:
        if input_type not in self.autoencoded:
            return {("encoder", self.encoder_kind(input_type))}
        settings = self.step_settings("autoencoder", input_type)
        terms = {("loss", term) for term, weight in settings["loss"].items() if weight}
        return terms | {("autoencoder", settings["variant"])}

    def describe(self) -> str:
        """Return the size of the data set and of the folds in one line."""
        folds = list(self.folds_by_participant.values())
        sizes = ", ".join(str(folds.count(fold)) for fold in self.folds)
        videos = len(self.samples)
        source = f" ({self.split_source})" if self.split_source else ""
        return (
            f"{videos} videos of {len(folds)} participants; folds of {sizes} participants{source}"
        )

    def save_split(self, results: Path) -> None:
        """Save the split, unless the user gave one in a file."""
        folds = self.config["folds"]
        if "seed" in folds:
            path = split_path(results, folds["number"], folds["seed"])
            save_split(path, folds["number"], self.folds_by_participant)


def weights_name(weights: str | dict) -> str:
    """Return torchvision's name of pretrained weights, or the SHA-256 of a user's file."""
    return weights if isinstance(weights, str) else weights["sha256"].lower()


def choose_output_activation(name: str, values: Iterable[str]) -> str:
    """Return the output activation of a target: percentages of all sperm add up to 100."""
    if name != "bounded":
        return name
    return "softmax" if set(values) == set(MOTILITY) else "sigmoid"
