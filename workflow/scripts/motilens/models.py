"""The two networks of the paper: the autoencoder (section 2.1) and the regressor (section 2.2).

Tensors are float32, shaped (stacks, channels, height, width), frames scaled to [0, 1].
"""

import torch
from torch import nn

from motilens import InputError

FEATURE_CHANNELS = 3  # a feature image is shaped like an RGB picture, what ImageNet models expect
VARIANTS = ("paper", "standardised")


class Autoencoder(nn.Module):
    """Squeezes a stack of frames into a feature image of the same size and restores it.

    The layers are those of the authors' published code. "paper" is that model exactly: some
    seeds die (every feature constant), because nothing revives a ReLU at the end of a half, and
    others learn slowly from frames of low contrast (benchmarks/README.md). "standardised" has
    the same convolutions, but sees grey levels shifted and scaled to mean 0 and variance 1 (see
    `set_scale`), restores their scale at the end, and ends both halves without a ReLU. Its loss
    is in units of the frames' variance, for otherwise weight decay outweighs it.

    Args:
        channels: frames in a stack.
        variant: one of VARIANTS.
    """

    def __init__(self, channels: int, variant: str):
        super().__init__()
        first, end, last = [], [nn.ReLU()], []
        if variant == "standardised":
            first, end, last = [Rescale()], [], [Rescale()]
        self.encoder = nn.Sequential(*first, *_half(channels, FEATURE_CHANNELS), *end)
        self.decoder = nn.Sequential(*_half(FEATURE_CHANNELS, channels), *end, *last)

    def set_scale(self, mean: float, deviation: float) -> None:
        """Tell a "standardised" model the mean and deviation of its training frames."""
        if isinstance(self.encoder[0], Rescale):
            self.encoder[0].set(1 / deviation, -mean / deviation)
            self.decoder[-1].set(deviation, mean)

    def loss(self, restored: torch.Tensor, stacks: torch.Tensor) -> torch.Tensor:
        """Mean squared error; "standardised": 1 is that of answering the mean grey level."""
        error = nn.functional.mse_loss(restored, stacks)
        if isinstance(self.encoder[0], Rescale):
            error = error * self.encoder[0].scale ** 2
        return error

    def forward(self, stacks):
        """Reconstruct `stacks` (n, channels, height, width); height and width divisible by 4."""
        return self.decoder(self.encoder(stacks))


class Rescale(nn.Module):
    """x * scale + shift, not trained but kept with the weights."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("shift", torch.zeros(()))

    def set(self, scale: float, shift: float) -> None:
        self.scale.fill_(scale)
        self.shift.fill_(shift)

    def forward(self, x):
        return x * self.scale + self.shift


def _half(channels_in: int, channels_out: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels_in, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.ConvTranspose2d(32, 16, kernel_size=2, stride=2),
        nn.ReLU(),
        nn.ConvTranspose2d(16, channels_out, kernel_size=2, stride=2),
    ]


def regressor(backbone: str, outputs: int, pretrained: dict | None = None) -> nn.Module:
    """A torchvision classification network whose last layer gives `outputs` percentages.

    Args:
        backbone: a name torchvision knows; the paper's is "resnet34".
        outputs: predicted values; the last layer has no activation, as in the paper.
        pretrained: weights of the whole classification network, see `fetch_weights`.
    """
    import torchvision  # seconds to import, and only regressors need it

    network = torchvision.models.get_model(backbone, weights=None)
    if pretrained:
        network.load_state_dict(pretrained)
    name, last = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.Linear)][-1]
    network.set_submodule(name, nn.Linear(last.in_features, outputs))
    return network


def fetch_weights(backbone: str, weights: str) -> dict:
    """Pretrained weights of torchvision, downloaded once into torch's own cache.

    Args:
        weights: a name torchvision knows, such as "IMAGENET1K_V1".

    Raises:
        InputError: they are not in the cache and cannot be downloaded.
    """
    import torchvision

    chosen = torchvision.models.get_model_weights(backbone)[weights]
    try:
        return chosen.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"regressor.weights: {weights} of {backbone} cannot be downloaded ({error}). Download "
            f"{chosen.url} on a machine with network and put it into {torch.hub.get_dir()}/"
            "checkpoints, or set regressor.weights: none"
        ) from error
