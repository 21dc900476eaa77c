"""The middle of a training: fit a head, a whole network, or the better of them on the work folder's texts, then judge it on the test texts.

A receipt (`fitted.json`) says that the fitting is complete; without it, `fit` starts again, or goes on from the last
checkpoint of the mode `full`.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from infra import stop
from infra.encoder import Vectors, load_encoder
from infra.models import best_device, model_folder
from infra.settings import Settings
from tasks.classifiers import predict, registry
from tasks.classifiers.measure import measure
from tasks.classifiers.spec import (
    EpochFigures,
    Fitted,
    Metrics,
    Mode,
    Prepared,
    Progress,
    TrainSpec,
    read_json,
    write_json,
)
from tasks.progress import Progress as JobProgress
from tasks.train.full import EPOCHS, Report
from tasks.train.work_folder import part

log = logging.getLogger("faldone.train")

MOST_ON_PROCESSOR = 8_000  # texts in all epochs: some minutes of the mode `full` on two cores


def fit(settings: Settings, spec: TrainSpec, prepared: Prepared, report: Report | None = None) -> Fitted:
    """Train, or go on where a killed run stopped; the model's files end in the work folder's `model`.

    Args:
        report: told where the training stands, about once a second.

    Raises:
        StopRequested: the job was asked to stop; finished epochs, or the fitted model, stay in the work folder.
    """
    folder = Path(prepared.folder)
    with FileLock(folder / "lock"):  # two equal commands at once: the second waits and finds the work done
        receipt = folder / "fitted.json"
        if receipt.is_file():
            return _fitted(read_json(receipt))
        shutil.rmtree(folder / "model", ignore_errors=True)
        (folder / "model").mkdir()
        fitted = (_fit_best if spec.mode == "auto" else _fit_one)(settings, spec, prepared, report)
        write_json(receipt, fitted)
    stop.check()
    return fitted


def following(progress: JobProgress) -> Report:
    """Return a report for `fit` that moves a job's progress, and logs each epoch as it ends."""
    ended = 0

    def report(now: Progress) -> None:
        nonlocal ended
        progress.reach(now.stage, now.done, now.total, now.figures)
        if len(now.epochs) > ended:
            ended = len(now.epochs)
            log.info("%s: %s, %.0f s to go", now.stage, now.figures, now.eta_seconds)

    return report


def _fit_one(settings: Settings, spec: TrainSpec, prepared: Prepared, report: Report | None) -> Fitted:
    work = _fit_full if spec.mode == "full" else _fit_head
    return replace(work(settings, spec, prepared, report), mode=spec.mode)


def _fit_best(settings: Settings, spec: TrainSpec, prepared: Prepared, report: Report | None) -> Fitted:
    """Fit every mode that the budget allows and keep the model with the best macro-F1 on the validation texts."""
    folder, tried = Path(prepared.folder), dict[str, Fitted]()
    modes, left_out = _affordable(settings, spec, prepared)
    for mode in modes:
        tried[mode] = _fit_one(settings, replace(spec, mode=mode), prepared, report)
        shutil.rmtree(folder / mode, ignore_errors=True)
        (folder / "model").rename(folder / mode)
        (folder / "model").mkdir()
        stop.check()
    best = max(tried.values(), key=lambda fitted: fitted.validation_f1)
    (folder / "model").rmdir()
    (folder / best.mode).rename(folder / "model")
    judged = {f"validation_f1_{mode}": fitted.validation_f1 for mode, fitted in tried.items()}
    seconds = round(sum(fitted.seconds for fitted in tried.values()), 2)
    return replace(best, seconds=seconds, settings={"mode": best.mode, **judged, **left_out, **best.settings})


def _affordable(
    settings: Settings, spec: TrainSpec, prepared: Prepared
) -> tuple[list[Mode], dict[str, float | int | str]]:
    """List the modes to be tried, and say why one is not."""
    texts = len(part(prepared, "train").texts) * (spec.epochs or EPOCHS)
    if best_device(settings.device) == "cpu" and texts > MOST_ON_PROCESSOR:
        reason = (
            f"not tried: {texts:,} texts in all epochs, a processor is given {MOST_ON_PROCESSOR:,}; ask for --mode full"
        )
        return ["linear", "head"], {"full": reason}
    return ["linear", "head", "full"], {}


