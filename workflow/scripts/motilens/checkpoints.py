"""Trained models on disk: weights in one file, how they were made in a JSON beside it."""

import hashlib

import torch
from torch import nn

from motilens import InputError
from motilens.step import read_record, write_record, written_whole


def save(model: nn.Module, weights: str, record: str, description: dict) -> None:
    """Write the state dict to `weights`; `description`, with their SHA-256, to `record`."""
    # Given an open file, torch does not write its (temporary) name into it: the same weights
    # are the same bytes.
    with written_whole(weights) as temporary, open(temporary, "wb") as file:
        torch.save({name: t.cpu() for name, t in model.state_dict().items()}, file)
    write_record(record, description | {"weights_sha256": _sha256(weights)})


def load(model: nn.Module, weights: str, record: str) -> nn.Module:
    """Fill `model` with `weights`, in evaluation mode.

    Raises:
        InputError: the weights are not those that `record` describes.
    """
    if _sha256(weights) != read_record(record)["weights_sha256"]:
        raise InputError(f"{weights} does not match {record}: delete both and run again")
    model.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
    return model.eval()


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
