"""The training loop of autoencoders and regressors; it knows neither sperm nor Snakemake."""

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from motilens.compute.device import ChannelsLastPreference, ComputeSettings
from motilens.compute.step_graph import StepGraph
from motilens.core.errors import InputError
from motilens.core.faults import is_out_of_memory
from motilens.core.text import format_duration
from motilens.training.checkpoint import CheckpointManager
from motilens.training.schedule import (
    is_diagnosis_step,
    learning_rate_factor,
    number_of_batches,
    restart_seed,
    seed_everything,
    split_into_batches,
)

PROGRESS_SECONDS = 60  # between two lines of progress, in long trainings
MAX_ATTEMPTS = 6  # of a training that collapses
logger = logging.getLogger(__name__)


class TrainingCollapsed(Exception):
    """A training that need not go on: its model carries no information, or is not finite."""


@dataclass(frozen=True)
class TrainingTask:
    """What is to be learned."""

    build: Callable[[], nn.Module]  # called when random numbers are seeded
    count: int  # of examples; indices run from 0
    # Takes a sequence of indices, int64 (batch,), and yields for each a batch on the device.
    iter_batches: Callable[[Sequence[torch.Tensor]], Iterator[tuple[torch.Tensor, ...]]]
    loss: Callable[..., torch.Tensor]  # of the model and a batch: mean over the batch's examples
    # Of the model and the last epoch's loss, None during training: plain values, with `failure`
    # (why the model is of no use) and `warning` (what is wrong with it that another attempt would
    # not correct), None if there is nothing.
    diagnose: Callable[[nn.Module, float | None], dict]
    on_train_end: Callable[[nn.Module], None] = lambda model: None  # before its last diagnosis
    channels_last: ChannelsLastPreference = ChannelsLastPreference(cpu=False, gpu=True)
    repeats_operations: bool = True  # each step does the same with other numbers, as a graph must


@dataclass
class TrainingResult:
    """A model and how it was trained."""

    model: nn.Module
    history: list[dict]  # of each epoch: epoch (from 1), loss (mean over the epoch's examples)
    diagnostics: dict  # as from `TrainingTask.diagnose` at the end
    # Seed, epoch and failure of each attempt that was given up.
    failed_attempts: list[dict] = field(default_factory=list)
    # Plain values that may differ from run to run: seconds, device, where it was resumed.
    run: dict = field(default_factory=dict)


def run_training(
    task: TrainingTask,
    settings: dict,
    seed: int,
    compute: ComputeSettings,
    checkpoints: CheckpointManager | None = None,
) -> TrainingResult:
    """Train a model for a fixed number of epochs; restart if it collapses.

    Nothing is selected: the last weights count (paper section 2; the held-out fold is not here).

    Args:
        settings: epochs, batch_size, learning_rate, weight_decay, lr_schedule, clip_grad_norm, and
            on_collapse: "restart" (with another seed made from this one), "error" or "keep".
        checkpoints: where checkpoints are saved, and loaded from if an earlier run was interrupted.

    Raises:
        InputError: fewer than two examples; or all attempts collapsed.
    """
    if task.count < 2:
        raise InputError(
            f"{task.count} stack to train on, at least two are needed: raise "
            "frames.clips_per_video or use more participants"
        )
    with checkpoints.handle_signals() if checkpoints else contextlib.nullcontext():
        policy = settings["on_collapse"]
        state = checkpoints.load() if checkpoints else None
        if state and not _is_valid_for_policy(state, policy):
            logger.warning(
                f"{checkpoints.path} was saved with another `on_collapse`: starting from the "
                "beginning"
            )
            state = None
        past = state["past"] if state else {"failed": [], "resumed_at_steps": [], "seconds": 0}
        failed = past["failed"]
        while True:
            attempt_seed = restart_seed(seed, len(failed))
            seed_everything(attempt_seed)
            trainer = _Trainer(task, settings, compute, past)
            if state:
                trainer.restore(state)
                past["resumed_at_steps"].append(trainer.step)
                logger.info(f"resuming at step {trainer.step}, in epoch {len(trainer.history) + 1}")
                state = None
            try:
                trainer.fit(checkpoints)
                if checkpoints:  # what is left may take long, and is not interrupted
                    checkpoints.save(trainer.state())
                task.on_train_end(trainer.model)
                diagnostics = task.diagnose(trainer.model, trainer.history[-1]["loss"])
                trainer.is_finite = math.isfinite(diagnostics.get("loss", 0))
            except TrainingCollapsed as error:
                diagnostics = {"failure": str(error), "warning": None}
                if checkpoints and trainer.is_finite:
                    checkpoints.save(trainer.state())  # for `on_collapse: keep`
            failure = diagnostics["failure"]
            if policy == "error":
                failure = failure or diagnostics["warning"]
            if not failure or (policy == "keep" and trainer.is_finite):
                run = trainer.describe_run()
                return TrainingResult(trainer.model, trainer.history, diagnostics, failed, run)
            if policy != "restart" or len(failed) == MAX_ATTEMPTS - 1:
                attempts = len(failed) + 1
                raise InputError(_describe_failure(failure, settings, attempts, trainer.is_finite))
            failed.append({"seed": attempt_seed, "epoch": len(trainer.history), "failure": failure})
            past["seconds"] = trainer.seconds()
            logger.warning(f"{failure}: restarting, attempt {len(failed) + 1} of {MAX_ATTEMPTS}")


