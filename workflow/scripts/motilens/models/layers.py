"""Layers that several models share."""

import torch
from torch import nn

FEATURE_CHANNELS = 3  # a feature image is shaped like an RGB image, which ImageNet models expect


class Rescale(nn.Module):
    """Compute x * scale + shift; both are stored with the weights but not trained.

    Each of `channels` has values of its own; None: there is one value for all.
    """

    def __init__(self, channels: int | None = None):
        super().__init__()
        shape = (1, channels, 1, 1) if channels else ()
        self.register_buffer("scale", torch.ones(shape))
        self.register_buffer("shift", torch.zeros(shape))

    def set_values(self, scale: float | torch.Tensor, shift: float | torch.Tensor) -> None:
        """Set scale and shift."""
        self.scale.copy_(torch.as_tensor(scale))
        self.shift.copy_(torch.as_tensor(shift))

    def forward(self, x):
        """Return x rescaled."""
        return x * self.scale + self.shift


class GlobalAvgPool2d(nn.Module):
    """Average each channel: AdaptiveAvgPool2d(1) whose gradient is deterministic on GPUs too."""

    def forward(self, x):
        """Return the means of x (n, channels, height, width), (n, channels, 1, 1)."""
        return x.mean((2, 3), keepdim=True)


class Offset(nn.Module):
    """Add a trained number to each value."""

    def __init__(self, values: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(values))

    def forward(self, x):
        """Return x (n, values) with its offset."""
        return x + self.bias


class GradientReversal(torch.autograd.Function):
    """Pass x through; reverse the sign of its gradient (Ganin and Lempitsky, ICML 2015)."""

    @staticmethod
    def forward(context, x):
        """Return x."""
        return x.view_as(x)

    @staticmethod
    def backward(context, gradient):
        """Return the reversed gradient."""
        return -gradient
