"""What each step depends on: the one place that decides what a change makes stale.

Each rule has one param, `depends_on`, made here: a plain dict of the settings, the content of the
data and the code behind the step, and a digest of what earlier steps depend on. Snakemake runs a
step again when this dict changes. It stores values of params without their names and tells dicts
with another order of keys apart: so it is one param, with sorted keys.
"""

import functools
import os
from collections.abc import Iterable
from operator import getitem
from pathlib import Path

from motilens.clips.records import ClipRecords
from motilens.core.errors import InputError
from motilens.core.files import hash_file
from motilens.core.labels import VIDEO_FACTS
from motilens.core.plugins import list_plugin_files
from motilens.core.records import short_digest, to_plain
from motilens.dataset.splits import split_digest
from motilens.pipeline.code_digest import code_versions, plugin_versions
from motilens.pipeline.experiment import Experiment, choose_output_activation, weights_name
from motilens.video.fingerprints import fingerprint_file

TEMPLATE = "motilens/reports/report.html.jinja"  # beside the scripts
CLIPS = Path("clips")  # in the folder of results, where Snakemake works


class Dependencies:
    """What the steps of an experiment depend on, by the folder of their scripts and the pins."""

    def __init__(self, experiment: Experiment, scripts: Path, requirements: Path):
        self.experiment, self.config = experiment, experiment.config
        self.scripts, self.requirements = scripts, requirements
        self.records = ClipRecords(CLIPS)

    def of_step(self, step: str, wildcards) -> dict:
        """Return what a job of a rule depends on, sorted at every level.

        Raises:
            InputError: a record of clips is damaged.
        """
        parts = getattr(self, f"_{step}")(wildcards)
        plugins = self._plugin_code(self.experiment.plugin_files(step, wildcards))
        return to_plain({"code": self.code(step) | plugins} | parts)

    @functools.cache  # noqa: B019  (one object lives as long as the process)
    def code(self, step: str) -> dict[str, str]:
        """Return our modules and the libraries that a step uses."""
        return code_versions(self.scripts / f"{step}.py", self.requirements)

    @functools.cache  # noqa: B019
    def _plugin_code(self, names: frozenset[str]) -> dict[str, str]:
        folder = self.experiment.plugins.folder
        return plugin_versions(folder, names, self.scripts, self.requirements) if names else {}

    # Steps on single videos.

    def _simulate_video(self, wildcards) -> dict:
        keys = (f"dataset.simulated.{key}" for key in ("seconds", "seed", "style"))
        return {"settings": self._select(*keys)}

    def _simulate_labels(self, wildcards) -> dict:
        keys = (f"dataset.simulated.{key}" for key in ("participants", "seed", "style"))
        return {"settings": self._select(*keys)}

    def _write_sample_table(self, wildcards) -> dict:
        return {"samples": self.experiment.rows, "warnings": self.experiment.warnings}

    def _extract_clips(self, wildcards) -> dict:
        length, sample = self.experiment.clip_length, wildcards["sample"]
        settings = {"frames": self.config["frames"], "clip_length": length}
        parts = {"settings": settings, "facts": self._facts(sample)}
        return parts | self._video_identity(sample)

    def _index_clips(self, wildcards) -> dict:
        return {"group": self.experiment.groups[wildcards["group"]]}

    def _plot_contact_sheet(self, wildcards) -> dict:
        scale = self.experiment.microns_per_pixel(wildcards["sample"])
        return {"settings": {"microns_per_pixel": scale}}  # and it follows the clips

    def _track_cells(self, wildcards) -> dict:
        sample, settings = wildcards["sample"], self._select("tracking")
        parts = {"settings": settings, "frame_rate": self._frame_rate(sample)}
        return parts | self._video_identity(sample)

    def _video_identity(self, sample: str) -> dict:
        """Identify a user's video by its content, a simulated one by how it was drawn.

        One in an object store is identified by its size and time there, without fetching it.
        """
        if self.experiment.is_simulated:
            return {"upstream": short_digest(self.of_step("simulate_video", {}))}
        try:
            identity = {"video": self._video_content(sample)}
        except InputError:
            return {"video": "gone since the run began"}  # its own job reports it; others go on
        # Only where it makes a difference: to run again what an earlier run has skipped.
        if self.config["dataset"]["on_unreadable_video"] == "error" and self.is_skipped(sample):
            identity["dataset.on_unreadable_video"] = "error"
        return identity

    def _video_content(self, sample: str) -> str | dict:
        stored, path = self.experiment.stored, self.experiment.video_path(sample)
        if stored is None:
            return fingerprint_file(path)
        return stored[os.path.normpath(os.path.relpath(path, self.config["dataset"]["videos"]))]

    def is_skipped(self, sample: str) -> bool:
        """Return whether a sample has no clips since its video could not be used."""
        return "skip_reason" in self.records.read(sample)

    def _facts(self, sample: str) -> dict:
        """Return what the user says of a video, recorded with its clips."""
        row, scale = self.experiment.rows[sample], self.config["dataset"].get("microns_per_pixel")
        facts = {"participant": row["participant"]}
        facts |= {"microns_per_pixel": scale} if scale else {}
        return facts | {name: row[name] for name in VIDEO_FACTS if name in row}

    def _frame_rate(self, sample: str) -> float | None:
        return self.experiment.rows[sample].get("frame_rate")

    # Models.

    def _train_autoencoder(self, wildcards) -> dict:
        name, training = wildcards["input"], self.experiment.training(wildcards["fold"])
        own = self.experiment.step_settings("autoencoder", name)
        settings = {"autoencoder": own, f"inputs.{name}": self._stack(name)}
        return {"settings": settings, "training": self.clip_contents(training)}

    def _fetch_weights(self, wildcards) -> dict:
        return {}  # backbone and weights are in its wildcards

    def _train_regressor(self, wildcards) -> dict:
        name, target = wildcards["input"], wildcards["target"]
        values = self.config["targets"][target]
        own = self.experiment.step_settings("regressor", name)
        own["weights"] = weights_name(own["weights"])
        own["output_activation"] = choose_output_activation(own["output_activation"], values)
        settings, upstream = {"regressor": own, f"targets.{target}": values}, None
        if name in self.experiment.autoencoded:
            upstream = self.of_step("train_autoencoder", wildcards)
        else:
            encoder = {"encoder": self.experiment.encoder_kind(name)}
            settings[f"inputs.{name}"] = self._stack(name) | encoder
        parts = {"settings": settings, "upstream": short_digest(upstream)}
        return parts | self._sides(wildcards["fold"], values)

    def _predict_baseline(self, wildcards) -> dict:
        name, target, fold = (wildcards[key] for key in ("baseline", "target", "fold"))
        values, samples = self.config["targets"][target], self.experiment.sample_names
        settings = {"baseline": name, f"targets.{target}": values}
        if name in ("casa", "speed"):
            scale = self.experiment.microns_per_pixel
            settings["microns_per_pixel"] = {sample: scale(sample) for sample in samples}
        members = (*self.experiment.training(fold), *self.experiment.held_out(fold))
        rates = [self._frame_rate(sample) for sample in members]
        upstream = short_digest([self._select("tracking"), self.code("track_cells"), rates])
        parts = {"settings": settings, "samples": samples, "upstream": upstream}
        return parts | self._sides(fold, values)

    def _copy_predictions(self, wildcards) -> dict:
        name, target, fold = (wildcards[key] for key in ("external", "target", "fold"))
        seed, values = wildcards.get("seed"), self.config["targets"][target]
        seeds = self.experiment.seeds if seed is None else [seed]
        paths = {s: self.experiment.external_file(name, target, fold, s) for s in seeds}
        stem = f"{name}/{target}/fold{fold}"
        files = {f"{stem}/seed{seed}.csv": hash_file(path) for seed, path in paths.items()}
        skipped = [sample for sample in self.experiment.held_out(fold) if self.is_skipped(sample)]
        settings = {"external": name, f"targets.{target}": values}
        parts = {"settings": settings, "files": files, "skipped": skipped}
        return parts | self._sides(fold, values)

    def _average_predictions(self, wildcards) -> dict:
        name, target, fold = (wildcards[key] for key in ("ensemble", "target", "fold"))
        members, values = self.experiment.ensembles[name], self.config["targets"][target]
        settings = {"ensemble": name, "members": members, f"targets.{target}": values}
        upstream = [self.of_method(member, target, fold) for member in members]
        parts = {"settings": settings, "upstream": short_digest(upstream)}
        return parts | self._sides(fold, values)

    def of_method(self, method: str, target: str, fold: int) -> dict:
        """Return what the models of a method depend on."""
        step, key = self.experiment.step_of(method)
        return self.of_step(step, {key: method, "target": target, "fold": fold})

    def _make_feature_images(self, wildcards) -> dict:
        encoded = self.clip_contents(self.experiment.sample_names)
        upstream = short_digest(self.of_step("train_autoencoder", wildcards))
        return {"encoded": encoded, "upstream": upstream}

    def _stack(self, input_type: str) -> dict:
        """Return what the models of an input type see of a clip."""
        kind = self.config["inputs"][input_type]
        return {name: kind[name] for name in ("frames", "repeats")}

    def _sides(self, fold, values: Iterable[str]) -> dict:
        """Return the samples of a fold that are trained on, and those that are held out."""
        return {
            "training": self.clip_contents(self.experiment.training(fold), values),
            "held_out": self.clip_contents(self.experiment.held_out(fold), values),
        }

    # What is made of all models.

    def _compute_errors(self, wildcards) -> dict:
        return {
            "settings": self._methods(),
            "folds_digest": split_digest(self.experiment.folds_by_participant),
            "skipped": [name for name in self.experiment.sample_names if self.is_skipped(name)],
            "upstream": self._all_models(),
        }

    def _compute_statistics(self, wildcards) -> dict:
        settings = self._methods() | self._reference()
        return {"settings": settings, "upstream": self._all_models()}

    def _make_table1(self, wildcards) -> dict:
        upstream = self._all_models("compute_statistics", "compute_errors")
        return {"settings": self._shown_with_tables(), "upstream": upstream}

    def _shown_with_tables(self) -> dict:
        settings = {"simulated": self.experiment.is_simulated} | self._reference()
        if external := list(dict.fromkeys(name for name, _ in self.experiment.external_methods)):
            settings["external"] = external
        return settings

    def _summarize_run(self, wildcards) -> dict:
        keys = ["frames", *["tracking"] * bool(self.config["baselines"])]
        data = self.config["dataset"].get("simulated") or "recordings"
        settings = self._select(*keys) | {"data": data, "video_warnings": self._video_warnings()}
        return {"settings": settings, "upstream": self._all_models("compute_errors")}

    def _video_warnings(self) -> dict[str, str]:
        """Return the warning of each sample whose video has one, as far as they are decoded."""
        records = {name: self.records.read(name) for name in self.experiment.sample_names}
        return {name: r["warning"] for name, r in records.items() if r.get("warning")}

    def _plot_learning_curves(self, wildcards) -> dict:
        upstream = self._all_models(methods=self.experiment.regressor_methods)
        return {"settings": {"models": self.experiment.model_wildcards}, "upstream": upstream}

    def _plot_errors(self, wildcards) -> dict:
        upstream = self._all_models("compute_statistics", "compute_errors")
        return {"settings": self._reference(), "upstream": upstream}

    def _plot_agreement(self, wildcards) -> dict:
        settings = self._methods() | {"seed": self.experiment.seeds[0]} | self._reference()
        return {"settings": settings, "upstream": self._all_models()}

    def _plot_gallery(self, wildcards) -> dict:
        inputs = self.experiment.autoencoded
        upstream = [self.of_step("train_autoencoder", {"input": i, "fold": 1}) for i in inputs]
        settings = {"inputs": inputs, "seed": self.experiment.seeds[0]}
        shown = self.clip_contents(self.experiment.groups["gallery"])
        return {"settings": settings, "shown": shown, "upstream": short_digest(upstream)}

    def _make_bundle(self, wildcards) -> dict:
        uses_tracks = {*self.experiment.members(wildcards["method"])} & {*self.config["baselines"]}
        settings = {
            "targets": self.config["targets"],
            "frames": self.config["frames"] | {"clip_length": self.experiment.clip_length},
            "tracking": self.config["tracking"] if uses_tracks else None,
            "simulated": self.experiment.is_simulated,
        } | self._reference()
        code = self._plugin_code(self.experiment.plugin_files("make_bundle", wildcards))
        if names := list_plugin_files(code):  # whoever predicts needs these very files
            folder = self.experiment.plugins.folder
            settings["plugins"] = {name: hash_file(folder / name) for name in names}
        training = self.clip_contents(self.experiment.sample_names)
        upstream = self._all_models("compute_statistics")
        return {"settings": settings, "training": training, "upstream": upstream}

    def _write_report(self, wildcards) -> dict:
        samples = {}
        for name in self.experiment.sample_names if self.experiment.uses_videos else ():
            row, record = self.experiment.rows[name], self.records.read(name)
            samples[name] = {key: row[key] for key in ("participant", "fold")}
            samples[name] |= {k: record[k] for k in ("skip_reason", "warning") if record.get(k)}
        settings = self._shown_with_tables() | {"warnings": self.experiment.warnings}
        files = {TEMPLATE: hash_file(self.scripts / TEMPLATE)}
        parts = {"settings": settings, "files": files, "samples": samples}
        return parts | {"upstream": self._all_models()}

    def _reference(self) -> dict:
        return {"reference": self.experiment.reference}

    def _methods(self) -> dict:
        """Return the models that tables are made of."""
        targets = {}
        for kind in ("baseline_methods", "external_methods", "ensemble_methods"):
            for method, target in getattr(self.experiment, kind):
                targets.setdefault(kind, {}).setdefault(method, []).append(target)
        return {"models": self.experiment.model_wildcards} | targets

    def _all_models(self, *steps: str, methods: list | None = None) -> str:
        """Return a digest of what all models, and `steps` between them and a step, depend on."""
        methods = self.experiment.methods if methods is None else methods
        parts = [self.of_method(*m, fold) for m in methods for fold in self.experiment.folds]
        return short_digest([parts, self.experiment.seeds, *map(self.code, steps)])

    # Parts of these.

    def _select(self, *keys: str) -> dict:
        """Return parts of the configuration by their full names."""
        return {key: functools.reduce(getitem, key.split("."), self.config) for key in keys}

    def clip_contents(self, samples: Iterable[str], columns: Iterable[str] = ()) -> dict:
        """Return participant, clips (16 hex digits or None) and labels of samples that have clips.

        Args:
            samples: their names; those that were skipped are left out.
            columns: the labels that count.

        Raises:
            InputError: a record is damaged.
        """
        contents = {}
        for sample in samples:
            record, row = self.records.read(sample), self.experiment.rows[sample]
            if "skip_reason" not in record:
                digest = record.get("content_sha256", "")[:16] or None  # None: not made yet
                labels = {name: row[name] for name in ("participant", *columns)}
                contents[sample] = {"clips": digest} | labels
        return contents
