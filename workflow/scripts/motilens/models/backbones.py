"""Classification networks of torchvision."""

from torch import nn

from motilens.models.layers import GlobalAvgPool2d


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
