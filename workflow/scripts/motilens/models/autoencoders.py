"""Autoencoders: the paper's (section 2.1), and those that it names as future work (section 5).

Tensors are float32, (stacks, channels, height, width), frames scaled to [0, 1]; height and width
are divisible by 4. All learn by `loss` of what `forward` gives in training.
"""

import torch
from torch import nn

from motilens.models.layers import FEATURE_CHANNELS, GradientReversal, Rescale
from motilens.models.losses import ReconstructionLoss


class Autoencoder(nn.Module):
    """Squeezes a stack of frames into a feature image of the same size and restores it.

    The layers are those of the authors' published code. "paper" is that model exactly: some
    seeds die (every feature constant), because nothing revives a ReLU at the end of a half, and
    others learn slowly from frames of low contrast (benchmarks/README.md). "standardised" has
    the same convolutions, but sees grey levels shifted and scaled to mean 0 and variance 1 (see
    `set_scale`), restores their scale at the end, and ends both halves without a ReLU. All other
    variants are changes of "standardised".

    Args:
        frames, copies: a stack has frames x copies channels.
        variant: one of VARIANTS.
    """

    def __init__(self, frames: int, copies: int = 1, variant: str = "standardised"):
        super().__init__()
        self.frames, self.copies, stacked = frames, copies, frames * copies
        self.channels = FEATURE_CHANNELS
        first, end, last = [Rescale()], [], [Rescale()]
        if variant == "paper":
            first, end, last = [], [nn.ReLU()], []
        self.encoder = nn.Sequential(*first, *_half_layers(stacked, FEATURE_CHANNELS), *end)
        self.decoder = nn.Sequential(*_half_layers(FEATURE_CHANNELS, stacked), *end, *last)

    @property
    def standardised(self) -> bool:
        return isinstance(self.encoder[0], Rescale)

    def set_scale(self, mean: float, deviation: float) -> None:
        """Tell a "standardised" model the mean and deviation of its training frames."""
        if self.standardised:
            self.encoder[0].set(1 / deviation, -mean / deviation)
            self.decoder[-1].set(deviation, mean)

    def loss(self, restored: torch.Tensor, stacks: torch.Tensor, judge: ReconstructionLoss):
        """How far what `forward` gave in training is from `stacks`."""
        return judge(restored, stacks)

    def forward(self, stacks):
        """Reconstruct `stacks` (n, channels, height, width)."""
        return self.decoder(self.encoder(stacks))


class VariationalAutoencoder(Autoencoder):
    """A feature image is the mean of a normal distribution, and training restores a draw of it.

    What the distributions differ by from a standard normal one costs (Kingma and Welling 2013,
    the paper's reference 8): loss.divergence is its weight, for each number of a feature image.
    """

    def __init__(self, frames: int, copies: int = 1, variant: str = "variational"):
        super().__init__(frames, copies, variant)
        self.log_variance = nn.ConvTranspose2d(16, FEATURE_CHANNELS, kernel_size=2, stride=2)

    def forward(self, stacks):
        hidden = self.encoder[:-1](stacks)
        mean = self.encoder[-1](hidden)
        if not self.training:
            return self.decoder(mean)
        log_variance = self.log_variance(hidden).clamp(-10, 10)
        drawn = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        return self.decoder(drawn), mean, log_variance

    def loss(self, answer, stacks, judge):
        restored, mean, log_variance = answer
        divergence = (mean**2 + log_variance.exp() - 1 - log_variance).mean() / 2
        return judge(restored, stacks) + judge.weights["divergence"] * divergence


class AdversarialAutoencoder(Autoencoder):
    """A second network learns to tell restored patches from real ones, and the first to fool it.

    Goodfellow et al. 2014, the paper's reference 4, with loss.adversarial as weight. Both learn in
    one step: the gradient is reversed where the second ends (Ganin and Lempitsky, ICML 2015).
    """

    def __init__(self, frames: int, copies: int = 1, variant: str = "adversarial"):
        super().__init__(frames, copies, variant)
        self.critic = nn.Sequential(
            Rescale(),
            nn.Conv2d(frames * copies, 16, kernel_size=4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(16, 32, kernel_size=4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 1, kernel_size=3, padding=1),
        )

    def set_scale(self, mean, deviation):
        super().set_scale(mean, deviation)
        self.critic[0].set(1 / deviation, -mean / deviation)

    def loss(self, restored, stacks, judge):
        real, false = self.critic(stacks), self.critic(GradientReversal.apply(restored))
        wrong = nn.functional.softplus(-real).mean() + nn.functional.softplus(false).mean()
        return judge(restored, stacks) + judge.weights["adversarial"] * wrong


class ConvLSTMAutoencoder(Autoencoder):
    """Sees one frame after the other and remembers (convolutional LSTM, Shi et al., NIPS 2015)."""

    def __init__(self, frames: int, copies: int = 1, variant: str = "recurrent"):
        super().__init__(frames, copies, variant)
        self.encoder = nn.Sequential(Rescale(), ConvLSTMEncoder())


class ConvLSTMEncoder(nn.Module):
    """The encoder's layers with a convolutional LSTM in their middle, each channel in its turn."""

    def __init__(self):
        super().__init__()
        layers = _half_layers(1, FEATURE_CHANNELS)
        self.see, self.show = nn.Sequential(*layers[:6]), nn.Sequential(*layers[6:])
        self.gates = nn.Conv2d(64, 128, kernel_size=3, padding=1)

    def forward(self, x):
        seen = self.see(x.flatten(0, 1).unsqueeze(1)).unflatten(0, x.shape[:2])
        kept = shown = torch.zeros_like(seen[:, 0])
        for frame in seen.unbind(1):
            let_in, keep, show, new = self.gates(torch.cat([frame, shown], 1)).chunk(4, 1)
            kept = keep.sigmoid() * kept + let_in.sigmoid() * new.tanh()
            shown = show.sigmoid() * kept.tanh()
        return self.show(shown)


AUTOENCODERS = {
    "paper": Autoencoder,
    "standardised": Autoencoder,
    "variational": VariationalAutoencoder,
    "adversarial": AdversarialAutoencoder,
    "recurrent": ConvLSTMAutoencoder,
}


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
