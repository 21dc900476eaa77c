"""One measurement: ask every question, measure, keep the values in the collection's history, compare, apply the gate."""

from __future__ import annotations

import hashlib
import inspect
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.encoders import Encoders
from infra.errors import FaldoneError, UsageError
from infra.lake import Lake
from tasks import fusion, search
from tasks.collection import ledger
from tasks.collection.chunks import CHUNKS
from tasks.collection.evaluations import EVALUATIONS, QUESTIONS
from tasks.evaluate.compare import Comparison, compare, interval
from tasks.evaluate.measures import Place, means, measure
from tasks.evaluate.questions import Half, Question, as_rows, from_rows
from tasks.fusion import copies, naming
from tasks.search import Mode, Searcher

LAST = "last"
"""Names the newest earlier run of the same mode, cut and half."""


class GateError(FaldoneError):
    """A measure is below what `--at-least` asks, or significantly worse than the run compared with."""


@dataclass(frozen=True, slots=True)
class Run:
    """The values of one measurement: a list for each measure, an entry for each question (None where it does not apply)."""

    id: str
    collection: str
    created_at: str
    mode: Mode
    k: int
    half: str
    configuration: str
    questions: tuple[str, ...]
    values: Mapping[str, Sequence[float | None]]
    comparisons: tuple[Comparison, ...] = field(default=())

    def column(self, name: str) -> list[float]:
        """Return the values of a measure without the questions to which it does not apply."""
        return [value for value in self.values.get(name, ()) if value is not None]

    def as_json(self) -> dict[str, Any]:
        """Return means, 95 % intervals and comparisons as a JSON object."""
        columns = {name: self.column(name) for name in self.values}
        return {
            "run": self.id,
            "collection": self.collection,
            "created_at": self.created_at,
            "mode": self.mode,
            "k": self.k,
            "half": self.half or None,
            "configuration": self.configuration,
            "questions": len(self.questions),
            "measures": means(columns),
            "intervals": {name: list(interval(name, column)) for name, column in columns.items() if column},
            "against": [comparison.as_json() for comparison in self.comparisons],
        }


def evaluate(
    searcher: Searcher,
    questions: Sequence[Question],
    mode: Mode = "hybrid",
    k: int = 10,
    half: Half | None = None,
    configured: str = "",
    progress: Callable[[int], None] = lambda done: None,
) -> Run:
    """Ask every question once and measure its first `k` hits; `configured` is kept with the run. Nothing is written."""
    measured = []
    for done, question in enumerate(questions, 1):
        hits = searcher.search(question.query, k, mode).hits
        measured.append(
            measure(question, [Place(h.document_id, h.path, h.page_first, h.page_last, h.copies) for h in hits], k)
        )
        progress(done)
    names = list(dict.fromkeys(name for values in measured for name in values))
    return Run(
        id=uuid.uuid4().hex[:12],
        collection=searcher.collection,
        created_at=datetime.now(UTC).isoformat(),
        mode=mode,
        k=k,
        half=half or "",
        configuration=configured,
        questions=tuple(question.id for question in questions),
        values={name: [values.get(name) for values in measured] for name in names},
    )


def configuration(lake: Lake, encoders: Encoders, collection: str) -> str:
    """Hash what decides an answer: the encoder, the chunks as they stand, the source of the search and its weights."""
    name = CHUNKS.name(collection)
    sources = [inspect.getsource(module) for module in (search, fusion, naming, copies)]
    weights = str(fusion.load_weights().tolist())
    parts = [encoders.fingerprint, str(lake.count(name)), str(lake.version(name)), *sources, weights]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


def keep(lake: Lake, run: Run) -> None:
    """Add a run to the history of its collection. The caller holds the writer's lane."""
    EVALUATIONS.ensure(lake, run.collection)
    row = {
        "run_id": run.id,
        "created_at": datetime.fromisoformat(run.created_at),
        "mode": run.mode,
        "k": run.k,
        "half": run.half,
        "configuration": run.configuration,
        "questions": list(run.questions),
        "values": json.dumps({name: list(column) for name, column in run.values.items()}),
    }
    EVALUATIONS.write(lake, run.collection, EVALUATIONS.rows([row]))


