"""A bundle: all models of one method in one file, for new videos (docs/how-to/predict.md).

It needs neither the configuration nor Snakemake.
"""

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path

import torch

from motilens.core.errors import InputError
from motilens.core.faults import is_out_of_memory
from motilens.core.files import atomic_write, hash_file
from motilens.core.plugins import describe_plugin_error, load_plugins
from motilens.core.records import read_record
from motilens.core.text import describe_error
from motilens.models.regressor import Regressor, build_regressor
from motilens.motility.label_proportions import LabelProportionModel
from motilens.training.model_files import load_model

BUNDLE_HEADER = b"Motilens bundle 5, SHA-256 "
NAME_LENGTH = 16  # bytes of the header that are the same in all versions


@dataclass(frozen=True)
class BundleMember:
    """One model: what it predicts, the fold that it did not see, its seed."""

    target: str
    fold: int
    seed: int
    model: Regressor | LabelProportionModel

    @property
    def uses_tracks(self) -> bool:
        """Return whether it predicts from tracked cells, not from stacks."""
        return isinstance(self.model, LabelProportionModel)


@dataclass(frozen=True)
class Bundle:
    """What a bundle file holds.

    Args:
        targets: by name, the percentages that its members predict, in their order.
        frames: how videos become clips, see `extract_clips`.
        ranges: of the training videos, see `training_ranges`.
        training_clips: first digits of the digests of their clips (`content_sha256`).
        held_out_errors: by target and percentage, see `measure_held_out_errors`.
        doubts: by target, why not to rely on its percentages, in a few words, see `find_doubts`.
        warnings: the same in sentences, see `explain_doubts`.
        tracking: how cells are tracked (`track_first_seconds`), if a model uses tracks.
        card: what the models are for and how well they do, in Markdown.
        digest: SHA-256 of the file's content.
        plugins: SHA-256 of the files of code that its models need, and that it does not hold.
    """

    members: list[BundleMember]
    targets: dict[str, list[str]]
    frames: dict
    ranges: dict[str, list[float]]
    training_clips: list[str]
    held_out_errors: dict[str, dict[str, float]]
    doubts: dict[str, list[str]]
    warnings: list[str]
    tracking: dict | None
    card: str
    digest: str
    plugins: dict[str, str] = field(default_factory=dict)

    @property
    def uses_only_tracks(self) -> bool:
        """Return whether all its models predict from tracked cells, none from stacks."""
        return all(member.uses_tracks for member in self.members)


def describe_member(record: str, weights: str | None) -> dict:
    """Return a model as `write_bundle` needs it, by the paths of its record and of its weights.

    A `LabelProportionModel` has no weights: it is in its record.

    Raises:
        InputError: a file is damaged.
    """
    if weights:
        model, description = load_model(weights, record, build_regressor)
        content = {"architecture": description["architecture"], "weights": model.state_dict()}
    else:
        description = read_record(record)
        content = {"label_proportions": description["fitted"]}
        try:
            LabelProportionModel.from_dict(description["fitted"])
        except (TypeError, ValueError, KeyError) as error:
            raise InputError(f"{record}: fitted: {error}: delete it and run again") from error
    fold, seed = int(description["fold"]), int(description["seed"])
    return {"target": description["target"], "fold": fold, "seed": seed} | content


def write_bundle(path: str | Path, content: dict) -> str:
    """Write a bundle, whole or not at all, and return its digest.

    `content` is that of `Bundle` without `digest`, its `members` as of `describe_member`.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    digest = hashlib.sha256(buffer.getbuffer()).hexdigest()
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        file.writelines((BUNDLE_HEADER, digest.encode(), b"\n", buffer.getbuffer()))
    return digest


def load_bundle(path: str | Path, plugins: str | Path | None = None) -> Bundle:
    """Read a bundle; its digest is checked, and no code in it is run.

    Args:
        plugins: folder of the user's own code that its models need, which is run.

    Raises:
        InputError: it is no bundle, was made by another version, is damaged, or needs plugins that
            are not in that folder.
    """
    if Path(path).exists() and not Path(path).is_file():
        raise InputError(f"{path} is no file")
    try:
        header, _, content = Path(path).read_bytes().partition(b"\n")
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): `make bundle METHOD=...` makes one of a "
            "finished run"
        ) from error
    if not header.startswith(BUNDLE_HEADER[:NAME_LENGTH]):
        raise InputError(f"{path} is no bundle of Motilens: make one with `make bundle`")
    if not header.startswith(BUNDLE_HEADER):
        raise InputError(
            f"{path} was made by another version of Motilens: predict with that version, or make "
            "the bundle again"
        )
    digest = header.removeprefix(BUNDLE_HEADER).decode(errors="replace")
    if hashlib.sha256(content).hexdigest() != digest:
        raise InputError(f"{path} is damaged: copy it again, or make it again")
    try:
        values = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
        _load_plugins(path, values.get("plugins", {}), plugins)
        members = [_restore_member(**member) for member in values.pop("members")]
        bundle = Bundle(members, digest=digest, **values)
        if {member.target for member in members} != set(bundle.targets) or not bundle.targets:
            raise ValueError("its models are not those of its targets")
        for member in members:
            n_values = len(bundle.targets[member.target])
            if member.uses_tracks and len(member.model.fallback) != n_values:
                raise ValueError("its models do not predict what its targets name")
        return bundle
    except InputError:
        raise
    except Exception as error:  # an edited file raises almost anything
        if is_out_of_memory(error) or describe_plugin_error(error):
            raise
        reason = describe_error(error)
        raise InputError(f"{path} cannot be used ({reason}): make it again") from error


def _load_plugins(path: str | Path, needed: dict[str, str], folder: str | Path | None) -> None:
    if not needed and folder:
        raise InputError(f"{path} needs no code of plugins: leave --plugins out")
    if not needed:
        return
    names = ", ".join(needed)
    if folder is None:
        raise InputError(
            f"{path}: its models need code that is not in it, {names}: name the folder that holds "
            "it, --plugins FOLDER (make predict PLUGINS=FOLDER). It is run: see what it does first"
        )
    for name, digest in needed.items():
        file = Path(folder, name)
        if not file.is_file() or hash_file(file) != digest:
            raise InputError(
                f"{file} is {'not the file' if file.is_file() else 'missing, a file'} that {path} "
                "was made with: bring that back, or make the bundle again"
            )
    load_plugins(Path(folder), needed)


def _restore_member(target: str, fold: int, seed: int, **content: dict) -> BundleMember:
    if "label_proportions" in content:
        model = LabelProportionModel.from_dict(content["label_proportions"])
    else:
        model = build_regressor(content["architecture"]).eval()
        model.load_state_dict(content["weights"])
    return BundleMember(target, fold, seed, model)
