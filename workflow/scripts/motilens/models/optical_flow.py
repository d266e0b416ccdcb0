"""Dense optical flow by the method of Lucas and Kanade."""

import torch
from torch import nn

FLOW_WINDOW = 7  # pixels, in which neighbors are taken to move alike
MAX_SPEED = 16.0  # pixels from frame to frame; what seems faster is not movement


def lucas_kanade_flow(x: torch.Tensor) -> torch.Tensor:
    """Estimate how far what is seen at each pixel of x (n, frames, height, width) moves.

    Least squares in a window (Lucas and Kanade, IJCAI 1981), without a pyramid: movements of more
    than a few pixels are missed. Velocities are in pixels per frame, (n, frames - 1, 2, height,
    width), to the right and down; 0 where there is no texture, and no faster than MAX_SPEED. Of one
    frame: one velocity, 0.
    """
    if x.shape[1] == 1:
        return torch.zeros_like(x).unsqueeze(2).expand(-1, -1, 2, -1, -1)
    middle = (x[:, 1:] + x[:, :-1]) / 2
    (down, across), change = torch.gradient(middle, dim=(2, 3)), x.diff(dim=1)

    def window_mean(product):
        """Average around each pixel: on CPUs several times as fast as avg_pool2d."""
        padded = nn.functional.pad(product, [FLOW_WINDOW // 2] * 4)
        rows = sum(padded.narrow(2, k, product.shape[2]) for k in range(FLOW_WINDOW))
        return sum(rows.narrow(3, k, product.shape[3]) for k in range(FLOW_WINDOW)) / FLOW_WINDOW**2

    aa, dd, ad = window_mean(across**2), window_mean(down**2), window_mean(across * down)
    ac, dc = window_mean(across * change), window_mean(down * change)
    determinant = aa * dd - ad**2
    is_textured = determinant > 1e-10  # an edge, or noise, does not show where it moves
    divisor = torch.where(is_textured, determinant, 1)
    flow = torch.stack([ad * dc - dd * ac, ad * ac - aa * dc], 2) / divisor.unsqueeze(2)
    limit = torch.where(is_textured, MAX_SPEED / vector_length(flow).clamp(min=MAX_SPEED), 0)
    return flow * limit.unsqueeze(2)


def vector_length(vectors: torch.Tensor) -> torch.Tensor:
    """Return the length of vectors (n, frames, 2, height, width); much faster than torch's norm."""
    return torch.hypot(*vectors.unbind(2))
