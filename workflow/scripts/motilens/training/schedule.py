"""Seeds, batches, learning rates, and the steps at which a model is diagnosed."""

import math
import random

import numpy as np
import torch

FIRST_CHECK = 150  # steps; then again whenever their number has doubled


def seed_everything(seed: int) -> None:
    """Seed every generator that initialises weights or orders examples."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def restart_seed(seed: int, start: int) -> int:
    """The seed itself, and for each further start another one made from it."""
    return int(np.random.SeedSequence([seed, start]).generate_state(1)[0]) if start else seed


def split_into_batches(order: torch.Tensor, batch_size: int) -> tuple[torch.Tensor, ...]:
    """Cut `order` into batches of `batch_size` or a little fewer, alike in size, none of one.

    A short last batch would give batch normalisation a poor mean, and one of one no variance:
    to avoid that, a batch may even be larger by one.
    """
    return order.tensor_split(number_of_batches(len(order), batch_size))


def number_of_batches(count: int, batch_size: int) -> int:
    """As many as hold `batch_size`, but none of one."""
    return max(min(math.ceil(count / batch_size), count // 2), 1)


def learning_rate_factor(schedule: str, progress: float) -> float:
    """Which part of the learning rate is in force at `progress`, 0 to 1, through the training.

    "constant" is the paper's; "cosine" rises over the first 5 % and then falls to nothing
    (Loshchilov and Hutter 2017, without restarts; the rise after Goyal et al. 2017).
    """
    if schedule == "constant":
        return 1.0
    rise = 0.05
    if progress < rise:
        return (progress + 0.01) / (rise + 0.01)
    return (1 + math.cos(math.pi * (progress - rise) / (1 - rise))) / 2


def is_diagnosis_step(step: int) -> bool:
    """Is the model looked at after this step? After 150, 300, 600, 1200, ..."""
    times, rest = divmod(step, FIRST_CHECK)
    return rest == 0 and times > 0 and times & (times - 1) == 0
