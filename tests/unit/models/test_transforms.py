"""From stored stacks to model inputs, and the symmetries of the square."""

import torch

from motilens.models import transforms
from support.learning import draw_disks


def test_a_stack_is_repeated_as_a_whole():
    stacks = torch.from_numpy(draw_disks(2))
    batch = transforms.stacks_to_input(stacks, 9)
    assert batch.shape == (2, 9, 32, 32) and batch.dtype == torch.float32
    assert all(torch.equal(batch[:, 0], batch[:, k]) for k in range(9))
    assert torch.equal(batch[:, :1], stacks / 255)
    three = torch.arange(2 * 3 * 16, dtype=torch.uint8).view(2, 3, 4, 4)
    expected = transforms.to_unit_range(three).repeat(1, 2, 1, 1)
    assert torch.equal(transforms.stacks_to_input(three, 2), expected)


def test_eight_different_transforms_keep_the_center():
    image = torch.arange(9.0).view(1, 1, 3, 3)
    views = {
        tuple(transforms.dihedral_transform(image, k).flatten().tolist())
        for k in range(transforms.DIHEDRAL_ORDER)
    }
    assert len(views) == 8 and all(image[0, 0, 1, 1] == view[4] for view in views)
