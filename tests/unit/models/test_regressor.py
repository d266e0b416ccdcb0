"""The networks have the paper's layers, and what is new in ours does what it says."""

import hashlib
import re
from urllib.error import URLError

import pytest
import torch
import torchvision
from torch import nn

from motilens.core.errors import InputError
from motilens.models.autoencoders import AUTOENCODERS, Autoencoder
from motilens.models.backbones import make_backbone
from motilens.models.pretrained_weights import (
    fetch_pretrained_weights,
    load_stored_weights,
    read_weights_file,
)
from motilens.models.regressor import Regressor


def parameters(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("channels, count", [(1, 7_059), (9, 8_211), (18, 9_507)])
@pytest.mark.parametrize("variant", sorted(AUTOENCODERS.keys() - {"recurrent"}))
def test_encoder_has_the_published_number_of_parameters(channels, count, variant):
    assert parameters(AUTOENCODERS[variant](channels, 1, variant).encoder) == count


@pytest.mark.parametrize("channels", [1, 9, 18])
@pytest.mark.parametrize("variant", AUTOENCODERS)
def test_feature_image_has_three_channels_and_the_frames_size(channels, variant):
    model = AUTOENCODERS[variant](channels, 1, variant).eval()
    stacks = torch.rand(2, channels, 256, 256)
    features = model.encoder(stacks)
    assert features.shape == (2, 3, 256, 256)
    assert model.decoder(features).shape == stacks.shape == model(stacks).shape


def test_paper_variant_is_the_published_sequence_of_layers():
    layers = [(type(m).__name__, getattr(m, "kernel_size", None)) for m in
              Autoencoder(18, variant="paper").encoder]  # fmt: skip
    assert layers == [
        ("Conv2d", (3, 3)), ("ReLU", None), ("MaxPool2d", 2),
        ("Conv2d", (3, 3)), ("ReLU", None), ("MaxPool2d", 2),
        ("ConvTranspose2d", (2, 2)), ("ReLU", None),
        ("ConvTranspose2d", (2, 2)), ("ReLU", None),
    ]  # fmt: skip
    decoder = [m for m in Autoencoder(18, variant="paper").decoder if hasattr(m, "in_channels")]
    assert [(m.in_channels, m.out_channels) for m in decoder] == [
        (3, 16), (16, 32), (32, 16), (16, 18)
    ]  # fmt: skip
    assert (Autoencoder(1, variant="paper")(torch.randn(1, 1, 32, 32)) >= 0).all()


def test_standardised_model_sees_mean_0_and_deviation_1():
    stacks = torch.rand(4, 1, 32, 32) * 0.1 + 0.4
    model = Autoencoder(1, variant="standardised")
    model.set_scale(stacks.mean().item(), stacks.std(correction=0).item())
    seen = model.encoder[0](stacks)
    assert seen.mean().item() == pytest.approx(0, abs=1e-4)
    assert seen.std().item() == pytest.approx(1, rel=1e-2)


def test_scale_is_kept_with_the_weights():
    model, copy = Autoencoder(1, variant="standardised"), Autoencoder(1, variant="standardised")
    model.set_scale(0.4, 0.05)
    copy.load_state_dict(model.state_dict())
    stacks = torch.rand(1, 1, 32, 32)
    assert torch.equal(model(stacks), copy(stacks))


@pytest.mark.parametrize("backbone", ["resnet34", "resnet18", "mobilenet_v3_small"])
def test_regressor_gives_three_values(backbone):
    network = Regressor(Autoencoder(9), backbone, outputs=3).eval()
    assert network(torch.rand(2, 9, 64, 64)).shape == (2, 3)


def test_grey_levels_that_are_not_scaled_are_refused():
    with pytest.raises(TypeError, match="models.to_input"):
        Regressor(Autoencoder(1), "resnet18", outputs=3)(
            torch.zeros(1, 1, 32, 32, dtype=torch.uint8)
        )


def test_resnet34_is_the_papers():
    network = Regressor(Autoencoder(1), "resnet34", outputs=3).backbone
    assert isinstance(network.fc, nn.Linear)
    assert (network.fc.in_features, network.fc.out_features) == (512, 3)
    assert parameters(network) == 21_286_211  # of ResNet-34 with 1000 classes less 511,461


@pytest.mark.parametrize("backbone", ["resnet34", "mobilenet_v2", "densenet121", "convnext_tiny"])
def test_our_pooling_is_torchvisions(backbone):
    torch.manual_seed(0)
    ours = make_backbone(backbone).eval()
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(backbone, weights=None).eval()
    images = torch.rand(2, 3, 64, 64)
    assert torch.allclose(ours(images), theirs(images), atol=1e-5)


def test_pretrained_weights_come_from_torchs_cache_and_are_used(tmp_path, monkeypatch):
    """A file of the same form in the cache stands for torchvision's own."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    name = torchvision.models.get_model_weights("resnet18")["IMAGENET1K_V1"].url.split("/")[-1]
    whole = torchvision.models.resnet18()
    torch.save(whole.state_dict(), tmp_path / "hub/checkpoints" / name)
    state = fetch_pretrained_weights("resnet18", "IMAGENET1K_V1")
    network = Regressor(Autoencoder(1), "resnet18", outputs=3)
    last = network.output.weight.clone()
    network.start_from(state)
    assert torch.equal(network.backbone.layer4[1].conv2.weight, whole.layer4[1].conv2.weight)
    assert torch.equal(network.output.weight, last) and last.shape == (3, 512)


@pytest.mark.parametrize("backbone", ["mnasnet1_0", "densenet121"])
def test_networks_whose_weights_are_special(backbone, tmp_path):
    """One asks for the metadata of its state dict, the other's files have names of older days."""
    torch.manual_seed(0)
    whole = torchvision.models.get_model(backbone)
    state = whole.state_dict()
    for name in list(state):
        old = re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", name)
        state[old] = state.pop(name)
    path = tmp_path / "mine.pth"
    torch.save(state, path)
    found = read_weights_file(backbone, path, hashlib.sha256(path.read_bytes()).hexdigest())
    torch.save(found, tmp_path / "kept.pt")
    network = Regressor(Autoencoder(1), backbone, outputs=3)
    network.start_from(load_stored_weights(tmp_path / "kept.pt"))
    first = next(whole.parameters())
    assert torch.equal(next(network.backbone.parameters()), first)


def test_weights_that_are_not_finite_or_were_damaged_are_refused(weights_file, tmp_path):
    state = torch.load(weights_file[0])
    state["conv1.weight"][0] = float("nan")
    torch.save(state, tmp_path / "nan.pth")
    digest = hashlib.sha256((tmp_path / "nan.pth").read_bytes()).hexdigest()
    with pytest.raises(InputError, match="not all of them are finite"):
        read_weights_file("resnet18", tmp_path / "nan.pth", digest)
    with open(weights_file[0], "r+b") as file:
        file.truncate(5000)
    with pytest.raises(InputError, match="mine.pth cannot be read .*delete it"):
        load_stored_weights(weights_file[0])


def test_weights_of_another_network_in_the_cache_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    name = torchvision.models.get_model_weights("resnet34")["IMAGENET1K_V1"].url.split("/")[-1]
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / "hub/checkpoints" / name)
    with pytest.raises(InputError, match=rf"{name} cannot be used .*Missing key"):
        fetch_pretrained_weights("resnet34", "IMAGENET1K_V1")


