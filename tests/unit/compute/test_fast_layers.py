"""Fast layers are the same network: outputs and gradients, parameters, checkpoints."""

import pytest
import torch
from torch import nn

from motilens.compute.device import setup_compute
from motilens.compute.fast_layers import REWRITES, MatrixUpsampling, PaddedConv2d, to_fast
from motilens.models.autoencoders import AUTOENCODERS
from motilens.models.losses import ReconstructionLoss
from motilens.models.regressor import build_regressor
from motilens.training.autoencoder import train_autoencoder
from motilens.training.checkpoint import CheckpointManager
from motilens.training.stack_dataset import stacks_from_array
from support.learning import AUTOENCODER, draw_disks, get_weights, regressor_settings

ON_ANY_DEVICE = [name for name in REWRITES if name != "fused"]  # test_fused_conv.py has that one


def compute_step(network, model, x):
    """Return outputs and all gradients of a step, x's included."""
    model.zero_grad()
    torch.manual_seed(0)  # of variational draws
    x = x.clone().requires_grad_()
    criterion = ReconstructionLoss({"mse": 1, "kl": 0.1, "adversarial": 0.1}, x.shape[1], 0.5)
    output = network(x)
    if hasattr(network, "loss"):
        network.loss(output, x, criterion).backward()
    else:
        output.square().mean().backward()
    first = output[0] if isinstance(output, tuple) else output
    gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    return [first.detach(), x.grad, *gradients]


def assert_equal_steps(network, model, x, to_the_bit=False):
    for value, expected in zip(
        compute_step(network, model, x), compute_step(model, model, x), strict=True
    ):
        if to_the_bit:
            assert torch.equal(value, expected)
        else:
            assert (value - expected).abs().max() <= 1e-12 * expected.abs().max()


@pytest.mark.parametrize("names", [*([name] for name in ON_ANY_DEVICE), ON_ANY_DEVICE], ids=str)
@pytest.mark.parametrize("variant", AUTOENCODERS)
@pytest.mark.parametrize("frames", [1, 3, 9, 18])
def test_autoencoders_have_equal_outputs_and_gradients(variant, frames, names, monkeypatch):
    # Variational draws fill memory in its order, which is another in channels_last.
    monkeypatch.setattr(torch, "randn_like", lambda x: torch.randn(x.shape, dtype=x.dtype))
    torch.manual_seed(frames)
    model = AUTOENCODERS[variant](frames, 1, variant).double()
    x = torch.rand(2, frames, 12, 20, dtype=torch.float64)
    assert_equal_steps(to_fast(model, names), model, x, to_the_bit=names == ["pool_first"])


@pytest.mark.parametrize("backbone", [
    "resnet18", "alexnet", pytest.param("densenet121", marks=pytest.mark.slow),
])  # fmt: skip
def test_regressors_have_equal_outputs_and_gradients(backbone):
    torch.manual_seed(0)
    settings = regressor_settings(backbone=backbone, fine_tune_encoder=True)
    model = build_regressor(settings["architecture"]).double().train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    x = torch.rand(2, 1, 64, 64, dtype=torch.float64)
    network = to_fast(model, ON_ANY_DEVICE)
    for value, expected in zip(
        compute_step(network, model, x), compute_step(model, model, x), strict=True
    ):
        assert torch.allclose(value, expected, rtol=1e-7, atol=1e-12)


def test_pooling_first_sends_each_gradient_to_the_same_pixel_in_bfloat16_too():
    """Equal values, values that are not positive, infinite ones and NaN included."""
    layers = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.MaxPool2d(2))
    nn.init.ones_(layers[0].weight)
    nn.init.zeros_(layers[0].bias)
    levels = torch.tensor([-2.0, -0.0, 0.0, 1.0, 1.001, float("inf")])
    torch.manual_seed(0)
    x = levels[torch.randint(len(levels), (8, 1, 32, 32))]
    x[0, 0, 3, 5] = float("nan")
    weights, results = torch.rand(8, 1, 16, 16), []
    for network in (layers, to_fast(layers, ["pool_first"])):
        given = x.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            output = network(given)
        output.backward(weights.to(output.dtype))
        results.append((output, given.grad))
    assert output.dtype == torch.bfloat16 and output.isnan().sum() == 1
    for value, expected in zip(*results, strict=True):
        assert torch.equal(value.nan_to_num(7), expected.nan_to_num(7))


