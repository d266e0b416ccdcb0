"""Layers that several models share."""

import torch
from torch import nn


class GradientReversal(torch.autograd.Function):
    """The same on the way forth, its gradient with the other sign on the way back."""

    @staticmethod
    def forward(context, x):
        return x.view_as(x)

    @staticmethod
    def backward(context, gradient):
        return -gradient


FEATURE_CHANNELS = 3  # a feature image is shaped like an RGB picture, what ImageNet models expect


class Rescale(nn.Module):
    """x * scale + shift, not trained but kept with the weights."""

    def __init__(self, channels: int | None = None):
        super().__init__()
        shape = (1, channels, 1, 1) if channels else ()
        self.register_buffer("scale", torch.ones(shape))
        self.register_buffer("shift", torch.zeros(shape))

    def set(self, scale: float | torch.Tensor, shift: float | torch.Tensor) -> None:
        self.scale.copy_(torch.as_tensor(scale))
        self.shift.copy_(torch.as_tensor(shift))

    def forward(self, x):
        return x * self.scale + self.shift


class GlobalAvgPool2d(nn.Module):
    """The mean of each channel: AdaptiveAvgPool2d(1), whose gradient has an order on a GPU too."""

    def forward(self, x):
        return x.mean((2, 3), keepdim=True)
