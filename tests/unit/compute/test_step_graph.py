"""Steps that a CUDA graph replays are those of the plain loop: by a stand-in on the CPU."""

import dataclasses

import pytest
import torch

from motilens.compute.device import setup_compute
from motilens.compute.step_graph import WARM_UP_STEPS
from motilens.training import trainer
from motilens.training.autoencoder import train_autoencoder
from motilens.training.regressor import train_regressor
from support.errors import assert_refused
from support.learning import (
    AUTOENCODER,
    CPU,
    LABELS,
    draw_disks,
    get_weights,
    regressor_settings,
    to_dataset,
    untrained_autoencoder,
)  # fmt: skip
from support.recorded_graph import replace_cuda_graphs

GRAPHED = dataclasses.replace(CPU, cuda_graph=True)


def fit(compute, **changes):
    settings = AUTOENCODER | {"frames": 3, "epochs": 6, "lr_schedule": "cosine"} | changes
    return train_autoencoder(to_dataset(draw_disks(15, frames=3)), settings, 0, compute)


@pytest.mark.parametrize("changes", [{}, {"clip_grad_norm": 0.01}], ids=str)
def test_replayed_steps_have_the_bits_of_the_plain_loop(monkeypatch, changes):
    expected = fit(CPU, **changes)
    graphs = replace_cuda_graphs(monkeypatch)
    result = fit(GRAPHED, **changes)
    # Batches of 4 and of 3: a graph for each shape, after steps that run as they are.
    assert [graph.replays for graph in graphs] == [18 - WARM_UP_STEPS, 6 - WARM_UP_STEPS]
    assert result.run["cuda_graph"] and not expected.run["cuda_graph"]
    assert result.history == expected.history
    assert torch.equal(get_weights(result), get_weights(expected))


def test_micro_batches_accumulate_in_the_graph_and_too_little_memory_makes_new_ones(monkeypatch):
    halves = dataclasses.replace(CPU, micro_batch=2)
    expected = get_weights(fit(halves))
    graphs = replace_cuda_graphs(monkeypatch)
    graphed = dataclasses.replace(GRAPHED, micro_batch=2)
    assert torch.equal(get_weights(fit(graphed)), expected) and len(graphs) == 2
    graphs.clear()
    count, accumulate = [0], trainer._Trainer._accumulate_gradients

    def run_out_of_memory(self, batch):
        count[0] += 1
        if count[0] == 5:  # the first that is recorded
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return accumulate(self, batch)

    monkeypatch.setattr(trainer._Trainer, "_accumulate_gradients", run_out_of_memory)
    result = fit(GRAPHED)
    assert result.run["micro_batch"] == 2 and [g.replays > 0 for g in graphs] == [False, True, True]
    assert torch.allclose(get_weights(result), expected, rtol=1e-2, atol=1e-3)


def test_steps_that_differ_are_not_recorded(monkeypatch):
    graphs = replace_cuda_graphs(monkeypatch)
    for augmentation, count in (("dihedral", 0), ("none", 1)):
        settings = regressor_settings(
            backbone="resnet18", augmentation=augmentation, epochs=WARM_UP_STEPS + 1,
            recalibrate_batch_norm=False, on_collapse="keep",
        )  # fmt: skip
        stacks, encoder = to_dataset(draw_disks(8)), untrained_autoencoder()
        result = train_regressor(stacks, LABELS, encoder, settings, 0, GRAPHED)
        assert len(graphs) == count and result.run["cuda_graph"] == bool(count)


def test_what_needs_a_gpu_is_refused_elsewhere():
    message = "compute.cuda_graph: true needs a GPU of NVIDIA, not cpu"
    assert_refused(message, setup_compute, {"device": "cpu", "cuda_graph": True})
    message = "compute.fast_layers: fused needs a GPU of NVIDIA, not cpu"
    assert_refused(message, setup_compute, {"device": "cpu", "fast_layers": ["fused"]})