def history(lake: Lake, collection: str) -> list[Run]:
    """Return every kept run of a collection, oldest first.

    Raises:
        UsageError: there is no such collection.
    """
    ledger.require(lake, collection)
    rows = EVALUATIONS.read(lake, collection).to_pylist()
    return [_run(collection, row) for row in sorted(rows, key=lambda row: str(row["created_at"]))]


def earlier(lake: Lake, run: Run, name: str) -> Run:
    """Find the run to compare with: `last`, or the beginning of a run's id.

    Raises:
        UsageError: no run, or several, fit.
    """
    runs = history(lake, run.collection)
    if name == LAST:
        alike = [r for r in runs if (r.mode, r.k, r.half) == (run.mode, run.k, run.half) and r.id != run.id]
        found = alike[-1:]
    else:
        found = [r for r in runs if r.id.startswith(name)]
    if len(found) != 1:
        known = ", ".join(r.id for r in runs[-5:]) or "none yet"
        raise UsageError(f"collection {run.collection}: {len(found)} runs fit {name!r}; the newest are {known}")
    return found[0]


def against(run: Run, before: Run) -> list[Comparison]:
    """Compare two runs, measure by measure, over the questions that both have.

    Raises:
        UsageError: they share no question.
    """
    old = {question: place for place, question in enumerate(before.questions)}
    shared = [(old[question], place) for place, question in enumerate(run.questions) if question in old]
    if not shared:
        raise UsageError(f"run {before.id} has no question in common with these")
    found = []
    for name in run.values.keys() & before.values.keys():
        pairs = [(before.values[name][a], run.values[name][b]) for a, b in shared]
        both = [(a, b) for a, b in pairs if a is not None and b is not None]
        if both:
            found.append(compare(name, [a for a, _ in both], [b for _, b in both]))
    return sorted(found, key=lambda comparison: comparison.measure)


def gate(run: Run, at_least: Mapping[str, float], significance: float = 0.05) -> list[str]:
    """Say what is not good enough: measures below their bar, and measures significantly worse than before.

    Raises:
        UsageError: a bar names a measure that the run does not have.
    """
    found = means({name: run.column(name) for name in run.values})
    if unknown := at_least.keys() - found.keys():
        raise UsageError(f"--at-least {min(unknown)}: the measures are {', '.join(sorted(found))}")
    low = [f"{name} is {found[name]}, below {bar}" for name, bar in at_least.items() if found[name] < bar]
    worse = [
        f"{c.measure} fell from {c.before} to {c.after} (p = {c.p}, {c.worse} questions worse, {c.better} better)"
        for c in run.comparisons
        if c.after < c.before and c.p < significance
    ]
    return low + worse


def store_questions(lake: Lake, collection: str, questions: Sequence[Question]) -> int:
    """Keep questions with the collection for the nightly run, in one step in place of those before. Returns their number.

    The caller holds the writer's lane.
    """
    ledger.require(lake, collection)
    QUESTIONS.ensure(lake, collection)
    rows = QUESTIONS.rows(as_rows(questions))
    lake.overwrite(QUESTIONS.name(collection), QUESTIONS.schema, rows.to_batches(), QUESTIONS.key)
    return len(questions)


def stored_questions(lake: Lake, collection: str) -> list[Question]:
    """Return the questions that are kept with a collection."""
    return from_rows(QUESTIONS.read(lake, collection).to_pylist())


def _run(collection: str, row: Mapping[str, Any]) -> Run:
    return Run(
        id=row["run_id"],
        collection=collection,
        created_at=row["created_at"].isoformat(),
        mode=row["mode"],
        k=row["k"],
        half=row["half"],
        configuration=row["configuration"],
        questions=tuple(row["questions"]),
        values=json.loads(row["values"]),
    )
