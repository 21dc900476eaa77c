"""What the templates read: frozen records, filled from the lake by `collect` or by hand in a test.

Templates see neither tables nor JSON, so each is a plain function from these records to a story. Values are finite
numbers in the document's currency, already multiplied out; shares and scores run from 0 to 1; percentages are in
percent; pages are 1-based, 0 where unknown; times carry their offset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """A document as the ledger knows it; `state` is `indexed` or `quarantined`."""

    document_id: str
    path: str
    title: str = ""
    format: str = ""
    language: str = ""
    state: str = "indexed"
    stage: str = ""
    kind: str = ""
    message: str = ""
    attempts: int = 0
    pages: int = 0
    chunks: int = 0
    bytes: int = 0
    seconds: float = 0.0
    indexed_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A number read from a statement, with the place where a person can check it."""

    item: str
    period: str
    value: float
    label: str = ""
    page: int = 0
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """A number computed from figures; `unit` is `ratio`, `percent`, `days` or `currency`."""

    metric: str
    period: str
    value: float
    unit: str = "ratio"
    formula: str = ""
    inputs: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A test of the statements against themselves, such as assets = liabilities + equity."""

    name: str
    period: str
    passed: bool
    difference: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A figure that two places give differently: the one used and the other, with pages and the other's document."""

    item: str
    period: str
    used: float
    other: float
    used_page: int = 0
    other_page: int = 0
    other_path: str = ""


@dataclass(frozen=True, slots=True)
class Financial:
    """The financial analysis of one document; `reason` says why there are no figures when there are none."""

    currency: str = ""
    periods: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    metrics: tuple[Metric, ...] = ()
    checks: tuple[Check, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    reason: str = ""
    company: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage with its sentiment; `score` is the model's probability of `label`."""

    text: str
    page: int
    label: str
    score: float
    section: str = ""


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
        """Passages of that label in the whole document."""
        if self.counts:
            return dict(self.counts).get(label, 0)
        return sum(passage.label == label for passage in self.passages)


@dataclass(frozen=True, slots=True)
class Classes:
    """What a trained classifier says of a document, labels in descending probability."""

    label: str
    scores: tuple[tuple[str, float], ...] = ()
    model: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a summary with its page."""

    text: str
    page: int = 0


@dataclass(frozen=True, slots=True)
class Phrase:
    """A key phrase and how much it weighs, where the analysis says so."""

    text: str
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that rules find surely: a VAT number, an IBAN, a date, an amount."""

    kind: str
    text: str
    count: int = 1
    page: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """The comprehensive analysis of a document; `generated` is a summary written by a model, when one was asked for."""

    language: str = ""
    summary: tuple[Sentence, ...] = ()
    generated: str = ""
    phrases: tuple[Phrase, ...] = ()
    entities: tuple[Entity, ...] = ()
    statistics: tuple[tuple[str, float | str], ...] = ()


@dataclass(frozen=True, slots=True)
class Analysed:
    """All analyses of one document; `failures` are pairs of an analysis and its error."""

    entry: Entry
    financial: Financial | None = None
    sentiment: Sentiment | None = None
    classes: Classes | None = None
    reading: Reading | None = None
    failures: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the week reported: documents indexed and quarantined, pages, and seconds of work on them."""

    day: date
    indexed: int = 0
    quarantined: int = 0
    pages: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failures of one kind: how many, the message of one, and a few paths."""

    kind: str
    count: int
    message: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Queue:
    """Waiting times of a queue in seconds, from scheduled to started."""

    name: str
    runs: int
    median_wait: float
    longest_wait: float
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Schedule:
    """How punctual a schedule was: runs expected and done, and the latest start in seconds after its time."""

    name: str
    expected: int
    completed: int
    failed: int = 0
    latest: float = 0.0
    last_success: datetime | None = None


@dataclass(frozen=True, slots=True)
class CollectionSize:
    """A collection at the end of the week and at its start (None where that is not known)."""

    name: str
    documents: int
    chunks: int
    bytes: int
    chunks_before: int | None = None
    bytes_before: int | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """A count of something made: an analysis type, a trained model."""

    name: str
    count: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that was raised."""

    at: datetime
    name: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Week:
    """The platform's week: from `first` to `last`, both included. None: not known; an empty tuple: there was none."""

    first: date
    last: date
    days: tuple[Day, ...] = ()
    failures: tuple[FailureGroup, ...] = ()
    queues: tuple[Queue, ...] | None = ()
    schedules: tuple[Schedule, ...] = ()
    collections: tuple[CollectionSize, ...] = ()
    analyses: tuple[Count, ...] = ()
    models: tuple[Count, ...] = ()
    alerts: tuple[Alert, ...] | None = ()
    needs: tuple[str, ...] = ()
    cache_hits: int | None = None
    cache_misses: int | None = None
    disk_free: int | None = None
    indexed_before: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Papers:
    """An office's papers as rows of `tasks.query.views`, on a day: what is paid later than `on` is open.

    `owner` are VAT numbers, `guessed` says that nobody named them.
    """

    on: date
    owner: tuple[str, ...]
    owner_name: str
    guessed: bool
    invoices: Sequence[Mapping[str, Any]]
    dues: Sequence[Mapping[str, Any]]
    vat: Sequence[Mapping[str, Any]]
    lines: Sequence[Mapping[str, Any]]
    findings: Sequence[Mapping[str, Any]]
    vat_periods: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that a template may use. `entries` is the whole ledger or the documents that were asked for."""

    collection: str
    made_at: datetime
    entries: Sequence[Entry] = ()
    analysed: Sequence[Analysed] = ()
    week: Week | None = None
    papers: Papers | None = None
