"""The autoencoders of the paper's future work, and what their reconstructions are judged by."""

import numpy as np
import pytest
import torch
from learning import AUTOENCODER, PLAIN, discs, examples

from motilens.core.errors import InputError
from motilens.models.autoencoders import AUTOENCODERS
from motilens.models.layers import GradientReversal
from motilens.models.losses import LOSS_TERMS, SSIM_STRIDE, SSIM_WINDOW, ReconstructionLoss
from motilens.training.autoencoder import reconstruct_stacks, train_autoencoder

WEIGHTS = {"variational": {"divergence": 1e-2}, "adversarial": {"adversarial": 1e-2}}


def settings(variant, **loss):
    weights = {"squared": 1} | WEIGHTS.get(variant, {}) | loss
    return AUTOENCODER | {"frames": 3, "variant": variant, "loss": weights}


def moving(count=16):
    """Discs that go to the right on grounds of different brightness."""
    stacks = discs(count, size=32).astype(int)
    offset = np.arange(count).reshape(-1, 1, 1, 1)
    return np.concatenate([np.roll(stacks, 2 * t, -1) + offset for t in range(3)], 1).astype(
        np.uint8
    )


def train(variant, **loss):
    return train_autoencoder(examples(moving()), settings(variant, **loss), 0, PLAIN)


@pytest.mark.parametrize("variant", sorted(AUTOENCODERS.keys() - {"paper"}))
def test_each_variant_learns_to_restore(variant):
    trained = train(variant)
    assert trained.health["problem"] is None and trained.starts == []
    assert trained.health["loss"] < 0.8 * trained.health["loss_of_mean"]


def test_a_variational_model_draws_in_training_only():
    torch.manual_seed(0)
    model, stacks = AUTOENCODERS["variational"](3), torch.rand(2, 3, 32, 32)
    (one, mean, _), (other, again, _) = model(stacks), model(stacks)
    assert not torch.equal(one, other) and torch.equal(mean, again)
    model.eval()
    assert torch.equal(model(stacks), model.decoder(model.encoder(stacks)))
    assert torch.equal(model.encoder(stacks), mean)


def test_divergence_is_that_of_normal_distributions():
    judge = ReconstructionLoss({"squared": 0.5, "divergence": 2.0}, frames=3, mean=0.5)
    model, stacks = AUTOENCODERS["variational"](3), torch.rand(2, 3, 32, 32)
    mean, log_variance = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 32, 32)
    normal, standard = torch.distributions.Normal, torch.distributions.Normal(0.0, 1.0)
    expected = torch.distributions.kl_divergence(
        normal(mean, (log_variance / 2).exp()), standard
    ).mean()
    loss = model.loss((stacks, mean, log_variance), stacks, judge)
    assert loss.item() == pytest.approx(2 * expected.item(), rel=1e-4)


def test_a_costly_divergence_leaves_features_that_say_little():
    free, bound = (train("variational", divergence=weight).health for weight in (1e-3, 10))
    assert max(bound["feature_spread"]) < 0.1 < max(free["feature_spread"])


def test_the_critic_learns_to_tell_and_the_autoencoder_to_fool_it():
    """Each sees the other's gradient with the other sign."""
    torch.manual_seed(0)
    model, stacks = AUTOENCODERS["adversarial"](3), torch.rand(4, 3, 32, 32)
    judge = ReconstructionLoss({"adversarial": 1.0, "squared": 1e-12}, frames=3, mean=0.5)
    restored = model(stacks).detach().requires_grad_()
    model.loss(restored, stacks, judge).backward()
    towards = restored.grad.clone()
    critic = model.critic[-1].weight.grad.clone()
    model.critic.zero_grad()
    plain = restored.detach().requires_grad_()
    wrong = torch.nn.functional.softplus
    (wrong(-model.critic(stacks)).mean() + wrong(model.critic(plain)).mean()).backward()
    assert torch.allclose(model.critic[-1].weight.grad, critic)
    assert torch.allclose(-plain.grad, towards, atol=1e-9) and towards.abs().max() > 0
    x = torch.rand(3)
    assert torch.equal(GradientReversal.apply(x), x)


