"""The paper's autoencoder has its layers, and the variants and losses do what they say."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from motilens.models.autoencoders import AUTOENCODERS, Autoencoder
from motilens.models.layers import GradientReversal
from motilens.models.losses import LOSS_TERMS, SSIM_STRIDE, SSIM_WINDOW, ReconstructionLoss
from motilens.training.autoencoder import reconstruct_stacks
from support.errors import assert_refused
from support.learning import draw_disks, fit_autoencoder, to_dataset

WEIGHTS = {"variational": {"kl": 1e-2}, "adversarial": {"adversarial": 1e-2}}


@pytest.mark.parametrize("channels, count", [(1, 7_059), (9, 8_211), (18, 9_507)])
@pytest.mark.parametrize("variant", AUTOENCODERS)
def test_encoder_has_the_published_number_of_parameters_and_outputs(channels, count, variant):
    model = AUTOENCODERS[variant](channels, 1, variant).eval()
    parameters = sum(p.numel() for p in model.encoder.parameters())
    assert parameters == count or variant == "recurrent"
    stacks = torch.rand(2, channels, 256, 256)
    features = model.encoder(stacks)
    assert features.shape == (2, 3, 256, 256)
    assert model.decoder(features).shape == stacks.shape == model(stacks).shape


def test_paper_variant_is_the_published_sequence_of_layers():
    model = Autoencoder(18, variant="paper")
    layers = [(type(m).__name__, getattr(m, "kernel_size", None)) for m in model.encoder]
    down = [("Conv2d", (3, 3)), ("ReLU", None), ("MaxPool2d", 2)]
    assert layers == 2 * down + 2 * [("ConvTranspose2d", (2, 2)), ("ReLU", None)]
    decoder = [m for m in model.decoder if hasattr(m, "in_channels")]
    channels = [(m.in_channels, m.out_channels) for m in decoder]
    assert channels == [(3, 16), (16, 32), (32, 16), (16, 18)]
    assert (Autoencoder(1, variant="paper")(torch.randn(1, 1, 32, 32)) >= 0).all()


def test_standardized_model_sees_mean_0_and_deviation_1():
    stacks = torch.rand(4, 1, 32, 32) * 0.1 + 0.4
    model = Autoencoder(1, variant="standardized")
    model.set_input_statistics(stacks.mean().item(), stacks.std(correction=0).item())
    seen = model.encoder[0](stacks)
    assert seen.mean().item() == pytest.approx(0, abs=1e-4)
    assert seen.std().item() == pytest.approx(1, rel=1e-2)


def moving_disks(count=16):
    """Disks that move to the right, on backgrounds of different brightness."""
    stacks = draw_disks(count).astype(int)
    offset = np.arange(count).reshape(-1, 1, 1, 1)
    frames = [np.roll(stacks, 2 * t, -1) + offset for t in range(3)]
    return np.concatenate(frames, 1).astype(np.uint8)


def train(variant, **loss):
    weights = {"mse": 1} | WEIGHTS.get(variant, {}) | loss
    return fit_autoencoder(moving_disks(), frames=3, variant=variant, loss=weights)


@pytest.mark.parametrize("variant", sorted(AUTOENCODERS.keys() - {"paper"}))
def test_each_variant_learns_to_reconstruct(variant):
    result = train(variant)
    assert result.diagnostics["failure"] is None and result.failed_attempts == []
    assert result.diagnostics["loss"] < 0.8 * result.diagnostics["loss_of_mean"]


def test_variational_model_draws_samples_in_training_and_its_kl_divergence_limits_information():
    torch.manual_seed(0)
    model, stacks = AUTOENCODERS["variational"](3), torch.rand(2, 3, 32, 32)
    (first, mean, _), (second, same_mean, _) = model(stacks), model(stacks)
    assert not torch.equal(first, second) and torch.equal(mean, same_mean)
    model.eval()
    assert torch.equal(model(stacks), model.decoder(model.encoder(stacks)))
    assert torch.equal(model.encoder(stacks), mean)
    criterion = ReconstructionLoss({"mse": 0.5, "kl": 2.0}, frames=3, mean=0.5)
    model, stacks = AUTOENCODERS["variational"](3), torch.rand(2, 3, 32, 32)
    mean, log_variance = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 32, 32)
    given = torch.distributions.Normal(mean, (log_variance / 2).exp())
    standard = torch.distributions.Normal(0.0, 1.0)
    expected = torch.distributions.kl_divergence(given, standard).mean()
    loss = model.loss((stacks, mean, log_variance), stacks, criterion)
    assert loss.item() == pytest.approx(2 * expected.item(), rel=1e-4)
    low, high = (train("variational", kl=weight).diagnostics for weight in (1e-3, 10))
    assert max(high["feature_spread"]) < 0.1 < max(low["feature_spread"])


def test_discriminator_and_autoencoder_have_gradients_of_opposite_sign():
    torch.manual_seed(0)
    model, stacks = AUTOENCODERS["adversarial"](3), torch.rand(4, 3, 32, 32)
    criterion = ReconstructionLoss({"adversarial": 1.0, "mse": 1e-12}, frames=3, mean=0.5)
    last = model.discriminator[-1].weight
    output = model(stacks).detach().requires_grad_()
    model.loss(output, stacks, criterion).backward()
    discriminator_gradient = last.grad.clone()
    model.discriminator.zero_grad()
    fake, softplus = output.detach().requires_grad_(), nn.functional.softplus
    real_error = softplus(-model.discriminator(stacks)).mean()
    (real_error + softplus(model.discriminator(fake)).mean()).backward()
    assert torch.allclose(last.grad, discriminator_gradient)
    assert torch.allclose(-fake.grad, output.grad, atol=1e-9) and output.grad.abs().max() > 0
    assert torch.equal(GradientReversal.apply(stacks), stacks)


def test_recurrent_encoder_depends_on_the_order_and_takes_any_number_of_frames():
    torch.manual_seed(0)
    model, stacks = AUTOENCODERS["recurrent"](3), torch.rand(2, 3, 32, 32)
    assert not torch.allclose(model.encoder(stacks), model.encoder(stacks.flip(1)), atol=1e-4)
    longer = AUTOENCODERS["recurrent"](18)
    longer.encoder.load_state_dict(model.encoder.state_dict())
    assert longer.encoder(torch.rand(2, 18, 32, 32)).shape == (2, 3, 32, 32)


def test_model_that_reconstructs_movement_alone_leaves_out_what_stands_still():
    frames = moving_disks() / 255

    def errors(result):
        output = reconstruct_stacks(result.model, to_dataset(moving_disks()))
        change = (np.diff(output, axis=1) - np.diff(frames, axis=1)) ** 2
        return change.mean(), ((output - frames) ** 2).mean()

    movement = errors(train("standardized", mse=0, frame_difference=1))
    gray_levels = errors(train("standardized"))
    assert movement[0] < gray_levels[0] and movement[1] > gray_levels[1]


@pytest.mark.parametrize("name", LOSS_TERMS)
def test_each_term_is_1_for_the_mean_gray_level_and_0_for_the_stack(name):
    criterion = ReconstructionLoss({name: 3.0}, frames=3, mean=0.4)
    stacks = torch.rand(6, 3, 32, 32) * 0.2 + 0.3
    criterion.normalize_to_constant_baseline(stacks.split(4))
    assert criterion.constant_baseline(stacks).item() == pytest.approx(3, rel=1e-4)
    assert criterion(torch.full_like(stacks, 0.4), stacks).item() == pytest.approx(3, rel=1e-4)
    assert criterion(stacks, stacks).item() == pytest.approx(0, abs=1e-4)
    assert criterion(stacks.roll(1, -1), stacks).item() > 0.5


def test_terms_overlook_what_they_do_not_measure():
    criteria = {name: ReconstructionLoss({name: 1.0}, frames=3, mean=0.5) for name in LOSS_TERMS}
    stacks = torch.rand(2, 3, 32, 32)
    same_error = torch.rand(2, 1, 32, 32)  # in each frame
    movement = criteria["frame_difference"]
    assert movement(stacks + same_error, stacks).item() == pytest.approx(0, abs=1e-6)
    edges = criteria["gradient_difference"]
    assert edges(stacks + 0.2, stacks).item() == pytest.approx(0, abs=1e-6)
    assert criteria["mse"](stacks + 0.2, stacks).item() == pytest.approx(0.04)
    repeated = stacks.repeat(1, 2, 1, 1)  # as I2: no difference between two repetitions
    shifted = repeated + torch.cat([torch.zeros(3), torch.ones(3)]).view(1, 6, 1, 1)
    assert movement(shifted, repeated).item() == pytest.approx(0, abs=1e-6)
    message = r"loss\.frame_difference: nothing differs in stacks of 1 frame"
    assert_refused(message, fit_autoencoder, draw_disks(8), loss={"frame_difference": 1})


def test_a_loss_that_is_negative_for_the_mean_gray_level_is_refused(monkeypatch):
    monkeypatch.setitem(LOSS_TERMS, "own", lambda a, b: (a - b).square().mean().log10())
    loss = ReconstructionLoss({"own": 1}, 1, 0.5)
    message = r"loss\.own: is negative \(-[\d.]+\) for the mean gray level"
    assert_refused(message, loss.normalize_to_constant_baseline, [torch.rand(4, 1, 8, 8)])


def test_ssim_is_that_of_its_definition():
    a, b = np.random.default_rng(0).random((2, 20, 20))
    similarities = []
    for y, x in product(range(0, 20 - SSIM_WINDOW + 1, SSIM_STRIDE), repeat=2):
        p, q = (image[y : y + SSIM_WINDOW, x : x + SSIM_WINDOW] for image in (a, b))
        means = 2 * p.mean() * q.mean(), p.mean() ** 2 + q.mean() ** 2
        spreads = 2 * np.cov(p.ravel(), q.ravel(), ddof=0)[0, 1], p.var() + q.var()
        ratios = [(n + c**2) / (d + c**2) for (n, d), c in ((means, 0.01), (spreads, 0.03))]
        similarities.append(np.prod(ratios))
    images = (torch.tensor(image, dtype=torch.float32).view(1, 1, 20, 20) for image in (a, b))
    expected = 1 - np.mean(similarities)
    assert LOSS_TERMS["ssim"](*images).item() == pytest.approx(expected, abs=1e-4)
