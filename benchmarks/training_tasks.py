"""Measure one thing of training in a process of its own: training_tasks.py TASK CASE OPTIONS.

CASE is a JSON list, empty or (kind of model, frames, size, batch size, number of stacks); OPTIONS
is a JSON object with device, threads, steps, and block (how many steps are timed together).
"""

import json
import math
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))
from motilens.clips.hdf5 import open_for_writing, write_clips
from motilens.compute.device import ComputeSettings, keep_freed_memory, setup_compute
from motilens.models.autoencoders import Autoencoder
from motilens.models.regressor import Regressor
from motilens.models.transforms import stacks_to_input
from motilens.training import autoencoder, regressor, trainer
from motilens.training.stack_dataset import StackDataset, load_stacks, stacks_from_array


def make_stacks(frames: int, size: int, count: int) -> np.ndarray:
    """Return noise, uint8 (count, frames, size, size)."""
    return np.random.default_rng(0).integers(0, 256, (count, frames, size, size), np.uint8)


def make_settings(kind: str, frames: int, batch_size: int) -> dict:
    """Return all settings of a training but its epochs; no diagnosis interrupts it."""
    settings = {
        "frames": frames, "repeats": 1, "variant": "standardized", "loss": {"mse": 1},
        "batch_size": batch_size, "learning_rate": 1e-4, "weight_decay": 1e-5,
        "lr_schedule": "constant", "clip_grad_norm": None, "on_collapse": "keep",
    }  # fmt: skip
    if kind == "regressor":
        encoder = autoencoder.autoencoder_architecture(settings)
        settings |= {
            "backbone": "resnet34", "values": ["a", "b", "c"], "input_normalization": "none",
            "fine_tune_encoder": False, "recurrent": False, "output_activation": "identity",
            "loss": "mse", "augmentation": "none", "tta": False, "init_bias_to_mean": True,
            "recalibrate_batch_norm": False,
        }  # fmt: skip
        settings["architecture"] = regressor.regressor_architecture(settings, encoder)
    return settings


def write_clip_file(clips: np.ndarray, folder: str) -> str:
    """Write clips, uint8 (n, frames, size, size), and return the path of their file."""
    (count, frames, size, _), path = clips.shape, f"{folder}/1.h5"
    numbers = np.arange(count * frames).reshape(count, frames)
    digest = write_clips(path, enumerate(clips.reshape(-1, size, size)), numbers, size)
    with open_for_writing(path, "a") as file:
        file["clips"].attrs["content_sha256"] = digest
    return path


class StepClock:
    """Time blocks of steps, the device's work included."""

    def __init__(self, device: torch.device, block: int):
        self.device, self.block, self.steps, self.times = device, block, 0, []

    def tick(self) -> None:
        """Note that a step begins."""
        if self.steps % self.block == 0:
            if self.device.type == "cuda":
                torch.cuda.synchronize()
            self.times.append(time.perf_counter())
        self.steps += 1

    def seconds(self) -> float:
        """Return the seconds of a step; the first blocks only warm up."""
        blocks = [b - a for a, b in zip(self.times, self.times[1:], strict=False)][2:]
        return statistics.median(blocks) / self.block


# Each task returns plain values.


def time_pipeline(case: tuple, options: dict) -> float:
    """Return the seconds of a step in the pipeline's own loop, called as its steps call it."""
    return run_pipeline(case, options).seconds()


def run_pipeline(case: tuple, options: dict) -> StepClock:
    """Train a model as the pipeline's steps do; return the clock of its steps.

    Options also have `compute` (settings) and `epochs` (None: as many as `steps` needs).
    """
    kind, frames, size, batch_size, count = case
    settings = options.get("compute", {}) | {"device": options["device"]}
    compute = setup_compute(settings, options["threads"])
    clock, train_step = StepClock(compute.device, options["block"]), trainer._Trainer._train_step

    def timed_step(self, batch):
        clock.tick()
        return train_step(self, batch)

    # The last diagnosis may need more memory than a step.
    autoencoder.diagnose_autoencoder = regressor.diagnose_regressor = lambda *_, **__: {
        "failure": None, "warning": None,
    }  # fmt: skip
    settings = make_settings(kind, frames, batch_size)
    settings["epochs"] = options.get("epochs") or math.ceil(options["steps"] * batch_size / count)
    with tempfile.TemporaryDirectory() as folder:
        stacks = make_dataset(frames, size, count, compute, folder)
        trainer._Trainer._train_step = timed_step
        try:
            if kind == "autoencoder":
                autoencoder.train_autoencoder(stacks, settings, 0, compute)
            else:
                labels = np.random.default_rng(0).random((count, 3), np.float32)
                regressor.train_regressor(stacks, labels, Autoencoder(frames), settings, 0, compute)
        finally:
            trainer._Trainer._train_step = train_step
    return clock


