"""Encoders without training: what an autoencoder has to be better than.

They turn a stack of frames into a feature image, as an autoencoder's half does, but are fitted in
one pass over the training stacks, or not at all. Tensors as in `models`.
"""

from collections.abc import Callable, Iterable

import torch
from torch import nn

FEATURE_CHANNELS = 3  # a feature image is shaped like an RGB picture, what ImageNet models expect
STILL = 1e-4  # a channel that varies less than this (white is 1) is left as it is
WINDOW = 7  # pixels, in which neighbours are taken to move alike
FEW = 4  # stacks that are looked at together on a CPU
FASTEST = 16.0  # pixels from frame to frame; what looks faster is not movement


class Encoder(nn.Module):
    """A fixed encoder, its channels brought to mean 0 and variance 1 over the training stacks.

    Args:
        frames, copies: a stack has frames x copies channels.
        kind: "none": the stack as it is, one channel a frame; "pca": the three directions in
            which pixels vary most from frame to frame, the linear optimum of the bottleneck of an
            autoencoder that looks at single pixels; "motion": mean, standard deviation, and mean
            difference of successive frames; "flow": mean, and mean and standard deviation of the
            speed (pixels a frame, see `velocities`).
    """

    def __init__(self, frames: int, copies: int, kind: str):
        super().__init__()
        self.frames, self.copies, stacked = frames, copies, frames * copies
        self.channels = stacked if kind == "none" else FEATURE_CHANNELS
        core = Projection(stacked) if kind == "pca" else KINDS[kind]()
        self.encoder = nn.Sequential(core, Rescale(self.channels))

    @torch.no_grad()
    def fit(self, batches: Callable[[], Iterable[torch.Tensor]]) -> None:
        """Take from the training stacks what the encoder needs to know.

        Args:
            batches: gives all of them, float32 in [0, 1], each time it is called.
        """
        core, rescale = self.encoder
        if isinstance(core, Projection):
            core.fit(batches())
        mean, covariance = moments(core(batch) for batch in batches())
        deviation = covariance.diagonal().clamp(min=0).sqrt()
        scale = torch.where(deviation > STILL, 1 / deviation, 1)
        shape = (1, self.channels, 1, 1)
        rescale.set(scale.reshape(shape), (-mean * scale).reshape(shape))


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


class Projection(nn.Module):
    """Principal components of the pixels of a stack, its frames being the variables."""

    def __init__(self, channels: int):
        super().__init__()
        self.register_buffer("directions", torch.zeros(FEATURE_CHANNELS, channels))

    def fit(self, batches: Iterable[torch.Tensor]) -> None:
        _, covariance = moments(batches)
        found = torch.linalg.eigh(covariance).eigenvectors.flip(1).T[:FEATURE_CHANNELS]
        largest = found.gather(1, found.abs().argmax(1, keepdim=True))
        self.directions[: len(found)] = found * largest.sign()  # either sign would do: take one

    def forward(self, x):
        return torch.einsum("nchw,fc->nfhw", x, self.directions)


class Motion(nn.Module):
    """Of each pixel over time: mean, standard deviation, mean difference of successive frames."""

    def forward(self, x):
        change = x.diff(dim=1).abs() if x.shape[1] > 1 else torch.zeros_like(x)
        return torch.stack([x.mean(1), x.std(1, correction=0), change.mean(1)], 1)


class Flow(nn.Module):
    """Of each pixel over time: mean, and mean and standard deviation of its speed."""

    def forward(self, x):
        return by_few(x, self._of)

    def _of(self, x):
        speed = length(velocities(x))
        return torch.stack([x.mean(1), speed.mean(1), speed.std(1, correction=0)], 1)


# Those that need to know nothing: of stacks (n, frames, height, width) they make images
# (n, FEATURE_CHANNELS, height, width).
KINDS = {"none": nn.Identity, "motion": Motion, "flow": Flow}


def by_few(x: torch.Tensor, function: Callable) -> torch.Tensor:
    """`function` of a few stacks at a time, which a CPU's cache holds."""
    return torch.cat([function(part) for part in (x.split(FEW) if x.is_cpu else [x])])


def velocities(x: torch.Tensor) -> torch.Tensor:
    """Where what is seen at each pixel moves from frame to frame, in pixels.

    Optical flow by least squares in a window (Lucas and Kanade, IJCAI 1981), without a pyramid:
    what moves further than a few pixels is missed.

    Args:
        x: (n, frames, height, width).

    Returns:
        (n, frames - 1, 2, height, width), to the right and down; 0 where nothing can be told, and
        no faster than FASTEST. Of one frame: one velocity, 0.
    """
    if x.shape[1] == 1:
        return torch.zeros_like(x).unsqueeze(2).expand(-1, -1, 2, -1, -1)
    middle = (x[:, 1:] + x[:, :-1]) / 2
    (down, across), change = torch.gradient(middle, dim=(2, 3)), x.diff(dim=1)

    def near(product):
        """Its mean around each pixel: on CPUs several times as fast as avg_pool2d."""
        padded = nn.functional.pad(product, [WINDOW // 2] * 4)
        rows = sum(padded.narrow(2, k, product.shape[2]) for k in range(WINDOW))
        return sum(rows.narrow(3, k, product.shape[3]) for k in range(WINDOW)) / WINDOW**2

    aa, dd, ad = near(across**2), near(down**2), near(across * down)
    ac, dc = near(across * change), near(down * change)
    determinant = aa * dd - ad**2
    told = determinant > 1e-10  # an edge, or noise, does not say where it goes
    safe = torch.where(told, determinant, 1)
    found = torch.stack([ad * dc - dd * ac, ad * ac - aa * dc], 2) / safe.unsqueeze(2)
    slower = torch.where(told, FASTEST / length(found).clamp(min=FASTEST), 0)
    return found * slower.unsqueeze(2)


def length(vectors: torch.Tensor) -> torch.Tensor:
    """Of vectors (n, frames, 2, height, width); much faster than torch's norm."""
    return torch.hypot(*vectors.unbind(2))


def moments(batches: Iterable[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean (channels,) and covariance (channels, channels) over all pixels, float64."""
    count, total, products = 0, 0, 0
    for batch in batches:
        pixels = batch.transpose(0, 1).flatten(1).double()
        count, total = count + pixels.shape[1], total + pixels.sum(1)
        products = products + pixels @ pixels.T
    mean = total / count
    return mean, products / count - torch.outer(mean, mean)