class _Trainer:
    """One attempt, from its first step or from a checkpoint to its last."""

    def __init__(self, task: TrainingTask, settings: dict, compute: ComputeSettings, past: dict):
        self.task, self.settings, self.compute, self.past = task, settings, compute, past
        self.started = time.monotonic()
        self.model = compute.to_device(task.build(), task.channels_last)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.network, self.loss = compute.to_fast(self.model), compute.maybe_compile(task.loss)
        self.gradients = self._accumulate_gradients
        if task.repeats_operations:
            self.gradients = compute.maybe_graph(self.gradients, self.parameters)
        options = {"lr": settings["learning_rate"], "weight_decay": settings["weight_decay"]}
        self.optimizer = torch.optim.Adam(self.parameters, **options, fused=compute.fused_optimizer)
        self.micro_batch, self.was_halved = compute.micro_batch, False
        self.history: list[dict] = []
        self.step, self.is_finite = 0, True
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self.order, self.batches_done = torch.randperm(self.task.count), 0
        self.total_loss = torch.zeros((), device=self.compute.device)

    def fit(self, checkpoints: CheckpointManager | None) -> None:
        """Train to the last epoch.

        Raises:
            TrainingCollapsed: the loss is not finite, or the model is of no use.
            SystemExit: a signal asked to exit; a checkpoint is saved.
        """
        epochs, started, first = self.settings["epochs"], time.monotonic(), len(self.history)
        shown = started
        self._diagnose()  # a checkpoint may have been saved because of a collapse
        while len(self.history) < epochs:
            self.model.train()
            batches = split_into_batches(self.order, self.settings["batch_size"])
            for batch in self.task.iter_batches(batches[self.batches_done :]):
                self._set_learning_rate(self.step / (epochs * len(batches)))
                self.total_loss += self._train_step(batch) * len(batch[0])
                self.step, self.batches_done = self.step + 1, self.batches_done + 1
                self._diagnose()
                if checkpoints and checkpoints.is_due():
                    checkpoints.save(self.state())
            epoch = len(self.history) + 1
            loss = self.total_loss.item() / self.task.count
            if not math.isfinite(loss):
                self.is_finite = False
                raise TrainingCollapsed(f"the loss is {loss} after epoch {epoch}")
            self.history.append({"epoch": epoch, "loss": loss})
            now, part = time.monotonic(), epoch % math.ceil(epochs / 10)
            if part == 0 or epoch == epochs or now - shown >= PROGRESS_SECONDS:
                shown, left = now, (now - started) / (epoch - first) * (epochs - epoch)
                time_left = format_duration(left)
                logger.info(f"epoch {epoch} of {epochs}: loss {loss:.6g}, {time_left} left")
            self._begin_epoch()

    def _train_step(self, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """Take one step of the optimizer and return the loss; once, halve too large a batch."""
        while True:
            try:
                loss = self.gradients(batch)
                break
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                size = min(self.micro_batch or len(batch[0]), len(batch[0]))
                if self.was_halved or len(batch[0]) < 4:
                    raise InputError(
                        f"out of memory, even with micro-batches of {size} stacks "
                        f"({str(error).splitlines()[0]}): set compute.micro_batch lower, or free "
                        "some memory"
                    ) from error
            # Outside of `except`: the error holds on to the tensors of the failed step.
            self.micro_batch, self.was_halved = math.ceil(size / 2), True
            logger.warning(
                f"out of memory: from now on {self.micro_batch} stacks at a time, accumulated to "
                "the same batches"
            )
            if isinstance(self.gradients, StepGraph):
                self.gradients.clear()  # they have the old size
            if self.compute.device.type == "cuda":
                torch.cuda.empty_cache()
        if limit := self.settings["clip_grad_norm"]:
            nn.utils.clip_grad_norm_(self.parameters, limit)
        self.optimizer.step()
        return loss

    def _accumulate_gradients(self, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """Compute gradients of the batch's mean loss, one micro-batch after the other."""
        self.optimizer.zero_grad()
        size = len(batch[0])
        parts = number_of_batches(size, self.micro_batch or size)
        losses = []
        for part in zip(*(tensor.tensor_split(parts) for tensor in batch), strict=True):
            with self.compute.autocast():
                loss = self.loss(self.network, *part) * (len(part[0]) / size)
            loss.backward()
            losses.append(loss.detach())
        return sum(losses)

    def _set_learning_rate(self, progress: float) -> None:
        factor = learning_rate_factor(self.settings["lr_schedule"], progress)
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings["learning_rate"] * factor

    def _diagnose(self) -> None:
        if not is_diagnosis_step(self.step) or self.settings["on_collapse"] == "keep":
            return
        diagnostics = self.task.diagnose(self.model, None)
        self.model.train()
        if diagnostics["failure"]:
            raise TrainingCollapsed(f"{diagnostics['failure']} (after {self.step} steps)")

    def state(self) -> dict:
        """Return all that the next step depends on, and what the result says of the past."""
        on_gpu = self.compute.device.type == "cuda"
        return {
            "past": self.past | {"seconds": self.seconds()},
            "undiagnosed": self.settings["on_collapse"] == "keep",
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "random_gpu": torch.cuda.get_rng_state(self.compute.device) if on_gpu else None,
            "order": self.order,
            "batches_done": self.batches_done,
            "total_loss": self.total_loss,
            "step": self.step,
            "history": self.history,
        }

    def seconds(self) -> float:
        """Return the time of this training, failed attempts and interrupted runs included."""
        return self.past["seconds"] + time.monotonic() - self.started

    def describe_run(self) -> dict:
        """Return what may differ from run to run."""
        return self.compute.describe() | {
            "cuda_graph": isinstance(self.gradients, StepGraph),
            "micro_batch": self.micro_batch,
            "resumed_at_steps": self.past["resumed_at_steps"],
            "seconds": round(self.seconds(), 3),
        }

    def restore(self, state: dict) -> None:
        """Resume from a state."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        if state["random_gpu"] is not None and self.compute.device.type == "cuda":
            torch.cuda.set_rng_state(state["random_gpu"], self.compute.device)
        self.order, self.batches_done = state["order"], state["batches_done"]
        self.step, self.history = state["step"], state["history"]
        self.total_loss = state["total_loss"].to(self.compute.device)


def _is_valid_for_policy(state: dict, policy: str) -> bool:
    """Return whether a training under this policy would have reached this state.

    `keep` keeps the first attempt and diagnoses none during training; the others diagnose all.
    """
    return not (state["past"]["failed"] if policy == "keep" else state["undiagnosed"])


def _describe_failure(failure: str, settings: dict, attempts: int, is_finite: bool) -> str:
    times = f", as in all {attempts} attempts" if attempts > 1 else ""
    is_off = settings.get("recalibrate_batch_norm") is False
    batch_norm = ", set recalibrate_batch_norm: true" if is_off else ""
    keep = ", or, to use it as it is, set on_collapse: keep" if is_finite else ""
    return (
        f"{failure}{times}: lower learning_rate (now {settings['learning_rate']}), train for more "
        f"epochs{batch_norm}{keep} (docs/explanation/training.md)"
    )
