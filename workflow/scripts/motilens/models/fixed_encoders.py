"""Encoders that are fitted in one pass or not at all: what an autoencoder has to be better than.

They turn a stack of frames into a feature image, as an autoencoder's encoder does. Tensors as in
`autoencoders`.
"""

from collections.abc import Callable, Iterable

import torch
from torch import nn

from motilens.models.layers import FEATURE_CHANNELS, Rescale
from motilens.models.optical_flow import apply_in_chunks, lucas_kanade_flow, vector_length

MIN_DEVIATION = 1e-4  # a channel that varies less than this (white is 1) is left as it is


class FixedEncoder(nn.Module):
    """A fixed encoder, its channels brought to mean 0 and variance 1 over the training stacks.

    Args:
        frames, copies: a stack has frames x copies channels.
        kind: "none": the stack as it is, one channel a frame; "pca": the three directions in
            which pixels vary most from frame to frame, the linear optimum of the bottleneck of an
            autoencoder that looks at single pixels; "motion": mean, standard deviation, and mean
            difference of successive frames; "flow": mean, and mean and standard deviation of the
            speed (pixels a frame, see `velocities`).
    """

    def __init__(self, frames: int, copies: int, kind: str):
        super().__init__()
        self.frames, self.copies, stacked = frames, copies, frames * copies
        self.channels = stacked if kind == "none" else FEATURE_CHANNELS
        core = PixelPCA(stacked) if kind == "pca" else FIXED_ENCODERS[kind]()
        self.encoder = nn.Sequential(core, Rescale(self.channels))

    @torch.no_grad()
    def fit(self, batches: Callable[[], Iterable[torch.Tensor]]) -> None:
        """Take from the training stacks what the encoder needs to know.

        Args:
            batches: gives all of them, float32 in [0, 1], each time it is called.
        """
        core, rescale = self.encoder
        if isinstance(core, PixelPCA):
            core.fit(batches())
        mean, covariance = mean_and_covariance(core(batch) for batch in batches())
        deviation = covariance.diagonal().clamp(min=0).sqrt()
        scale = torch.where(deviation > MIN_DEVIATION, 1 / deviation, 1)
        shape = (1, self.channels, 1, 1)
        rescale.set(scale.reshape(shape), (-mean * scale).reshape(shape))


class PixelPCA(nn.Module):
    """Principal components of the pixels of a stack, its frames being the variables."""

    def __init__(self, channels: int):
        super().__init__()
        self.register_buffer("directions", torch.zeros(FEATURE_CHANNELS, channels))

    def fit(self, batches: Iterable[torch.Tensor]) -> None:
        _, covariance = mean_and_covariance(batches)
        found = torch.linalg.eigh(covariance).eigenvectors.flip(1).T[:FEATURE_CHANNELS]
        largest = found.gather(1, found.abs().argmax(1, keepdim=True))
        self.directions[: len(found)] = found * largest.sign()  # either sign would do: take one

    def forward(self, x):
        return torch.einsum("nchw,fc->nfhw", x, self.directions)


class TemporalStatistics(nn.Module):
    """Of each pixel over time: mean, standard deviation, mean difference of successive frames."""

    def forward(self, x):
        change = x.diff(dim=1).abs() if x.shape[1] > 1 else torch.zeros_like(x)
        return torch.stack([x.mean(1), x.std(1, correction=0), change.mean(1)], 1)


class FlowStatistics(nn.Module):
    """Of each pixel over time: mean, and mean and standard deviation of its speed."""

    def forward(self, x):
        return apply_in_chunks(x, self._of)

    def _of(self, x):
        speed = vector_length(lucas_kanade_flow(x))
        return torch.stack([x.mean(1), speed.mean(1), speed.std(1, correction=0)], 1)


# Those that need to know nothing: of stacks (n, frames, height, width) they make images
# (n, FEATURE_CHANNELS, height, width).
FIXED_ENCODERS = {"none": nn.Identity, "motion": TemporalStatistics, "flow": FlowStatistics}


def mean_and_covariance(batches: Iterable[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean (channels,) and covariance (channels, channels) over all pixels, float64."""
    count, total, products = 0, 0, 0
    for batch in batches:
        pixels = batch.transpose(0, 1).flatten(1).double()
        count, total = count + pixels.shape[1], total + pixels.sum(1)
        products = products + pixels @ pixels.T
    mean = total / count
    return mean, products / count - torch.outer(mean, mean)
