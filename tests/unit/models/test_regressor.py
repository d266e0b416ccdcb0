"""The regressor: the paper's network, and what is new in ours does what it says."""

import pytest
import torch
import torchvision
from torch import nn

from motilens.models.autoencoders import Autoencoder
from motilens.models.backbones import make_backbone
from motilens.models.regressor import IMAGENET_MEAN_STD, Regressor, build_regressor
from motilens.models.transforms import DIHEDRAL_ORDER, dihedral_transform
from support.learning import regressor_settings


@pytest.mark.parametrize("backbone", ["resnet34", "resnet18", "mobilenet_v3_small"])
def test_regressor_predicts_three_values(backbone):
    model = Regressor(Autoencoder(9), backbone, outputs=3).eval()
    assert model(torch.rand(2, 9, 64, 64)).shape == (2, 3)


def test_gray_levels_that_are_not_scaled_are_refused():
    model = Regressor(Autoencoder(1), "resnet18", outputs=3)
    with pytest.raises(TypeError, match="not uint8: see stacks_to_input"):
        model(torch.zeros(1, 1, 32, 32, dtype=torch.uint8))


def test_resnet34_is_the_papers():
    backbone = Regressor(Autoencoder(1), "resnet34", outputs=3).backbone
    assert isinstance(backbone.fc, nn.Linear)
    assert (backbone.fc.in_features, backbone.fc.out_features) == (512, 3)
    # Of ResNet-34 with 1000 classes, less 511,461.
    assert sum(p.numel() for p in backbone.parameters()) == 21_286_211


@pytest.mark.parametrize("backbone", ["resnet34", "mobilenet_v2", "densenet121", "convnext_tiny"])
def test_our_pooling_is_torchvisions(backbone):
    torch.manual_seed(0)
    ours = make_backbone(backbone).eval()
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(backbone, weights=None).eval()
    images = torch.rand(2, 3, 64, 64)
    assert torch.allclose(ours(images), theirs(images), atol=1e-5)


def test_feature_images_may_be_normalized_as_those_of_imagenet():
    model = build_regressor(regressor_settings(input_normalization="imagenet")["architecture"])
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in IMAGENET_MEAN_STD)
    images = torch.rand(2, 3, 8, 8)
    assert torch.allclose(model.normalize(images), (images - mean) / deviation, atol=1e-5)
    assert model.normalize.scale.shape == (1, 3, 1, 1)
    paper = build_regressor(regressor_settings()["architecture"])
    assert torch.equal(paper.normalize(images), images)


def test_averaged_predictions_do_not_change_when_the_picture_is_rotated():
    model = build_regressor(regressor_settings(tta=True)["architecture"]).eval()
    stacks = torch.rand(2, 1, 32, 32)
    expected = model(stacks)
    for k in range(DIHEDRAL_ORDER):
        assert torch.allclose(model(dihedral_transform(stacks, k)), expected, atol=1e-4)
    model.tta = False
    assert not torch.allclose(model(dihedral_transform(stacks, 1)), model(stacks), atol=1e-4)


def test_recurrent_regressor_sees_one_frame_after_the_other():
    architecture = regressor_settings(recurrent=True)["architecture"]
    architecture["encoder"] = {"model": "fixed", "frames": 4, "repeats": 1, "kind": "none"}
    torch.manual_seed(0)
    model = build_regressor(architecture).eval()
    stacks = torch.rand(2, 4, 32, 32)
    assert model(stacks).shape == (2, 3) and model.backbone.conv1.in_channels == 1
    assert not torch.allclose(model(stacks), model(stacks.flip(1)), atol=1e-6)
    pretrained = make_backbone("resnet18").state_dict()
    model.load_pretrained(pretrained)
    expected = pretrained["conv1.weight"].sum(1, keepdim=True)
    assert torch.allclose(model.backbone.conv1.weight, expected)
    assert model.output_layer.out_features == 3
