"""The flow `train`: labelled texts in, a registered classifier out.

validate → split → train → evaluate → register → promote. What passes between the tasks are small records; texts and
weights stay in a work folder whose name follows from the parameters and the data, so a retry, or the same run after a
kill, goes on from the last epoch.
"""

from __future__ import annotations

import base64
import time
from dataclasses import asdict
from typing import Annotated, Any, Literal

from prefect import flow, task
from prefect.artifacts import create_image_artifact
from pydantic import Field

from flows.observe import artifacts, retry, table
from infra.lake import COLLECTION_PATTERN  # models are named like collections
from infra.settings import load
from tasks.classifiers import spec as records
from tasks.progress import Progress
from tasks.train import fitting, release, work_folder
from tasks.train.card import curves

validate = task(name="validate", **retry())(work_folder.prepare)
split = task(name="split", **retry())(work_folder.split)
fit = task(name="train", **retry())(fitting.fit)
evaluate = task(name="evaluate", **retry())(fitting.evaluate)
register = task(name="register", **retry())(release.register)
promote = task(name="promote", **retry())(release.promote)


@flow(name="train", flow_run_name="train-{name}", validate_parameters=True)
def train(
    data: Annotated[
        str, Field(min_length=1, description="A CSV, JSONL or Parquet file of labelled texts, or its URL.")
    ],
    name: Annotated[str, Field(pattern=COLLECTION_PATTERN, description="The model's name in the registry.")],
    mode: Annotated[
        Literal["auto", "linear", "head", "full"],
        Field(
            description="auto: the best of linear (words), head (words and vectors) and full (fine-tunes the base model)."
        ),
    ] = "auto",
    base: Annotated[
        str, Field(description="auto (by the texts' language), bundled, multilingual, a Hugging Face id, or a folder.")
    ] = "auto",
    epochs: Annotated[int, Field(ge=0, le=1000, description="Epochs of the mode full; 0 means 4.")] = 0,
    text_column: Annotated[str, Field(description="Column of the texts.")] = "text",
    label_column: Annotated[str, Field(description="Column of the labels.")] = "label",
    collection: Annotated[
        str, Field(description="Take the texts of this collection's documents; the file then gives path and label.")
    ] = "",
    seed: Annotated[int, Field(ge=0, description="Decides the split and every random choice.")] = 0,
    batch_size: Annotated[int, Field(ge=1, le=4096, description="Texts of one optimiser step (full).")] = 16,
    learning_rate: Annotated[
        float, Field(ge=0, le=1, description="Peak rate (full); 0 derives it from the size.")
    ] = 0.0,
) -> dict[str, Any]:
    """Train a text classifier, register it, and let it take over if it beats the current version.

    Args:
        data: A CSV, JSONL or Parquet file of labelled texts, or its URL.
        name: The model's name in the registry.
        mode: linear and head fit in seconds, over words and over the encoder's vectors too; full fine-tunes the base model;
            auto takes what is best on the validation texts.
        base: The model to build on: auto (bundled for English texts, else multilingual), bundled, multilingual, a Hugging Face id,
            or a folder.
        epochs: Epochs of the mode full; 0 means the default.
        text_column: Column of the texts.
        label_column: Column of the labels.
        collection: Take the texts from this collection, and paths (or ids) and labels from the file.
        seed: Decides the split and every random choice; the same seed gives the same figures.
        batch_size: Texts of one optimiser step.
        learning_rate: Peak learning rate; 0 derives it from the size of the base model.
    """
    begin, settings = time.perf_counter(), load()
    spec = records.TrainSpec(
        data, name, mode, base, epochs, text_column, label_column, collection, seed, batch_size, learning_rate
    )
    progress = Progress("validate", unit="texts")
    with artifacts(progress, "train"):
        prepared = validate(settings, spec)
        parts = split(spec, prepared)
        fitted = fit(settings, spec, prepared, fitting.following(progress))
        metrics = evaluate(settings, prepared)
        version = register(settings, spec, prepared, parts, fitted, metrics)
        promotion = promote(settings, spec, prepared, version)
        progress.finish()
    show(spec, fitted, promotion)
    work_folder.finish(prepared)
    return release.result(version, fitted, metrics, promotion, time.perf_counter() - begin)


def show(spec: records.TrainSpec, fitted: records.Fitted, promotion: records.Promotion) -> None:
    """Show the epochs as a table and the curves as a picture in the UI."""
    table("train-epochs", [asdict(epoch) for epoch in fitted.epochs], f"Epochs of {spec.name}; {promotion.reason}")
    picture = base64.b64encode(curves(spec, fitted).encode()).decode()
    create_image_artifact(
        image_url=f"data:image/svg+xml;base64,{picture}", key="train-curves", description=f"Training of {spec.name}"
    )
