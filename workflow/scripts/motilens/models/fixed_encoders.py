"""Encoders that are fitted in one pass or not at all: what an autoencoder has to be better than.

They turn a stack of frames into a feature image, as an autoencoder's encoder does. Tensors as in
`autoencoders`.
"""

from collections.abc import Callable, Iterable

import torch
from torch import nn

from motilens.core.plugins import blame_plugin, check_output
from motilens.models.layers import FEATURE_CHANNELS, Rescale
from motilens.models.optical_flow import lucas_kanade_flow, vector_length

CHUNK_SIZE = 4  # stacks that a CPU's cache holds
MIN_DEVIATION = 1e-4  # a channel that varies less than this (white is 1) is not rescaled


class FixedEncoder(nn.Module):
    """A fixed encoder whose channels have mean 0 and variance 1 over the training stacks.

    Kinds are "none": the stack as it is, one channel for each frame; "pca": the three directions in
    which pixels vary most from frame to frame, the linear optimum of the bottleneck of an
    autoencoder that sees single pixels; "motion": mean, standard deviation, and mean difference of
    successive frames; "flow": mean, and mean and standard deviation of the speed (pixels per frame,
    see `lucas_kanade_flow`).
    """

    def __init__(self, frames: int, repeats: int, kind: str):
        super().__init__()
        self.frames, self.repeats, stacked = frames, repeats, frames * repeats
        self.kind = kind
        self.channels = stacked if kind == "none" else FEATURE_CHANNELS
        core = PixelPCA(stacked) if kind == "pca" else FIXED_ENCODERS[kind]()
        self.encoder = nn.Sequential(core, Rescale(self.channels))

    @torch.no_grad()
    def fit(self, iter_batches: Callable[[], Iterable[torch.Tensor]]) -> None:
        """Fit the encoder to all training stacks, which each call of `iter_batches` yields.

        Raises:
            InputError: an encoder of a plugin does not return finite feature images.
        """
        core, rescale = self.encoder
        if isinstance(core, PixelPCA):
            core.fit(iter_batches())
        mean, covariance = mean_and_covariance(self._encode(batch) for batch in iter_batches())
        deviation = covariance.diagonal().clamp(min=0).sqrt()
        scale = torch.where(deviation > MIN_DEVIATION, 1 / deviation, 1)
        shape = (1, self.channels, 1, 1)
        rescale.set_values(scale.reshape(shape), (-mean * scale).reshape(shape))

    def _encode(self, batch: torch.Tensor) -> torch.Tensor:
        with blame_plugin("encoder", self.kind):
            features = self.encoder[0](batch)
        shape = (len(batch), self.channels, *batch.shape[2:])
        check_output("encoder", self.kind, features, shape, dtype=batch.dtype)
        return features


class PixelPCA(nn.Module):
    """Project pixels on their principal components; a stack's channels are the variables."""

    def __init__(self, channels: int):
        super().__init__()
        self.register_buffer("components", torch.zeros(FEATURE_CHANNELS, channels))

    def fit(self, batches: Iterable[torch.Tensor]) -> None:
        """Find the components."""
        _, covariance = mean_and_covariance(batches)
        components = torch.linalg.eigh(covariance).eigenvectors.flip(1).T[:FEATURE_CHANNELS]
        largest = components.gather(1, components.abs().argmax(1, keepdim=True))
        # Either sign would do: the largest entry is positive.
        self.components[: len(components)] = components * largest.sign()

    def forward(self, x):
        """Return feature images of stacks x."""
        return torch.einsum("nchw,fc->nfhw", x, self.components)


class TemporalStatistics(nn.Module):
    """Compute mean, standard deviation and mean absolute difference of successive frames."""

    def forward(self, x):
        """Return feature images of stacks x."""
        change = x.diff(dim=1).abs() if x.shape[1] > 1 else torch.zeros_like(x)
        return torch.stack([x.mean(1), x.std(1, correction=0), change.mean(1)], 1)


class FlowStatistics(nn.Module):
    """Compute the mean over time, and mean and standard deviation of the speed."""

    def forward(self, x):
        """Return feature images of stacks x."""
        parts = x.split(CHUNK_SIZE) if x.is_cpu else [x]
        return torch.cat([self._compute(part) for part in parts])

    def _compute(self, x):
        speed = vector_length(lucas_kanade_flow(x))
        return torch.stack([x.mean(1), speed.mean(1), speed.std(1, correction=0)], 1)


# Those without a fit: stacks (n, frames, height, width) to (n, FEATURE_CHANNELS, height, width).
FIXED_ENCODERS = {"none": nn.Identity, "motion": TemporalStatistics, "flow": FlowStatistics}


def build_fixed_encoder(architecture: dict) -> FixedEncoder:
    """Build {"model": "fixed", "frames", "repeats", "kind"}, not fitted yet."""
    return FixedEncoder(**{name: v for name, v in architecture.items() if name != "model"})


def mean_and_covariance(batches: Iterable[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean (channels,) and covariance (channels, channels) over all pixels, float64."""
    count, total, products = 0, 0, 0
    for batch in batches:
        pixels = batch.transpose(0, 1).flatten(1).double()
        count, total = count + pixels.shape[1], total + pixels.sum(1)
        products = products + pixels @ pixels.T
    mean = total / count
    return mean, products / count - torch.outer(mean, mean)
