"""The two networks of the paper: the autoencoder (section 2.1) and the regressor (section 2.2).

Tensors are float32, shaped (stacks, channels, height, width), frames scaled to [0, 1]. A model is
described by a plain dict, its architecture, which is kept with its weights: `build` makes it again.
"""

from collections import OrderedDict

import torch
from torch import nn

from motilens import fixed
from motilens.fixed import FEATURE_CHANNELS, Rescale

VARIANTS = ("paper", "standardised")
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation, as torchvision has it


def build(architecture: dict) -> nn.Module:
    """The untrained model that `architecture` describes.

    Args:
        architecture: {"model": "autoencoder", "frames", "copies", "variant"}, or {"model":
            "fixed", "frames", "copies", "kind"}, or {"model": "regressor", "encoder": one of
            those, "backbone", "outputs", "normalise", "fine_tune_encoder"}.
    """
    arguments = dict(architecture)
    kind = arguments.pop("model")
    if kind == "regressor":
        return Regressor(build(arguments.pop("encoder")), **arguments)
    return {"autoencoder": Autoencoder, "fixed": fixed.Encoder}[kind](**arguments)


def to_unit_range(stacks: torch.Tensor) -> torch.Tensor:
    """uint8 grey levels as float32 in [0, 1], the scale all models see."""
    return stacks.to(torch.float32).div_(255)


def to_input(stacks: torch.Tensor, copies: int) -> torch.Tensor:
    """uint8 stacks (n, frames, height, width) as a model sees them: in [0, 1], repeated `copies`
    times one after the other, (n, copies x frames, height, width)."""
    return to_unit_range(stacks).unsqueeze(1).expand(-1, copies, -1, -1, -1).flatten(1, 2)


class Autoencoder(nn.Module):
    """Squeezes a stack of frames into a feature image of the same size and restores it.

    The layers are those of the authors' published code. "paper" is that model exactly: some
    seeds die (every feature constant), because nothing revives a ReLU at the end of a half, and
    others learn slowly from frames of low contrast (benchmarks/README.md). "standardised" has
    the same convolutions, but sees grey levels shifted and scaled to mean 0 and variance 1 (see
    `set_scale`), restores their scale at the end, and ends both halves without a ReLU. Its loss
    is in units of the frames' variance, for otherwise weight decay outweighs it.

    Args:
        frames, copies: a stack has frames x copies channels.
        variant: one of VARIANTS.
    """

    def __init__(self, frames: int, copies: int = 1, variant: str = "standardised"):
        super().__init__()
        self.frames, self.copies, channels = frames, copies, frames * copies
        self.channels = FEATURE_CHANNELS
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


class Regressor(nn.Module):
    """An encoder and a torchvision classification network that reads percentages off its images.

    Args:
        source: an autoencoder or a fixed encoder; its encoder becomes part of this model.
        backbone: a name torchvision knows; the paper's is "resnet34".
        outputs: predicted values; the last layer has no activation, as in the paper.
        normalise: "imagenet" shifts and scales feature images as ImageNet's pictures are, which
            pretrained weights know; "none" is the paper's.
        fine_tune_encoder: whether the encoder learns on; the paper's is frozen.
    """

    def __init__(self, source, backbone, outputs, normalise="none", fine_tune_encoder=False):
        super().__init__()
        self.frames, self.copies = source.frames, source.copies
        self.encoder = source.encoder
        self.encoder.requires_grad_(fine_tune_encoder)
        self.normalise = Rescale(FEATURE_CHANNELS) if normalise == "imagenet" else nn.Identity()
        if normalise == "imagenet":
            mean, deviation = (torch.tensor(v).view(1, -1, 1, 1) for v in IMAGENET)
            self.normalise.set(1 / deviation, -mean / deviation)
        self.backbone = classifier(backbone)
        if source.channels != FEATURE_CHANNELS:
            old = self._first
            new = nn.Conv2d(
                source.channels, old.out_channels, old.kernel_size, old.stride, old.padding,
                old.dilation, bias=old.bias is not None,
            )  # fmt: skip
            self.backbone.set_submodule(self._first_name, new)
        last = self._last
        self.backbone.set_submodule(last, nn.Linear(self.output.in_features, outputs))

    @property
    def _first_name(self) -> str:
        return next(name for name, m in self.backbone.named_modules() if isinstance(m, nn.Conv2d))

    @property
    def _first(self) -> nn.Conv2d:
        """The layer that sees feature images."""
        return self.backbone.get_submodule(self._first_name)

    @property
    def _last(self) -> str:
        return [name for name, m in self.backbone.named_modules() if isinstance(m, nn.Linear)][-1]

    @property
    def output(self) -> nn.Linear:
        """The layer that gives the percentages."""
        return self.backbone.get_submodule(self._last)

    def start_from(self, pretrained: dict) -> None:
        """Take over a classification network's weights, all but those of its last layer.

        A first layer of other than three channels gets the mean over colours for each, scaled so
        that its answers stay as large.
        """
        state = OrderedDict(pretrained)
        key, channels = f"{self._first_name}.weight", self._first.in_channels
        if channels != FEATURE_CHANNELS:
            grey = state[key].sum(1, keepdim=True) / channels
            state[key] = grey.expand(-1, channels, -1, -1).contiguous()
        state.update(self.output.state_dict(prefix=f"{self._last}."))
        state._metadata = getattr(pretrained, "_metadata", None)  # some networks look at it
        self.backbone.load_state_dict(state)

    def forward(self, stacks):
        """Percentages (n, outputs) of `stacks` (n, channels, height, width), see `to_input`."""
        if stacks.dtype == torch.uint8:
            raise TypeError("grey levels in [0, 1] are wanted, not uint8: models.to_input")
        return self.backbone(self.normalise(self.encoder(stacks)))


class GlobalMean(nn.Module):
    """The mean of each channel: AdaptiveAvgPool2d(1), whose gradient has an order on a GPU too."""

    def forward(self, x):
        return x.mean((2, 3), keepdim=True)


def classifier(name: str) -> nn.Module:
    """A torchvision classification network of 1000 classes, untrained."""
    import torchvision  # seconds to import, and only regressors need it

    network = torchvision.models.get_model(name, weights=None)
    for place, module in list(network.named_modules()):
        if isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1)):
            network.set_submodule(place, GlobalMean())
    return network
