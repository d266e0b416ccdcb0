"""Classification networks of torchvision."""

import torchvision
from torch import nn

from motilens.models.layers import GlobalAvgPool2d


def make_backbone(name: str) -> nn.Module:
    """A torchvision classification network of 1000 classes, untrained."""

    network = torchvision.models.get_model(name, weights=None)
    for place, module in list(network.named_modules()):
        if isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1)):
            network.set_submodule(place, GlobalAvgPool2d())
    return network
