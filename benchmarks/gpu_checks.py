"""What tests prove on the CPU, on a real GPU: the same bits, going on, places of data, memory.

    .venv/bin/python benchmarks/gpu_checks.py [--device cpu --size 64]

Each line says what was asked and whether it holds; a status other than 0 says that one does not.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # before CUDA starts, or it is too late
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

import numpy as np
import torch
from training_tasks import data, settings, written

from motilens.compute.device import setup_compute
from motilens.models.regressor import build_model
from motilens.training.autoencoder import autoencoder_architecture, train_autoencoder
from motilens.training.checkpoint import CheckpointManager
from motilens.training.regressor import (
    fit_encoder,
    make_fixed_encoder,
    regressor_architecture,
    train_regressor,
)
from motilens.training.stack_dataset import load_stacks, stacks_from_array

FRAMES, BATCH = 18, 32
broken = []


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--stacks", type=int, default=512)
    told = parser.parse_args()
    clips = data(FRAMES, told.size, told.stacks)

    def how(**performance):
        # Each asks for a place on the GPU again, and keeps it as long as this process lives.
        return setup_compute({"device": told.device, "trainings_per_gpu": 64} | performance, 2)

    for question in (same_bits, places, goes_on, others_run, out_of_memory):
        try:
            question(clips, how)
        except Exception:
            traceback.print_exc()
            check(question.__name__, False, "ended with an error")
    sys.exit(f"does not hold: {', '.join(broken)}" if broken else 0)


def check(what: str, holds: bool, more: str = "") -> None:
    print(f"{'yes' if holds else 'NO '} {what} {more}", flush=True)
    if not holds:
        broken.append(what)


def train(kind, examples, performance, epochs=4, encoder=None, **others):
    """Weights after some epochs, and how long they took."""
    start = time.perf_counter()
    made = settings(kind, FRAMES, BATCH) | {"epochs": epochs} | others
    if kind == "autoencoder":
        trained = train_autoencoder(examples, made, 0, performance, log=str)
    else:
        encoder = encoder or _encoder()
        labels = np.random.default_rng(0).random((len(examples), 3), np.float32)
        trained = train_regressor(examples, labels, encoder, made, 0, performance, log=str)
    return weights_of(trained), time.perf_counter() - start


def weights_of(trained):
    return torch.cat([t.flatten().float().cpu() for t in trained.model.state_dict().values()])


def _encoder():
    torch.manual_seed(0)
    return build_model(autoencoder_architecture(settings("autoencoder", FRAMES, BATCH)))


def same_bits(clips, how):
    """Two deterministic trainings end with the same bits; what they cost beside others."""
    for kind in ("autoencoder", "regressor"):
        times = {}
        for deterministic in (False, True):
            performance = how(deterministic=deterministic)
            examples = stacks_from_array(clips, performance)
            first, _ = train(kind, examples, performance)  # warms up
            second, times[deterministic] = train(kind, examples, performance)
            if deterministic:
                check(f"{kind}: the same bits twice", torch.equal(first, second))
            else:
                print(f"    {kind}, not deterministic: same bits {torch.equal(first, second)}")
        print(f"    {kind}: deterministic takes {times[True] / times[False]:.2f} times as long")


def places(clips, how):
    """The same weights wherever stacks lie; the time each place takes."""
    with tempfile.TemporaryDirectory() as folder:
        path, found = written(clips, folder), {}
        for place in ("device", "host", "disk"):
            performance = how(deterministic=True, data=place)
            examples, _ = load_stacks({"1": path}, FRAMES, performance, log=str)
            found[place] = train("autoencoder", examples, performance, epochs=8)
            del examples
    weights, fastest = found["device"]
    for place in ("host", "disk"):
        others, seconds = found[place]
        took = f"({seconds / fastest:.2f} times as long)"
        check(f"data: {place} gives the weights of device", torch.equal(weights, others), took)


def goes_on(clips, how):
    """A training that SIGTERM ended goes on to the bits of one that nobody disturbed."""
    performance = how(deterministic=True)
    examples = stacks_from_array(clips, performance)
    made = settings("autoencoder", FRAMES, BATCH) | {"epochs": 4}
    expected, _ = train("autoencoder", examples, performance)
    stream = examples.stream
    killed_at = len(clips) // BATCH + 3

    def interrupted(batches):
        for number, batch in enumerate(stream(batches)):
            if number == killed_at:
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch

    with tempfile.TemporaryDirectory() as folder:
        for way in (interrupted, stream):
            examples.stream, lines = way, []
            keeper = CheckpointManager(Path(folder, "state"), {"settings": made}, 60, lines.append)
            try:
                trained = train_autoencoder(examples, made, 0, performance, keeper, log=str)
            except SystemExit as end:
                print(f"    ended with status {end.code}")
    went_on = trained.run["resumed_at_steps"]
    same = torch.equal(weights_of(trained), expected)
    check("going on: the same bits", bool(went_on) and same, f"{went_on}")


def others_run(clips, how):
    """Encoders without weights, other variants and answers learn on this device."""
    performance = how()
    examples = stacks_from_array(clips[:64], performance)
    for variant in ("variational", "adversarial", "recurrent"):
        loss = {"squared": 1, "divergence": 1e-3, "adversarial": 1e-2, "ssim": 1, "gradient": 1}
        weights, _ = train("autoencoder", examples, performance, 1, variant=variant, loss=loss)
        check(f"autoencoder {variant}", bool(weights.isfinite().all()))
    for kind in ("none", "pca", "motion", "flow"):
        encoder, known = make_fixed_encoder({"encoder": kind, "frames": FRAMES, "copies": 1}, {})
        fit_encoder(encoder, examples)
        made = {"symmetries": "both", "settle_batch_norm": True}
        plain = settings("regressor", FRAMES, BATCH) | made
        made["architecture"] = regressor_architecture(plain, known["architecture"])
        weights, _ = train("regressor", examples, performance, 1, encoder, **made)
        check(f"regressor on {kind}", bool(weights.isfinite().all()))


def out_of_memory(clips, how):
    """A batch that does not fit is computed in halves, and the training goes on."""
    performance, size = how(), clips.shape[-1]
    if performance.on_cpu:
        return
    torch.cuda.reset_peak_memory_stats()
    train("autoencoder", stacks_from_array(data(FRAMES, size, BATCH), performance), performance, 1)
    each = torch.cuda.max_memory_allocated() / BATCH
    torch.cuda.empty_cache()
    batch = int(1.3 * torch.cuda.mem_get_info()[0] / each)
    lines = []
    made = settings("autoencoder", FRAMES, batch) | {"epochs": 1}
    examples = stacks_from_array(data(FRAMES, size, batch), performance)
    train_autoencoder(examples, made, 0, performance, log=lines.append)
    told = [line for line in lines if "memory" in line]
    check(f"a batch of {batch} stacks does not fit and is halved", bool(told), *told[:1])


if __name__ == "__main__":
    main()
