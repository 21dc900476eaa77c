"""Checkpoints of a training: weights and optimiser state as safetensors, the rest as JSON; never a pickle.

A checkpoint is a folder `epoch-0002`, written beside and renamed, so that a kill at any instant leaves the one before.
Batches, dropout and the learning rate are functions of (seed, epoch, step), so nothing else is needed to go on exactly.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from infra.swap import place_folder
from tasks.classifiers.spec import EpochFigures, read_json, write_json


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A finished epoch and the figures of all epochs so far."""

    folder: Path
    epochs: tuple[EpochFigures, ...]
    seconds: float


def save(
    folder: Path,
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    epochs: Sequence[EpochFigures],
    seconds: float,
) -> None:
    """Add the checkpoint of the last of `epochs`, and drop all others but the best."""
    number = epochs[-1].epoch
    part, final = folder / f"epoch-{number:04d}.part", folder / f"epoch-{number:04d}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    save_file({k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}, part / "weights.safetensors")
    flat = {
        f"{index}.{name}": value.detach().cpu().contiguous()
        for index, state in optimiser.state_dict()["state"].items()
        for name, value in state.items()
    }
    save_file(flat, part / "optimiser.safetensors")
    write_json(part / "state.json", {"epochs": [asdict(e) for e in epochs], "seconds": seconds})
    place_folder(
        part, final, replace=True
    )  # one is left by a run that was killed between its rename and its next epoch
    keep = {final.name, f"epoch-{best_epoch(epochs).epoch:04d}"}
    for old in folder.glob("epoch-*"):
        if old.name not in keep:
            shutil.rmtree(old)


def last(folder: Path) -> Checkpoint | None:
    """Return the newest checkpoint, or None."""
    found = sorted(p for p in folder.glob("epoch-*") if p.suffix != ".part")
    if not found:
        return None
    state = read_json(found[-1] / "state.json")
    return Checkpoint(found[-1], tuple(EpochFigures(**e) for e in state["epochs"]), state["seconds"])


def restore(checkpoint: Checkpoint, network: torch.nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Put weights and optimiser state back."""
    load_weights(checkpoint.folder, network)
    states: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in load_file(checkpoint.folder / "optimiser.safetensors").items():
        index, name = key.split(".", 1)
        states.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({"state": states, "param_groups": optimiser.state_dict()["param_groups"]})


def load_weights(folder: Path, network: torch.nn.Module) -> None:
    network.load_state_dict(load_file(folder / "weights.safetensors"))


def best_epoch(epochs: Sequence[EpochFigures]) -> EpochFigures:
    """Return the epoch with the highest validation macro-F1; of equal ones, the one with the lower validation loss."""
    return max(epochs, key=lambda e: (e.validation_f1_macro, -e.validation_loss))
