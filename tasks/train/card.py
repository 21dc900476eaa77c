"""The model card: what a model is, what it was trained on, how well it does and where it fails, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.classifiers.spec import EpochFigures, Fitted, Metrics, Prepared, TrainSpec
from tasks.train.curve import Points, line_chart

KINDS = {
    "linear": "a logistic layer over n-grams",
    "head": "a logistic head over sentence vectors and n-grams",
    "full": "a fine-tuned transformers model",
}
MOST_LABELS = 20  # a confusion matrix of more is in metrics.json only


def curves(spec: TrainSpec, fitted: Fitted) -> str:
    """Return the SVG of the training: losses and macro-F1 by epoch, or for a head macro-F1 by strength."""
    if fitted.mode != "full":
        tried = [
            (float(k.removeprefix("f1_at_")), float(v)) for k, v in fitted.settings.items() if k.startswith("f1_at_")
        ]
        return line_chart({"validation macro-F1": sorted(tried)}, "strength C")
    lines: dict[str, Points] = {
        "training loss": [(e.epoch, e.loss) for e in fitted.epochs],
        "validation loss": [(e.epoch, e.validation_loss) for e in fitted.epochs],
        "validation F1": [(e.epoch, e.validation_f1_macro) for e in fitted.epochs],
    }
    return line_chart(lines, "epoch")


def card(
    spec: TrainSpec, version: str, prepared: Prepared, splits: Mapping[str, int], fitted: Fitted, metrics: Metrics
) -> str:
    """Return the Markdown of a model's README.md."""
    kind = KINDS[fitted.mode]
    return (
        "\n\n".join(
            [
                f"# {spec.name} {version}",
                f"A text classifier with {len(prepared.labels)} labels: {kind}, over the base model `{prepared.base}`.",
                "## Data\n\n" + _data(prepared, splits),
                f"## On {metrics.texts} held-out texts\n\n" + _summary(metrics),
                "## By label\n\n" + _by_label(prepared.labels, metrics),
                "## Confusion (rows: truth, columns: prediction)\n\n" + _confusion(prepared.labels, metrics),
                "## Training\n\n![curves](curves.svg)\n\n" + epochs_table(fitted.epochs) + "\n\n" + _settings(fitted),
                "## Limits\n\nThe figures hold for texts like those it was trained on. Texts longer than the base model "
                "reads are judged by their beginning. Probabilities are not calibrated: compare them with one another.",
            ]
        )
        + "\n"
    )


def _data(prepared: Prepared, splits: Mapping[str, int]) -> str:
    parts = ", ".join(f"{count} {name}" for name, count in splits.items())
    return (
        f"{prepared.rows} distinct texts ({parts}); {prepared.duplicates} duplicates were left out, "
        f"{prepared.conflicts} of them with another label. Hash of the data: `{prepared.data_hash}`."
    )


def _summary(metrics: Metrics) -> str:
    rows = [
        ("accuracy", metrics.accuracy),
        ("macro-F1", metrics.f1_macro),
        ("weighted F1", metrics.f1_weighted),
        ("loss", metrics.loss),
    ]
    return table(("figure", "value"), [(name, f"{value:.4f}") for name, value in rows])


def _by_label(labels: Sequence[str], metrics: Metrics) -> str:
    rows = [
        (
            label,
            f"{metrics.precision[label]:.3f}",
            f"{metrics.recall[label]:.3f}",
            f"{metrics.f1[label]:.3f}",
            str(sum(line)),
        )
        for label, line in zip(labels, metrics.confusion, strict=True)
    ]
    return table(("label", "precision", "recall", "F1", "texts"), rows)


def _confusion(labels: Sequence[str], metrics: Metrics) -> str:
    if len(labels) > MOST_LABELS:
        return "See `metrics.json`."
    return table(
        ("", *labels),
        [(label, *map(str, line)) for label, line in zip(labels, metrics.confusion, strict=True)],
    )


def epochs_table(epochs: Sequence[EpochFigures]) -> str:
    rows = [
        (
            str(e.epoch),
            f"{e.loss:.4f}",
            f"{e.validation_loss:.4f}",
            f"{e.validation_accuracy:.4f}",
            f"{e.validation_f1_macro:.4f}",
            f"{e.seconds:.1f}",
            f"{e.samples_per_second:.1f}",
        )
        for e in epochs
    ]
    return table(("epoch", "loss", "validation loss", "accuracy", "macro-F1", "s", "texts/s"), rows)


def _settings(fitted: Fitted) -> str:
    return table(("setting", "value"), [(name, str(value)) for name, value in fitted.settings.items()])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; bars in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
