"""The Triton kernels compute what the plain layers do.

Triton's interpreter runs them on the CPU, in a process of its own: see test_fused_conv.py.
"""

import pytest
import torch
from torch import nn

from motilens.compute.fast_layers import to_fast
from motilens.compute.fused_conv import FusedConvPool
from motilens.models.autoencoders import Autoencoder


def compute_step(network, layer, x, weights):
    layer.zero_grad()
    x = x.clone().requires_grad_()
    output = network(x)
    output.backward(weights)
    return output.detach(), x.grad, layer.weight.grad.clone(), layer.bias.grad.clone()


@pytest.mark.parametrize("channels, outputs", [(1, 16), (3, 16), (18, 16), (16, 32)])
def test_outputs_and_gradients_are_equal_in_float64(channels, outputs):
    torch.manual_seed(channels)
    layers = nn.Sequential(nn.Conv2d(channels, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    layers.double()
    x = torch.randn(2, channels, 18, 14, dtype=torch.float64)  # no multiple of a block
    weights = torch.randn(2, outputs, 9, 7, dtype=torch.float64)
    fused = to_fast(layers, ["fused"])
    assert isinstance(fused[0], FusedConvPool) and len(fused) == 3
    expected = compute_step(layers, layers[0], x, weights)
    for value, other in zip(compute_step(fused, layers[0], x, weights), expected, strict=True):
        assert (value - other).abs().max() <= 1e-12 * other.abs().max()
    first, again = (compute_step(fused, layers[0], x, weights) for _ in range(2))
    assert all(map(torch.equal, first, again))


def test_equal_values_closed_relus_and_nan_are_as_in_the_plain_layers():
    layers = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    layers[0].weight.data = torch.zeros(16, 1, 3, 3)
    layers[0].weight.data[:, 0, 1, 1] = torch.linspace(-1, 1, 16).round(decimals=1)
    nn.init.zeros_(layers[0].bias)
    x = torch.randint(-2, 3, (2, 1, 16, 16)).float()
    weights = torch.rand(2, 16, 8, 8)
    expected = compute_step(layers, layers[0], x, weights)
    fused = to_fast(layers, ["fused"])
    for value, other in zip(compute_step(fused, layers[0], x, weights), expected, strict=True):
        assert torch.allclose(value, other, atol=1e-5)
    x[1, 0, 5, 5] = float("nan")
    assert torch.equal(fused(x).isnan(), layers(x).isnan()) and layers(x).isnan().any()
    with pytest.raises(ValueError, match="must be even"):
        fused(torch.rand(1, 1, 15, 16))


def test_whole_autoencoder_is_equal_with_all_fast_layers():
    torch.manual_seed(0)
    model = Autoencoder(9).double()
    fast = to_fast(model, ["fused", "pool_first", "matrix_upsampling", "padded_channels"])
    x, gradients = torch.rand(1, 9, 8, 12, dtype=torch.float64), []
    for network in (model, fast):
        model.zero_grad()
        (network(x) - x).square().mean().backward()
        gradients.append([p.grad.clone() for p in model.parameters()])
    for value, expected in zip(*gradients, strict=True):
        assert (value - expected).abs().max() <= 1e-12 * expected.abs().max()


def test_layers_too_wide_for_a_gpus_registers_are_not_fused():
    for layer in (nn.Conv2d(16, 64, 3, padding=1), nn.Conv2d(80, 16, 3, padding=1)):
        layers = nn.Sequential(layer, nn.ReLU(), nn.MaxPool2d(2))
        assert type(to_fast(layers, ["fused"])[0]) is nn.Conv2d


def test_torch_compile_takes_the_kernels_as_they_are():
    """In one graph, without a break; the backend computes it by PyTorch's own operators."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)).double()
    x = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    weights = torch.rand(1, 16, 4, 4, dtype=torch.float64)
    compiled = torch.compile(to_fast(layers, ["fused"]), backend="aot_eager", fullgraph=True)
    expected = compute_step(layers, layers[0], x, weights)
    for value, other in zip(compute_step(compiled, layers[0], x, weights), expected, strict=True):
        assert torch.allclose(value, other, rtol=1e-12)
