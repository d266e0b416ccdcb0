"""Pretrained weights of torchvision's networks, from which regressors start."""

import re
from pathlib import Path

import torch

from motilens.core.errors import InputError
from motilens.core.faults import is_machine_fault, is_out_of_memory
from motilens.core.files import hash_file
from motilens.core.text import describe_error
from motilens.models.backbones import make_backbone


def fetch_pretrained_weights(backbone: str, weights: str) -> dict:
    """Return torchvision's weights "IMAGENET1K_V1", say, downloaded once into torch's own cache.

    Raises:
        InputError: they are not in the cache and cannot be downloaded, or are damaged.
    """
    import torchvision

    entry = torchvision.models.get_model_weights(backbone)[weights]
    cached = Path(torch.hub.get_dir(), "checkpoints", entry.url.rpartition("/")[2])
    try:
        state = entry.get_state_dict(progress=False, check_hash=True, weights_only=True)
        return _check_state_dict(backbone, state)
    except Exception as error:  # a damaged file raises almost anything
        if is_out_of_memory(error):
            raise
        if cached.exists():
            raise InputError(
                f"{cached} cannot be used ({describe_error(error)}): delete it, run again"
            ) from error
        raise InputError(
            f"regressor.weights: {weights} of {backbone} cannot be downloaded ({error}). Download "
            f"{entry.url} on a machine with network and put it into {cached.parent}, or name its "
            "copy (regressor.weights: {file: ..., sha256: ...}), or set regressor.weights: none"
        ) from error


def read_weights_file(backbone: str, path: str | Path, sha256: str) -> dict:
    """Return pretrained weights in a file of the user's: a state dict as torchvision's are.

    Raises:
        InputError: the file is missing, has another content, or does not fit the network.
    """
    try:
        digest = hash_file(path)
    except OSError as error:
        raise InputError(f"regressor.weights.file: {path} cannot be read ({error})") from error
    if digest != sha256.lower():
        raise InputError(
            f"regressor.weights.file: {path} has the SHA-256 {digest}, not {sha256}: it is another "
            "file, or damaged; download it again or correct regressor.weights.sha256"
        )
    try:
        return _check_state_dict(backbone, torch.load(path, weights_only=True, map_location="cpu"))
    except Exception as error:  # as above
        if is_machine_fault(error):
            raise
        raise InputError(
            f"regressor.weights.file: {path} does not hold the weights of torchvision's {backbone} "
            f"with its 1000 classes ({describe_error(error)})"
        ) from error


def load_stored_weights(path: str) -> dict:
    """Return what the step `fetch_weights` stored; raise an InputError if it cannot be read."""
    try:
        return torch.load(path, weights_only=True)
    except Exception as error:  # as above
        if is_machine_fault(error):
            raise
        raise InputError(
            f"{path} cannot be read ({describe_error(error)}): delete it and run again"
        ) from error


def _check_state_dict(backbone: str, state: dict) -> dict:
    """Return the weights with the names of today's network, if they are complete and finite."""
    if backbone.startswith("densenet"):  # torchvision's files have names of an older version
        for name in list(state):
            state[re.sub(r"(denselayer\d+\.\w+)\.(\d\.)", r"\1\2", name)] = state.pop(name)
    make_backbone(backbone).load_state_dict(state)
    if not all(torch.isfinite(tensor).all() for tensor in state.values()):
        raise ValueError("not all of them are finite")
    return state
