"""Trained models on disk: weights in one file, how they were made in a JSON beside it."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from motilens.core.errors import InputError
from motilens.core.faults import is_machine_fault
from motilens.core.files import atomic_write
from motilens.core.plugins import describe_plugin_error, list_missing_plugins
from motilens.core.records import Record, read_record, write_record
from motilens.core.text import describe_error
from motilens.training.trainer import TrainingResult

REQUIRED_KEYS = {"architecture", "training", "diagnostics", "weights_sha256"}  # of a record


def save_model(result: TrainingResult, output, description: dict) -> None:
    """Write all that is known of a trained model, the record last.

    `output` has the paths of weights, record, history and run (docs/reference/formats.md);
    `description`, with at least `architecture`, goes into the record.
    """
    with atomic_write(output.history) as temporary:
        pd.DataFrame(result.history).to_csv(temporary, index=False)
    write_record(output.run, result.run)
    # Serialize to memory: torch.save(path) writes the file's name into it, so the same weights
    # would not be the same bytes, and hides a full disk.
    content = io.BytesIO()
    state = result.model.state_dict()  # some networks need its metadata: keep the dict
    for name, tensor in state.items():
        state[name] = tensor.cpu().contiguous()
    torch.save(state, content)
    with atomic_write(output.weights) as temporary:
        temporary.write_bytes(content.getbuffer())
    outcome = {
        "final_loss": result.history[-1]["loss"],
        "diagnostics": result.diagnostics,
        "failed_attempts": result.failed_attempts,
        "weights_sha256": hashlib.sha256(content.getbuffer()).hexdigest(),
    }
    write_record(output.record, description | outcome)


def load_model(
    weights: str, record: str, build: Callable[[dict], nn.Module]
) -> tuple[nn.Module, Record]:
    """Return a trained model, in evaluation mode, and its record; `build` takes an architecture.

    Raises:
        InputError: the weights are not those that `record` describes, or need plugins.
    """
    description = read_record(record)
    if missing := sorted(REQUIRED_KEYS - description.keys()):
        raise InputError(
            f"{record} is no record of a model, it lacks {', '.join(missing)}: delete it, run again"
        )
    if missing := list_missing_plugins(description.get("code", ())):
        raise InputError(
            f"{record}: the model needs {', '.join(missing)} of a folder of plugins: name it"
        )
    try:
        content = Path(weights).read_bytes()
    except OSError as error:
        raise InputError(f"{weights} cannot be read ({error.strerror}): run again") from error
    if hashlib.sha256(content).hexdigest() != description["weights_sha256"]:
        raise InputError(f"{weights} does not match {record}: delete both and run again")
    try:
        model = build(description["architecture"])
        model.load_state_dict(torch.load(io.BytesIO(content), weights_only=True))
    except Exception as error:  # an edited record raises almost anything
        if is_machine_fault(error) or describe_plugin_error(error):
            raise
        raise InputError(
            f"{weights} does not fit the architecture in {record} ({describe_error(error)}): "
            "delete both and run again"
        ) from error
    return model.eval(), description
