"""Reconstruction losses: the paper's mean squared error, and other terms beside it."""

from collections.abc import Iterable

import torch
from torch import nn

from motilens.core.errors import InputError

SSIM_WINDOW, SSIM_STRIDE = (
    7,
    3,
)  # pixels: of a square within which SSIM compares, and from one to the next


class ReconstructionLoss:
    """A weighted sum of TERMS.

    Args:
        weights: by term, 0 for those that are not wanted; `Variational` and `Adversarial` find
            their own here, too.
        frames: of a stack, which is repeated: differences are taken within it.
        mean: grey level of the training stacks, in [0, 1].
    """

    def __init__(self, weights: dict[str, float], frames: int, mean: float):
        self.weights, self.frames, self.mean = weights, frames, mean
        self.units = dict.fromkeys(LOSS_TERMS, 1.0)

    @torch.no_grad()
    def measure(self, batches: Iterable[torch.Tensor]) -> None:
        """Make each term 1 for a model that answers the mean grey level, whatever it sees.

        Weight decay, or other terms, would outweigh errors in units of white.

        Args:
            batches: training stacks (n, channels, height, width) in [0, 1].

        Raises:
            InputError: a term is 0 for such a model already.
        """
        totals, count = dict.fromkeys(LOSS_TERMS, 0.0), 0
        for stacks in batches:
            grey, count = self._grey(stacks), count + len(stacks)
            for name in self._wanted():
                totals[name] += self._term(name, grey, stacks).item() * len(stacks)
        for name in self._wanted():
            if not totals[name]:
                raise InputError(
                    f"autoencoder.loss.{name}: nothing differs in stacks of {self.frames} frames "
                    "for it to judge: set it to 0 for this input type"
                )
            self.units[name] = totals[name] / count

    def __call__(self, restored: torch.Tensor, stacks: torch.Tensor) -> torch.Tensor:
        parts = [
            self.weights[name] / self.units[name] * self._term(name, restored, stacks)
            for name in self._wanted()
        ]
        return sum(parts[1:], start=parts[0])

    def of_mean(self, stacks: torch.Tensor) -> torch.Tensor:
        """The same of a model that answers the mean grey level."""
        return self(self._grey(stacks), stacks)

    def _grey(self, stacks):
        return torch.full_like(stacks, self.mean)

    def _wanted(self) -> list[str]:
        return [name for name in LOSS_TERMS if self.weights.get(name)]

    def _term(self, name, restored, stacks):
        shape = (-1, self.frames, *stacks.shape[2:])
        return LOSS_TERMS[name](restored.reshape(shape), stacks.reshape(shape))


def mse_loss(restored, stacks):
    """Mean squared error, the paper's."""
    return nn.functional.mse_loss(restored, stacks)


def gradient_difference_loss(restored, stacks):
    """Squared error of the differences of neighbouring pixels (Mathieu et al., ICLR 2016)."""
    return sum(nn.functional.mse_loss(restored.diff(dim=d), stacks.diff(dim=d)) for d in (2, 3))


def frame_difference_loss(restored, stacks):
    """Squared error of the differences of successive frames: what moves, and nothing else."""
    if stacks.shape[1] == 1:
        return torch.zeros((), device=stacks.device)
    return nn.functional.mse_loss(restored.diff(dim=1), stacks.diff(dim=1))


def ssim_loss(restored, stacks):
    """1 less the structural similarity (Wang et al. 2004), in square windows of equal weight."""

    def mean(x):
        return nn.functional.avg_pool2d(x, SSIM_WINDOW, SSIM_STRIDE)

    a, b = mean(restored), mean(stacks)
    variances = mean(restored**2) - a**2 + mean(stacks**2) - b**2
    covariance = mean(restored * stacks) - a * b
    light, contrast = 0.01**2, 0.03**2
    similar = (2 * a * b + light) * (2 * covariance + contrast)
    return 1 - (similar / ((a**2 + b**2 + light) * (variances + contrast))).mean()


LOSS_TERMS = {
    "squared": mse_loss,
    "gradient": gradient_difference_loss,
    "difference": frame_difference_loss,
    "ssim": ssim_loss,
}
