"""Output activations: from a regressor's last layer to percentages."""

import numpy as np
import pytest
import torch

from motilens.models.output_activations import OUTPUT_ACTIVATIONS
from motilens.training.regressor import predict_stacks
from support.learning import LABELS, draw_disks, fit_regressor, to_dataset


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
