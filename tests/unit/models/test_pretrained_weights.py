"""Pretrained weights: from torch's cache or a file of the user's, checked before they are used."""

import hashlib
import os
import re
from urllib.error import URLError

import pytest
import torch
import torchvision

from motilens.models.autoencoders import Autoencoder
from motilens.models.pretrained_weights import (
    fetch_pretrained_weights,
    load_stored_weights,
    read_weights_file,
)
from motilens.models.regressor import Regressor
from support.errors import assert_refused


@pytest.fixture
def weights_file(tmp_path):
    path = tmp_path / "mine.pth"
    torch.save(torchvision.models.resnet18().state_dict(), path)
    return path, sha256(path)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Torch's folder of downloaded weights, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub/checkpoints"
    folder.mkdir(parents=True)
    return folder


def cached_name(backbone):
    return torchvision.models.get_model_weights(backbone)["IMAGENET1K_V1"].url.split("/")[-1]


def test_pretrained_weights_come_from_torchs_cache_and_are_used(cache):
    """A file of the same form in the cache stands for torchvision's own."""
    pretrained = torchvision.models.resnet18()
    torch.save(pretrained.state_dict(), cache / cached_name("resnet18"))
    model = Regressor(Autoencoder(1), "resnet18", outputs=3)
    last = model.output_layer.weight.clone()
    model.load_pretrained(fetch_pretrained_weights("resnet18", "IMAGENET1K_V1"))
    expected = pretrained.layer4[1].conv2.weight
    assert torch.equal(model.backbone.layer4[1].conv2.weight, expected)
    assert torch.equal(model.output_layer.weight, last) and last.shape == (3, 512)


@pytest.mark.parametrize("backbone", ["mnasnet1_0", "densenet121"])
def test_metadata_and_old_names_of_weights_are_understood(backbone, tmp_path):
    """mnasnet asks for the metadata of its state dict; files of densenet have older names."""
    pretrained = torchvision.models.get_model(backbone)
    state = pretrained.state_dict()
    for name in list(state):
        old_name = re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", name)
        state[old_name] = state.pop(name)
    path = tmp_path / "mine.pth"
    torch.save(state, path)
    torch.save(read_weights_file(backbone, path, sha256(path)), tmp_path / "stored.pt")
    model = Regressor(Autoencoder(1), backbone, outputs=3)
    model.load_pretrained(load_stored_weights(tmp_path / "stored.pt"))
    first = next(pretrained.parameters())
    assert torch.equal(next(model.backbone.parameters()), first)


def test_weights_that_are_not_finite_or_damaged_are_refused(weights_file):
    path, _ = weights_file
    state = torch.load(path)
    state["conv1.weight"][0] = float("nan")
    torch.save(state, path)
    assert_refused("not all of them are finite", read_weights_file, "resnet18", path, sha256(path))
    os.truncate(path, 5000)
    assert_refused("mine.pth cannot be read .*delete it", load_stored_weights, path)


def test_unusable_file_in_the_cache_is_named(cache):
    """It holds another network, or is damaged."""
    path = cache / cached_name("resnet34")
    message = f"checkpoints/{path.name} cannot be used .*"
    torch.save(torchvision.models.resnet18().state_dict(), path)
    assert_refused(message + "Missing key", fetch_pretrained_weights, "resnet34", "IMAGENET1K_V1")
    path.write_bytes(b"half")
    assert_refused(message + "delete it", fetch_pretrained_weights, "resnet34", "IMAGENET1K_V1")


def test_weights_come_from_a_file_with_its_checksum(weights_file):
    path, digest = weights_file
    state = read_weights_file("resnet18", path, digest.upper())
    assert torch.equal(state["fc.weight"], torch.load(path)["fc.weight"])
    for message, *arguments in (
        (f"mine.pth has the SHA-256 {digest}, not {'0' * 64}", "resnet18", path, "0" * 64),
        ("does not hold the weights of torchvision's resnet34", "resnet34", path, digest),
        ("other.pth cannot be read", "resnet18", path.with_name("other.pth"), digest),
    ):
        assert_refused(message, read_weights_file, *arguments)


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04"])
def test_file_that_holds_no_weights_is_named(tmp_path, content):
    path = tmp_path / "mine.pth"
    path.write_bytes(content)
    message = "mine.pth does not hold the weights"
    assert_refused(message, read_weights_file, "resnet18", path, sha256(path))


def test_missing_network_says_what_to_download_and_where_to_put_it(cache, monkeypatch):
    def offline(*args, **kwargs):
        raise URLError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    message = rf"Download \S+resnet34\S+\.pth .* put it into {cache}"
    assert_refused(message, fetch_pretrained_weights, "resnet34", "IMAGENET1K_V1")
