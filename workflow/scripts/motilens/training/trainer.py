"""The training loop of autoencoders and regressors; it knows neither sperm nor Snakemake."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from motilens.compute.device import ChannelsLastPreference, ComputeSettings
from motilens.core.errors import InputError
from motilens.training.checkpoint import CheckpointManager
from motilens.training.schedule import (
    is_diagnosis_step,
    learning_rate_factor,
    number_of_batches,
    restart_seed,
    seed_everything,
    split_into_batches,
)

PROGRESS_SECONDS = 60  # seconds between two lines of progress, in long trainings
MAX_ATTEMPTS = 6  # at most, where an unhealthy training is begun again


class TrainingCollapsed(Exception):
    """A training that need not go on: its model carries no information, or is not finite."""


@dataclass(frozen=True)
class TrainingTask:
    """What is to be learned.

    Args:
        build: makes the untrained model; random numbers are seeded when it is called.
        count: number of examples; indices run from 0.
        stream: takes a sequence of indices, int64 (batch,), and yields for each a batch, a tuple
            of tensors on the device.
        loss: of the model and a batch, its mean over the batch's examples.
        examine: of the model and the last epoch's loss, None during training: the model's health, a
            dict of plain values; `problem` says why it is of no use, `warning` what is wrong with
            it that another start would not mend, None if nothing is.
        finish: what is done to the model at the end, before it is examined.
        layout: whether such a model gains by channels_last.
    """

    build: Callable[[], nn.Module]
    count: int
    stream: Callable[[Sequence[torch.Tensor]], Iterator[tuple[torch.Tensor, ...]]]
    loss: Callable[..., torch.Tensor]
    examine: Callable[[nn.Module, float | None], dict]
    finish: Callable[[nn.Module], None] = lambda model: None
    layout: ChannelsLastPreference = ChannelsLastPreference(cpu=False, gpu=True)


@dataclass
class TrainingResult:
    """A model and how it came about.

    Args:
        history: one row an epoch: epoch (from 1), loss (mean over the epoch's examples).
        health: as from `Task.examine` at the end.
        starts: of each training that was given up: seed, epoch, problem.
        run: plain values that may differ from run to run: seconds, device, where it was resumed.
    """

    model: nn.Module
    history: list[dict]
    health: dict
    starts: list[dict] = field(default_factory=list)
    run: dict = field(default_factory=dict)


def run_training(
    task: TrainingTask,
    settings: dict,
    seed: int,
    performance: ComputeSettings,
    keeper: CheckpointManager | None = None,
    log: Callable[[str], None] = print,
) -> TrainingResult:
    """Train a model for a fixed number of epochs; begin again if it comes out unhealthy.

    Nothing is selected: the last weights count (paper section 2; the held-out fold is not here).

    Args:
        settings: epochs, batch_size, learning_rate, weight_decay, schedule, gradient_clip, and
            unhealthy: "restart" (with another seed made from this one), "stop" or "keep".
        keeper: where the state is kept, and taken from if an earlier run was interrupted.
        log: receives a line of progress about ten times in a training, and each minute of a long
            one.

    Raises:
        InputError: fewer than two examples; or no start gave a healthy model.
    """
    if task.count < 2:
        raise InputError(
            f"{task.count} stack to train on, at least two are needed: raise "
            "frames.clips_per_video or use more participants"
        )
    with keeper.listening() if keeper else contextlib.nullcontext():
        policy = settings["unhealthy"]
        state = keeper.load() if keeper else None
        if state and not _is_valid_for_policy(state, policy):
            keeper.log(f"{keeper.path} was kept with another `unhealthy`: starting afresh")
            state = None
        past = state["past"] if state else {"starts": [], "resumed_at_steps": [], "seconds": 0}
        starts = past["starts"]
        while True:
            start_seed = restart_seed(seed, len(starts))
            seed_everything(start_seed)
            run = _Trainer(task, settings, performance, past, log)
            if state:
                run.restore(state)
                past["resumed_at_steps"].append(run.step)
                log(f"going on at step {run.step}, in epoch {len(run.history) + 1}")
                state = None
            try:
                run.to_the_end(keeper)
                if keeper:  # what is left may take long, and goes on to its end
                    keeper.keep(run.state())
                task.finish(run.model)
                health = task.examine(run.model, run.history[-1]["loss"])
                run.finite = math.isfinite(health.get("loss", 0))
            except TrainingCollapsed as error:
                health = {"problem": str(error), "warning": None}
                if keeper and run.finite:
                    keeper.keep(run.state())  # for `unhealthy: keep`
            problem = health["problem"] or (health["warning"] if policy == "stop" else None)
            if not problem or (policy == "keep" and run.finite):
                return TrainingResult(run.model, run.history, health, starts, run.facts())
            if policy != "restart" or len(starts) == MAX_ATTEMPTS - 1:
                raise InputError(_describe_failure(problem, settings, len(starts) + 1, run.finite))
            starts.append({"seed": start_seed, "epoch": len(run.history), "problem": problem})
            past["seconds"] = run.seconds()
            log(f"WARNING: {problem}: beginning again, start {len(starts) + 1} of {MAX_ATTEMPTS}")


class _Trainer:
    """One training from its first step, or from a state that was kept, to its last."""

    def __init__(
        self,
        task: TrainingTask,
        settings: dict,
        performance: ComputeSettings,
        past: dict,
        log: Callable,
    ):
        self.task, self.settings, self.performance, self.log = task, settings, performance, log
        self.past, self.began = past, time.monotonic()
        self.model = performance.place(task.build(), task.layout)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.network = performance.compiled(self.model)
        self.adam = performance.adam(
            self.parameters, settings["learning_rate"], settings["weight_decay"]
        )
        self.micro_batch, self.halved = performance.micro_batch, False
        self.history: list[dict] = []
        self.step, self.finite = 0, True
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self.order, self.done = torch.randperm(self.task.count), 0
        self.total = torch.zeros((), device=self.performance.device)

    def to_the_end(self, keeper: CheckpointManager | None) -> None:
        """Train.

        Raises:
            Unhealthy: the loss is no longer finite, or the model of no use.
            SystemExit: a signal asked to leave; the state is kept.
        """
        epochs, began, first = self.settings["epochs"], time.monotonic(), len(self.history)
        told = began
        self._check()  # a state may have been kept because of it
        while len(self.history) < epochs:
            self.model.train()
            cuts = split_into_batches(self.order, self.settings["batch_size"])
            for batch in self.task.stream(cuts[self.done :]):
                self._set_rate(self.step / (epochs * len(cuts)))
                self.total += self._take_step(batch) * len(batch[0])
                self.step, self.done = self.step + 1, self.done + 1
                self._check()
                if keeper and keeper.due():
                    keeper.keep(self.state())
            epoch = len(self.history) + 1
            loss = self.total.item() / self.task.count
            if not math.isfinite(loss):
                self.finite = False
                raise TrainingCollapsed(f"the loss is {loss} after epoch {epoch}")
            self.history.append({"epoch": epoch, "loss": loss})
            now, part = time.monotonic(), epoch % math.ceil(epochs / 10)
            if part == 0 or epoch == epochs or now - told >= PROGRESS_SECONDS:
                told, left = now, (now - began) / (epoch - first) * (epochs - epoch)
                self.log(
                    f"epoch {epoch} of {epochs}: loss {loss:.6g}, {_format_duration(left)} left"
                )
            self._begin_epoch()

    def _take_step(self, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """One step of the optimiser; gives the loss. Too little memory halves the parts, once."""
        while True:
            try:
                loss = self._accumulate(batch)
                break
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if self.halved or len(batch[0]) < 4:
                    raise InputError(
                        "out of memory, even with micro-batches of "
                        f"{min(self.micro_batch or len(batch[0]), len(batch[0]))} stacks "
                        f"({str(error).splitlines()[0]}): set performance.micro_batch lower, or "
                        "leave more memory free"
                    ) from error
            # Out of the `except`: the error holds on to the tensors of the failed step.
            self.halved = True
            self.micro_batch = math.ceil(min(self.micro_batch or math.inf, len(batch[0])) / 2)
            self.log(
                f"WARNING: out of memory: from now on {self.micro_batch} stacks at a time, "
                "accumulated to the same batches"
            )
            if self.performance.device.type == "cuda":
                torch.cuda.empty_cache()
        if clip := self.settings["gradient_clip"]:
            nn.utils.clip_grad_norm_(self.parameters, clip)
        self.adam.step()
        return loss

    def _accumulate(self, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """Gradients of the batch's mean loss, part by part."""
        self.adam.zero_grad()
        size = len(batch[0])
        parts = number_of_batches(size, self.micro_batch or size)
        shares = []
        for part in zip(*(tensor.tensor_split(parts) for tensor in batch), strict=True):
            with self.performance.autocast():
                share = self.task.loss(self.network, *part) * (len(part[0]) / size)
            share.backward()
            shares.append(share.detach())
        return sum(shares)

    def _set_rate(self, progress: float) -> None:
        part = learning_rate_factor(self.settings["schedule"], progress)
        for group in self.adam.param_groups:
            group["lr"] = self.settings["learning_rate"] * part

    def _check(self) -> None:
        if not is_diagnosis_step(self.step) or self.settings["unhealthy"] == "keep":
            return
        health = self.task.examine(self.model, None)
        self.model.train()
        if health["problem"]:
            raise TrainingCollapsed(f"{health['problem']} (after {self.step} steps)")

    def state(self) -> dict:
        """All that the next step depends on, and what the result tells of the past."""
        on_gpu = self.performance.device.type == "cuda"
        return {
            "past": self.past | {"seconds": self.seconds()},
            "unchecked": self.settings["unhealthy"] == "keep",
            "model": self.model.state_dict(),
            "adam": self.adam.state_dict(),
            "random": torch.get_rng_state(),
            "random_gpu": torch.cuda.get_rng_state(self.performance.device) if on_gpu else None,
            "order": self.order,
            "done": self.done,
            "total": self.total,
            "step": self.step,
            "history": self.history,
        }

    def seconds(self) -> float:
        """Spent on this training, earlier starts and interrupted runs included."""
        return self.past["seconds"] + time.monotonic() - self.began

    def facts(self) -> dict:
        """What may differ from run to run."""
        return self.performance.described() | {
            "micro_batch": self.micro_batch,
            "resumed_at_steps": self.past["resumed_at_steps"],
            "seconds": round(self.seconds(), 3),
        }

    def restore(self, state: dict) -> None:
        """Go on from `state`."""
        self.model.load_state_dict(state["model"])
        self.adam.load_state_dict(state["adam"])
        torch.set_rng_state(state["random"])
        if state["random_gpu"] is not None and self.performance.device.type == "cuda":
            torch.cuda.set_rng_state(state["random_gpu"], self.performance.device)
        self.order, self.done, self.step = state["order"], state["done"], state["step"]
        self.total = state["total"].to(self.performance.device)
        self.history = state["history"]


def is_out_of_memory(error: Exception) -> bool:
    """Of a GPU, or of the CPU, which has no class of its own for it."""
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)


def _is_valid_for_policy(state: dict, policy: str) -> bool:
    """Would a training under this policy, without interruption, have come to this state?

    `keep` keeps the first start and looks at none; the others look at all.
    """
    if policy == "keep":
        return not state["past"]["starts"]
    return not state["unchecked"]


def _describe_failure(problem: str, settings: dict, starts: int, finite: bool) -> str:
    times = f", and so in all {starts} starts" if starts > 1 else ""
    settle = ", set settle_batch_norm: true" if settings.get("settle_batch_norm") is False else ""
    keep = ", or, to go on with it, set unhealthy: keep" if finite else ""
    return (
        f"{problem}{times}: lower learning_rate (now {settings['learning_rate']}), train for more "
        f"epochs{settle}{keep} (docs/training.md)"
    )


def _format_duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes else f"{seconds:.0f} s"
