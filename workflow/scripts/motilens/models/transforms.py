"""From stored stacks to model inputs, and the symmetries of the square."""

import torch

DIHEDRAL_ORDER = 8  # of the square


def to_unit_range(stacks: torch.Tensor) -> torch.Tensor:
    """uint8 grey levels as float32 in [0, 1], the scale all models see."""
    return stacks.to(torch.float32).div_(255)


def stacks_to_input(stacks: torch.Tensor, copies: int) -> torch.Tensor:
    """uint8 stacks (n, frames, height, width) as a model sees them: in [0, 1], repeated `copies`
    times one after the other, (n, copies x frames, height, width)."""
    return to_unit_range(stacks).unsqueeze(1).expand(-1, copies, -1, -1, -1).flatten(1, 2)


def dihedral_transform(images: torch.Tensor, number: int) -> torch.Tensor:
    """One of the eight symmetries of the square: mirrored or not, and up to three quarter turns."""
    return torch.rot90(images.flip(-1) if number >= 4 else images, number % 4, (-2, -1))
