"""The regressor (paper section 2.2), and models by their description.

Tensors are float32, (stacks, channels, height, width), frames scaled to [0, 1]. A model is
described by a plain dict, its architecture, which is stored with its weights.
"""

from collections import OrderedDict

import torch
from torch import nn

from motilens.models.autoencoders import AUTOENCODERS
from motilens.models.backbones import make_backbone
from motilens.models.fixed_encoders import FixedEncoder
from motilens.models.layers import FEATURE_CHANNELS, Rescale
from motilens.models.output_activations import OUTPUT_ACTIVATIONS
from motilens.models.transforms import DIHEDRAL_ORDER, dihedral_transform

LSTM_HIDDEN_SIZE = 128  # numbers that a recurrent regressor keeps from channel to channel
IMAGENET_MEAN_STD = (
    (0.485, 0.456, 0.406),
    (0.229, 0.224, 0.225),
)  # mean and deviation, as torchvision has it


def build_model(architecture: dict) -> nn.Module:
    """The untrained model that `architecture` describes.

    Args:
        architecture: {"model": "autoencoder", "frames", "copies", "variant"}, or {"model":
            "fixed", "frames", "copies", "kind"}, or {"model": "regressor", "encoder": one of
            those, "backbone", "outputs", and what else `Regressor` takes}.
    """
    arguments = dict(architecture)
    kind = arguments.pop("model")
    if kind == "regressor":
        return Regressor(build_model(arguments.pop("encoder")), **arguments)
    if kind == "fixed":
        return FixedEncoder(**arguments)
    return AUTOENCODERS[arguments["variant"]](**arguments)


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
            mean, deviation = (torch.tensor(v).view(1, -1, 1, 1) for v in IMAGENET_MEAN_STD)
            self.normalise.set(1 / deviation, -mean / deviation)
        self.backbone = make_backbone(backbone)
        layers = list(self.backbone.named_modules())
        self._first = next(name for name, m in layers if isinstance(m, nn.Conv2d))
        self._last = [name for name, m in layers if isinstance(m, nn.Linear)][-1]
        self._see(1 if recurrent else source.channels)
        width = self.backbone.get_submodule(self._last).in_features
        last = nn.Linear(width, outputs)
        if recurrent:
            self.memory = nn.LSTM(width, LSTM_HIDDEN_SIZE, batch_first=True)
            self.head, last = nn.Linear(LSTM_HIDDEN_SIZE, outputs), nn.Identity()
        self.backbone.set_submodule(self._last, last)
        self.answer = OUTPUT_ACTIVATIONS[answer](outputs)

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
        return (
            sum(self.read(dihedral_transform(stacks, number)) for number in range(DIHEDRAL_ORDER))
            / DIHEDRAL_ORDER
        )

    def read(self, stacks):
        """The same of stacks as they are, not averaged."""
        images = self.normalise(self.encoder(stacks))
        if not self.recurrent:
            return self.answer(self.backbone(images))
        seen = self.backbone(images.flatten(0, 1).unsqueeze(1)).unflatten(0, images.shape[:2])
        return self.answer(self.head(self.memory(seen)[0][:, -1]))
