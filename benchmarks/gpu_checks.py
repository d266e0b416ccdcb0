"""Check on a GPU what tests show on the CPU: same bits, resuming, data locations, memory.

    .venv/bin/python benchmarks/gpu_checks.py [--device cpu --size 64 --stacks 64]
        [--checks out_of_memory resuming] [--compute '{"cuda_graph": true}']

Each line says what was checked and whether it holds. The exit code is 1 if something does not.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # before CUDA starts, or it is too late
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

import numpy as np
import torch
from training_tasks import make_settings, make_stacks, write_clip_file

from motilens.compute.device import ComputeSettings, setup_compute
from motilens.models.autoencoders import build_autoencoder
from motilens.models.fixed_encoders import FixedEncoder
from motilens.training.autoencoder import train_autoencoder
from motilens.training.checkpoint import CheckpointManager
from motilens.training.regressor import (
    fit_encoder,
    make_fixed_encoder,
    regressor_architecture,
    train_regressor,
)
from motilens.training.stack_dataset import StackDataset, load_stacks, stacks_from_array
from motilens.training.trainer import TrainingResult

FRAMES, BATCH_SIZE = 18, 32
failed = []


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--stacks", type=int, default=512)
    parser.add_argument("--checks", nargs="+", default=list(CHECKS), choices=CHECKS)
    parser.add_argument("--compute", type=json.loads, default={})
    arguments = parser.parse_args()
    clips = make_stacks(FRAMES, arguments.size, arguments.stacks)

    def setup(**settings):
        # Each call takes a place on the GPU again, and keeps it as long as this process lives.
        settings = {"device": arguments.device, "jobs_per_gpu": 64} | arguments.compute | settings
        return setup_compute(settings, 2)

    for name in arguments.checks:
        try:
            CHECKS[name](clips, setup)
        except Exception:
            traceback.print_exc()
            report(name, False, "ended with an error")
    sys.exit(f"does not hold: {', '.join(failed)}" if failed else 0)


def report(claim: str, holds: bool, details: str = "") -> None:
    """Print a line; note a claim that does not hold."""
    print(f"{'yes' if holds else 'NO '} {claim} {details}", flush=True)
    if not holds:
        failed.append(claim)


def train(
    kind: str,
    stacks: StackDataset,
    compute: ComputeSettings,
    encoder: FixedEncoder | None = None,
    checkpoints: CheckpointManager | None = None,
    **changes,
) -> TrainingResult:
    """Train a kind of model for a few epochs; labels are noise."""
    settings = make_settings(kind, FRAMES, BATCH_SIZE) | {"epochs": 4} | changes
    if kind == "autoencoder":
        return train_autoencoder(stacks, settings, 0, compute, checkpoints)
    if not encoder:
        torch.manual_seed(0)
        encoder = build_autoencoder(settings["architecture"]["encoder"])
    labels = np.random.default_rng(0).random((len(stacks), 3), np.float32)
    return train_regressor(stacks, labels, encoder, settings, 0, compute, checkpoints)


def get_weights(result: TrainingResult) -> torch.Tensor:
    """Return all weights and buffers of a trained model, in one vector."""
    return torch.cat([t.flatten().float().cpu() for t in result.model.state_dict().values()])


def check_determinism(clips: np.ndarray, setup: Callable) -> None:
    """Check that two deterministic trainings end with the same bits; print what that costs."""
    for kind in ("autoencoder", "regressor"):
        seconds = {}
        for deterministic in (False, True):
            compute = setup(deterministic=deterministic)
            stacks = stacks_from_array(clips, compute)
            first = get_weights(train(kind, stacks, compute))  # warms up
            start = time.perf_counter()
            is_same = torch.equal(first, get_weights(train(kind, stacks, compute)))
            seconds[deterministic] = time.perf_counter() - start
            if deterministic:
                report(f"{kind}: the same bits twice", is_same)
            else:
                print(f"    {kind}, not deterministic: the same bits twice: {is_same}")
        ratio = seconds[True] / seconds[False]
        print(f"    {kind}: deterministic takes {ratio:.2f} times as long")


def check_data_locations(clips: np.ndarray, setup: Callable) -> None:
    """Check that weights are the same wherever stacks are kept; print the time of each location."""
    weights, seconds = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        path = write_clip_file(clips, folder)
        for location in ("device", "host", "disk"):
            compute = setup(deterministic=True, data_location=location)
            stacks, _ = load_stacks({"1": path}, FRAMES, compute)
            start = time.perf_counter()
            weights[location] = get_weights(train("autoencoder", stacks, compute, epochs=8))
            seconds[location] = time.perf_counter() - start
            del stacks
    for location in ("host", "disk"):
        is_same = torch.equal(weights[location], weights["device"])
        ratio = f"({seconds[location] / seconds['device']:.2f} times as long)"
        report(f"data_location: {location} gives the weights of device", is_same, ratio)


class InterruptingManager(CheckpointManager):
    """Send SIGTERM to this process after some steps."""

    steps_left = 0

    def is_due(self):
        self.steps_left -= 1
        if self.steps_left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().is_due()


def check_resuming(clips: np.ndarray, setup: Callable) -> None:
    """Check that a training that SIGTERM ended resumes to the bits of an undisturbed one."""
    compute = setup(deterministic=True)
    stacks = stacks_from_array(clips, compute)
    expected = get_weights(train("autoencoder", stacks, compute))
    with tempfile.TemporaryDirectory() as folder:
        manager = InterruptingManager(Path(folder, "checkpoint.pt"), {}, 60)
        manager.steps_left = len(clips) // BATCH_SIZE + 2
        try:
            train("autoencoder", stacks, compute, checkpoints=manager)
        except SystemExit as error:
            print(f"    ended with exit code {error.code}")
        manager = CheckpointManager(manager.path, {}, 60)
        result = train("autoencoder", stacks, compute, checkpoints=manager)
    steps = result.run["resumed_at_steps"]
    is_same = torch.equal(get_weights(result), expected)
    report("resuming gives the same bits", bool(steps) and is_same, f"(at step {steps})")


def check_other_models(clips: np.ndarray, setup: Callable) -> None:
    """Check that other variants, encoders and settings learn on this device."""
    compute = setup()
    stacks = stacks_from_array(clips[:64], compute)
    loss = {"mse": 1, "kl": 1e-3, "adversarial": 1e-2, "ssim": 1, "gradient_difference": 1}
    for variant in ("variational", "adversarial", "recurrent"):
        result = train("autoencoder", stacks, compute, epochs=1, variant=variant, loss=loss)
        report(f"autoencoder {variant}", bool(get_weights(result).isfinite().all()))
    changes = {"augmentation": "dihedral", "tta": True, "recalibrate_batch_norm": True, "epochs": 1}
    settings = make_settings("regressor", FRAMES, BATCH_SIZE) | changes
    for kind in ("none", "pca", "motion", "flow"):
        inputs = {"encoder": kind, "frames": FRAMES, "repeats": 1}
        encoder, record = make_fixed_encoder(inputs, {})
        fit_encoder(encoder, stacks)
        changes["architecture"] = regressor_architecture(settings, record["architecture"])
        result = train("regressor", stacks, compute, encoder, **changes)
        report(f"regressor on {kind}", bool(get_weights(result).isfinite().all()))


def check_out_of_memory(clips: np.ndarray, setup: Callable) -> None:
    """Check that a batch that does not fit is computed in halves, and the training goes on."""
    compute, size = setup(), clips.shape[-1]
    if compute.on_cpu:
        return
    torch.cuda.reset_peak_memory_stats()
    stacks = stacks_from_array(make_stacks(FRAMES, size, BATCH_SIZE), compute)
    train("autoencoder", stacks, compute, epochs=1)
    memory_per_stack = torch.cuda.max_memory_allocated() / BATCH_SIZE
    torch.cuda.empty_cache()
    batch_size = int(1.3 * torch.cuda.mem_get_info()[0] / memory_per_stack)
    stacks = stacks_from_array(make_stacks(FRAMES, size, batch_size), compute)
    result = train("autoencoder", stacks, compute, epochs=1, batch_size=batch_size)
    half = result.run["micro_batch"]
    claim = f"a batch of {batch_size} stacks does not fit and is halved"
    report(claim, half is not None, f"(to {half})")


CHECKS = {
    "determinism": check_determinism, "data_locations": check_data_locations,
    "resuming": check_resuming, "other_models": check_other_models,
    "out_of_memory": check_out_of_memory,
}  # fmt: skip

if __name__ == "__main__":
    main()