def test_a_recurrent_encoder_knows_the_order_and_takes_any_number_of_frames():
    torch.manual_seed(0)
    model, stacks = AUTOENCODERS["recurrent"](3), torch.rand(2, 3, 32, 32)
    assert not torch.allclose(model.encoder(stacks), model.encoder(stacks.flip(1)), atol=1e-4)
    longer = AUTOENCODERS["recurrent"](18)
    longer.encoder.load_state_dict(model.encoder.state_dict())
    assert longer.encoder(torch.rand(2, 18, 32, 32)).shape == (2, 3, 32, 32)


@pytest.mark.parametrize("name", LOSS_TERMS)
def test_each_term_is_1_for_the_mean_grey_level_and_0_for_the_stack(name):
    judge = ReconstructionLoss({name: 3.0}, frames=3, mean=0.4)
    stacks = torch.rand(6, 3, 32, 32) * 0.2 + 0.3
    judge.measure(stacks.split(4))
    assert judge.of_mean(stacks).item() == pytest.approx(3, rel=1e-4)
    assert judge(torch.full_like(stacks, 0.4), stacks).item() == pytest.approx(3, rel=1e-4)
    assert judge(stacks, stacks).item() == pytest.approx(0, abs=1e-4)
    assert judge(stacks.roll(1, -1), stacks).item() > 0.5


def test_what_each_term_overlooks():
    judge = {name: ReconstructionLoss({name: 1.0}, frames=3, mean=0.5) for name in LOSS_TERMS}
    stacks = torch.rand(2, 3, 32, 32)
    still = torch.rand(2, 1, 32, 32)  # the same error in each frame
    assert judge["difference"](stacks + still, stacks).item() == pytest.approx(0, abs=1e-6)
    assert judge["gradient"](stacks + 0.2, stacks).item() == pytest.approx(0, abs=1e-6)
    assert judge["squared"](stacks + 0.2, stacks).item() == pytest.approx(0.04)
    twice = stacks.repeat(1, 2, 1, 1)  # as I2: no difference between one repetition and the next
    shifted = twice + torch.cat([torch.zeros(3), torch.ones(3)]).view(1, 6, 1, 1)
    assert judge["difference"](shifted, twice).item() == pytest.approx(0, abs=1e-6)


def test_ssim_is_that_of_its_definition():
    generator = np.random.default_rng(0)
    a, b = generator.random((2, 20, 20))
    similar = []
    for y in range(0, 20 - SSIM_WINDOW + 1, SSIM_STRIDE):
        for x in range(0, 20 - SSIM_WINDOW + 1, SSIM_STRIDE):
            p, q = (image[y : y + SSIM_WINDOW, x : x + SSIM_WINDOW] for image in (a, b))
            covariance = ((p - p.mean()) * (q - q.mean())).mean()
            similar.append(
                (2 * p.mean() * q.mean() + 0.01**2) * (2 * covariance + 0.03**2)
                / ((p.mean() ** 2 + q.mean() ** 2 + 0.01**2) * (p.var() + q.var() + 0.03**2))
            )  # fmt: skip
    images = (torch.tensor(image, dtype=torch.float32).view(1, 1, 20, 20) for image in (a, b))
    assert LOSS_TERMS["ssim"](*images).item() == pytest.approx(1 - np.mean(similar), abs=1e-4)


def test_a_model_that_must_restore_movement_alone_leaves_out_what_stands_still():
    moved = train("standardised", squared=0, difference=1)
    plain = train("standardised")
    shown = moving() / 255

    def errors(trained):
        restored = reconstruct_stacks(trained.model, examples(moving()))
        change = (np.diff(restored, axis=1) - np.diff(shown, axis=1)) ** 2
        return change.mean(), ((restored - shown) ** 2).mean()

    assert errors(moved)[0] < errors(plain)[0] and errors(moved)[1] > errors(plain)[1]


def test_a_term_that_has_nothing_to_judge_is_an_error():
    with pytest.raises(InputError, match=r"loss\.difference: nothing differs in stacks of 1 frame"):
        train_autoencoder(examples(discs(8)), AUTOENCODER | {"loss": {"difference": 1}}, 0, PLAIN)
