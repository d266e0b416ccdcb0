"""One training loop for autoencoders and regressors; it knows neither sperm nor Snakemake.

Plain torch rather than Lightning: the loop fits one screen and hides nothing.
"""

import math
import random
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from motilens import InputError

Inputs = Callable[[torch.Tensor], torch.Tensor]
Examples = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def seed_everything(seed: int) -> None:
    """Seed every generator that initialises weights or orders examples."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def device() -> torch.device:
    """The accelerator if this machine has one, otherwise the CPU."""
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


def optimiser(settings: dict) -> dict:
    """Those of a model's settings that `fit` takes."""
    return {k: settings[k] for k in ("epochs", "batch_size", "learning_rate", "weight_decay")}


def to_unit_range(stacks: torch.Tensor) -> torch.Tensor:
    """uint8 grey levels as float32 in [0, 1], the scale all models see."""
    return stacks.to(torch.float32).div_(255)


def batches(order: torch.Tensor, batch_size: int) -> tuple[torch.Tensor, ...]:
    """Cut `order` into batches of `batch_size` or a little fewer, alike in size, none of one.

    A short last batch would give batch normalisation a poor mean, and one of one no variance:
    to avoid that, a batch may even be larger by one.
    """
    number = min(math.ceil(len(order) / batch_size), len(order) // 2)
    return order.tensor_split(max(number, 1))


def fit(
    model: nn.Module,
    examples: Examples,
    count: int,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    loss_function: Callable = nn.functional.mse_loss,
    log: Callable[[str], None] = print,
) -> list[dict]:
    """Train `model` with Adam for a fixed number of epochs.

    Nothing is selected: the last weights count (paper section 2; the held-out fold is not here).

    Args:
        model: trained in place, on the device where its parameters are.
        examples: takes indices (batch,) int64 and returns inputs and wanted outputs on that device.
        count: number of examples; indices run from 0.
        epochs, batch_size, learning_rate, weight_decay: the optimiser's settings.
        loss_function: of outputs and wanted outputs.
        log: receives a line of progress about ten times in a training.

    Returns:
        One row an epoch: epoch (from 1), loss (mean over the epoch's examples).

    Raises:
        InputError: fewer than two examples.
        FloatingPointError: the loss is no longer a finite number.
    """
    if count < 2:
        raise InputError(
            f"{count} stack to train on, at least two are needed: raise frames.clips_per_video or "
            "use more participants"
        )
    parameters = [p for p in model.parameters() if p.requires_grad]
    adam = torch.optim.Adam(parameters, lr=learning_rate, weight_decay=weight_decay)
    history = []
    model.train()
    for epoch in range(1, epochs + 1):
        total = torch.zeros((), device=parameters[0].device)
        for indices in batches(torch.randperm(count), batch_size):
            inputs, wanted = examples(indices)
            loss = loss_function(model(inputs), wanted)
            adam.zero_grad()
            loss.backward()
            adam.step()
            total += loss.detach() * len(indices)
        history.append({"epoch": epoch, "loss": total.item() / count})
        if not math.isfinite(history[-1]["loss"]):
            raise FloatingPointError(
                f"the loss is {history[-1]['loss']} after epoch {epoch}: "
                f"lower the learning rate (now {learning_rate})"
            )
        if epoch % math.ceil(epochs / 10) == 0 or epoch == epochs:
            log(f"epoch {epoch} of {epochs}: loss {history[-1]['loss']:.6g}")
    return history


def settle_batch_norm(model: nn.Module, inputs: Inputs, count: int, batch_size: int) -> None:
    """Replace batch normalisation's running means by those of the trained weights.

    After a short training they still remember weights that are long gone, and the model in
    evaluation mode is another one than that which was trained.
    """
    update_bn((inputs(indices) for indices in batches(torch.arange(count), batch_size)), model)


@torch.no_grad()
def predict(model: nn.Module, inputs: Inputs, count: int, batch_size: int) -> torch.Tensor:
    """Outputs of `model` in evaluation mode for examples 0 .. count-1, on the CPU."""
    model.eval()
    outputs = [model(inputs(indices)) for indices in batches(torch.arange(count), batch_size)]
    return torch.cat(outputs).cpu()
