"""Dense optical flow by the method of Lucas and Kanade."""

from collections.abc import Callable

import torch
from torch import nn

FLOW_WINDOW = 7  # pixels, in which neighbours are taken to move alike
CHUNK_SIZE = 4  # stacks that are looked at together on a CPU
MAX_SPEED = 16.0  # pixels from frame to frame; what looks faster is not movement


def apply_in_chunks(x: torch.Tensor, function: Callable) -> torch.Tensor:
    """`function` of a few stacks at a time, which a CPU's cache holds."""
    return torch.cat([function(part) for part in (x.split(CHUNK_SIZE) if x.is_cpu else [x])])


def lucas_kanade_flow(x: torch.Tensor) -> torch.Tensor:
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
        padded = nn.functional.pad(product, [FLOW_WINDOW // 2] * 4)
        rows = sum(padded.narrow(2, k, product.shape[2]) for k in range(FLOW_WINDOW))
        return sum(rows.narrow(3, k, product.shape[3]) for k in range(FLOW_WINDOW)) / FLOW_WINDOW**2

    aa, dd, ad = near(across**2), near(down**2), near(across * down)
    ac, dc = near(across * change), near(down * change)
    determinant = aa * dd - ad**2
    told = determinant > 1e-10  # an edge, or noise, does not say where it goes
    safe = torch.where(told, determinant, 1)
    found = torch.stack([ad * dc - dd * ac, ad * ac - aa * dc], 2) / safe.unsqueeze(2)
    slower = torch.where(told, MAX_SPEED / vector_length(found).clamp(min=MAX_SPEED), 0)
    return found * slower.unsqueeze(2)


def vector_length(vectors: torch.Tensor) -> torch.Tensor:
    """Of vectors (n, frames, 2, height, width); much faster than torch's norm."""
    return torch.hypot(*vectors.unbind(2))