def test_the_fast_form_shares_every_tensor_and_leaves_the_plain_one_alone():
    model = AUTOENCODERS["standardized"](9)
    names = [type(module).__name__ for module in model.modules()]
    fast = to_fast(model, ON_ANY_DEVICE)
    for kind in ("parameters", "buffers"):
        shared = {id(tensor) for tensor in getattr(fast, kind)()}
        assert shared == {id(tensor) for tensor in getattr(model, kind)()}
    assert [type(module).__name__ for module in model.modules()] == names
    kinds = [type(module) for module in fast.modules()]
    assert kinds.count(MatrixUpsampling) == 4 and kinds.count(PaddedConv2d) == 2
    pools = [i for i, module in enumerate(fast.encoder) if isinstance(module, nn.MaxPool2d)]
    assert all(isinstance(fast.encoder[i + 1], nn.ReLU) for i in pools) and len(pools) == 2
    model.set_input_statistics(0.3, 0.2)
    assert fast.encoder[0].scale == model.encoder[0].scale == pytest.approx(5)


def test_layers_of_another_kind_stay_as_they_are():
    model = nn.Sequential(
        nn.ConvTranspose2d(3, 8, 3, stride=2), nn.ConvTranspose2d(8, 8, 2, stride=2, groups=2),
        nn.Conv2d(3, 3, 3, groups=3), nn.Conv2d(9, 8, 3, padding=1, padding_mode="reflect"),
        nn.MaxPool2d(2), nn.ReLU(), nn.AvgPool2d(2),
    )  # fmt: skip
    fast = to_fast(model, ON_ANY_DEVICE)
    assert [type(module) for module in fast] == [type(module) for module in model]


def fit(fast_layers, path=None, epochs=4, **changes):
    settings = {"device": "cpu", "fast_layers": fast_layers, "deterministic": True}
    compute = setup_compute(settings | changes)
    stacks = stacks_from_array(draw_disks(16, frames=3), compute)
    manager = CheckpointManager(path, {}, 0) if path else None  # at each step
    settings = AUTOENCODER | {"frames": 3, "epochs": epochs}
    result = train_autoencoder(stacks, settings, 0, compute, manager)
    setup_compute({"device": "cpu"})
    return result


@pytest.mark.parametrize("names", [["pool_first"], ON_ANY_DEVICE], ids=str)
def test_training_repeats_resumes_and_continues_as_the_plain_one_does(names, tmp_path):
    expected, plain = get_weights(fit(names)), get_weights(fit([]))
    assert torch.equal(get_weights(fit(names)), expected)
    assert torch.allclose(expected, plain, rtol=1e-2, atol=1e-3)
    assert torch.equal(expected, plain) == (names == ["pool_first"])

    class Interrupted(Exception):
        pass

    def save_and_stop(self, state):
        save(self, state)
        if state["step"] == 6:
            raise Interrupted

    path, save = tmp_path / "checkpoint.pt", CheckpointManager.save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CheckpointManager, "save", save_and_stop)
        with pytest.raises(Interrupted):
            fit(names, path)
    checkpoint = path.read_bytes()
    resumed = fit(names, path)
    assert resumed.run["resumed_at_steps"] == [6] and resumed.run["fast_layers"] == names
    assert torch.equal(get_weights(resumed), expected)
    path.write_bytes(checkpoint)
    continued = get_weights(fit([], path))  # the checkpoint is the plain network's
    assert torch.allclose(continued, plain, rtol=1e-2, atol=1e-3)


@pytest.mark.slow
def test_compiled_loss_is_equal_and_keeps_no_batch_as_float32(monkeypatch):
    """From gray levels to the first layer, and from the last layer to the loss, it is one pass."""
    from motilens.models.transforms import stacks_to_input

    torch.manual_seed(0)
    compute = setup_compute({"device": "cpu", "compile": True})
    model, criterion = AUTOENCODERS["standardized"](3), ReconstructionLoss({"mse": 1}, 3, 0.5)
    stacks = torch.randint(256, (4, 3, 32, 32), dtype=torch.uint8)

    def loss(network, batch):
        x = stacks_to_input(batch, 1)
        return network.loss(network(x), x, criterion)

    kept = {}

    def run(function, name, precision):
        model.zero_grad()
        sizes = kept[name] = []

        def note(tensor):
            if tensor.numel() == stacks.numel():
                sizes.append(tensor.dtype)
            return tensor

        with (
            torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
            torch.autocast("cpu", precision, enabled=precision != torch.float32),
        ):
            value = function(model, stacks)
        value.backward()
        return [value.detach(), *(p.grad.clone() for p in model.parameters())]

    compiled = compute.maybe_compile(loss)
    expected = run(loss, "plain", torch.float32)
    for value, other in zip(run(compiled, "compiled", torch.float32), expected, strict=True):
        assert torch.allclose(value, other, rtol=1e-4, atol=1e-6)
    run(loss, "plain", torch.bfloat16)
    run(compiled, "compiled", torch.bfloat16)
    assert torch.float32 in kept["plain"] and torch.float32 not in kept["compiled"]
