"""The verbs of classifiers: train, predict, models."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from deployments.cli.output import JsonOption, emit, errors_shown, fail, run_flow, table

models_app = typer.Typer(no_args_is_help=True, help="The registry of trained classifiers.")

ModelArgument = Annotated[str, typer.Argument(help="NAME or NAME@VERSION.", metavar="MODEL")]


class ModeName(StrEnum):
    """How a classifier is trained."""

    AUTO = "auto"
    LINEAR = "linear"
    HEAD = "head"
    FULL = "full"


def train(
    data: Annotated[str, typer.Argument(help="CSV, JSONL or Parquet file of labelled texts.", metavar="DATA")],
    name: Annotated[str, typer.Option("--name", "-n", help="The model's name in the registry.")],
    mode: Annotated[
        ModeName,
        typer.Option(
            help="auto: the best of the others on the validation texts; linear: over words; head: over words and sentence "
            "vectors, seconds; full: fine-tune the base model, minutes."
        ),
    ] = ModeName.AUTO,
    base: Annotated[
        str,
        typer.Option(
            help="The model to build on: auto (bundled for English texts, multilingual for others), bundled, multilingual, "
            "a Hugging Face id, or a folder."
        ),
    ] = "auto",
    epochs: Annotated[int, typer.Option(min=0, help="Most epochs of --mode full; 0 means 4.")] = 0,
    text_column: Annotated[str, typer.Option(help="Column of the texts.")] = "text",
    label_column: Annotated[str, typer.Option(help="Column of the labels.")] = "label",
    collection: Annotated[
        str, typer.Option("--collection", "-c", help="Take the texts from this collection; DATA has path and label.")
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Decides the split and every random choice.")] = 0,
    batch_size: Annotated[int, typer.Option(min=1, help="Texts of one optimiser step (full).")] = 16,
    learning_rate: Annotated[float, typer.Option(min=0, help="Peak rate (full); 0 derives it from the size.")] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Train a text classifier, register it, and make it current if it beats the current version.

    Killed in the middle, the same command goes on from the last epoch.

    Example: faldone train reviews.csv --name reviews --mode full --epochs 3
    """
    with errors_shown():
        parameters = {
            "data": data if "://" in data else str(Path(data).expanduser().absolute()),
            "name": name,
            "mode": mode.value,
            "base": base,
            "epochs": epochs,
            "text_column": text_column,
            "label_column": label_column,
            "collection": collection,
            "seed": seed,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
        }
        _check(parameters)
        result = run_flow("train", parameters)
        emit(result, as_json, None if as_json else _trained(result))


def _check(parameters: dict[str, Any]) -> None:
    """Say what is wrong with the name or the data at once, before a server is started for the flow."""
    from tasks.classifiers.spec import TrainSpec
    from tasks.train.data import read_labelled

    spec = TrainSpec(**parameters)
    if not spec.collection and "://" not in spec.data:
        read_labelled(spec.data, spec.text_column, spec.label_column)


def _trained(result: dict[str, Any]) -> str:
    figures = result["metrics"]
    return "\n".join(
        [
            f"{result['name']} {result['version']}: macro-F1 {figures['f1_macro']:.3f}, "
            f"accuracy {figures['accuracy']:.3f} on {figures['texts']} held-out texts, {result['seconds']:.1f} s",
            f"  {'promoted' if result['promoted'] else 'not promoted'}: {result['promotion']['reason']}",
            f"  {result['path']}/README.md",
        ]
    )


def predict(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to classify.", metavar="TEXT…")] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", help="NAME, NAME@VERSION, a folder, or a Hugging Face id.")
    ] = "default-sentiment",
    input: Annotated[
        str | None, typer.Option("--input", "-i", help="A .txt file (one text a line), CSV, JSONL or Parquet.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="A .csv, .jsonl or .parquet file, a path or a URL.")
    ] = None,
    text_column: Annotated[str, typer.Option(help="Column of the texts of --input.")] = "text",
    as_json: JsonOption = False,
) -> None:
    """Apply a trained classifier to texts.

    Example: faldone predict "Revenue fell by a third." --model reviews
    """
    with errors_shown():
        if bool(texts) == bool(input):
            fail("give either texts or --input FILE", status=_usage())
        from infra.settings import load
        from tasks.classifiers.predict import load_classifier
        from tasks.train.table import read_texts, write_predictions

        chosen = texts or read_texts(input or "", text_column)
        classifier = load_classifier(load(), model)
        found = classifier.predict(chosen)
        if output:
            write_predictions(output, chosen, found)
        rows = [{"text": t, "label": p.label, "scores": p.scores} for t, p in zip(chosen, found, strict=True)]
        lines = [f"{p.label:>12}  {p.score:.3f}  {t[:100]}" for t, p in zip(chosen, found, strict=True)]
        shown = f"{len(rows)} predictions written to {output}" if output else "\n".join(lines)
        emit({"model": model, "version": classifier.version, "predictions": rows}, as_json, shown)


def _usage() -> Any:
    from deployments.cli.output import Exit

    return Exit.USAGE


@models_app.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """List every version in the registry.

    Example: faldone models list
    """
    with errors_shown():
        from infra.settings import load
        from tasks.classifiers import registry

        found = registry.versions(load())
        if as_json:
            emit({"models": [_row(one) for one in found]}, True)
            return
        rows = [
            (m.name, m.version, "●" if m.current else "", m.kind, f"{m.metrics['f1_macro']:.3f}", m.created_at)
            for m in found
        ]
        table("Models", ("name", "version", "current", "mode", "macro-F1", "created"), rows)


@models_app.command()
def show(model: ModelArgument, as_json: JsonOption = False) -> None:
    """Show a model's card; with --json its figures, settings and data.

    Example: faldone models show reviews
    """
    with errors_shown():
        from infra.settings import load
        from tasks.classifiers import registry

        one = registry.get(load(), model)
        full = {name: json.loads((one.path / f"{name}.json").read_text()) for name in ("metrics", "training")}
        emit(_row(one) | {"details": full}, as_json, (one.path / "README.md").read_text())


@models_app.command()
def promote(model: ModelArgument, as_json: JsonOption = False) -> None:
    """Make a version the current one, whatever its figures.

    Example: faldone models promote reviews@2026-03-31-1a2b3c4d
    """
    with errors_shown():
        from infra.errors import UsageError
        from infra.settings import load
        from tasks.classifiers import registry

        name, _, version = model.partition("@")
        if not version:
            raise UsageError(f"{model}: say which version, NAME@VERSION; see faldone models list")
        one = registry.promote(load(), name, version)
        emit(_row(one), as_json, f"{one.name}: {one.version} is current")


@models_app.command()
def remove(model: ModelArgument, as_json: JsonOption = False) -> None:
    """Remove a version, or with a bare name the whole model.

    The current version goes only with the whole model.

    Example: faldone models remove reviews@2026-03-31-1a2b3c4d
    """
    with errors_shown():
        from infra.settings import load
        from tasks.classifiers import registry

        gone = registry.remove(load(), model)
        name = model.partition("@")[0]
        emit({"status": "completed", "name": name, "removed": gone}, as_json, f"{name}: removed {', '.join(gone)}")


def _row(one: Any) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "current": one.current,
        "mode": one.kind,
        "labels": one.labels,
        "metrics": one.metrics,
        "created_at": one.created_at,
        "path": str(one.path),
    }
