"""Trained models on disk: weights in one file, how they were made in a JSON beside it."""

import hashlib
import io

import pandas as pd
import torch
from torch import nn

from motilens.core.errors import InputError
from motilens.core.files import atomic_write
from motilens.core.records import read_record, write_record
from motilens.core.text import describe_error
from motilens.models.regressor import build_model
from motilens.training.trainer import TrainingResult

REQUIRED_KEYS = {"architecture", "training", "health", "weights_sha256"}  # of a record


def save_model(trained: TrainingResult, output, description: dict) -> None:
    """Write all that is known of a trained model, the record last.

    Args:
        output: paths of its weights, record, history and run (docs/formats.md).
        description: goes into the record; with at least `architecture`, see `models.build`.
    """
    with atomic_write(output.history) as temporary:
        pd.DataFrame(trained.history).to_csv(temporary, index=False)
    write_record(output.run, trained.run)
    content = io.BytesIO()
    # A file's name would be written into it, and a full disk be told in riddles: so torch gets
    # neither. The same weights are the same bytes. Some networks need the dict's own metadata.
    state = trained.model.state_dict()
    for name, tensor in state.items():
        state[name] = tensor.cpu().contiguous()
    torch.save(state, content)
    with atomic_write(output.weights) as temporary:
        temporary.write_bytes(content.getbuffer())
    made = {"final_loss": trained.history[-1]["loss"], "health": trained.health}
    digest = hashlib.sha256(content.getbuffer()).hexdigest()
    extra = {"abandoned_starts": trained.starts, "weights_sha256": digest}
    write_record(output.record, description | made | extra)


def load_model(weights: str, record: str) -> tuple[nn.Module, dict]:
    """A trained model from its two files alone, in evaluation mode, and its record.

    Raises:
        InputError: the weights are not those that `record` describes.
    """
    made = read_record(record)
    if missing := sorted(REQUIRED_KEYS - made.keys()):
        raise InputError(
            f"{record} is no record of a model, it lacks {', '.join(missing)}: delete it, run again"
        )
    try:
        with open(weights, "rb") as file:
            content = file.read()
    except OSError as error:
        raise InputError(f"{weights} cannot be read ({error.strerror}): run again") from error
    if hashlib.sha256(content).hexdigest() != made.get("weights_sha256"):
        raise InputError(f"{weights} does not match {record}: delete both and run again")
    try:
        model = build_model(made["architecture"])
        model.load_state_dict(torch.load(io.BytesIO(content), weights_only=True))
    except Exception as error:  # an edited record raises almost anything
        raise InputError(
            f"{weights} does not fit the architecture in {record} "
            f"({describe_error(error)}): delete both and run again"
        ) from error
    return model.eval(), made
