"""The regressor: the paper's network, its inputs and outputs, and what is new in ours."""

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from motilens.models import transforms
from motilens.models.autoencoders import Autoencoder
from motilens.models.backbones import make_backbone
from motilens.models.output_activations import OUTPUT_ACTIVATIONS
from motilens.models.regressor import IMAGENET_MEAN_STD, Regressor, build_regressor
from motilens.training.regressor import predict_stacks
from support.learning import LABELS, draw_disks, fit_regressor, regressor_settings, to_dataset

BACKBONES = ("resnet34", "mobilenet_v2", "mobilenet_v3_small", "densenet121", "convnext_tiny")


def build(**settings):
    return build_regressor(regressor_settings(**settings)["architecture"])


def test_resnet34_is_the_papers_and_gray_levels_must_be_scaled():
    model = Regressor(Autoencoder(1), "resnet18", outputs=3)
    with pytest.raises(TypeError, match="not uint8: see stacks_to_input"):
        model(torch.zeros(1, 1, 32, 32, dtype=torch.uint8))
    backbone = Regressor(Autoencoder(1), "resnet34", outputs=3).backbone
    assert isinstance(backbone.fc, nn.Linear)
    assert (backbone.fc.in_features, backbone.fc.out_features) == (512, 3)
    # Of ResNet-34 with 1000 classes, less 511,461.
    assert sum(p.numel() for p in backbone.parameters()) == 21_286_211


@pytest.mark.parametrize("backbone", BACKBONES)
def test_our_pooling_is_torchvisions(backbone):
    torch.manual_seed(0)
    ours = make_backbone(backbone).eval()
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(backbone, weights=None).eval()
    images = torch.rand(2, 3, 64, 64)
    assert torch.allclose(ours(images), theirs(images), atol=1e-5)


def test_feature_images_may_be_normalized_as_those_of_imagenet():
    images, normalize = torch.rand(2, 3, 8, 8), build(input_normalization="imagenet").normalize
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in IMAGENET_MEAN_STD)
    assert torch.allclose(normalize(images), (images - mean) / deviation, atol=1e-5)
    assert normalize.scale.shape == (1, 3, 1, 1)
    assert torch.equal(build().normalize(images), images), "the paper's"


def test_averaged_predictions_do_not_change_when_the_picture_is_rotated():
    model, stacks = build(tta=True).eval(), torch.rand(2, 1, 32, 32)
    expected = model(stacks)
    for k in range(transforms.DIHEDRAL_ORDER):
        view = transforms.dihedral_transform(stacks, k)
        assert torch.allclose(model(view), expected, atol=1e-4)
    model.tta = False
    assert not torch.allclose(model(view), model(stacks), atol=1e-4)


def test_recurrent_regressor_sees_one_frame_after_the_other():
    architecture = regressor_settings(recurrent=True)["architecture"]
    architecture["encoder"] = {"model": "fixed", "frames": 4, "repeats": 1, "kind": "none"}
    torch.manual_seed(0)
    model, stacks = build_regressor(architecture).eval(), torch.rand(2, 4, 32, 32)
    assert model(stacks).shape == (2, 3) and model.backbone.conv1.in_channels == 1
    assert not torch.allclose(model(stacks), model(stacks.flip(1)), atol=1e-6)
    pretrained = make_backbone("resnet18").state_dict()
    model.load_pretrained(pretrained)
    expected = pretrained["conv1.weight"].sum(1, keepdim=True)
    assert torch.allclose(model.backbone.conv1.weight, expected)
    assert model.output_layer.out_features == 3


@pytest.mark.parametrize("name", OUTPUT_ACTIVATIONS)
def test_the_inverse_gives_percentages_back_and_bounds_are_kept(name):
    activation, labels = OUTPUT_ACTIVATIONS[name](3), torch.from_numpy(LABELS)
    activation.fit(labels)
    percentages = torch.tensor([55.0, 15.0, 30.0])
    restored = activation(activation.inverse(percentages)[None])[0]
    assert torch.allclose(restored, percentages, atol=1e-4)
    outputs = activation(10 * torch.randn(50, 3))
    if name in ("softmax", "sigmoid"):
        assert outputs.min() >= 0 and outputs.max() <= 100
    if name == "softmax":
        assert torch.allclose(outputs.sum(1), torch.full((50,), 100.0), atol=1e-3)
    if name == "standardized":
        one_above = labels.mean(0) + labels.std(0, correction=0)
        assert torch.allclose(activation(torch.ones(1, 3))[0], one_above)


@pytest.mark.parametrize("name", OUTPUT_ACTIVATIONS)
def test_every_regressor_starts_at_the_mean_label(name):
    model = fit_regressor(draw_disks(8), output_activation=name).model
    with torch.no_grad():
        first = model.output_activation(model.output_layer.bias[None])[0]
    assert first.tolist() == pytest.approx([40, 20, 40], abs=0.1)


@pytest.mark.parametrize("name", ["softmax", "sigmoid"])
def test_labels_of_0_and_100_do_not_become_infinite(name):
    labels, array = np.array([[0, 100, 0]] * 8, np.float32), draw_disks(8)
    result = fit_regressor(array, labels, output_activation=name, on_collapse="keep")
    assert np.isfinite(predict_stacks(result.model, to_dataset(array))).all()


def test_stacks_are_repeated_as_a_whole_and_have_eight_views():
    stacks = torch.from_numpy(draw_disks(2))
    batch = transforms.stacks_to_input(stacks, 9)
    assert batch.shape == (2, 9, 32, 32) and batch.dtype == torch.float32
    assert all(torch.equal(batch[:, 0], batch[:, k]) for k in range(9))
    assert torch.equal(batch[:, :1], stacks / 255)
    three = torch.arange(2 * 3 * 16, dtype=torch.uint8).view(2, 3, 4, 4)
    expected = transforms.to_unit_range(three).repeat(1, 2, 1, 1)
    assert torch.equal(transforms.stacks_to_input(three, 2), expected)
    image = torch.arange(9.0).view(1, 1, 3, 3)
    views = {
        tuple(transforms.dihedral_transform(image, k).flatten().tolist())
        for k in range(transforms.DIHEDRAL_ORDER)
    }
    assert len(views) == 8 and all(image[0, 0, 1, 1] == view[4] for view in views)
