"""The end of a training: complete the model's folder, register it, and let it take over if it is better.

Better means a higher macro-F1 on the same texts, which neither of the two was trained on; only then does `current`
move.
"""

from __future__ import annotations

import hashlib
import logging
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import numpy as np

from infra.machine import cores
from infra.settings import Settings
from tasks.classifiers import predict, registry
from tasks.classifiers.measure import f1_macro
from tasks.classifiers.spec import Fitted, Metrics, Prepared, Promotion, TrainSpec, digest, read_json, write_json
from tasks.train.card import card, curves
from tasks.train.data import text_key
from tasks.train.work_folder import part

log = logging.getLogger("faldone.train")


def register(
    settings: Settings, spec: TrainSpec, prepared: Prepared, splits: Mapping[str, int], fitted: Fitted, metrics: Metrics
) -> registry.ModelVersion:
    """Complete the model's folder and put it into the registry; it does not become current here."""
    built = Path(prepared.folder) / "model"
    about = read_json(built / registry.MARKER)
    if not about["version"]:  # a retry keeps the name that the first attempt gave
        created = datetime.now(UTC).astimezone()
        about["version"] = f"{created:%Y-%m-%d}-{digest(asdict(spec), prepared.data_hash, _weights(built))[:8]}"
        about["created_at"] = created.isoformat(timespec="seconds")
        write_json(built / registry.MARKER, about)
    _keep_seen(prepared, built)
    write_json(built / "metrics.json", {"summary": metrics.summary(), "labels": prepared.labels} | asdict(metrics))
    write_json(
        built / "training.json",
        {
            "spec": asdict(spec),
            "data": asdict(prepared),
            "splits": splits,
            "fitted": asdict(fitted),
            "environment": _environment(),
        },
    )
    (built / "curves.svg").write_text(curves(spec, fitted), encoding="utf-8")
    (built / "README.md").write_text(card(spec, about["version"], prepared, splits, fitted, metrics), encoding="utf-8")
    registry.register(settings, built, spec.name, about["version"])
    return registry.get(settings, f"{spec.name}@{about['version']}")


def _weights(folder: Path) -> str:
    whole = hashlib.blake2b(digest_size=8)
    for file in sorted(folder.glob("*.safetensors")):
        if file.name != "seen.safetensors":
            whole.update(file.read_bytes())
    return whole.hexdigest()


def _keep_seen(prepared: Prepared, built: Path) -> None:
    """Keep the keys of the texts it was trained on: a later comparison leaves them out."""
    from safetensors.numpy import save_file

    keys = [text_key(text) for name in ("train", "validation") for text in part(prepared, name).texts]
    save_file({"keys": np.array(sorted(keys), np.int64)}, built / "seen.safetensors")


def _environment() -> dict[str, str]:
    names = ("faldone", "torch", "transformers", "tokenizers", "safetensors", "numpy", "polars")
    return {name: package_version(name) for name in names} | {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": str(cores()),
    }


def promote(settings: Settings, spec: TrainSpec, prepared: Prepared, new: registry.ModelVersion) -> Promotion:
    """Make the new version current if it beats the current one on the same held-out texts.

    Both are judged on the new test texts without those that the current one was trained on. The higher macro-F1
    wins; at a draw the current one stays.
    """
    folder = registry.current(settings, spec.name)
    if folder is not None and folder == new.path:
        return Promotion(True, "it is the current version", new.metrics["f1_macro"], None, int(new.metrics["texts"]))
    outcome = _compare(settings, prepared, new, folder)
    if outcome.promoted:
        registry.promote(settings, spec.name, new.version)
    write_json(Path(prepared.folder) / "promotion.json", outcome)
    log.info("promoted: %s, because %s", outcome.promoted, outcome.reason)
    return outcome


def _compare(settings: Settings, prepared: Prepared, new: registry.ModelVersion, current: Path | None) -> Promotion:
    if current is None:
        return Promotion(True, "it is the first version", new.metrics["f1_macro"], None, int(new.metrics["texts"]))
    test = part(prepared, "test")
    seen = _seen(current)
    fresh = [i for i, text in enumerate(test.texts) if text_key(text) not in seen]
    if not fresh:
        return Promotion(
            False, "the current version was trained on every held-out text", new.metrics["f1_macro"], None, 0
        )
    texts = [test.texts[i] for i in fresh]
    truth = [prepared.labels[test.targets[i]] for i in fresh]
    mine, theirs = (
        f1_macro([p.label for p in predict.open_folder(settings, path, path.name).predict(texts)], truth)
        for path in (new.path, current)
    )
    better = mine > theirs
    reason = f"macro-F1 {mine:.4f} against {theirs:.4f} of {current.name} on {len(texts)} held-out texts"
    return Promotion(better, reason, mine, theirs, len(texts))


def _seen(folder: Path) -> set[int]:
    from safetensors.numpy import load_file

    file = folder / "seen.safetensors"
    return set(load_file(file)["keys"].tolist()) if file.is_file() else set()


def result(
    new: registry.ModelVersion, fitted: Fitted, metrics: Metrics, promotion: Promotion, seconds: float
) -> dict[str, Any]:
    """Return what `faldone train --json` prints."""
    return {
        "status": "completed",
        "name": new.name,
        "version": new.version,
        "path": str(new.path),
        "promoted": promotion.promoted,
        "promotion": asdict(promotion),
        "metrics": metrics.summary(),
        "epochs": [asdict(e) for e in fitted.epochs],
        "best_epoch": fitted.best_epoch,
        "resumed_from": fitted.resumed_from,
        "seconds": round(seconds, 2),
    }
