"""Search a collection: by meaning (vectors), by words (BM25), or both fused by rank.

The two lists are fused with weighted reciprocal ranks (Cormack, Clarke and Büttcher, SIGIR 2009): a chunk scores Σ weight / (60 + rank).
Ranks need no calibration between cosine and BM25. The encoder's list weighs less for a language that the encoder was not trained on.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from infra.encoder import Encoder
from infra.errors import UsageError
from infra.lake import Filter, Lake
from tasks.index import ledger, terms
from tasks.index.store import chunks_name

Mode = Literal["hybrid", "vector", "text"]

RANK_CONSTANT = 60
CANDIDATES = 100  # of each list
COLUMNS = ("chunk_id", "document_id", "path", "page_first", "page_last", "section", "text")
FILTERS = ("document_id", "path", "language", "format", "kind", "title", "section", "page_first", "page_last")


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that answers; `score` is comparable within one answer only."""

    document_id: str
    path: str
    page_first: int
    page_last: int
    section: str
    text: str
    score: float


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

    def __init__(self, lake: Lake, encoder: Encoder, collection: str) -> None:
        """
        Raises:
            UsageError: the collection is absent, or was indexed with another encoder.
        """
        self._lake, self._encoder, self.collection = lake, encoder, collection
        self._table = chunks_name(collection)
        if not ledger.exists(lake, collection):
            known = ", ".join(ledger.collections(lake)) or "none yet"
            raise UsageError(f"there is no collection {collection} (there are: {known}): index something into it first")
        if not lake.exists(self._table) or not lake.count(self._table):
            raise UsageError(f"collection {collection} is empty: no document of it could be indexed")
        self._check_encoder()

    def _check_encoder(self) -> None:
        row = ledger.read(self._lake, self.collection, ["encoder"], {"state": ledger.INDEXED}, limit=1).to_pylist()
        if row and row[0]["encoder"] != self._encoder.fingerprint:
            raise UsageError(
                f"collection {self.collection} was indexed with another encoder than FALDONE_EMBEDDING_MODEL="
                f"{self._encoder.name}: run faldone index again, or set the encoder that it was made with"
            )

    def search(self, query: str, k: int = 10, mode: Mode = "hybrid", where: Filter | None = None) -> Answer:
        """The best `k` chunks.

        Args:
            where: column → value conditions, each of FILTERS.

        Raises:
            UsageError: an empty query, or a condition on an unknown column.
        """
        if not query.strip():
            raise UsageError("the query is empty")
        started = time.perf_counter()
        lists: list[tuple[float, Sequence[Mapping[str, Any]]]] = []
        words = terms.query_terms(query)
        if mode != "vector" and words:
            lists.append((1.0, self._matching(words, where, max(k, CANDIDATES))))
        if mode != "text":
            lists.append((self._vector_weight(query), self._nearest(query, where, max(k, CANDIDATES))))
        hits = fuse(lists)[:k]
        milliseconds = (time.perf_counter() - started) * 1000
        return Answer(query, self.collection, mode, round(milliseconds, 2), tuple(hits))

    def _matching(self, words: Sequence[str], where: Filter | None, limit: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._lake.matching(self._table, words, limit, COLUMNS, where).to_pylist()
        return rows

    def _nearest(self, query: str, where: Filter | None, limit: int) -> list[dict[str, Any]]:
        vector = self._encoder.encode_query(query)
        rows: list[dict[str, Any]] = self._lake.nearest(self._table, vector, limit, COLUMNS, where).to_pylist()
        return rows

    def _vector_weight(self, query: str) -> float:
        return 1.0


def fuse(lists: Sequence[tuple[float, Sequence[Mapping[str, Any]]]]) -> list[Hit]:
    """One list of hits out of several weighted ranked lists of chunks."""
    scores: dict[str, float] = {}
    rows: dict[str, Mapping[str, Any]] = {}
    for weight, ranked in lists:
        for rank, row in enumerate(ranked, 1):
            rows[row["chunk_id"]] = row
            scores[row["chunk_id"]] = scores.get(row["chunk_id"], 0.0) + weight / (RANK_CONSTANT + rank)
    best = sorted(scores, key=lambda chunk: (-scores[chunk], chunk))
    return [_hit(rows[chunk], scores[chunk]) for chunk in best]


def _hit(row: Mapping[str, Any], score: float) -> Hit:
    return Hit(
        row["document_id"],
        row["path"],
        row["page_first"],
        row["page_last"],
        row["section"],
        row["text"],
        round(score, 6),
    )
