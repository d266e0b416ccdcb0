"""Reconstruction losses: the paper's mean squared error, and other terms beside it."""

from collections.abc import Iterable

import torch
from torch.nn.functional import avg_pool2d, mse_loss

from motilens.core.errors import InputError
from motilens.core.plugins import blame_plugin, check_output

SSIM_WINDOW, SSIM_STRIDE = 7, 3  # pixels


class ReconstructionLoss:
    """A weighted sum of LOSS_TERMS.

    Args:
        weights: by term, 0 for those that are not wanted; variational and adversarial
            autoencoders find the weights of their own terms here, too.
        frames: of a stack, which is repeated: differences are taken within it.
        mean: gray level of the training stacks, in [0, 1].
    """

    def __init__(self, weights: dict[str, float], frames: int, mean: float):
        self.weights, self.frames, self.mean = weights, frames, mean
        self.scales = dict.fromkeys(LOSS_TERMS, 1.0)

    @torch.no_grad()
    def normalize_to_constant_baseline(self, batches: Iterable[torch.Tensor]) -> None:
        """Scale each term to 1 for a model that always predicts the mean gray level.

        Otherwise weight decay, or other terms, would outweigh errors in units of white. Batches are
        of training stacks (n, channels, height, width) in [0, 1].

        Raises:
            InputError: a term is 0 for such a model already, or negative, or is no number.
        """
        totals, count = dict.fromkeys(LOSS_TERMS, 0.0), 0
        for stacks in batches:
            constant, count = torch.full_like(stacks, self.mean), count + len(stacks)
            for name, term in self.check_terms(constant, stacks).items():
                totals[name] += term.item() * len(stacks)
        for name in self._used_terms():
            if not totals[name]:
                raise InputError(
                    f"autoencoder.loss.{name}: nothing differs in stacks of {self.frames} frames "
                    "that it could measure: set it to 0 for this input type"
                )
            if totals[name] < 0:
                raise InputError(
                    f"autoencoder.loss.{name}: is negative ({totals[name] / count:.3g}) for the "
                    "mean gray level: it must be 0 for a perfect reconstruction, else positive"
                )
            self.scales[name] = totals[name] / count

    def __call__(self, reconstruction: torch.Tensor, stacks: torch.Tensor) -> torch.Tensor:
        """Return the loss, a scalar."""
        terms = []
        for name in self._used_terms():
            weight = self.weights[name] / self.scales[name]
            terms.append(weight * self._compute_term(name, reconstruction, stacks))
        return sum(terms[1:], start=terms[0])

    def constant_baseline(self, stacks: torch.Tensor) -> torch.Tensor:
        """Return the loss of a model that always predicts the mean gray level."""
        return self(torch.full_like(stacks, self.mean), stacks)

    def check_terms(
        self, reconstruction: torch.Tensor, stacks: torch.Tensor, needs_gradient: bool = False
    ) -> dict[str, torch.Tensor]:
        """Return each term; raise an InputError if one of a plugin is no finite number."""
        terms = {}
        for name in self._used_terms():
            with blame_plugin("loss", name):
                terms[name] = self._compute_term(name, reconstruction, stacks)
            check_output("loss", name, terms[name], (), needs_gradient=needs_gradient)
        return terms

    def _used_terms(self) -> list[str]:
        return [name for name in LOSS_TERMS if self.weights.get(name)]

    def _compute_term(self, name, reconstruction, stacks):
        shape = (-1, self.frames, *stacks.shape[2:])
        return LOSS_TERMS[name](reconstruction.reshape(shape), stacks.reshape(shape))


def gradient_difference_loss(reconstruction, stacks):
    """Return the squared error of differences of neighboring pixels (Mathieu et al., ICLR 2016)."""
    return sum(mse_loss(reconstruction.diff(dim=d), stacks.diff(dim=d)) for d in (2, 3))


def frame_difference_loss(reconstruction, stacks):
    """Return the squared error of differences of successive frames: movement, and nothing else."""
    if stacks.shape[1] == 1:
        return torch.zeros((), device=stacks.device)
    return mse_loss(reconstruction.diff(dim=1), stacks.diff(dim=1))


def ssim_loss(reconstruction, stacks):
    """Return 1 - structural similarity (Wang et al. 2004), in square windows of equal weight."""

    def mean(x):
        return avg_pool2d(x, SSIM_WINDOW, SSIM_STRIDE)

    a, b = mean(reconstruction), mean(stacks)
    variances = mean(reconstruction**2) - a**2 + mean(stacks**2) - b**2
    covariance = mean(reconstruction * stacks) - a * b
    luminance, contrast = 0.01**2, 0.03**2
    similarity = (2 * a * b + luminance) * (2 * covariance + contrast)
    return 1 - (similarity / ((a**2 + b**2 + luminance) * (variances + contrast))).mean()


# Each takes a reconstruction and stacks, (n, frames, height, width), and returns a scalar.
LOSS_TERMS = {
    "mse": mse_loss,  # the paper's
    "gradient_difference": gradient_difference_loss,
    "frame_difference": frame_difference_loss,
    "ssim": ssim_loss,
}
