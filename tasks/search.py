"""Search a collection: by meaning (vectors), by words (BM25), or both.

Hybrid search looks up the question by words and by meaning. Where the question names documents (`tasks/fusion/naming.py`) it looks a
second time within these, also for the wording in which statements answer what was asked (`tasks/glossary`): outside of a named
document that wording found more wrong pages than right ones. What speaks for a candidate is weighed in `tasks/fusion`.

Of one page of a paged document only the best chunk is shown, and a passage that stands in several documents once, with the other
places beside it, so that ten hits are ten things to read.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from infra.encoder import Encoder
from infra.encoders import Encoders
from infra.errors import UsageError
from infra.lake import Lake
from infra.lake_filters import Filter
from tasks import fusion
from tasks.collection import ledger, normal, terms
from tasks.collection.chunks import CHUNKS, EncoderMark, require_encoder
from tasks.first_page import FirstPages
from tasks.fusion import Candidates, Evidence, copies
from tasks.fusion.naming import Named, named_documents
from tasks.glossary import wordings
from tasks.lookups import Lookups, Row, Scored, open_lookups

Mode = Literal["hybrid", "vector", "text"]

CANDIDATES = 100  # of each list; 200 take 2 ms more and find no more
INVOICES = {"fatturapa", "ubl", "cii"}  # formats whose title names the paper: number, date, parties
ALIKE, TIED, AMONG = 0.1, 0.01, 50  # shares of a score; hits among which copies are looked for
PAGED = {"pdf", "pptx"}
COLUMNS = (
    "chunk_id",
    "document_id",
    "path",
    "title",
    "format",
    "kind",
    "page_first",
    "page_last",
    "section",
    "text",
    "content_hash",
)
FILTERS = ("document_id", "path", "language", "format", "kind", "title", "section", "page_first", "page_last")

ByWords = Future[tuple[list[Row], Scored]]
ByMeaning = Future[list[Row]]


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that answers; `score` is comparable within one answer only.

    `copies` are the paths of other documents in which the same passage stands; they are not hits of their own.
    """

    document_id: str
    path: str
    page_first: int
    page_last: int
    section: str
    text: str
    score: float
    copies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits of one query, best first."""

    query: str
    collection: str
    mode: Mode
    milliseconds: float
    hits: tuple[Hit, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"hits": [asdict(hit) for hit in self.hits]}


class Searcher:
    """A collection opened for many queries."""

    def __init__(self, lake: Lake, encoders: Encoders, collection: str) -> None:
        """Open the collection.

        Raises:
            UsageError: the collection is absent, or was indexed with another encoder.
        """
        self._lake, self.collection = lake, collection
        self._table = CHUNKS.name(collection)
        ledger.require(lake, collection)
        if not lake.exists(self._table) or not lake.count(self._table):
            raise UsageError(f"collection {collection} is empty: no document of it could be indexed")
        require_encoder(lake, collection, EncoderMark.of(encoders))
        self._encoders = self._used(encoders)
        self._columns = (*COLUMNS, "encoder") if len(self._encoders) > 1 else COLUMNS
        self._lookups = open_lookups(lake, self._table, self._columns)
        self._first_pages = FirstPages()
        self._pool = ThreadPoolExecutor(4, "search")

    def _used(self, encoders: Encoders) -> dict[str, Encoder]:
        """Return the encoders that made vectors here, by the fingerprint in their rows; the only one by ""."""
        if len(encoders.parts) == 1:
            return {"": encoders.first}
        found = {encoder.fingerprint: encoder for encoder in encoders.parts}
        used = {
            f: e for f, e in found.items() if self._lake.read(self._table, ["chunk_id"], {"encoder": f}, 1).num_rows
        }
        return used if len(used) > 1 else {"": next(iter(used.values()), encoders.first)}

    def search(self, query: str, k: int = 10, mode: Mode = "hybrid", where: Filter | None = None) -> Answer:
        """Return the best `k` chunks.

        Args:
            where: column → value conditions, each of FILTERS.

        Raises:
            UsageError: an empty query, or a condition on an unknown column.
        """
        started = time.perf_counter()
        found = self.evidence(query, mode, where, max(k, CANDIDATES))
        hits = tuple(rank(found, k))
        milliseconds = (time.perf_counter() - started) * 1000
        return Answer(query, self.collection, mode, round(milliseconds, 2), hits)

    def evidence(
        self, query: str, mode: Mode = "hybrid", where: Filter | None = None, limit: int = CANDIDATES
    ) -> Evidence:
        """Return the candidates and what speaks for each; only words in mode `text`, only meaning in mode `vector`.

        Raises:
            UsageError: as for `search`.
        """
        if not query.strip():
            raise UsageError("the query is empty")
        plain, lookups = normal.plain(query), self._newest()
        asked = _Question(plain, mode, where or {}, limit)
        found, wording, named = Candidates(), "", Named({}, [])
        found.words |= self._take(found, self._look_up(lookups, asked))
        if mode == "hybrid":
            pages = self._first_pages.of(found.rows.values(), lookups.read)
            named = named_documents(normal.without_dates(plain), found.rows, pages)
            wording = wordings(plain) if named.best else ""
            self._look_within(lookups, found, asked, wording, named.best)
        return fusion.weigh(found, plain, wording, named, self._encoders, mode)

    def _newest(self) -> Lookups:
        """Return the look-ups of the collection as it is now."""
        if self._lookups.version != self._lake.version(self._table):
            self._lookups = open_lookups(self._lake, self._table, self._columns)
        return self._lookups

    def _look_up(self, lookups: Lookups, asked: _Question) -> _Jobs:
        """Begin the look-ups of a question by words and by meaning, which run side by side."""
        words = terms.query_terms(asked.text) if asked.mode != "vector" else []
        encoders = self._encoders.items() if asked.mode != "text" else ()
        return _Jobs(
            [self._pool.submit(lookups.by_words, words, asked.limit, asked.where)] if words else [],
            [self._pool.submit(_nearest, lookups, encoder, made_by, asked) for made_by, encoder in encoders],
        )

    def _look_within(
        self, lookups: Lookups, found: Candidates, asked: _Question, wording: str, documents: Sequence[str]
    ) -> None:
        """Look within the documents that are named, for the question and for the wording of an answer."""
        if not documents:
            return
        within = replace(asked, where={"document_id": documents, **asked.where})
        again = self._look_up(lookups, within)
        answered = self._look_up(lookups, replace(within, text=wording)) if wording else _Jobs([], [])
        found.words |= self._take(found, again)
        found.wording_words |= self._take(found, answered)

    @staticmethod
    def _take(found: Candidates, jobs: _Jobs) -> Scored:
        """Wait for look-ups and keep their rows; the BM25 scores of those by words."""
        scores: dict[str, float] = {}
        for job in jobs.by_words:
            rows, scored = job.result()
            found.rows |= {row["chunk_id"]: row for row in rows}
            scores |= scored
        for near in jobs.by_meaning:
            found.rows |= {row["chunk_id"]: row for row in near.result()}
        return scores


@dataclass(frozen=True, slots=True)
class _Question:
    """What is looked up, how, where, and how many rows of each list."""

    text: str
    mode: Mode
    where: Filter
    limit: int


@dataclass(frozen=True, slots=True)
class _Jobs:
    """Look-ups under way."""

    by_words: list[ByWords]
    by_meaning: list[ByMeaning]


def _nearest(lookups: Lookups, encoder: Encoder, made_by: str, asked: _Question) -> list[Row]:
    """Look up by one encoder among the rows that it made; `made_by` is "" where it is the only one."""
    where = {**asked.where, "encoder": made_by} if made_by else asked.where
    return lookups.by_meaning(encoder.encode_query(asked.text), asked.limit, where)


def rank(evidence: Evidence, k: int) -> list[Hit]:
    """Return the best `k` hits of what was found."""
    rows = evidence.candidates.rows
    total = dict(zip(rows, evidence.scores().tolist(), strict=True))
    order = sorted(total, key=lambda chunk: (-total[chunk], chunk))
    order = _originals_first(order, total, rows)
    if (sure := evidence.first_by_both()) and sure not in order[:2]:
        order.remove(sure)
        order.insert(1, sure)
    seen: dict[tuple[str, int], str] = {}
    shown = [c for c in order if seen.setdefault(_place(rows[c]), c) == c]
    return [_hit(rows, total, group) for group in copies.grouped(shown, rows, total, k)]


def _originals_first(order: Sequence[str], total: Mapping[str, float], rows: Mapping[str, Row]) -> list[str]:
    """Put the plainest file first among copies of one invoice that score alike: no attachment, then the shortest name.

    Copies have one title (number, date, parties) and differ by a hair in what search sees of them. Invoices whose scores
    do not differ at all but for noise are ordered so too.
    """
    if not any(row["format"] in INVOICES for row in rows.values()):
        return list(order)
    found: list[str] = []
    left = list(order)
    while left:
        first = rows[left[0]]
        alike = [left[0]]
        if first["format"] in INVOICES and first["title"]:
            copy, tie = total[left[0]] * (1 - ALIKE), total[left[0]] * (1 - TIED)
            near = [c for c in left[:AMONG] if rows[c]["format"] in INVOICES and total[c] >= copy]
            alike = [c for c in near if rows[c]["title"] == first["title"] or total[c] >= tie]
        found += sorted(alike, key=lambda c: copies.plainness(rows[c]["path"]))
        done = set(alike)
        left = [c for c in left if c not in done]
    return found


def _place(row: Row) -> tuple[str, int]:
    """Return where a hit sends its reader: a page, or in a document without pages the chunk itself."""
    return (row["document_id"], row["page_first"]) if row["format"] in PAGED else (row["chunk_id"], 0)


def _hit(rows: Mapping[str, Row], total: Mapping[str, float], group: Sequence[str]) -> Hit:
    row = rows[group[0]]
    return Hit(
        document_id=row["document_id"],
        path=row["path"],
        page_first=row["page_first"],
        page_last=row["page_last"],
        section=row["section"],
        text=row["text"],
        score=round(total[group[0]], 4),
        copies=tuple(rows[chunk]["path"] for chunk in group[1:]),
    )
