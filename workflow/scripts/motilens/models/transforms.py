"""From stored stacks to model inputs, and the symmetries of the square."""

import torch

DIHEDRAL_ORDER = 8  # symmetries of the square


def to_unit_range(stacks: torch.Tensor) -> torch.Tensor:
    """Return uint8 gray levels as float32 in [0, 1], the scale that all models see."""
    return stacks.to(torch.float32).div_(255)


def stacks_to_input(stacks: torch.Tensor, repeats: int) -> torch.Tensor:
    """Return uint8 stacks (n, frames, height, width) as a model sees them.

    They are float32 in [0, 1], (n, repeats x frames, height, width), one copy after the other.
    """
    return to_unit_range(stacks).unsqueeze(1).expand(-1, repeats, -1, -1, -1).flatten(1, 2)


def dihedral_transform(images: torch.Tensor, number: int) -> torch.Tensor:
    """Return images under one of the symmetries of the square, 0 to 7.

    They are mirrored or not, and rotated by up to three quarter turns.
    """
    return torch.rot90(images.flip(-1) if number >= 4 else images, number % 4, (-2, -1))
