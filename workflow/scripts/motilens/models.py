"""The two networks of the paper: the autoencoder (section 2.1) and the regressor (section 2.2).

Tensors are float32, shaped (stacks, channels, height, width), frames scaled to [0, 1]. A model is
described by a plain dict, its architecture, which is kept with its weights: `build` makes it again.
"""

import hashlib
import pickle
import re
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

from motilens import InputError

FEATURE_CHANNELS = 3  # a feature image is shaped like an RGB picture, what ImageNet models expect
VARIANTS = ("paper", "standardised")
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation, as torchvision has it


def build(architecture: dict) -> nn.Module:
    """The untrained model that `architecture` describes.

    Args:
        architecture: {"model": "autoencoder", "frames", "copies", "variant"}, or {"model":
            "regressor", "encoder": that of its autoencoder, "backbone", "outputs", "normalise",
            "fine_tune_encoder"}.
    """
    arguments = dict(architecture)
    if arguments.pop("model") == "autoencoder":
        return Autoencoder(**arguments)
    return Regressor(build(arguments.pop("encoder")), **arguments)


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
        autoencoder: its encoder becomes part of this model; its decoder does not.
        backbone: a name torchvision knows; the paper's is "resnet34".
        outputs: predicted values; the last layer has no activation, as in the paper.
        normalise: "imagenet" shifts and scales feature images as ImageNet's pictures are, which
            pretrained weights know; "none" is the paper's.
        fine_tune_encoder: whether the encoder learns on; the paper's is frozen.
    """

    def __init__(self, autoencoder, backbone, outputs, normalise="none", fine_tune_encoder=False):
        super().__init__()
        self.frames, self.copies = autoencoder.frames, autoencoder.copies
        self.encoder = autoencoder.encoder
        self.encoder.requires_grad_(fine_tune_encoder)
        self.normalise = Rescale(FEATURE_CHANNELS) if normalise == "imagenet" else nn.Identity()
        if normalise == "imagenet":
            mean, deviation = (torch.tensor(v).view(1, -1, 1, 1) for v in IMAGENET)
            self.normalise.set(1 / deviation, -mean / deviation)
        self.backbone = classifier(backbone)
        last = self._last
        self.backbone.set_submodule(last, nn.Linear(self.output.in_features, outputs))

    @property
    def _last(self) -> str:
        return [name for name, m in self.backbone.named_modules() if isinstance(m, nn.Linear)][-1]

    @property
    def output(self) -> nn.Linear:
        """The layer that gives the percentages."""
        return self.backbone.get_submodule(self._last)

    def start_from(self, pretrained: dict) -> None:
        """Take over a classification network's weights, all but those of its last layer."""
        state = OrderedDict(pretrained)
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


def fetch_weights(backbone: str, weights: str) -> dict:
    """Pretrained weights of torchvision, downloaded once into torch's own cache.

    Args:
        weights: a name torchvision knows, such as "IMAGENET1K_V1".

    Raises:
        InputError: they are not in the cache and cannot be downloaded, or are damaged.
    """
    import torchvision

    chosen = torchvision.models.get_model_weights(backbone)[weights]
    cached = Path(torch.hub.get_dir(), "checkpoints", chosen.url.rpartition("/")[2])
    try:
        state = chosen.get_state_dict(progress=False, check_hash=True, weights_only=True)
        return _fitting(backbone, state)
    except Exception as error:  # a damaged file raises almost anything
        if cached.exists():
            raise InputError(
                f"{cached} cannot be used ({why(error)}): delete it, run again"
            ) from error
        raise InputError(
            f"regressor.weights: {weights} of {backbone} cannot be downloaded ({error}). Download "
            f"{chosen.url} on a machine with network and put it into {cached.parent}, or give its "
            "copy (regressor.weights: {file: ..., sha256: ...}), or set regressor.weights: none"
        ) from error


def read_weights(backbone: str, path: str, sha256: str) -> dict:
    """Pretrained weights in a file of the user's: a state dict as torchvision's are.

    Raises:
        InputError: the file is not there, is another one, or does not fit the network.
    """
    try:
        with open(path, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"regressor.weights.file: {path} cannot be read ({error})") from error
    if found != sha256.lower():
        raise InputError(
            f"regressor.weights.file: {path} has the SHA-256 {found}, not {sha256}: it is another "
            "file, or damaged; download it again or correct regressor.weights.sha256"
        )
    try:
        return _fitting(backbone, torch.load(path, weights_only=True, map_location="cpu"))
    except Exception as error:  # as above
        raise InputError(
            f"regressor.weights.file: {path} does not hold the weights of torchvision's {backbone} "
            f"with its 1000 classes ({why(error)})"
        ) from error


def kept_weights(path: str) -> dict:
    """What one of the two above gave, as the step `fetch_weights` has kept it."""
    try:
        return torch.load(path, weights_only=True)
    except Exception as error:  # as above
        raise InputError(
            f"{path} cannot be read ({why(error)}): delete it and run again"
        ) from error


def _fitting(backbone: str, state: dict) -> dict:
    """`state` with the names that the network has today, finite and complete."""
    if backbone.startswith("densenet"):  # torchvision's files have names of an older version
        for name in list(state):
            state[re.sub(r"(denselayer\d+\.\w+)\.(\d\.)", r"\1\2", name)] = state.pop(name)
    classifier(backbone).load_state_dict(state)
    if not all(torch.isfinite(tensor).all() for tensor in state.values()):
        raise ValueError("not all of them are finite")
    return state


def why(error: Exception) -> str:
    """An exception in one line, without what torch advises."""
    if isinstance(error, pickle.UnpicklingError):
        return "it does not hold tensors alone"
    return " ".join(str(error).split())[:300] or type(error).__name__
