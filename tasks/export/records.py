"""What the templates read: frozen records, filled from the lake by `collect` or by hand in a test.

Templates see neither tables nor JSON, so each is a plain function from these records to a story. Values are finite
numbers in the document's currency, already multiplied out; shares and scores run from 0 to 1; percentages are in
percent; pages are 1-based, 0 where unknown; times carry their offset.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from tasks.figures import Box, Financial
from tasks.readings import Classes, Reading, Sentiment


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
class Analysed:
    """All analyses of one document; `failures` are pairs of an analysis and its error."""

    entry: Entry
    financial: Financial | None = None
    sentiment: Sentiment | None = None
    classes: Classes | None = None
    reading: Reading | None = None
    failures: tuple[tuple[str, str], ...] = ()
    marks: Marks | None = field(
        default=None, compare=False
    )  # of all its figures, where `financial` holds some of them only


Marks = npt.NDArray[np.int64]
"""What tells accounts by: a number for each figure of four digits and more, made of its period (above `MARK_BITS`), item and value."""
MARK_BITS = 48


def marks_of(financial: Financial) -> Marks:
    """Return the marks of figures; values count to four digits, and small numbers, which agree by chance, not at all."""
    found = [
        crc32(figure.period.encode()) % (1 << 15) << MARK_BITS
        | _mark(f"{figure.item}\0{figure.period}\0{float(figure.value):.3e}")
        for figure in financial.figures
        if abs(figure.value) >= 1000
    ]
    return np.array(found, np.int64)


def _mark(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=MARK_BITS // 8).digest())


def bare(one: Analysed) -> Analysed:
    """Keep which analyses there are, with the labels that were found and nothing of the text."""
    return Analysed(
        one.entry,
        financial=Financial() if one.financial else None,
        sentiment=replace(one.sentiment, passages=()) if one.sentiment else None,
        classes=Classes(one.classes.label) if one.classes else None,
        reading=Reading() if one.reading else None,
        failures=one.failures,
    )


def leading_figures(one: Analysed, items: Set[str], metrics: Set[str]) -> Analysed:
    """Keep what `bare` keeps, the figures and metrics of these names, the failed checks, and marks of all figures.

    Of a period with none of these one figure stays, so that the document's periods are as they were.
    """
    whole = one.financial
    if whole is None:
        return bare(one)
    figures = [figure for figure in whole.figures if figure.item in items]
    others = {figure.period: figure for figure in reversed(whole.figures)}
    figures += [figure for period, figure in others.items() if period not in {kept.period for kept in figures}]
    lean = replace(
        whole,
        figures=tuple(figures),
        metrics=tuple(metric for metric in whole.metrics if metric.metric in metrics),
        checks=tuple(check for check in whole.checks if not check.passed),
        conflicts=(),
    )
    return replace(bare(one), financial=lean, marks=marks_of(whole))


@dataclass(frozen=True, slots=True)
class Intake:
    """What a template takes of the analyses: of `most` documents at most (None: of all), each as `lean` leaves it.

    A report that reads all must be lean: 100,000 analyses take some gigabytes.
    """

    most: int | None = None
    lean: Callable[[Analysed], Analysed] = lambda one: one


ALL = Intake()
CHAPTERS = Intake(most=1_000)
"""A chapter a document: some 2,500 pages, which nobody reads and a PDF viewer still opens."""


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
class Collected:
    """A saved source: `last` is the end of its last run and `next` when it is due; None for never and for paused."""

    name: str
    location: str
    collection: str
    status: str
    message: str
    last: datetime | None
    next: datetime | None


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
    sources: tuple[Collected, ...] = ()


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
    """Everything that a template may use. `entries` is the whole ledger or the documents that were asked for.

    `left_out` are documents with analyses beyond those that the template takes, see `Intake`.
    """

    collection: str
    made_at: datetime
    entries: Sequence[Entry] = ()
    analysed: Sequence[Analysed] = ()
    week: Week | None = None
    crops: Mapping[tuple[str, int, Box], bytes] = field(default_factory=dict)  # pictures of figures as PNG
    papers: Papers | None = None
    left_out: int = 0
