"""Networks of regressors: those of torchvision, and the user's own."""

from collections.abc import Callable

from torch import nn

from motilens.models.layers import GlobalAvgPool2d

# Of plugins. From the numbers of channels and of outputs, they make a module that turns images
# (n, channels, height, width) into (n, outputs).
BACKBONES: dict[str, Callable[[int, int], nn.Module]] = {}


def make_backbone(name: str) -> nn.Module:
    """Return an untrained classification network of torchvision, with 1000 classes.

    config/schema.yaml lists those that take images of any size.
    """
    import torchvision  # takes seconds, and only regressors need it

    network = torchvision.models.get_model(name, weights=None)
    for place, module in list(network.named_modules()):
        if isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1)):
            network.set_submodule(place, GlobalAvgPool2d())
    return network
