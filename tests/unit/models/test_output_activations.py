"""How regressors answer: within bounds, over symmetries, groups of stacks, frame after frame."""

import numpy as np
import pytest
import torch
from learning import LABELS, PLAIN, REGRESSOR, discs, encoder, examples

from motilens.models.backbones import make_backbone
from motilens.models.output_activations import OUTPUT_ACTIVATIONS
from motilens.models.regressor import build_model
from motilens.models.transforms import DIHEDRAL_ORDER, dihedral_transform
from motilens.training.autoencoder import autoencoder_architecture
from motilens.training.regressor import (
    make_bags,
    predict_stacks,
    regressor_architecture,
    train_regressor,
)

KNOWN = {"frames": 1, "copies": 1, "variant": "standardised"}


def settings(**changed):
    made = REGRESSOR | changed
    return made | {"architecture": regressor_architecture(made, autoencoder_architecture(KNOWN))}


def train(array, labels=LABELS, bags=None, **changed):
    made = settings(**changed)
    return train_regressor(examples(array), labels, encoder(), made, 0, PLAIN, bags=bags)


@pytest.mark.parametrize("name", OUTPUT_ACTIVATIONS)
def test_answers_come_back(name):
    answer, labels = OUTPUT_ACTIVATIONS[name](3), torch.from_numpy(LABELS)
    answer.fit(labels)
    given = torch.tensor([55.0, 15.0, 30.0])
    assert torch.allclose(answer(answer.inverse(given)[None])[0], given, atol=1e-4)
    anything = answer(10 * torch.randn(50, 3))
    if name in ("shares", "bounded"):
        assert anything.min() >= 0 and anything.max() <= 100
    if name == "shares":
        assert torch.allclose(anything.sum(1), torch.full((50,), 100.0), atol=1e-3)
    if name == "standardised":
        assert torch.allclose(answer(torch.ones(1, 3))[0], labels.mean(0) + labels.std(0, False))


@pytest.mark.parametrize("name", OUTPUT_ACTIVATIONS)
def test_a_regressor_begins_at_the_mean_however_it_answers(name):
    trained = train(discs(8), answer=name)
    model = trained.model
    with torch.no_grad():
        first = model.answer(model.output.bias[None])[0]
    assert first.tolist() == pytest.approx([40, 20, 40], abs=0.1)


def test_labels_at_the_bounds_are_no_infinity():
    labels = np.array([[0, 100, 0]] * 8, np.float32)
    for name in ("shares", "bounded"):
        trained = train(discs(8), labels, answer=name, unhealthy="keep")
        assert np.isfinite(predict_stacks(trained.model, examples(discs(8)))).all()


def test_eight_symmetries_are_eight_and_of_the_square():
    image = torch.arange(9.0).view(1, 1, 3, 3)
    seen = {tuple(dihedral_transform(image, k).flatten().tolist()) for k in range(DIHEDRAL_ORDER)}
    assert len(seen) == 8 and all(image[0, 0, 1, 1] == one[4] for one in seen)


def test_averaged_predictions_do_not_change_when_the_picture_is_turned():
    model = build_model(settings(symmetries="both")["architecture"]).eval()
    stacks = torch.rand(2, 1, 32, 32)
    expected = model(stacks)
    for k in range(DIHEDRAL_ORDER):
        assert torch.allclose(model(dihedral_transform(stacks, k)), expected, atol=1e-4)
    model.average = False
    assert not torch.allclose(model(dihedral_transform(stacks, 1)), model(stacks), atol=1e-4)


def test_symmetries_change_what_is_trained_on_and_not_the_model():
    plain, turned = (train(discs(8), symmetries=how) for how in ("none", "training"))
    assert plain.history != turned.history
    assert plain.model.state_dict().keys() == turned.model.state_dict().keys()
    assert not turned.model.average


def test_bags_are_spread_over_a_video_and_never_over_two():
    keys = [("a", k) for k in range(6)] + [("b", k) for k in range(6)]
    assert make_bags(keys, 3).tolist() == [[0, 2, 4], [1, 3, 5], [6, 8, 10], [7, 9, 11]]
    assert make_bags(keys, 1).tolist() == [[k] for k in range(12)]
    assert make_bags(keys, 6).tolist() == [list(range(6)), list(range(6, 12))]


def test_the_mean_of_a_bag_is_held_against_its_label():
    array, bags = discs(8), torch.tensor([[0, 1], [2, 3], [4, 5], [6, 7]])
    labels = np.repeat(np.array([[60, 10, 30], [20, 30, 50]] * 2, np.float32), 2, axis=0)
    trained = train(array, labels, bags, batch_size=4)
    predicted = predict_stacks(trained.model, examples(array))
    means = predicted.reshape(4, 2, 3).mean(1)
    assert trained.health["loss"] == pytest.approx(((means - labels[::2]) ** 2).mean(), rel=1e-4)
    assert trained.history[0]["loss"] == pytest.approx(((40 - labels) ** 2).mean(), rel=0.6)
    alone = train(array, labels, batch_size=4)
    assert alone.history != trained.history


def test_absolute_loss_is_the_mean_absolute_error():
    trained = train(discs(8), loss="absolute")
    predicted = predict_stacks(trained.model, examples(discs(8)))
    assert trained.health["loss"] == pytest.approx(abs(predicted - LABELS).mean(), rel=1e-5)
    assert 5 < trained.history[0]["loss"] < 30


def test_a_recurrent_regressor_sees_one_frame_after_the_other():
    made = settings(recurrent=True)
    made["architecture"]["encoder"] = {
        "model": "fixed", "frames": 4, "copies": 1, "kind": "none",
    }  # fmt: skip
    torch.manual_seed(0)
    model = build_model(made["architecture"]).eval()
    stacks = torch.rand(2, 4, 32, 32)
    assert model(stacks).shape == (2, 3) and model.backbone.conv1.in_channels == 1
    assert not torch.allclose(model(stacks), model(stacks.flip(1)), atol=1e-6)
    pretrained = make_backbone("resnet18").state_dict()
    model.start_from(pretrained)
    expected = pretrained["conv1.weight"].sum(1, keepdim=True)
    assert torch.allclose(model.backbone.conv1.weight, expected)
    assert model.output.out_features == 3


def test_a_network_learns_nothing_of_shuffled_labels():
    """Of others that it has not seen: the size of a disc tells the true ones, nothing these."""
    rng, (y, x) = np.random.default_rng(0), np.mgrid[:32, :32]
    radius, centre = rng.uniform(2, 14, 96), rng.uniform(12, 20, (96, 2))
    inside = [np.hypot(y - a, x - b) < r for r, (a, b) in zip(radius, centre, strict=True)]
    array = (90 + 60 * np.array(inside) + rng.normal(0, 2, (96, 32, 32))).astype(np.uint8)[:, None]
    share = (radius - 2) / 12
    true = 100 * np.stack([share, (1 - share) / 2, (1 - share) / 2], 1)
    seen, unseen = slice(0, 64), slice(64, 96)

    def error(labels):
        made = settings(epochs=10, learning_rate=1e-3, answer="bounded", symmetries="training")
        labels = labels.astype(np.float32)
        trained = train_regressor(examples(array[seen]), labels, encoder(), made, 0, PLAIN)
        predicted = predict_stacks(trained.model, examples(array[unseen]))
        return abs(predicted - true[unseen]).mean()

    zero_r = abs(true[unseen] - true[seen].mean(0)).mean()
    assert error(true[seen]) < 0.7 * zero_r
    assert error(rng.permutation(true[seen])) > 0.95 * zero_r
