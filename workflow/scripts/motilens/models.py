"""Models by their description, and the regressor (paper section 2.2).

Tensors are float32, shaped (stacks, channels, height, width), frames scaled to [0, 1]. A model is
described by a plain dict, its architecture, which is kept with its weights: `build` makes it again.
"""

from collections import OrderedDict

import torch
from torch import nn

from motilens import fixed
from motilens.answers import ANSWERS
from motilens.encoders import VARIANTS
from motilens.fixed import FEATURE_CHANNELS, Rescale

SYMMETRIES = 8  # of the square
REMEMBERED = 128  # numbers that a recurrent regressor keeps from channel to channel
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation, as torchvision has it


def build(architecture: dict) -> nn.Module:
    """The untrained model that `architecture` describes.

    Args:
        architecture: {"model": "autoencoder", "frames", "copies", "variant"}, or {"model":
            "fixed", "frames", "copies", "kind"}, or {"model": "regressor", "encoder": one of
            those, "backbone", "outputs", and what else `Regressor` takes}.
    """
    arguments = dict(architecture)
    kind = arguments.pop("model")
    if kind == "regressor":
        return Regressor(build(arguments.pop("encoder")), **arguments)
    if kind == "fixed":
        return fixed.Encoder(**arguments)
    return VARIANTS[arguments["variant"]](**arguments)


def to_unit_range(stacks: torch.Tensor) -> torch.Tensor:
    """uint8 grey levels as float32 in [0, 1], the scale all models see."""
    return stacks.to(torch.float32).div_(255)


def to_input(stacks: torch.Tensor, copies: int) -> torch.Tensor:
    """uint8 stacks (n, frames, height, width) as a model sees them: in [0, 1], repeated `copies`
    times one after the other, (n, copies x frames, height, width)."""
    return to_unit_range(stacks).unsqueeze(1).expand(-1, copies, -1, -1, -1).flatten(1, 2)


class Regressor(nn.Module):
    """An encoder and a torchvision classification network that reads percentages off its images.

    Args:
        source: an autoencoder or a fixed encoder; its encoder becomes part of this model.
        backbone: a name torchvision knows; the paper's is "resnet34".
        outputs: predicted values.
        answer: how the last layer gives them, one of `answers.ANSWERS`; the paper's is "plain".
        normalise: "imagenet" shifts and scales feature images as ImageNet's pictures are, which
            pretrained weights know; "none" is the paper's.
        fine_tune_encoder: whether the encoder learns on; the paper's is frozen.
        recurrent: the network sees each channel alone, and an LSTM what it made of them.
        average: predictions are means over the eight symmetries of the square.
    """

    def __init__(
        self,
        source,
        backbone,
        outputs,
        answer="plain",
        normalise="none",
        fine_tune_encoder=False,
        recurrent=False,
        average=False,
    ):
        super().__init__()
        self.frames, self.copies = source.frames, source.copies
        self.recurrent, self.average = recurrent, average
        self.encoder = source.encoder
        self.encoder.requires_grad_(fine_tune_encoder)
        self.normalise = Rescale(FEATURE_CHANNELS) if normalise == "imagenet" else nn.Identity()
        if normalise == "imagenet":
            mean, deviation = (torch.tensor(v).view(1, -1, 1, 1) for v in IMAGENET)
            self.normalise.set(1 / deviation, -mean / deviation)
        self.backbone = classifier(backbone)
        layers = list(self.backbone.named_modules())
        self._first = next(name for name, m in layers if isinstance(m, nn.Conv2d))
        self._last = [name for name, m in layers if isinstance(m, nn.Linear)][-1]
        self._see(1 if recurrent else source.channels)
        width = self.backbone.get_submodule(self._last).in_features
        last = nn.Linear(width, outputs)
        if recurrent:
            self.memory = nn.LSTM(width, REMEMBERED, batch_first=True)
            self.head, last = nn.Linear(REMEMBERED, outputs), nn.Identity()
        self.backbone.set_submodule(self._last, last)
        self.answer = ANSWERS[answer](outputs)

    def _see(self, channels: int) -> None:
        """Give the network a first layer for so many channels."""
        old = self.backbone.get_submodule(self._first)
        if channels != old.in_channels:
            new = nn.Conv2d(
                channels, old.out_channels, old.kernel_size, old.stride, old.padding,
                old.dilation, bias=old.bias is not None,
            )  # fmt: skip
            self.backbone.set_submodule(self._first, new)

    @property
    def output(self) -> nn.Linear:
        """The layer that gives the percentages."""
        return self.head if self.recurrent else self.backbone.get_submodule(self._last)

    def start_from(self, pretrained: dict) -> None:
        """Take over a classification network's weights, all but those of its last layer.

        A first layer of other than three channels gets the mean over colours for each, scaled so
        that its answers stay as large.
        """
        state = OrderedDict(
            (name, tensor)
            for name, tensor in pretrained.items()
            if not name.startswith(f"{self._last}.")
        )
        channels = self.backbone.get_submodule(self._first).in_channels
        key = f"{self._first}.weight"
        if channels != FEATURE_CHANNELS:
            grey = state[key].sum(1, keepdim=True) / channels
            state[key] = grey.expand(-1, channels, -1, -1).contiguous()
        last = self.backbone.get_submodule(self._last)
        state.update(last.state_dict(prefix=f"{self._last}."))
        state._metadata = getattr(pretrained, "_metadata", None)  # some networks look at it
        self.backbone.load_state_dict(state)

    def forward(self, stacks):
        """Percentages (n, outputs) of `stacks` (n, channels, height, width), see `to_input`."""
        if stacks.dtype == torch.uint8:
            raise TypeError("grey levels in [0, 1] are wanted, not uint8: models.to_input")
        if self.training or not self.average:
            return self.read(stacks)
        return sum(self.read(turned(stacks, number)) for number in range(SYMMETRIES)) / SYMMETRIES

    def read(self, stacks):
        """The same of stacks as they are, not averaged."""
        images = self.normalise(self.encoder(stacks))
        if not self.recurrent:
            return self.answer(self.backbone(images))
        seen = self.backbone(images.flatten(0, 1).unsqueeze(1)).unflatten(0, images.shape[:2])
        return self.answer(self.head(self.memory(seen)[0][:, -1]))


def turned(images: torch.Tensor, number: int) -> torch.Tensor:
    """One of the eight symmetries of the square: mirrored or not, and up to three quarter turns."""
    return torch.rot90(images.flip(-1) if number >= 4 else images, number % 4, (-2, -1))


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
