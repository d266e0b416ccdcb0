"""How the arithmetic is done: chosen by what is here, recorded, and of little consequence."""

import platform
import shutil
import subprocess
import sys

import pytest
import torch

from motilens.compute.device import COMPUTE_DEFAULTS, keep_freed_memory, setup_compute
from motilens.core.errors import InputError
from motilens.models.autoencoders import Autoencoder
from motilens.training import autoencoder, regressor
from motilens.training.stack_dataset import stacks_from_array
from support import learning
from support.configs import SCHEMA
from support.planning import SCRIPTS

KINDS = ("autoencoder", "regressor")


@pytest.fixture(autouse=True)
def restore_defaults():
    yield
    setup_compute({"device": "cpu"})


def setup_cpu(**settings):
    return setup_compute({"device": "cpu"} | settings)


def test_defaults_are_those_of_the_schema():
    keys = SCHEMA["properties"]["compute"]["properties"]
    assert {name: key["default"] for name, key in keys.items()} == COMPUTE_DEFAULTS


def test_device_precision_threads_and_determinism_are_as_the_settings_say():
    other = "mps" if torch.cuda.is_available() else "cuda"
    with pytest.raises(InputError, match=f"compute.device: {other}, but PyTorch .* finds none"):
        setup_compute({"device": other})
    assert setup_cpu().device.type == "cpu" and setup_cpu().precision == torch.float32
    assert setup_cpu(precision="bfloat16").precision == torch.bfloat16
    assert setup_cpu(threads=2).describe()["threads"] == torch.get_num_threads() == 2
    one = setup_compute({"device": "cpu", "threads": 2}, threads=1)
    assert one.describe()["threads"] == torch.get_num_threads() == 1
    setup_cpu(deterministic=True)
    assert torch.are_deterministic_algorithms_enabled() and not torch.backends.cudnn.benchmark
    setup_cpu()
    assert not torch.are_deterministic_algorithms_enabled() and torch.backends.cudnn.benchmark


def test_channels_last_is_used_where_it_is_faster_or_asked_for():
    def is_channels_last(preference, **settings):
        model = setup_cpu(**settings).to_device(Autoencoder(9), preference)
        return model.encoder[1].weight.is_contiguous(memory_format=torch.channels_last)

    faster, slower = autoencoder.CHANNELS_LAST, regressor.CHANNELS_LAST
    assert is_channels_last(faster) and not is_channels_last(slower)
    assert is_channels_last(slower, channels_last=True)
    assert not is_channels_last(faster, channels_last=False)


def train(kind, **settings):
    """Autoencoder or regressor after a few steps: its history and its outputs."""
    compute = setup_cpu(**settings)
    stacks = stacks_from_array(learning.draw_disks(8), compute)
    if kind == "autoencoder":
        result = autoencoder.train_autoencoder(
            stacks, learning.AUTOENCODER | {"epochs": 3}, 0, compute
        )
        return result.history, autoencoder.encode_stacks(result.model, stacks)
    settings = learning.regressor_settings(epochs=2, learning_rate=1e-4)
    arguments = stacks, learning.LABELS, learning.untrained_autoencoder(), settings, 0, compute
    result = regressor.train_regressor(*arguments)
    return result.history, regressor.predict_stacks(result.model, stacks)


@pytest.fixture(scope="module")
def with_defaults():
    return {kind: train(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("settings, bound", [
    ({"deterministic": True}, 0), ({"data_location": "disk"}, 0), ({"checkpoint_minutes": 1}, 0),
    ({"tf32": False}, 0), ({"channels_last": True}, 0.02), ({"channels_last": False}, 0.02),
    ({"fast_layers": ["pool_first"]}, 0),
    ({"fast_layers": ["matrix_upsampling", "padded_channels"]}, 0.02),
    pytest.param({"threads": 2}, 0.02, marks=pytest.mark.slow),
], ids=str)  # fmt: skip
def test_settings_change_results_by_rounding_alone(with_defaults, kind, settings, bound):
    assert_alike(train(kind, **settings), with_defaults[kind], bound)


def assert_alike(result, with_defaults, bound):
    """Relative to the spread of the outputs; with a bound of 0, to the bit."""
    (history, outputs), (expected_history, expected) = result, with_defaults
    difference = abs(outputs - expected).max() / expected.std()
    assert difference <= bound, f"{difference:.3g}"
    for row, other in zip(history, expected_history, strict=True):
        assert row["loss"] == pytest.approx(other["loss"], rel=max(bound, 1e-12))


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("c++"), reason="torch.compile needs a C++ compiler")
def test_compiled_training_changes_results_by_rounding_alone(with_defaults):
    """One kind is enough: compiling takes the most time of all, and both go through one trainer."""
    assert_alike(train("autoencoder", compile=True), with_defaults["autoencoder"], 0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_learns_as_well(with_defaults, kind):
    """Weights differ, and losses are as low."""
    losses = [row["loss"] for row in train(kind, precision="bfloat16")[0]]
    expected = [row["loss"] for row in with_defaults[kind][0]]
    assert losses != expected and losses == pytest.approx(expected, rel=0.05)


@pytest.mark.slow
def test_freed_memory_is_kept_where_there_is_glibc():
    if platform.libc_ver()[0] != "glibc":
        assert not keep_freed_memory()
        return
    program = (
        "import sys, resource, torch\n"
        "from motilens.compute.device import keep_freed_memory\n"
        "assert sys.argv[1] != 'kept' or keep_freed_memory()\n"
        "for _ in range(40): torch.zeros(8 << 20)\n"  # 32 MB each time
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)"
    )
    kept, returned = (
        int(subprocess.check_output([sys.executable, "-c", program, case], cwd=SCRIPTS))
        for case in ("kept", "returned")
    )
    assert kept < returned - 20 * 8192  # pages of 4 kB
