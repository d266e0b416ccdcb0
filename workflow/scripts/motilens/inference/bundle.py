"""A bundle: all models of one method in one file, for new videos (docs/predict.md).

It needs neither the configuration nor Snakemake.
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import torch

from motilens.core.errors import InputError
from motilens.core.files import atomic_write
from motilens.core.text import describe_error
from motilens.models.regressor import Regressor, build_model
from motilens.tracking.label_proportions import LabelProportionModel

BUNDLE_HEADER = b"Motilens bundle 3, SHA-256 "


@dataclass(frozen=True)
class BundleMember:
    """One model: what it predicts, the fold that it did not see, its seed."""

    target: str
    fold: int
    seed: int
    model: Regressor | LabelProportionModel

    @property
    def of_cells(self) -> bool:
        """Does it answer for followed cells, not for stacks?"""
        return isinstance(self.model, LabelProportionModel)


@dataclass(frozen=True)
class Bundle:
    """What a file of a bundle holds.

    Args:
        targets: by name, the percentages that its members predict, in their order.
        frames: how videos become clips, see `extraction.extract_clips`.
        ranges: of the training videos, see `appearance.ranges`.
        known: first digits of the digests of their clips (`content_sha256`, docs/formats.md).
        tracks: where some models answer for cells, how these are followed (`tracks.beginning`).
        no_better: targets whose models were not for certain better than ZeroR on participants
            held out.
        card: what the models are for and how well they do, in Markdown.
        digest: SHA-256 of the file's content.
    """

    members: list[BundleMember]
    targets: dict[str, list[str]]
    frames: dict
    ranges: dict[str, list[float]]
    known: list[str]
    no_better: list[str]
    tracks: dict | None
    card: str
    digest: str

    @property
    def of_cells(self) -> bool:
        """Do all its models answer for followed cells, none for stacks?"""
        return all(one.of_cells for one in self.members)


def write_bundle(path: str | Path, content: dict) -> str:
    """Write a bundle, whole or not at all.

    Args:
        content: `members`, a list of dicts with target, fold, seed and what a model is made of:
            architecture and weights (a state dict), or kinds (`proportions.Kinds.described`);
            `targets`, `frames`, `ranges`, `known`, `tracks`, `no_better`, `card`.

    Returns:
        Its digest.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    digest = hashlib.sha256(buffer.getbuffer()).hexdigest()
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        file.write(BUNDLE_HEADER + digest.encode() + b"\n")
        file.write(buffer.getbuffer())
    return digest


def load_bundle(path: str | Path) -> Bundle:
    """Read a bundle; its digest is checked, and no code in it is run.

    Raises:
        InputError: it is no bundle, or damaged.
    """
    if Path(path).exists() and not Path(path).is_file():
        raise InputError(f"{path} is no file")
    try:
        head, _, content = Path(path).read_bytes().partition(b"\n")
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): `make bundle INPUT=...` makes one of a "
            "finished run"
        ) from error
    if head.startswith(BUNDLE_HEADER[:16]) and not head.startswith(BUNDLE_HEADER):
        raise InputError(f"{path} was made by another version of Motilens: make it anew")
    if not head.startswith(BUNDLE_HEADER):
        raise InputError(f"{path} is no bundle of Motilens: make one with `make bundle`")
    digest = head.removeprefix(BUNDLE_HEADER).decode(errors="replace")
    if hashlib.sha256(content).hexdigest() != digest:
        raise InputError(f"{path} is damaged: copy it again, or make it anew")
    try:
        held = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
        made = Bundle(
            [_restore_member(**one) for one in held.pop("members")], digest=digest, **held
        )
        if {one.target for one in made.members} != set(made.targets) or not made.targets:
            raise ValueError("its models are not those of its targets")
        for one in made.members:
            if one.of_cells and len(one.model.otherwise) != len(made.targets[one.target]):
                raise ValueError("its models do not answer what its targets name")
        return made
    except Exception as error:  # of another version, it raises almost anything
        raise InputError(
            f"{path} cannot be used ({describe_error(error)}): make it anew"
        ) from error


def _restore_member(target: str, fold: int, seed: int, **made: dict) -> BundleMember:
    if "kinds" in made:
        return BundleMember(target, fold, seed, LabelProportionModel.restored(made["kinds"]))
    model = build_model(made["architecture"])
    model.load_state_dict(made["weights"])
    return BundleMember(target, fold, seed, model.eval())
