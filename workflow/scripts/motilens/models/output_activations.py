"""Output activations: from a regressor's last layer, float32 (n, values), to percentages."""

import torch
from torch import nn

MIN_PERCENT = 0.1  # keeps the inverse activation finite when the bias is initialized


class Identity(nn.Module):
    """Take the numbers for percentages, as the paper does."""

    def __init__(self, values: int):
        super().__init__()

    def fit(self, labels: torch.Tensor) -> None:
        """Fit the activation to the training labels, percentages (n, values)."""

    def inverse(self, percentages: torch.Tensor) -> torch.Tensor:
        """Return what the last layer has to give for these percentages (values,)."""
        return percentages

    def forward(self, x):
        """Return percentages."""
        return x


class Standardized(Identity):
    """Take the numbers in standard deviations of the training labels, from their mean."""

    def __init__(self, values: int):
        super().__init__(values)
        self.register_buffer("mean", torch.zeros(values))
        self.register_buffer("deviation", torch.ones(values))

    def fit(self, labels):
        """Set mean and standard deviation."""
        self.mean.copy_(labels.mean(0))
        self.deviation.copy_(labels.std(0, correction=0).clamp(min=MIN_PERCENT))

    def inverse(self, percentages):
        """Standardize."""
        return (percentages - self.mean) / self.deviation

    def forward(self, x):
        """Return percentages."""
        return x * self.deviation + self.mean


class Softmax(Identity):
    """Make the percentages add up to 100."""

    def inverse(self, percentages):
        """Return the logarithm."""
        return percentages.clamp(min=MIN_PERCENT).log()

    def forward(self, x):
        """Return percentages."""
        return 100 * x.softmax(1)


class Sigmoid(Identity):
    """Keep each percentage between 0 and 100."""

    def inverse(self, percentages):
        """Return the logit."""
        return (percentages.clamp(MIN_PERCENT, 100 - MIN_PERCENT) / 100).logit()

    def forward(self, x):
        """Return percentages."""
        return 100 * x.sigmoid()


OUTPUT_ACTIVATIONS = {
    "identity": Identity,
    "standardized": Standardized,
    "softmax": Softmax,
    "sigmoid": Sigmoid,
}
