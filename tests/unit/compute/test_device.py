"""How the arithmetic is done: chosen by what is here, told, and of little consequence."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from learning import AUTOENCODER, LABELS, REGRESSOR, discs, encoder

from motilens.compute.device import COMPUTE_DEFAULTS, keep_freed_memory, setup_compute
from motilens.core.errors import InputError
from motilens.models.autoencoders import Autoencoder
from motilens.training.autoencoder import (
    AUTOENCODER_LAYOUT,
    autoencoder_architecture,
    encode_stacks,
    train_autoencoder,
)
from motilens.training.regressor import (
    REGRESSOR_LAYOUT,
    predict_stacks,
    regressor_architecture,
    train_regressor,
)
from motilens.training.stack_dataset import stacks_from_array

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def as_before():
    yield
    setup_compute({"device": "cpu"})


def test_defaults_are_the_schemas():
    schema = yaml.safe_load((ROOT / "config/schema.yaml").read_text(encoding="utf-8"))
    keys = schema["properties"]["performance"]["properties"]
    assert {name: key["default"] for name, key in keys.items()} == COMPUTE_DEFAULTS


def test_a_device_that_is_not_here_is_an_error():
    other = "mps" if torch.cuda.is_available() else "cuda"
    with pytest.raises(InputError, match=f"performance.device: {other}, but PyTorch .* finds none"):
        setup_compute({"device": other})
    assert setup_compute({"device": "cpu"}).device.type == "cpu"


def test_auto_takes_float32_on_the_cpu():
    assert setup_compute({"device": "cpu"}).precision == torch.float32
    assert setup_compute({"device": "cpu", "precision": "bfloat16"}).precision == torch.bfloat16


def test_threads_are_as_told():
    assert setup_compute({"device": "cpu", "threads": 2}).threads == torch.get_num_threads() == 2
    assert setup_compute({"device": "cpu"}, threads=1).threads == torch.get_num_threads() == 1


def test_determinism_is_switched_on_and_off():
    setup_compute({"device": "cpu", "deterministic": True})
    assert torch.are_deterministic_algorithms_enabled() and not torch.backends.cudnn.benchmark
    setup_compute({"device": "cpu"})
    assert not torch.are_deterministic_algorithms_enabled() and torch.backends.cudnn.benchmark


def test_channels_last_where_it_gains_or_is_told():
    def laid_out(kind, **told):
        placed = setup_compute({"device": "cpu"} | told).place(Autoencoder(9), kind)
        return placed.encoder[1].weight.is_contiguous(memory_format=torch.channels_last)

    assert laid_out(AUTOENCODER_LAYOUT) and not laid_out(REGRESSOR_LAYOUT)
    assert laid_out(REGRESSOR_LAYOUT, channels_last=True)
    assert not laid_out(AUTOENCODER_LAYOUT, channels_last=False)


def trained(kind, told):
    """Autoencoder or regressor after a few steps: its history and its outputs."""
    how = setup_compute({"device": "cpu"} | told)
    stacks = stacks_from_array(discs(8), how)
    if kind == "autoencoder":
        result = train_autoencoder(stacks, AUTOENCODER | {"epochs": 3}, 0, how)
        return result.history, encode_stacks(result.model, stacks)
    settings = REGRESSOR | {"epochs": 2, "learning_rate": 1e-4}
    known = autoencoder_architecture(AUTOENCODER)
    settings["architecture"] = regressor_architecture(settings, known)
    result = train_regressor(stacks, LABELS, encoder(), settings, 0, how)
    return result.history, predict_stacks(result.model, stacks)


@pytest.fixture(scope="module")
def plain():
    return {kind: trained(kind, {}) for kind in ("autoencoder", "regressor")}


@pytest.mark.parametrize("kind", ["autoencoder", "regressor"])
@pytest.mark.parametrize(
    "told, bound",
    [
        ({"deterministic": True}, 0),
        ({"data": "disk"}, 0),
        ({"save_minutes": 1}, 0),
        ({"tf32": False}, 0),
        ({"channels_last": True}, 0.02),
        ({"channels_last": False}, 0.02),
        ({"threads": 2}, 0.02),
        ({"compile": True}, 0.05),
    ],
    ids=str,
)
def test_what_it_changes_in_the_result_is_rounding(plain, kind, told, bound):
    """Relative to the spread of the outputs. Nothing is no difference at all."""
    if "compile" in told and not shutil.which("c++"):
        pytest.skip("no C++ compiler, which torch.compile needs")
    history, outputs = trained(kind, told)
    expected_history, expected = plain[kind]
    far = abs(outputs - expected).max() / expected.std()
    assert far <= bound, f"{far:.3g}"
    for row, other in zip(history, expected_history, strict=True):
        assert row["loss"] == pytest.approx(other["loss"], rel=max(bound, 1e-12))


def test_half_precision_learns_as_well(plain):
    """Weights go their own way, and come as far."""
    for kind in plain:
        history, _ = trained(kind, {"precision": "bfloat16"})
        losses, expected = ([row["loss"] for row in h] for h in (history, plain[kind][0]))
        assert losses != expected and losses == pytest.approx(expected, rel=0.05)


def test_freed_memory_is_kept_where_glibc_is():
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from motilens.performance import keep_memory\nimport platform, resource, torch\n"
        "if sys.argv[2] == 'kept' and not keep_memory(): print(0), sys.exit()\n"
        "for _ in range(40): torch.zeros(8 << 20)\n"  # 32 MB each time
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)"
    )
    if platform.libc_ver()[0] != "glibc":
        assert not keep_freed_memory()
        return
    faults = {}
    for way in ("kept", "given back"):
        command = [sys.executable, "-c", program, str(ROOT / "workflow/scripts"), way]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        faults[way] = int(done.stdout)
    assert 0 < faults["kept"] < faults["given back"] - 20 * 8192  # pages of 4 kB


def test_a_training_that_compiles_nothing_does_not_load_the_compiler():
    """And one that does, later in the same process, finds it."""
    code = """
import sys, torch
from motilens.compute.device import setup_compute
def train(compile):
    prepared = setup_compute({"device": "cpu", "compile": compile})
    model = prepared.compiled(torch.nn.Linear(2, 1))
    adam = prepared.adam(list(model.parameters()), 0.1, 0.0)
    model(torch.ones(3, 2)).sum().backward()
    adam.step()
train(False)
import torchvision
assert "torch._inductor" not in sys.modules and "sympy" not in sys.modules
train(True)
assert "torch._inductor" in sys.modules
"""
    env = os.environ | {"PYTHONPATH": str(ROOT / "workflow/scripts")}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)
