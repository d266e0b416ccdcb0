"""Methods of plugins are trained like ours; what they return wrongly is named at its first use."""

import pandas as pd
import pytest
import torch

from motilens.compute.device import ChannelsLastPreference, setup_compute
from motilens.core.errors import InputError
from motilens.core.files import hash_file
from motilens.core.plugins import load_plugins
from motilens.inference.bundle import load_bundle, write_bundle
from motilens.models.fixed_encoders import FixedEncoder
from motilens.motility.baselines import predict_baseline
from motilens.training.regressor import fit_encoder, predict_stacks
from support.documented_plugins import FILES, write_plugins
from support.errors import assert_refused
from support.learning import LABELS, draw_disks, fit_autoencoder, fit_regressor, to_dataset
from support.own_plugins import load_files
from support.tracks import straight_track

STACKS = draw_disks(8, frames=4)


@pytest.fixture(autouse=True)
def folder(tmp_path):
    yield tmp_path / "mine"
    load_plugins(tmp_path, [])  # forgets those of the test


@pytest.fixture
def documented(tmp_path):
    load_plugins(write_plugins(tmp_path), [name.partition("/")[2] for name in FILES])


def fit_network(backbone="conv3d", **changes):
    encoder = FixedEncoder(4, 1, "none")
    fit_encoder(encoder, to_dataset(STACKS))
    architecture = {"model": "fixed", "frames": 4, "repeats": 1, "kind": "none"}
    changes = {"backbone": backbone, "encoder_architecture": architecture} | changes
    return fit_regressor(STACKS, encoder=encoder, **changes)


def test_a_network_sees_stacks_and_starts_at_the_mean(documented):
    result = fit_network(tta=True, augmentation="dihedral")
    predicted = predict_stacks(result.model, to_dataset(STACKS))
    assert predicted.shape == (8, 3) and predicted.mean(0) == pytest.approx([40, 20, 40], abs=3)
    assert result.model.backbone[0].layers[0].weight.dim() == 5
    learned = fit_network(learning_rate=1e-2, epochs=40)
    error = abs(predict_stacks(learned.model, to_dataset(STACKS)) - LABELS).mean()
    assert error < abs(LABELS - LABELS.mean(0)).mean()


def test_weights_of_videos_have_no_layout_of_images(documented):
    model = fit_network().model
    compute = setup_compute({"device": "cpu", "channels_last": True})
    assert compute.to_device(model, ChannelsLastPreference(cpu=False, gpu=True)) is model


def test_an_autoencoder_and_a_loss_are_trained(documented):
    result = fit_autoencoder(STACKS, frames=4, variant="wide", loss={"mse": 0, "huber": 1})
    assert result.diagnostics["loss"] < result.diagnostics["loss_of_mean"]
    assert result.diagnostics["failure"] is None


def test_a_network_sees_feature_images_behind_an_encoder(folder):
    load_files(folder, a=NETWORK.format("return self.last(x.mean((2, 3)))"))
    model = fit_regressor(STACKS[:, :1], backbone="own", on_collapse="keep").model
    assert model.backbone[0].last.in_features == 3


def assert_blamed(kind, message, function, /, *arguments, **options):
    """The call ends with an error of the user's that names the file and the method."""
    with pytest.raises(InputError, match=message) as error:
        function(*arguments, **options)
    assert str(error.value).startswith("mine/a.py") and f"the {kind} own" in str(error.value)


NETWORK = """
import torch
@register("backbone", "own")
class Network(torch.nn.Module):
    def __init__(self, channels, outputs):
        super().__init__()
        self.last = torch.nn.Linear(channels, outputs)

    def forward(self, x):
        {}
"""


