"""The mode `full`: fine-tune a transformers model with torch.

One dial, the rest derived: the size of the base model sets the learning rate, the number of epochs the schedule. What
makes it quick on a processor is bfloat16 and batches of equal length; what makes it repeatable is that every random
choice is a function of the seed, the epoch and the step. After each epoch there is a checkpoint to go on from.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from infra import stop
from tasks.classifiers.head import class_weights
from tasks.classifiers.measure import Targets, measure, softmax
from tasks.classifiers.spec import EpochFigures, Fitted, Progress

if TYPE_CHECKING:
    import torch

    from tasks.classifiers.network import Network

EPOCHS = 4
PATIENCE = 2  # epochs without a better validation macro-F1 after which training ends
PEAK_RATE = (
    1.5e-4  # for 384 hidden units; it falls with the square of the width: 3.8e-5 for BERT-base, 2.1e-5 for large
)
HEAD_FACTOR = 10.0  # the linear layer starts from nothing and learns that much faster
WARM_UP = 0.1  # share of the steps over which the rate rises
WEIGHT_DECAY = 0.01
CLIP = 1.0  # largest norm of a gradient
REPORT_SECONDS = 1.0

Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one fine-tuning does: files, texts as token ids, and the numbers."""

    base: Path
    checkpoints: Path
    labels: tuple[str, ...]
    train: Sequence[Sequence[int]]
    train_targets: Targets
    validation: Sequence[Sequence[int]]
    validation_targets: Targets
    epochs: int
    batch_size: int
    seed: int
    learning_rate: float
    device: str
    pad: int = 0

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.train) // self.batch_size)


def derived_rate(hidden: int) -> float:
    """Return the peak learning rate for a base model with `hidden` units."""
    return PEAK_RATE * (384 / hidden) ** 2


def rate_factor(step: int, steps: int) -> float:
    """Return the share of the peak rate at a step (from 0): a linear rise, then a linear fall to 0."""
    warm = max(1, round(WARM_UP * steps))
    return (step + 1) / warm if step < warm else (steps - step) / max(1, steps - warm)


def fit(plan: Plan, model_folder: Path, report: Report | None = None) -> Fitted:
    """Fine-tune, going on from the last checkpoint if there is one, and save the best epoch's network.

    Args:
        plan: what to do.
        model_folder: gets the network of the epoch with the best validation macro-F1.
        report: told where the training stands, about once a second and after each epoch.

    Raises:
        StopRequested: the job was asked to stop; the epochs done are checkpointed.
    """
    from tasks.classifiers.network import save_network
    from tasks.train import checkpoint

    run = _Run(plan, report)
    resumed = len(run.epochs)
    while not run.finished:
        run.one_epoch()
        stop.check()
    best = checkpoint.best_epoch(run.epochs)
    checkpoint.load_weights(plan.checkpoints / f"epoch-{best.epoch:04d}", run.network)
    save_network(run.network, plan.base, model_folder)
    return Fitted(
        folder=str(model_folder.parent),
        epochs=tuple(run.epochs),
        best_epoch=best.epoch,
        seconds=round(run.seconds, 2),
        resumed_from=resumed,
        settings=_settings(plan, run.rate),
    )


def _settings(plan: Plan, rate: float) -> dict[str, float | int | str]:
    return {
        "epochs": plan.epochs,
        "batch_size": plan.batch_size,
        "learning_rate": rate,
        "seed": plan.seed,
        "weight_decay": WEIGHT_DECAY,
        "warm_up": WARM_UP,
        "clip": CLIP,
        "patience": PATIENCE,
        "device": plan.device,
    }