def test_a_damaged_file_in_the_cache_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    name = torchvision.models.get_model_weights("resnet18")["IMAGENET1K_V1"].url.split("/")[-1]
    (tmp_path / "hub/checkpoints" / name).write_bytes(b"half a file")
    with pytest.raises(InputError, match=rf"checkpoints/{name} cannot be used .*delete it"):
        fetch_pretrained_weights("resnet18", "IMAGENET1K_V1")


@pytest.fixture
def weights_file(tmp_path):
    path = tmp_path / "mine.pth"
    torch.save(torchvision.models.resnet18().state_dict(), path)
    return str(path), hashlib.sha256(path.read_bytes()).hexdigest()


def test_weights_come_from_a_file_with_its_checksum(weights_file):
    path, digest = weights_file
    state = read_weights_file("resnet18", path, digest.upper())
    assert torch.equal(state["fc.weight"], torch.load(path)["fc.weight"])
    with pytest.raises(InputError, match=f"mine.pth has the SHA-256 {digest}, not {'0' * 64}"):
        read_weights_file("resnet18", path, "0" * 64)
    with pytest.raises(InputError, match="does not hold the weights of torchvision's resnet34"):
        read_weights_file("resnet34", path, digest)
    with pytest.raises(InputError, match="other.pth cannot be read"):
        read_weights_file("resnet18", path.replace("mine", "other"), digest)


def test_a_file_that_holds_no_weights_is_named(tmp_path):
    for content in (b"", b"no weights", b"PK\x03\x04"):
        path = tmp_path / "mine.pth"
        path.write_bytes(content)
        with pytest.raises(InputError, match="mine.pth does not hold the weights"):
            read_weights_file("resnet18", str(path), hashlib.sha256(content).hexdigest())


def test_missing_network_says_what_to_download_and_where_to_put_it(tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    told = rf"Download \S+resnet34\S+\.pth .* put it into {tmp_path}/hub/checkpoints"
    with pytest.raises(InputError, match=told):
        fetch_pretrained_weights("resnet34", "IMAGENET1K_V1")