@pytest.mark.parametrize("body, message", [
    ("return self.last(x.mean((2, 3)))[:, :2]", r"returns the shape \(2, 2\): .* shape \(2, 3\)"),
    ("return self.last(x.mean((2, 3))).mean(0)", r"returns the shape \(3,\): an array of shape"),
    ("return self.last(x.mean((2, 3))), x", "returns a tuple: an array of shape"),
    ("pass", "returns a NoneType: an array of shape"),
    ("return self.last(x.mean((2, 3))) / 0", r"are no finite"),
    ("y = self.last(x.mean((2, 3))); return (y, y) if self.training else y",
     "in training returns a tuple"),
    ("return self.last(x.mean((2, 3))).double()", "returns torch.float64: torch.float32 is"),
    ("return self.last(x.mean((2, 3))).detach()", "in training has no gradient"),
    ("return self.last(x)", "line 11: RuntimeError: .*mat1 and mat2 shapes"),
])  # fmt: skip
def test_networks_that_return_something_else_are_refused(folder, body, message):
    load_files(folder, a=NETWORK.format(body))
    assert_blamed("backbone", message, fit_network, "own")


AUTOENCODER = """
from torch import nn
from motilens.models.autoencoders import Autoencoder
from motilens.models.layers import Rescale
@register("autoencoder", "own")
class Own(Autoencoder):
    def __init__(self, frames, repeats, variant):
        super().__init__(frames, repeats, variant)
        {}
"""


@pytest.mark.parametrize("body, message", [
    ("self.encoder = nn.Sequential(Rescale(), nn.Conv2d(frames, 2, 1))",
     r"'s encoder returns the shape \(2, 2, 32, 32\): .* \(2, 3, 32, 32\)"),
    ("self.encoder = nn.Sequential(Rescale(), nn.Conv2d(frames, 3, 2, 2))",
     r"'s encoder returns the shape \(2, 3, 16, 16\)"),
    ("self.decoder = nn.Sequential(nn.Conv2d(3, 1, 1), Rescale())",
     r"'s decoder returns the shape \(2, 1, 32, 32\): .* \(2, 4, 32, 32\)"),
    ("self.encoder = nn.Conv2d(frames, 3, 1)", "TypeError: .*Conv2d"),
    ("self.encoder = nn.Sequential(Rescale(), nn.Conv2d(9, 3, 1))", "RuntimeError"),
    ("self.depth = self.wrong", "line 10: AttributeError"),
])  # fmt: skip
def test_autoencoders_that_do_not_fit_are_refused(folder, body, message):
    load_files(folder, a=AUTOENCODER.format(body))
    assert_blamed("autoencoder", message, fit_autoencoder, STACKS, frames=4, variant="own")


def test_a_loss_of_an_autoencoders_own_is_checked(folder):
    loss = (
        "pass\n\n    def loss(self, output, stacks, criterion):\n        return (output - stacks)"
    )
    load_files(folder, a=AUTOENCODER.format(loss))
    settings = {"frames": 4, "variant": "own"}
    assert_blamed("autoencoder", "'s loss returns the shape", fit_autoencoder, STACKS, **settings)


def test_an_autoencoder_must_be_one(folder):
    text = '@register("autoencoder", "own")\ndef make(frames, repeats, variant):\n    return [1]\n'
    load_files(folder, a=text)
    assert_blamed("autoencoder", "AttributeError", fit_autoencoder, STACKS, frames=4, variant="own")


@pytest.mark.parametrize("variant", ["standardized", "paper"])
@pytest.mark.parametrize("body, message", [
    ("return (a - b) ** 2", r"returns the shape \(\d, 4, 32, 32\): an array of shape \(\)"),
    ("return ((a > b).float()).mean()", "has no gradient"),
    ("return 1.0", "returns a float"), ("return (a - b).mean() / 0", "are no finite"),
    ("return c", "line 4: NameError"),
])  # fmt: skip
def test_losses_that_are_no_numbers_are_refused(folder, variant, body, message):
    load_files(folder, a=f'@register("loss", "own")\ndef loss(a, b):\n    {body}\n')
    settings = {"frames": 4, "variant": variant, "loss": {"mse": 1, "own": 1}}
    assert_blamed("loss", message, fit_autoencoder, STACKS, **settings)


