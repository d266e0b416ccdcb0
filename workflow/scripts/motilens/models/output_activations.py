"""Output activations: from a regressor's last layer, float32 (n, values), to percentages."""

import torch
from torch import nn

MIN_PERCENT = 0.1  # percent: what is bounded comes no closer to its bounds when it begins


class Identity(nn.Module):
    """They are the percentages, as in the paper."""

    def __init__(self, values: int):
        super().__init__()

    def fit(self, labels: torch.Tensor) -> None:
        """See the training labels, percentages (n, values)."""

    def inverse(self, percentages: torch.Tensor) -> torch.Tensor:
        """What the last layer has to give for these (values,)."""
        return percentages

    def forward(self, x):
        return x


class Standardized(Identity):
    """They are in deviations of the training labels, from their mean."""

    def __init__(self, values: int):
        super().__init__(values)
        self.register_buffer("mean", torch.zeros(values))
        self.register_buffer("deviation", torch.ones(values))

    def fit(self, labels):
        self.mean.copy_(labels.mean(0))
        self.deviation.copy_(labels.std(0, correction=0).clamp(min=MIN_PERCENT))

    def inverse(self, percentages):
        return (percentages - self.mean) / self.deviation

    def forward(self, x):
        return x * self.deviation + self.mean


class Softmax(Identity):
    """They are made to add up to 100 (softmax)."""

    def inverse(self, percentages):
        return percentages.clamp(min=MIN_PERCENT).log()

    def forward(self, x):
        return 100 * x.softmax(1)


class Sigmoid(Identity):
    """Each is kept between 0 and 100 (sigmoid)."""

    def inverse(self, percentages):
        return (percentages.clamp(MIN_PERCENT, 100 - MIN_PERCENT) / 100).logit()

    def forward(self, x):
        return 100 * x.sigmoid()


OUTPUT_ACTIVATIONS = {
    "plain": Identity,
    "standardised": Standardized,
    "shares": Softmax,
    "bounded": Sigmoid,
}