class _Run:
    """One fine-tuning under way: network, optimiser, and the figures of the epochs so far."""

    def __init__(self, plan: Plan, report: Report | None) -> None:
        import torch

        from tasks.classifiers.network import new_network
        from tasks.train import checkpoint

        self.plan, self.report = plan, report
        _repeatable(plan.device)
        torch.manual_seed(plan.seed)
        self.network: Network = new_network(plan.base, len(plan.labels)).to(plan.device)
        self.forward = _on_every_gpu(self.network, plan.device)
        self.rate = plan.learning_rate or derived_rate(self.network.hidden)
        self.optimiser = _optimiser(self.network, self.rate, plan.device)
        self.weights = torch.from_numpy(class_weights(plan.train_targets, len(plan.labels))).float().to(plan.device)
        self.lengths = np.fromiter((len(ids) for ids in plan.train), np.int64, len(plan.train))
        self.epochs: list[EpochFigures] = []
        self.seconds = 0.0
        found = checkpoint.last(plan.checkpoints)
        if found:
            checkpoint.restore(found, self.network, self.optimiser)
            self.epochs, self.seconds = list(found.epochs), found.seconds
        self._begin, self._fresh, self._reported = time.perf_counter(), 0, 0.0

    @property
    def finished(self) -> bool:
        from tasks.train.checkpoint import best_epoch

        done = len(self.epochs)
        return done >= self.plan.epochs or (done > 0 and done - best_epoch(self.epochs).epoch >= PATIENCE)

    def one_epoch(self) -> None:
        """Train on every text once, measure on the validation texts, write a checkpoint."""
        import torch

        from tasks.classifiers.network import training_batches
        from tasks.train import checkpoint

        plan, number = self.plan, len(self.epochs) + 1
        torch.manual_seed(plan.seed * 1_000_003 + number)  # dropout: the same whether or not the run was resumed
        self.network.train()
        begin, total, done = time.perf_counter(), 0.0, (number - 1) * len(plan.train)
        for index, batch in enumerate(training_batches(self.lengths, plan.batch_size, plan.seed, number)):
            step = (number - 1) * plan.steps_per_epoch + index
            total += self._step(batch, step)
            done += len(batch)
            self._tell(done, len(batch), f"epoch {number} of {plan.epochs}")
        seconds = time.perf_counter() - begin
        self.epochs.append(self._validated(number, total / len(plan.train), seconds))
        self.seconds += time.perf_counter() - begin
        checkpoint.save(plan.checkpoints, self.network, self.optimiser, self.epochs, self.seconds)
        self._tell(done, 0, f"epoch {number} of {plan.epochs}", now=True)

    def _step(self, batch: npt.NDArray[np.int64], step: int) -> float:
        import torch

        from tasks.classifiers.network import micro_batches, padded, precision

        plan = self.plan
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * rate_factor(step, plan.epochs * plan.steps_per_epoch)
        total = 0.0
        for part in micro_batches(batch, self.lengths, plan.device):
            ids, mask = padded([plan.train[i] for i in part], plan.pad, plan.device)
            targets = torch.from_numpy(plan.train_targets[part]).to(plan.device)
            with precision(plan.device):
                logits = self.forward(ids, mask)
            loss = torch.nn.functional.cross_entropy(logits, targets, reduction="none") * self.weights[targets]
            (loss.sum() / len(batch)).backward()  # type: ignore[no-untyped-call]
            total += float(loss.sum().detach())
        torch.nn.utils.clip_grad_norm_([p for p in self.network.parameters() if p.requires_grad], CLIP)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return total

    def _validated(self, number: int, loss: float, seconds: float) -> EpochFigures:
        from tasks.classifiers.network import logits_of

        plan = self.plan
        self.network.eval()
        logits = logits_of(self.network, plan.validation, plan.pad, plan.device, len(plan.labels))
        found = measure(softmax(logits), plan.validation_targets, plan.labels)
        return EpochFigures(
            epoch=number,
            loss=round(loss, 5),
            validation_loss=round(found.loss, 5),
            validation_accuracy=found.accuracy,
            validation_f1_macro=found.f1_macro,
            seconds=round(seconds, 2),
            samples_per_second=round(len(plan.train) / seconds, 2),
        )

    def _tell(self, done: int, more: int, stage: str, now: bool = False) -> None:
        self._fresh += more
        clock = time.perf_counter()
        if self.report is None or (not now and clock - self._reported < REPORT_SECONDS):
            return
        self._reported = clock
        total = self.plan.epochs * len(self.plan.train)
        pace = (clock - self._begin) / max(1, self._fresh)
        self.report(Progress(done, total, round(pace * (total - done), 1), stage, tuple(self.epochs)))


def _optimiser(network: Network, rate: float, device: str) -> torch.optim.Optimizer:
    """Return AdamW; biases and normalisations do not decay, the linear layer learns faster."""
    import torch

    groups: dict[tuple[float, float], list[Any]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            peak = rate * (HEAD_FACTOR if name.startswith("linear.") else 1.0)
            decay = WEIGHT_DECAY if parameter.ndim > 1 else 0.0
            groups.setdefault((peak, decay), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": ps, "lr": peak, "peak": peak, "weight_decay": decay} for (peak, decay), ps in groups.items()],
        fused=device != "mps",
    )


def _on_every_gpu(network: Network, device: str) -> torch.nn.Module:
    """Return the network, or a wrapper that shares each batch among several graphics cards of this machine.

    DataParallel keeps one process, one set of weights and one checkpoint. Give it a larger batch: 16 texts fill none.
    """
    import torch

    several = device == "cuda" and torch.cuda.device_count() > 1
    return torch.nn.DataParallel(network) if several else network


def _repeatable(device: str) -> None:
    """Ask for the same sums in the same order; a processor does so already, a graphics card has to be told."""
    if device == "cuda":
        import torch

        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
