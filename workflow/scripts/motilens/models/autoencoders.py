"""Autoencoders: the paper's (section 2.1), and those that it names as future work (section 5).

Tensors are float32, (stacks, channels, height, width), frames scaled to [0, 1]; a stack has frames
x repeats channels, and its height and width are divisible by 4. A model is described by a plain
dict, its architecture, which is stored with its weights.
"""

from collections.abc import Callable

import torch
from torch import nn

from motilens.models.layers import FEATURE_CHANNELS, GradientReversal, Rescale


class Autoencoder(nn.Module):
    """Encode a stack of frames as a feature image of the same size, and reconstruct it.

    The layers are those of the authors' published code. "paper" is that model exactly: some
    seeds collapse (every feature constant), since nothing revives a ReLU at the end of a half, and
    others learn slowly from frames of low contrast (benchmarks/README.md). "standardized" has
    the same convolutions, but its input is shifted and scaled to mean 0 and variance 1 (see
    `set_input_statistics`) and its output back, and both halves end without a ReLU. All other
    variants are changes of "standardized".
    """

    def __init__(self, frames: int, repeats: int = 1, variant: str = "standardized"):
        super().__init__()
        self.frames, self.repeats, stacked = frames, repeats, frames * repeats
        self.channels = FEATURE_CHANNELS
        first, end, last = [Rescale()], [], [Rescale()]
        if variant == "paper":
            first, end, last = [], [nn.ReLU()], []
        self.encoder = nn.Sequential(*first, *_half_layers(stacked, FEATURE_CHANNELS), *end)
        self.decoder = nn.Sequential(*_half_layers(FEATURE_CHANNELS, stacked), *end, *last)

    def set_input_statistics(self, mean: float, deviation: float) -> None:
        """Set mean and standard deviation of the training frames, unless the variant is "paper"."""
        if isinstance(self.encoder[0], Rescale):
            self.encoder[0].set_values(1 / deviation, -mean / deviation)
            self.decoder[-1].set_values(deviation, mean)

    def loss(self, output, stacks: torch.Tensor, criterion: Callable) -> torch.Tensor:
        """Return the loss, a scalar, of `forward`'s output in training by a ReconstructionLoss."""
        return criterion(output, stacks)

    def forward(self, stacks):
        """Reconstruct `stacks` (n, channels, height, width)."""
        return self.decoder(self.encoder(stacks))


class VariationalAutoencoder(Autoencoder):
    """Encode a stack as a normal distribution, whose mean is the feature image.

    Training reconstructs a draw of it. The divergence from a standard normal distribution (Kingma
    and Welling 2013, the paper's reference 8) has the weight loss.kl, for each number of a feature
    image.
    """

    def __init__(self, frames: int, repeats: int = 1, variant: str = "variational"):
        super().__init__(frames, repeats, variant)
        self.log_variance = nn.ConvTranspose2d(16, FEATURE_CHANNELS, kernel_size=2, stride=2)

    def forward(self, stacks):
        """Reconstruct; in training, return mean and log variance of the distribution, too."""
        hidden = self.encoder[:-1](stacks)
        mean = self.encoder[-1](hidden)
        if not self.training:
            return self.decoder(mean)
        log_variance = self.log_variance(hidden).clamp(-10, 10)
        sample = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        return self.decoder(sample), mean, log_variance

    def loss(self, output, stacks, criterion):
        """Add the divergence."""
        reconstruction, mean, log_variance = output
        divergence = (mean**2 + log_variance.exp() - 1 - log_variance).mean() / 2
        return criterion(reconstruction, stacks) + criterion.weights["kl"] * divergence


class AdversarialAutoencoder(Autoencoder):
    """Train a discriminator of real and reconstructed patches together with the autoencoder.

    Goodfellow et al. 2014, the paper's reference 4, with the weight loss.adversarial. Both learn in
    one step: the gradient is reversed where the discriminator begins.
    """

    def __init__(self, frames: int, repeats: int = 1, variant: str = "adversarial"):
        super().__init__(frames, repeats, variant)
        self.discriminator = nn.Sequential(
            Rescale(),
            nn.Conv2d(frames * repeats, 16, kernel_size=4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(16, 32, kernel_size=4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 1, kernel_size=3, padding=1),
        )

    def set_input_statistics(self, mean, deviation):
        """Set them for the discriminator as well."""
        super().set_input_statistics(mean, deviation)
        self.discriminator[0].set_values(1 / deviation, -mean / deviation)

    def loss(self, output, stacks, criterion):
        """Add the discriminator's loss."""
        real = self.discriminator(stacks)
        fake = self.discriminator(GradientReversal.apply(output))
        errors = nn.functional.softplus(-real).mean() + nn.functional.softplus(fake).mean()
        return criterion(output, stacks) + criterion.weights["adversarial"] * errors


class ConvLSTMAutoencoder(Autoencoder):
    """Encode one frame after the other (convolutional LSTM, Shi et al., NIPS 2015)."""

    def __init__(self, frames: int, repeats: int = 1, variant: str = "recurrent"):
        super().__init__(frames, repeats, variant)
        self.encoder = nn.Sequential(Rescale(), ConvLSTMEncoder())


class ConvLSTMEncoder(nn.Module):
    """The encoder's layers with a convolutional LSTM in the middle, over the channels in turn."""

    def __init__(self):
        super().__init__()
        layers = _half_layers(1, FEATURE_CHANNELS)
        self.down, self.up = nn.Sequential(*layers[:6]), nn.Sequential(*layers[6:])
        self.gates = nn.Conv2d(64, 128, kernel_size=3, padding=1)

    def forward(self, x):
        """Return the feature images of stacks x."""
        features = self.down(x.flatten(0, 1).unsqueeze(1)).unflatten(0, x.shape[:2])
        cell = hidden = torch.zeros_like(features[:, 0])
        for frame in features.unbind(1):
            gates = self.gates(torch.cat([frame, hidden], 1)).chunk(4, 1)
            input_gate, forget_gate, output_gate, candidate = gates
            cell = forget_gate.sigmoid() * cell + input_gate.sigmoid() * candidate.tanh()
            hidden = output_gate.sigmoid() * cell.tanh()
        return self.up(hidden)


AUTOENCODERS = {
    "paper": Autoencoder,
    "standardized": Autoencoder,
    "variational": VariationalAutoencoder,
    "adversarial": AdversarialAutoencoder,
    "recurrent": ConvLSTMAutoencoder,
}


def build_autoencoder(architecture: dict) -> Autoencoder:
    """Build {"model": "autoencoder", "frames", "repeats", "variant"}, not trained yet."""
    frames, repeats, variant = (architecture[name] for name in ("frames", "repeats", "variant"))
    return AUTOENCODERS[variant](frames, repeats, variant)


def _half_layers(channels_in: int, channels_out: int) -> list[nn.Module]:
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
