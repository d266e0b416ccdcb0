"""What training.py measures, each in a process of its own: training_tasks.py TASK CASE OPTIONS."""

import json
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

OPTIMISER = {"weight_decay": 1e-5, "schedule": "constant", "gradient_clip": None,
             "unhealthy": "keep", "learning_rate": 1e-4}  # fmt: skip


def data(frames: int, size: int, count: int):
    import numpy as np

    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, frames, size, size), np.uint8)


def settings(kind, frames, batch):
    made = OPTIMISER | {
        "frames": frames,
        "copies": 1,
        "variant": "standardised",
        "loss": {"squared": 1},
        "batch_size": batch,
    }
    if kind == "regressor":
        from motilens.training.autoencoder import (
            autoencoder_architecture,
        )
        from motilens.training.regressor import (
            regressor_architecture,
        )

        made |= {"backbone": "resnet34", "values": ["a", "b", "c"], "normalise": "none",
                 "fine_tune_encoder": False, "start_at_mean": True, "answer": "plain",
                 "recurrent": False, "symmetries": "none", "settle_batch_norm": False}  # fmt: skip
        made["architecture"] = regressor_architecture(made, autoencoder_architecture(made))
        made["loss"] = "squared"
    return made


class Clock:
    """Times of blocks of steps, the device's work included."""

    def __init__(self, device, block):
        self.device, self.block, self.steps, self.times = device, block, 0, []

    def tick(self):
        import torch

        if self.steps % self.block == 0:
            if self.device.type == "cuda":
                torch.cuda.synchronize()
            self.times.append(time.perf_counter())
        self.steps += 1

    def step(self) -> float:
        """Seconds; the first blocks are warming up."""
        blocks = [b - a for a, b in zip(self.times, self.times[1:], strict=False)][2:]
        return statistics.median(blocks) / self.block


def ours(case, options):
    """The pipeline's own loop, as its steps call it."""
    from motilens.compute.device import setup_compute
    from motilens.models.autoencoders import Autoencoder
    from motilens.training.autoencoder import (
        train_autoencoder,
    )
    from motilens.training.regressor import (
        train_regressor,
    )
    from motilens.training.stack_dataset import stacks_from_array

    kind, frames, size, batch, count = case
    how = setup_compute(
        {"device": options["device"]} | options.get("performance", {}), options["threads"]
    )
    examples = stacks_from_array(data(frames, size, count), how)
    clock = Clock(how.device, options["block"])
    stream = examples.stream

    def ticking(batches):
        for stack in stream(batches):
            clock.tick()
            yield stack

    examples.stream = ticking
    # Only steps count here: no look at the model, no batch norm to settle.
    made = settings(kind, frames, batch) | {"epochs": math.ceil(options["steps"] * batch / count)}
    from motilens.training import autoencoder, regressor, schedule

    schedule.FIRST_CHECK = 10**9
    if kind == "autoencoder":
        autoencoder.diagnose_autoencoder = lambda *a, **k: {"problem": None, "warning": None}
        train_autoencoder(examples, made, 0, how, log=str)
    else:
        import numpy as np

        regressor.diagnose_regressor = lambda *a: {"problem": None, "warning": None}
        labels = np.random.default_rng(0).random((count, 3), np.float32)
        train_regressor(examples, labels, Autoencoder(frames), made, 0, how, log=str)
    return clock.step(), None


def plain(case, options):
    """Textbook torch: no allocator settings, layout or fusion unless `same` asks for them."""
    import torch

    from motilens.compute.device import keep_freed_memory, setup_compute
    from motilens.models.regressor import Regressor, build_model
    from motilens.training.autoencoder import (
        AUTOENCODER_LAYOUT,
        autoencoder_architecture,
    )
    from motilens.training.regressor import (
        REGRESSOR_LAYOUT,
    )

    kind, frames, size, batch, count = case
    torch.set_num_threads(options["threads"])
    device, same = torch.device(options["device"]), options["same"]
    stacks = torch.from_numpy(data(frames, size, count))
    model = build_model(autoencoder_architecture(settings("autoencoder", frames, batch)))
    if kind == "regressor":
        model = Regressor(model, "resnet34", 3)
    wanted = torch.rand(count, 3)
    fused = None
    if same:
        keep_freed_memory()
        how = setup_compute({"device": options["device"]}, options["threads"])
        layout = AUTOENCODER_LAYOUT if kind == "autoencoder" else REGRESSOR_LAYOUT
        model, fused = how.place(model, layout), True
        stacks, wanted = stacks.to(device), wanted.to(device)
    model.to(device).train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    adam = torch.optim.Adam(parameters, lr=1e-4, weight_decay=1e-5, fused=fused)
    clock = Clock(device, options["block"])
    for _ in range(math.ceil(options["steps"] * batch / count)):
        for i in torch.randperm(count).split(batch):
            clock.tick()
            i = i.to(stacks.device)
            x = stacks[i].to(device).float() / 255
            target = x if kind == "autoencoder" else wanted[i].to(device)
            loss = torch.nn.functional.mse_loss(model(x), target)
            adam.zero_grad()
            loss.backward()
            adam.step()
    return clock.step(), None


def other_share(case, options):
    """Which part of our loop's time is not spent in steps: forward, backward, optimiser (CPU)."""
    from motilens.training.trainer import _Trainer

    spent = {}

    def timed(name):
        function = getattr(_Trainer, name)

        def wrapped(run, *arguments):
            start = time.perf_counter()
            result = function(run, *arguments)
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - start
            return result

        setattr(_Trainer, name, wrapped)

    timed("_take_step")
    timed("to_the_end")
    ours(case, options)
    return 1 - spent["_take_step"] / spent["to_the_end"], None


