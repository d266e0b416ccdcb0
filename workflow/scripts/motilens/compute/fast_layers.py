"""The same network in layers that a GPU may compute faster.

The fast form is derived from the plain one and shares its parameters and buffers, so optimizer,
checkpoints and results know the plain one alone. Outputs and gradients are equal but for rounding;
only the draws of a variational autoencoder may fall on other pixels.
Tensors are (n, channels, height, width).
"""

import copy
from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.functional import conv2d, linear, pad

CHANNEL_MULTIPLE = 8  # tensor cores take half-precision channels in eights


class PaddedConv2d(nn.Module):
    """A convolution of channels that zeros fill up to a multiple of CHANNEL_MULTIPLE."""

    def __init__(self, layer: nn.Conv2d):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        """Return the convolution of x."""
        layer, extra = self.layer, -self.layer.in_channels % CHANNEL_MULTIPLE
        x = pad(cast_as_autocast(x), (0, 0, 0, 0, 0, extra))
        weight = pad(layer.weight, (0, 0, 0, 0, 0, extra))
        return conv2d(x, weight, layer.bias, layer.stride, layer.padding, layer.dilation)


class MatrixUpsampling(nn.Module):
    """A transposed 2 x 2 convolution of stride 2 as a matrix product and a shuffle of pixels.

    Windows do not overlap, so each pixel becomes four by a matrix of its own channels.
    """

    def __init__(self, layer: nn.ConvTranspose2d):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        """Return x at twice its height and width, in channels_last."""
        weight, bias = self.layer.weight, self.layer.bias
        matrix = weight.permute(2, 3, 1, 0).flatten(0, 2)  # (row, column, channel), channels of x
        count = len(matrix)
        extra = -count % CHANNEL_MULTIPLE
        bias = None if bias is None else pad(bias.repeat(4), (0, extra))
        pixels = linear(x.permute(0, 2, 3, 1), pad(matrix, (0, 0, 0, extra)), bias)
        pixels = pixels[..., :count].unflatten(-1, (2, 2, -1))
        return pixels.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


def to_fast(model: nn.Module, names: Iterable[str]) -> nn.Module:
    """Return the fast form of a model with the rewrites of these names (see REWRITES).

    It shares all tensors with `model`, which stays as it is. Make it when the model is on its
    device, and use it in training mode only: `model.eval()` does not reach it.
    """
    tensors = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    fast = copy.deepcopy(model, tensors)  # what is in this memo is not copied
    for name, rewrite in REWRITES.items():
        if name in names:
            rewrite(fast)
    return fast


def cast_as_autocast(x: torch.Tensor) -> torch.Tensor:
    """Return x in the precision that autocast gives to convolutions here."""
    device = x.device.type
    return x.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else x


def pool_before_relu(model: nn.Module) -> None:
    """Swap each ReLU with the max-pooling after it, which leaves it a part of the work.

    The largest of ReLUs is the ReLU of the largest, and gradients take the same way to the bit.
    """
    for layers in _list_sequences(model):
        for place in range(len(layers) - 1):
            first, second = layers[place], layers[place + 1]
            if isinstance(first, nn.ReLU) and isinstance(second, nn.MaxPool2d):
                layers[place], layers[place + 1] = second, first


def upsample_by_matrix(model: nn.Module) -> None:
    """Replace transposed 2 x 2 convolutions by MatrixUpsampling."""
    expected = {
        "kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0), "output_padding": (0, 0),
        "dilation": (1, 1), "groups": 1,
    }  # fmt: skip
    for place, module in list(model.named_modules()):
        if isinstance(module, nn.ConvTranspose2d) and _has_values(module, expected):
            model.set_submodule(place, MatrixUpsampling(module))


def pad_channels(model: nn.Module) -> None:
    """Replace convolutions of an odd number of channels, as 1, 3, 9 or 18, by PaddedConv2d."""
    for place, module in list(model.named_modules()):
        if not isinstance(module, nn.Conv2d) or module.in_channels % CHANNEL_MULTIPLE == 0:
            continue
        if _has_values(module, {"groups": 1, "padding_mode": "zeros"}):
            model.set_submodule(place, PaddedConv2d(module))


def fuse_conv_pool(model: nn.Module) -> None:
    """Replace 3 x 3 convolution, ReLU and 2 x 2 max-pooling in a row by FusedConvPool."""
    from motilens.compute.fused_conv import FusedConvPool  # imports Triton

    conv = {
        "kernel_size": (3, 3), "stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1,
        "padding_mode": "zeros",
    }  # fmt: skip
    pool = {
        "kernel_size": 2, "stride": 2, "padding": 0, "dilation": 1, "ceil_mode": False,
        "return_indices": False,
    }  # fmt: skip
    for layers in _list_sequences(model):
        for place in range(len(layers) - 2):
            first, second, third = (layers[place + i] for i in range(3))
            kinds = isinstance(second, nn.ReLU) and isinstance(third, nn.MaxPool2d)
            if not isinstance(first, nn.Conv2d) or first.bias is None or not kinds:
                continue
            fits = first.in_channels <= 64 and first.out_channels in (16, 32)  # a GPU's registers
            if fits and _has_values(first, conv) and _has_values(third, pool):
                layers[place] = FusedConvPool(first)
                # As many layers as before: models take parts of a sequence by number.
                layers[place + 1], layers[place + 2] = nn.Identity(), nn.Identity()


def _list_sequences(model: nn.Module) -> list[nn.Sequential]:
    return [module for module in model.modules() if isinstance(module, nn.Sequential)]


def _has_values(module: nn.Module, values: dict) -> bool:
    return all(getattr(module, name) == value for name, value in values.items())


# In this order: the first leaves the others what it does not take.
REWRITES = {
    "fused": fuse_conv_pool,
    "pool_first": pool_before_relu,
    "matrix_upsampling": upsample_by_matrix,
    "padded_channels": pad_channels,
}
