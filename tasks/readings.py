"""What is found in a document's words: entities, key phrases, summary, sentiment, classes; and their JSON both ways.

As with figures, results of an older release may lack a key: what is not there is left out, and nothing here raises.
Shares and scores run from 0 to 1; pages are 1-based, 0 where unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tasks.figures import Json, number, objects, text, whole

Value = str | float
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Entity:
    """One value: `kind` is vat_number, tax_code, iban, ein, date, amount, percentage, email or domain.

    `value` is an ISO date, a number (of an amount in whole currency units, of a percentage in percent) or the compact
    identifier; `currency` an ISO 4217 code. `about` is the words around its first occurrence, `start` where it begins
    in the text that it was found in.
    """

    kind: str
    value: Value
    text: str
    page: int = 1
    currency: str = ""
    count: int = 1
    about: str = ""
    start: int = field(default=0, compare=False)

    def as_json(self) -> dict[str, Any]:
        row: dict[str, Any] = {
            "kind": self.kind,
            "value": self.value,
            "text": self.text,
            "page": self.page,
            "count": self.count,
        }
        row |= {"currency": self.currency} if self.currency else {}
        return row | ({"about": self.about} if self.about else {})

    @classmethod
    def from_json(cls, row: Json) -> Entity:
        value = row.get("value")
        return cls(
            kind=text(row.get("kind")),
            value=value if isinstance(value, str) else number(value) or 0.0,
            text=text(row.get("text")),
            page=whole(row.get("page")),
            currency=text(row.get("currency")),
            count=whole(row.get("count")) or 1,
            about=text(row.get("about")),
        )


@dataclass(frozen=True, slots=True)
class Phrase:
    """A key phrase as the document writes it most often, how often, its first page, and its weight 0 … 1."""

    text: str
    count: int = 1
    page: int = 0
    score: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {"phrase": self.text, "count": self.count, "page": self.page, "score": round(self.score, 4)}

    @classmethod
    def from_json(cls, row: Json) -> Phrase:
        count, page = whole(row.get("count")) or 1, whole(row.get("page"))
        return cls(text(row.get("phrase")), count, page, number(row.get("score")) or 0.0)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its place. `element` numbers its paragraph; `prose` says that it is running text."""

    text: str
    page: int = 0
    section: str = ""
    element: int = 0
    prose: bool = True

    @property
    def words(self) -> list[str]:
        return WORD.findall(self.text)

    def as_json(self) -> dict[str, Any]:
        return {"text": self.text, "page": self.page, "section": self.section}

    @classmethod
    def from_json(cls, row: Json) -> Sentence:
        return cls(text(row.get("text")), whole(row.get("page")), text(row.get("section")))


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage with its sentiment; `score` is the model's probability of `label`."""

    text: str
    page: int
    label: str
    score: float
    section: str = ""

    @classmethod
    def from_json(cls, row: Json) -> Passage:
        score = number(row.get("score")) or 0.0
        return cls(
            text(row.get("text")), whole(row.get("page")), text(row.get("label")), score, text(row.get("section"))
        )


@dataclass(frozen=True, slots=True)
class Sentiment:
    """The sentiment of a document and of its passages in reading order.

    `counts` are passages by label in the whole document; where they are more than `passages`, only the strongest were
    kept. `reason` says why nothing could be judged.
    """

    label: str
    score: float
    model: str = ""
    passages: tuple[Passage, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()
    reason: str = ""

    @property
    def total(self) -> int:
        return sum(count for _, count in self.counts) or len(self.passages)

    def count(self, label: str) -> int:
        """Return passages of that label in the whole document."""
        if self.counts:
            return dict(self.counts).get(label, 0)
        return sum(passage.label == label for passage in self.passages)

    @classmethod
    def from_json(cls, result: Json) -> Sentiment | None:
        """Read the sentiment RESULT back; None when it has no label."""
        if not text(result.get("label")):
            return None
        raw = result.get("counts")
        return cls(
            label=text(result["label"]),
            score=number(result.get("score")) or 0.0,
            model=text(result.get("model")),
            passages=tuple(Passage.from_json(row) for row in objects(result.get("passages"))),
            counts=tuple(
                (text(label), whole(count)) for label, count in (raw.items() if isinstance(raw, dict) else ())
            ),
            reason=text(result.get("reason")),
        )


@dataclass(frozen=True, slots=True)
class Classes:
    """What a trained classifier says of a document, labels in descending probability."""

    label: str
    scores: tuple[tuple[str, float], ...] = ()
    model: str = ""

    @classmethod
    def from_json(cls, result: Json) -> Classes | None:
        """Read the classify RESULT back; None when it has no label."""
        if not text(result.get("label")):
            return None
        raw = result.get("scores")
        pairs = [(text(label), number(score)) for label, score in (raw.items() if isinstance(raw, dict) else ())]
        scores = sorted(((label, score) for label, score in pairs if score is not None), key=lambda pair: -pair[1])
        return cls(text(result["label"]), tuple(scores), text(result.get("model")))


@dataclass(frozen=True, slots=True)
class Reading:
    """What only the comprehensive analysis has; `generated` is a summary written by a model, when one was asked for."""

    language: str = ""
    summary: tuple[Sentence, ...] = ()
    generated: str = ""
    phrases: tuple[Phrase, ...] = ()
    entities: tuple[Entity, ...] = ()
    statistics: tuple[tuple[str, float | str], ...] = ()

    @classmethod
    def from_json(cls, result: Json) -> Reading:
        """Read the comprehensive RESULT back; its sentiment and financial parts have records of their own."""
        generated = result.get("generated_summary")
        return cls(
            language=text(result.get("language")),
            summary=tuple(Sentence.from_json(row) for row in objects(result.get("summary"))),
            generated=text(generated.get("text")) if isinstance(generated, dict) else "",
            phrases=tuple(Phrase.from_json(row) for row in objects(result.get("keyphrases"))),
            entities=tuple(Entity.from_json(row) for row in objects(result.get("entities"))),
            statistics=tuple(_statistics(result.get("statistics"))),
        )


def _statistics(value: object) -> list[tuple[str, float | str]]:
    pairs = value.items() if isinstance(value, dict) else ()
    found: list[tuple[str, float | str]] = []
    for name, raw in pairs:
        amount = number(raw)
        if amount is not None or isinstance(raw, str):
            found.append((text(name), raw if isinstance(raw, str) else amount or 0.0))
    return found