def make_dataset(
    frames: int, size: int, count: int, compute: ComputeSettings, folder: str
) -> StackDataset:
    """Return stacks of noise where `compute.data_location` wants them; the first 640 repeat."""
    clips = make_stacks(frames, size, min(count, 640))
    if compute.data_location not in ("auto", "device"):
        return load_stacks({"1": write_clip_file(clips, folder)}, frames, compute)[0]
    stacks = stacks_from_array(clips, compute)
    if count > len(clips):
        numbers = torch.arange(count, device=compute.device) % len(clips)
        stacks.stacks = stacks.stacks.index_select(0, numbers)
    return stacks


def time_plain_loop(case: tuple, options: dict) -> float:
    """Return the seconds of a step in textbook PyTorch.

    Allocator, memory layout and fused optimizer are PyTorch's defaults, unless the option `same`
    asks for those of the pipeline.
    """
    kind, frames, size, batch_size, count = case
    torch.set_num_threads(options["threads"])
    device, same = torch.device(options["device"]), options["same"]
    stacks, labels = torch.from_numpy(make_stacks(frames, size, count)), torch.rand(count, 3)
    model, is_autoencoder = build_model(kind, frames), kind == "autoencoder"
    if same:
        keep_freed_memory()
        compute = setup_compute({"device": options["device"]}, options["threads"])
        module = autoencoder if is_autoencoder else regressor
        model = compute.to_device(model, module.CHANNELS_LAST)
        stacks, labels = stacks.to(device), labels.to(device)
    model.to(device).train()
    optimizer = make_optimizer(model, fused=True if same else None)
    clock = StepClock(device, options["block"])
    for _ in range(math.ceil(options["steps"] * batch_size / count)):
        for indices in torch.randperm(count).split(batch_size):
            clock.tick()
            indices = indices.to(stacks.device)
            x = stacks[indices].to(device).float() / 255
            target = x if is_autoencoder else labels[indices].to(device)
            loss = torch.nn.functional.mse_loss(model(x), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return clock.seconds()


def build_model(kind: str, frames: int) -> torch.nn.Module:
    model = Autoencoder(frames)
    return model if kind == "autoencoder" else Regressor(model, "resnet34", 3)


def make_optimizer(model: torch.nn.Module, fused: bool | None) -> torch.optim.Adam:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.Adam(parameters, lr=1e-4, weight_decay=1e-5, fused=fused)


def measure_time_between_steps(case: tuple, options: dict) -> float:
    """Return which share of our loop's time is not forward, backward or optimizer (CPU)."""
    seconds = dict.fromkeys(("_train_step", "fit"), 0.0)

    def measure(name):
        method = getattr(trainer._Trainer, name)

        def measured(*arguments):
            start = time.perf_counter()
            result = method(*arguments)
            seconds[name] += time.perf_counter() - start
            return result

        setattr(trainer._Trainer, name, measured)

    for name in seconds:
        measure(name)
    time_pipeline(case, options)
    return 1 - seconds["_train_step"] / seconds["fit"]


def measure_encoder_share(case: tuple, options: dict) -> float:
    """Return which share of a regressor's step its frozen encoder takes."""
    _, frames, size, batch_size, _ = case
    compute = setup_compute({"device": options["device"]}, options["threads"])
    model = build_model("regressor", frames).to(compute.device).train()
    optimizer = make_optimizer(model, compute.fused_optimizer)
    stacks = torch.from_numpy(make_stacks(frames, size, batch_size)).to(compute.device)
    features = model.encoder(stacks_to_input(stacks, 1)).detach()
    seconds = []
    for forward in (
        lambda: model(stacks_to_input(stacks, 1)),
        lambda: model.backbone(model.normalize(features)),
    ):
        clock = StepClock(compute.device, options["block"])
        for _ in range(options["steps"]):
            clock.tick()
            optimizer.zero_grad()
            forward().square().mean().backward()
            optimizer.step()
        seconds.append(clock.seconds())
    return 1 - seconds[1] / seconds[0]


def measure_ceilings(options: dict) -> tuple[float, float]:
    """Return the floating point operations and the bytes a second that this machine reaches."""
    torch.set_num_threads(options["threads"])
    device = torch.device(options["device"])
    on_gpu = device.type == "cuda"
    n, dtype = (8192, torch.bfloat16) if on_gpu else (2048, torch.float32)
    matrix = torch.rand(n, n, device=device, dtype=dtype)
    words = torch.rand(2**28 if on_gpu else 2**26, device=device)
    copy = torch.empty_like(words)

    def fastest(work):
        times = []
        for _ in range(8):
            start = time.perf_counter()
            work()
            if on_gpu:
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        return min(times)

    operations = 2 * n**3 / fastest(lambda: matrix @ matrix)
    return operations, 2 * words.nbytes / fastest(lambda: copy.copy_(words))


def count_operations(case: tuple, options: dict) -> tuple[float, float]:
    """Return operations and bytes of a step, for each stack.

    Each layer reads and writes memory once. Forward reads its input and writes its output; backward
    reads its input and the output's gradient, and writes the input's.
    """
    kind, frames, size, _, _ = case
    model, numbers, batch_size = build_model(kind, frames), 0, 2

    def count_numbers(module, inputs, output):
        nonlocal numbers
        learns = output.requires_grad
        numbers += inputs[0].numel() * (3 if learns else 1) + output.numel() * (2 if learns else 1)

    for module in model.modules():
        if not list(module.children()):
            module.register_forward_hook(count_numbers)
    x = torch.rand(batch_size, frames, size, size)
    with FlopCounterMode(display=False) as counter:
        model(x).sum().backward()
    width = 2 if options["device"] == "cuda" else 4
    return counter.get_total_flops() / batch_size, numbers * width / batch_size


def measure_loading(options: dict) -> dict[str, float]:
    """Return stacks a second out of memory, from disk, and as the paper's authors load them."""
    frames, size, count, rates = 18, 256, options.get("stacks", 400), {}
    clips = make_stacks(frames, size, count)
    with tempfile.TemporaryDirectory() as folder:
        path = write_clip_file(clips, folder)
        for location in ("device", "host", "disk"):
            settings = {"device": options["device"], "data_location": location}
            stacks, _ = load_stacks(
                {"1": path}, frames, setup_compute(settings, options["threads"])
            )
            rates[location] = measure_rate(stacks.iter_batches(torch.randperm(count).split(32)))
        del stacks
        for number, clip in enumerate(clips):
            torch.save(torch.from_numpy(clip).float() / 255, f"{folder}/{number}.pt")

        class TensorFiles(torch.utils.data.Dataset):
            def __len__(self):
                return count

            def __getitem__(self, number):
                return torch.load(f"{folder}/{number}.pt", weights_only=True)

        for workers in (0, options["threads"]):
            loader = torch.utils.data.DataLoader(
                TensorFiles(), 32, shuffle=True, num_workers=workers
            )
            rates[f"the authors' .pt files, {workers} workers"] = measure_rate(
                batch.to(options["device"]) for batch in loader
            )
    return rates


def measure_rate(batches: Iterable[torch.Tensor]) -> float:
    """Return stacks a second."""
    start, count = time.perf_counter(), 0
    for batch in batches:
        count += len(batch)
    if batch.device.type == "cuda":
        torch.cuda.synchronize()
    return count / (time.perf_counter() - start)


def main(tasks: dict):
    """Run a task; print its result and the peak memory (bytes) as JSON after the word RESULT."""
    task, case, options = tasks[sys.argv[1]], *map(json.loads, sys.argv[2:])
    result = task(tuple(case), options) if case else task(options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if options["device"] == "cuda":
        peak = torch.cuda.max_memory_allocated()
    print("RESULT", json.dumps([result, peak]))


if __name__ == "__main__":
    main(globals())
