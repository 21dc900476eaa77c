"""From the JSON of an analysis to the records of the reports.

Results of an older release may lack a key or hold one of another shape: what is not there is left out, what is not a
finite number is no figure. Nothing here raises for a malformed result; a result that is not JSON is a failed analysis.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from tasks.export.records import (
    Check,
    Classes,
    Conflict,
    Entity,
    Figure,
    Financial,
    Metric,
    Passage,
    Phrase,
    Reading,
    Sentence,
    Sentiment,
)

Json = Mapping[str, Any]


def parse(text: str | None) -> Json:
    """The object that a result's JSON holds.

    Raises:
        ValueError: it holds none.
    """
    value = json.loads(text or "")
    if not isinstance(value, dict):
        raise ValueError("the result is not a JSON object")
    return value


def number(value: object) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def financial(result: Json) -> Financial:
    """The financial RESULT."""
    return Financial(
        currency=_text(result.get("currency")),
        periods=tuple(_text(period) for period in _list(result.get("fiscal_periods"))),
        figures=tuple(_figures(result)),
        metrics=tuple(_metrics(result)),
        checks=tuple(_check(row) for row in _objects(result.get("checks"))),
        conflicts=tuple(_conflicts(result)),
        reason=" ".join(_text(reason) for reason in _list(result.get("reasons"))) or _text(result.get("reason")),
        company=_text(result.get("company")),
    )


def _figures(result: Json) -> Iterable[Figure]:
    for row in _objects(result.get("figures")):
        value = number(row.get("value"))
        if value is not None and row.get("item") and row.get("period"):
            label = _text(row.get("label"))
            derived = _text(row.get("derived"))
            yield Figure(
                _text(row["item"]), _text(row["period"]), value, f"{label} [{derived}]".strip() if derived else label,
                _whole(row.get("page")), _text(row.get("statement")),
            )  # fmt: skip


def _metrics(result: Json) -> Iterable[Metric]:
    for row in _objects(result.get("metrics")):
        value = number(row.get("value"))
        if value is not None and row.get("metric") and row.get("period"):
            inputs = row.get("inputs")
            pairs = inputs.items() if isinstance(inputs, dict) else ()
            yield Metric(
                _text(row["metric"]), _text(row["period"]), value, _text(row.get("unit")) or "ratio",
                _text(row.get("formula")), tuple((_text(name), amount) for name, raw in pairs
                                                 if (amount := number(raw)) is not None),
            )  # fmt: skip


def _check(row: Json) -> Check:
    passed = row.get("passed", row.get("ok", row.get("holds", row.get("status"))))
    return Check(
        _text(row.get("name") or row.get("check")), _text(row.get("period")),
        passed if isinstance(passed, bool) else passed in {"passed", "ok", "pass", "holds"},
        number(row.get("difference")), _text(row.get("message")),
    )  # fmt: skip


def _conflicts(result: Json) -> Iterable[Conflict]:
    for row in _objects(result.get("conflicts")):
        used, other = row.get("reported"), row.get("other")
        if isinstance(used, dict) and isinstance(other, dict):
            here, there = number(used.get("value")), number(other.get("value"))
            if here is not None and there is not None:
                pages = _whole(used.get("page")), _whole(other.get("page"))
                yield Conflict(_text(row.get("item")), _text(row.get("period")), here, there, *pages)


def sentiment(result: Json) -> Sentiment | None:
    """The sentiment RESULT, None when it has no label."""
    if not result.get("label"):
        return None
    passages = tuple(
        Passage(_text(row.get("text")), _whole(row.get("page")), _text(row.get("label")),
                number(row.get("score")) or 0.0, _text(row.get("section")))
        for row in _objects(result.get("passages"))
    )  # fmt: skip
    counts = result.get("counts")
    tally = tuple((_text(label), _whole(count)) for label, count in counts.items()) if isinstance(counts, dict) else ()
    return Sentiment(
        _text(result["label"]), number(result.get("score")) or 0.0, _text(result.get("model")), passages, tally,
        _text(result.get("reason")),
    )  # fmt: skip


def classes(result: Json) -> Classes | None:
    """The classify RESULT, None when it has no label."""
    if not result.get("label"):
        return None
    scores = result.get("scores")
    pairs = [
        (_text(label), value)
        for label, raw in (scores.items() if isinstance(scores, dict) else ())
        if (value := number(raw)) is not None
    ]
    return Classes(_text(result["label"]), tuple(sorted(pairs, key=lambda pair: -pair[1])), _text(result.get("model")))


def reading(result: Json) -> Reading:
    """What is only in the comprehensive RESULT; its sentiment and financial parts are read by the functions above."""
    generated = result.get("generated_summary") or result.get("generated")
    return Reading(
        language=_text(result.get("language")),
        summary=tuple(_sentence(row) for row in _list(result.get("summary"))),
        generated=_text(generated.get("text") if isinstance(generated, dict) else generated),
        phrases=tuple(_phrase(row) for row in _list(result.get("keyphrases"))),
        entities=tuple(_entities(result.get("entities"))),
        statistics=tuple(_statistics(result.get("statistics"))),
    )


def _sentence(row: object) -> Sentence:
    if isinstance(row, dict):
        return Sentence(_text(row.get("text") or row.get("sentence")), _whole(row.get("page")))
    return Sentence(_text(row))


def _phrase(row: object) -> Phrase:
    if isinstance(row, dict):
        weight = number(row.get("score", row.get("weight")))
        return Phrase(_text(row.get("phrase") or row.get("text") or row.get("keyphrase")), weight)
    return Phrase(_text(row))


def _entities(value: object) -> Iterable[Entity]:
    """A list of objects with a kind each, or an object of lists by kind."""
    if isinstance(value, dict):
        rows = [(_text(kind), row) for kind, members in value.items() for row in _list(members)]
    else:
        rows = [(_text(row.get("kind") or row.get("type") or row.get("label")), row) for row in _objects(value)]
    for kind, row in rows:
        if not isinstance(row, dict):
            yield Entity(kind, _text(row))
            continue
        pages = row.get("pages")
        page = row.get("page", pages[0] if isinstance(pages, list) and pages else 0)
        text = _text(row.get("text") or row.get("value"))
        yield Entity(kind, text, _whole(row.get("count")) or 1, _whole(page))


def _statistics(value: object) -> Iterable[tuple[str, float | str]]:
    for name, raw in (value if isinstance(value, dict) else {}).items():
        amount = number(raw)
        if amount is not None or isinstance(raw, str):
            yield _text(name), _text(raw) if amount is None else amount


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _whole(value: object) -> int:
    found = number(value)
    return int(found) if found is not None and found > 0 else 0


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: object) -> list[Json]:
    return [row for row in _list(value) if isinstance(row, dict)]
