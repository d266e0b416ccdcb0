"""Seeds, batches, learning rates, and the steps at which a model is diagnosed."""

import math
import random

import numpy as np
import torch

FIRST_CHECK = 150  # steps; then again whenever their number has doubled


def seed_everything(seed: int) -> None:
    """Seed every generator that initializes weights or orders examples."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def restart_seed(seed: int, attempt: int) -> int:
    """Return the seed of an attempt: the seed itself for attempt 0, then others made from it."""
    if not attempt:
        return seed
    return int(np.random.SeedSequence([seed, attempt]).generate_state(1)[0])


def split_into_batches(order: torch.Tensor, batch_size: int) -> tuple[torch.Tensor, ...]:
    """Split indices, int64 (n,), into batches of similar size, at most `batch_size`, none of one.

    A short last batch would give batch normalization a poor mean, and a batch of one no variance;
    to avoid that, a batch may even be larger by one.
    """
    return order.tensor_split(number_of_batches(len(order), batch_size))


def number_of_batches(count: int, batch_size: int) -> int:
    """Return how many batches hold `count` examples, none of them a single one."""
    return max(min(math.ceil(count / batch_size), count // 2), 1)


def learning_rate_factor(schedule: str, progress: float) -> float:
    """Return the part of the learning rate that is in force.

    "constant" is the paper's; "cosine" rises over the first 5 % of the progress, 0 to 1, and then
    falls to nothing (Loshchilov and Hutter 2017, without restarts; the rise after Goyal et al.
    2017).
    """
    if schedule == "constant":
        return 1.0
    rise = 0.05
    if progress < rise:
        return (progress + 0.01) / (rise + 0.01)
    return (1 + math.cos(math.pi * (progress - rise) / (1 - rise))) / 2


def is_diagnosis_step(step: int) -> bool:
    """Return whether the model is diagnosed after this step: after 150, 300, 600, 1200, ..."""
    times, rest = divmod(step, FIRST_CHECK)
    return rest == 0 and times > 0 and times & (times - 1) == 0