@pytest.mark.parametrize("body, message", [
    ("return x[:, :2]", r"returns the shape \(8, 2, 32, 32\): .* \(8, 3, 32, 32\)"),
    ("return x[:, :3].double()", "returns torch.float64: torch.float32 is expected"),
    ("return x[:, :3].log()", "are no finite"),
    ("return x.wrong", "line 6: AttributeError"),
])  # fmt: skip
def test_encoders_that_make_no_feature_images_are_refused(folder, body, message):
    text = '@register("encoder", "own")\nclass Own(nn.Module):\n    def forward(self, x):\n'
    load_files(folder, a=f"from torch import nn\n{text}        {body}\n")
    encoder, black = FixedEncoder(4, 1, "own"), to_dataset(STACKS * (STACKS > 100))
    assert_blamed("encoder", message, fit_encoder, encoder, black)


@pytest.mark.parametrize("body, message", [
    ("return np.zeros((2, 3))", r"returns the shape \(2, 3\): an array of shape \(2, 2\)"),
    ("return np.array([['1', '2'], ['3', 'x']])", "are no finite numbers"),
    ("return np.array([[1, 2], [3, None]])", "are no finite numbers"),
    ("return np.zeros(2)", r"returns the shape \(2,\)"),
    ("return np.full((2, 2), np.nan)", "are no finite"),
    ("return pd.DataFrame(np.zeros((2, 2)))", "returns a DataFrame: an array"),
    ("return [[1, 2], [3, 4]]", "returns a list"),
    ("return held_out['7']", "line 6: KeyError: '7'"),
])  # fmt: skip
def test_baselines_that_predict_something_else_are_refused(folder, body, message):
    text = '@register("baseline", "own")\ndef own(labels, training, held_out, frame_rates, seed):\n'
    load_files(folder, a=f"import numpy as np\nimport pandas as pd\n{text}    {body}\n")
    tracks = {str(number): straight_track(1.0, 40, 0) for number in range(4)}
    sides = {k: tracks[k] for k in "01"}, {k: tracks[k] for k in "23"}
    labels = pd.DataFrame({"participant": [0, 1], "head": [1.0, 2], "tail": [3.0, 4]})
    rates = dict.fromkeys(tracks, 50.0)
    assert_blamed("baseline", message, predict_baseline, "own", labels, *sides, rates, {}, 0)


def test_a_bundle_needs_the_files_that_it_was_made_with(documented, tmp_path):
    plugins = tmp_path / "my_methods"
    model = fit_network().model
    encoder = {"model": "fixed", "frames": 4, "repeats": 1, "kind": "none"}
    architecture = {"model": "regressor", "encoder": encoder, "backbone": "conv3d", "outputs": 3}
    member = {"target": "motility", "fold": 1, "seed": 0, "architecture": architecture}
    rest = ("frames", "ranges", "training_clips", "held_out_errors", "doubts", "warnings")
    content = dict.fromkeys((*rest, "tracking", "card")) | {
        "members": [member | {"weights": model.state_dict()}],
        "targets": {"motility": ["progressive", "nonprogressive", "immotile"]},
        "plugins": {"video_network.py": hash_file(plugins / "video_network.py")},
    }
    path = tmp_path / "video.pt"
    write_bundle(path, content)
    load_plugins(plugins, [])
    assert_refused("code that is not in it, video_network.py: .* --plugins", load_bundle, path)
    [restored] = load_bundle(path, plugins).members
    x = torch.rand(2, 4, 32, 32)
    assert torch.equal(restored.model(x), model.eval()(x))
    (plugins / "video_network.py").write_text(FILES["my_methods/video_network.py"] + "\n")
    assert_refused("video_network.py is not the file that .*video.pt", load_bundle, path, plugins)
    without = tmp_path / "without.pt"
    write_bundle(without, content | {"plugins": {}})
    assert_refused("needs no code of plugins: leave", load_bundle, without, plugins)
    assert_refused("is missing, a file that", load_bundle, path, tmp_path)