def encoder_share(case, options):
    """Which part of a regressor's step its frozen encoder takes."""
    import torch

    from motilens.compute.device import setup_compute
    from motilens.models.autoencoders import Autoencoder
    from motilens.models.regressor import Regressor
    from motilens.models.transforms import stacks_to_input

    _, frames, size, batch, _ = case
    how = setup_compute({"device": options["device"]}, options["threads"])
    model = Regressor(Autoencoder(frames), "resnet34", 3).to(how.device).train()
    adam = how.adam([p for p in model.parameters() if p.requires_grad], 1e-4, 0)
    stacks = torch.from_numpy(data(frames, size, batch)).to(how.device)
    features = model.encoder(stacks_to_input(stacks, 1)).detach()
    clocks = []
    for forward in (
        lambda: model(stacks_to_input(stacks, 1)),
        lambda: model.backbone(model.normalise(features)),
    ):
        clocks.append(Clock(how.device, options["block"]))
        for _ in range(options["steps"]):
            clocks[-1].tick()
            adam.zero_grad()
            forward().square().mean().backward()
            adam.step()
    whole, rest = (clock.step() for clock in clocks)
    return 1 - rest / whole, None


def ceilings(options):
    """Floating point operations and bytes a second that this machine reaches at best."""
    import torch

    torch.set_num_threads(options["threads"])
    device = torch.device(options["device"])
    half = device.type == "cuda"
    n = 8192 if half else 2048
    a = torch.rand(n, n, device=device, dtype=torch.bfloat16 if half else torch.float32)
    words = torch.rand(2**28 if half else 2**26, device=device)
    copy = torch.empty_like(words)

    def best(work):
        times = []
        for _ in range(8):
            start = time.perf_counter()
            work()
            if half:
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        return min(times)

    return 2 * n**3 / best(lambda: a @ a), 2 * words.nbytes / best(lambda: copy.copy_(words))


def counted(case, options):
    """Operations of one stack's step, and bytes if each layer reads and writes memory once.

    Forward reads its input and writes its output; backward reads its input and the output's
    gradient, and writes the input's.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from motilens.models.autoencoders import Autoencoder
    from motilens.models.regressor import Regressor

    kind, frames, size, _, _ = case
    model = Autoencoder(frames)
    if kind == "regressor":
        model = Regressor(model, "resnet34", 3)
    moved, batch = 0, 2

    def hook(module, inputs, output):
        nonlocal moved
        learns = output.requires_grad
        moved += inputs[0].numel() * (3 if learns else 1) + output.numel() * (2 if learns else 1)

    for module in model.modules():
        if not list(module.children()):
            module.register_forward_hook(hook)
    x = torch.rand(batch, frames, size, size)
    with FlopCounterMode(display=False) as counter:
        model(x).sum().backward()
    width = 2 if options["device"] == "cuda" else 4
    return counter.get_total_flops() / batch, moved * width / batch


def written(clips, folder: str) -> str:
    """The path of a file of these clips, uint8 (n, frames, size, size)."""
    import numpy as np

    from motilens.clips.hdf5 import open_for_writing, write_clips

    (count, frames, size, _), path = clips.shape, f"{folder}/1.h5"
    numbers = np.arange(count * frames).reshape(count, frames)
    digest = write_clips(path, enumerate(clips.reshape(-1, size, size)), numbers, size)
    with open_for_writing(path, "a") as file:
        file["clips"].attrs["content_sha256"] = digest
    return path


def places(options):
    """Stacks a second that come out of memory, from disk, and through the authors' way."""
    import torch

    from motilens.compute.device import setup_compute
    from motilens.training.stack_dataset import load_stacks

    frames, size, count, rates = 18, 256, 400, {}
    clips = data(frames, size, count)
    with tempfile.TemporaryDirectory() as folder:
        path = written(clips, folder)
        for place in ("device", "host", "disk"):
            how = setup_compute({"device": options["device"], "data": place}, options["threads"])
            examples, _ = load_stacks({"1": path}, frames, how, log=str)
            rates[place] = _rate(examples.stream(torch.randperm(count).split(32)))
        del examples
        for number, clip in enumerate(clips):
            torch.save(torch.from_numpy(clip).float() / 255, f"{folder}/{number}.pt")

        class Files(torch.utils.data.Dataset):
            def __len__(self):
                return count

            def __getitem__(self, number):
                return torch.load(f"{folder}/{number}.pt", weights_only=True)

        for workers in (0, options["threads"]):
            loader = torch.utils.data.DataLoader(Files(), 32, shuffle=True, num_workers=workers)
            rates[f"authors' .pt files, {workers} workers"] = _rate(
                x.to(options["device"]) for x in loader
            )
    return rates, None


def _rate(batches) -> float:
    import torch

    start, count = time.perf_counter(), 0
    for batch in batches:
        count += len(batch)
    if batch.device.type == "cuda":
        torch.cuda.synchronize()
    return count / (time.perf_counter() - start)


def one(task: str, case: list, options: dict) -> None:
    """In a process of its own."""
    import resource

    arguments = (tuple(case), options) if case else (options,)
    first, second = globals()[task](*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if options["device"] == "cuda":
        import torch

        peak = torch.cuda.max_memory_allocated()
    print("RESULT", json.dumps([first, second, peak]))


if __name__ == "__main__":
    one(sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3]))