def _fit_head(settings: Settings, spec: TrainSpec, prepared: Prepared, report: Report | None) -> Fitted:
    from tasks.classifiers import head

    begin = time.perf_counter()
    encoder = load_encoder(predict.base_settings(settings, prepared.base))
    train, validation = part(prepared, "train"), part(prepared, "validation")
    total = len(train.texts) + len(validation.texts)
    seen = 0

    def encoded(count: int) -> None:
        nonlocal seen
        seen += count
        if report:
            spent = time.perf_counter() - begin
            report(Progress(seen, total, round(spent / seen * (total - seen), 1), "encode"))

    def vectors(texts: Sequence[str]) -> Vectors:
        if spec.mode == "linear":  # words and letters alone
            return np.zeros((len(texts), encoder.dimension), np.float32)
        return encoder.encode(predict.clip(encoder, texts), encoded)

    examples = [head.Examples(p.texts, vectors(p.texts), p.targets) for p in (train, validation)]
    tried: list[tuple[float, Metrics, float]] = []
    fitted_head = head.fit(examples[0], examples[1], prepared.labels, lambda c, m, loss: tried.append((c, m, loss)))
    fitted_head.save(Path(prepared.folder) / "model")
    _describe(prepared, spec, fingerprint=encoder.fingerprint)
    seconds = time.perf_counter() - begin
    chosen = next(t for t in tried if t[0] == fitted_head.strength)
    figures = EpochFigures(
        1,
        round(chosen[2], 5),
        round(chosen[1].loss, 5),
        chosen[1].accuracy,
        chosen[1].f1_macro,
        round(seconds, 2),
        round(total / seconds, 2),
    )
    numbers: dict[str, float | int | str] = {f"f1_at_{c:g}": m.f1_macro for c, m, _ in tried}
    numbers |= {"strength": fitted_head.strength, "features": fitted_head.vocabulary.size, "seed": spec.seed}
    return Fitted(prepared.folder, (figures,), 1, round(seconds, 2), 0, numbers)


def _fit_full(settings: Settings, spec: TrainSpec, prepared: Prepared, report: Report | None) -> Fitted:
    from tasks.classifiers.network import tokenise
    from tasks.train import full

    base = model_folder(prepared.base)
    encoder = load_encoder(predict.base_settings(settings, prepared.base))
    pad = int(read_json(base / "config.json").get("pad_token_id") or 0)
    train, validation = part(prepared, "train"), part(prepared, "validation")
    plan = full.Plan(
        base=base,
        checkpoints=Path(prepared.folder) / "checkpoints",
        labels=prepared.labels,
        train=tokenise(base, train.texts, encoder.max_tokens),
        train_targets=train.targets,
        validation=tokenise(base, validation.texts, encoder.max_tokens),
        validation_targets=validation.targets,
        epochs=spec.epochs or EPOCHS,
        batch_size=spec.batch_size,
        seed=spec.seed,
        learning_rate=spec.learning_rate,
        device=best_device(settings.device),
        pad=pad,
    )
    fitted = full.fit(plan, Path(prepared.folder) / "model", report)
    _describe(prepared, spec, max_tokens=encoder.max_tokens, pad=pad)
    return fitted


def _describe(prepared: Prepared, spec: TrainSpec, **more: str | int) -> None:
    about = {
        "format": 1,
        "kind": "full" if spec.mode == "full" else "head",
        "name": spec.name,
        "version": "",
        "labels": prepared.labels,
        "base": prepared.base,
    }
    write_json(Path(prepared.folder) / "model" / registry.MARKER, about | more)


def evaluate(settings: Settings, prepared: Prepared) -> Metrics:
    """Return the figures of the new model on the test texts, read back from its files as a user would load it."""
    classifier = predict.open_folder(settings, Path(prepared.folder) / "model", "new")
    test = part(prepared, "test")
    metrics = measure(classifier.scores(test.texts), test.targets, prepared.labels)
    write_json(Path(prepared.folder) / "metrics.json", metrics)
    return metrics


def _fitted(plain: Mapping[str, Any]) -> Fitted:
    return Fitted(**{**plain, "epochs": tuple(EpochFigures(**e) for e in plain["epochs"])})
