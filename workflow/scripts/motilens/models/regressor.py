"""The regressor (paper section 2.2): an encoder and a network that predicts percentages.

Tensors are float32, (stacks, channels, height, width), frames scaled to [0, 1]. A model is
described by a plain dict, its architecture, which is stored with its weights.
"""

from collections import OrderedDict

import torch
from torch import nn

from motilens.models.autoencoders import build_autoencoder
from motilens.models.backbones import BACKBONES, make_backbone
from motilens.models.fixed_encoders import build_fixed_encoder
from motilens.models.layers import FEATURE_CHANNELS, Offset, Rescale
from motilens.models.output_activations import OUTPUT_ACTIVATIONS
from motilens.models.transforms import DIHEDRAL_ORDER, dihedral_transform

LSTM_HIDDEN_SIZE = 128  # of a recurrent regressor
# Mean and standard deviation, as torchvision has them.
IMAGENET_MEAN_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Regressor(nn.Module):
    """Predict percentages from stacks: an encoder, and a classification network.

    Args:
        source: an autoencoder or a fixed encoder; its encoder becomes part of this model.
        backbone: a name that torchvision or a plugin knows; the paper's is "resnet34".
        outputs: predicted values.
        output_activation: one of OUTPUT_ACTIVATIONS; the paper's is "identity".
        input_normalization: "imagenet" shifts and scales feature images as ImageNet's images are,
            which pretrained weights expect; "none" is the paper's.
        fine_tune_encoder: whether the encoder is trained further; the paper's is frozen.
        recurrent: the network sees each channel alone, and an LSTM its features.
        tta: test-time augmentation: predictions are means over the symmetries of the square.
    """

    def __init__(
        self,
        source: nn.Module,
        backbone: str,
        outputs: int,
        output_activation: str = "identity",
        input_normalization: str = "none",
        fine_tune_encoder: bool = False,
        recurrent: bool = False,
        tta: bool = False,
    ):
        super().__init__()
        self.frames, self.repeats = source.frames, source.repeats
        self.recurrent, self.tta = recurrent, tta
        self.encoder = source.encoder
        self.encoder.requires_grad_(fine_tune_encoder)
        self.normalize = nn.Identity()
        if input_normalization == "imagenet":
            mean, deviation = (torch.tensor(v).view(1, -1, 1, 1) for v in IMAGENET_MEAN_STD)
            self.normalize = Rescale(FEATURE_CHANNELS)
            self.normalize.set_values(1 / deviation, -mean / deviation)
        if backbone in BACKBONES:
            network = BACKBONES[backbone](source.channels, outputs)
            self.backbone, self._last = nn.Sequential(network, Offset(outputs)), "1"
        else:
            self._build_backbone(backbone, 1 if recurrent else source.channels, outputs)
        self.output_activation = OUTPUT_ACTIVATIONS[output_activation](outputs)

    def _build_backbone(self, name: str, channels: int, outputs: int) -> None:
        self.backbone = make_backbone(name)
        layers = list(self.backbone.named_modules())
        self._first = next(name for name, m in layers if isinstance(m, nn.Conv2d))
        self._last = [name for name, m in layers if isinstance(m, nn.Linear)][-1]
        self._replace_input_conv(channels)
        width = self.backbone.get_submodule(self._last).in_features
        last = nn.Linear(width, outputs)
        if self.recurrent:
            self.lstm = nn.LSTM(width, LSTM_HIDDEN_SIZE, batch_first=True)
            self.head, last = nn.Linear(LSTM_HIDDEN_SIZE, outputs), nn.Identity()
        self.backbone.set_submodule(self._last, last)

    def _replace_input_conv(self, channels: int) -> None:
        old = self.backbone.get_submodule(self._first)
        if channels != old.in_channels:
            new = nn.Conv2d(
                channels, old.out_channels, old.kernel_size, old.stride, old.padding,
                old.dilation, bias=old.bias is not None,
            )  # fmt: skip
            self.backbone.set_submodule(self._first, new)

    @property
    def output_layer(self) -> nn.Linear | Offset:
        """Return the last layer before the output activation; it has a bias."""
        return self.head if self.recurrent else self.backbone.get_submodule(self._last)

    def load_pretrained(self, weights: dict) -> None:
        """Load a classification network's weights, except those of its last layer.

        A first layer of other than three channels gets the mean over colors for each, scaled so
        that its output stays as large.
        """
        prefix = f"{self._last}."
        state = OrderedDict((k, v) for k, v in weights.items() if not k.startswith(prefix))
        channels = self.backbone.get_submodule(self._first).in_channels
        key = f"{self._first}.weight"
        if channels != FEATURE_CHANNELS:
            gray = state[key].sum(1, keepdim=True) / channels
            state[key] = gray.expand(-1, channels, -1, -1).contiguous()
        state.update(self.backbone.get_submodule(self._last).state_dict(prefix=prefix))
        state._metadata = getattr(weights, "_metadata", None)  # some networks look at it
        self.backbone.load_state_dict(state)

    def forward(self, stacks):
        """Predict percentages (n, outputs) of what `stacks_to_input` returns.

        Raise a TypeError if it is uint8.
        """
        if stacks.dtype == torch.uint8:
            raise TypeError("gray levels in [0, 1] are expected, not uint8: see stacks_to_input")
        if self.training or not self.tta:
            return self.forward_once(stacks)
        views = (dihedral_transform(stacks, number) for number in range(DIHEDRAL_ORDER))
        return sum(self.forward_once(view) for view in views) / DIHEDRAL_ORDER

    def forward_once(self, stacks):
        """Predict percentages without test-time augmentation."""
        images = self.normalize(self.encoder(stacks))
        if not self.recurrent:
            return self.output_activation(self.backbone(images))
        features = self.backbone(images.flatten(0, 1).unsqueeze(1)).unflatten(0, images.shape[:2])
        return self.output_activation(self.head(self.lstm(features)[0][:, -1]))


def build_regressor(architecture: dict) -> Regressor:
    """Build {"model": "regressor", "encoder", and arguments of `Regressor`}, not trained yet.

    The encoder is the architecture of an autoencoder or of a fixed encoder.
    """
    arguments = {k: v for k, v in architecture.items() if k not in ("model", "encoder")}
    encoder = architecture["encoder"]
    builders = {"autoencoder": build_autoencoder, "fixed": build_fixed_encoder}
    return Regressor(builders[encoder["model"]](encoder), **arguments)
