"""Search a collection: by meaning (vectors), by words (BM25), or both.

Four things make a hit, each between 0 and 1, added up:
    the BM25 score of its terms, as a share of the best one's;
    the cosine of its vector, stretched over the candidates' range (less where the encoder does not know the query's language); of two
        encoders, in deviations from the cosine of unrelated texts, which makes theirs comparable;
    both again for the wording in which statements answer what was asked (tasks/glossary), where it knows one;
    how well the words of its document's name, title and first page fit the query, rare ones counting more: «ACME 2018» means that
        document, whatever its file is called.
Adding stretched scores beat adding reciprocal ranks on every set that was tried (docs/decisions.md has the figures), as Bruch, Gai and
Ingber found (ACM TOIS 2023). Of one page of a paged document only the best chunk is shown, so that ten hits are ten places to look.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal

from infra.encoder import Encoder
from infra.encoders import Encoders
from infra.errors import UsageError
from infra.lake import DISTANCE, SCORE, Filter, Lake
from tasks.collection import ledger, normal, terms
from tasks.collection.chunks import CHUNKS, EncoderMark, heading_of, require_encoder
from tasks.first_page import FirstPages
from tasks.glossary import wordings

Mode = Literal["hybrid", "vector", "text"]

CANDIDATES = 100  # of each list; 200 take 2 ms more and find no more
FOREIGN = 0.3  # weight of the vectors for a language that the encoder was not trained on
NAMED = 3  # most documents whose names fit the query that are looked into more closely
EXACT = 3.0  # of a number of a paper, a date or an amount that one document of many holds: more than words and meaning together
OWN = 0.25  # weight of a word that only the first page of a document names it by
INVOICES = {"fatturapa", "ubl", "cii"}  # formats whose title names the paper: number, date, parties
ALIKE, TIED, AMONG = 0.02, 0.003, 50  # shares of a score; hits among which copies are looked for
FITTING = 0.8  # of the best fit: what still counts as a fit
PAGED = {"pdf", "pptx"}
NAME_WORD = re.compile(r"[^\W_]+")
NAME_PART = re.compile(r"[^\W\d_]+|\d+")
POSSESSIVE = re.compile(r"['’]s\b")
COLUMNS = (
    "chunk_id",
    "document_id",
    "content_hash",
    "path",
    "title",
    "format",
    "page_first",
    "page_last",
    "section",
    "text",
)
FILTERS = ("document_id", "path", "language", "format", "kind", "title", "section", "page_first", "page_last")

Row = dict[str, Any]


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
        self._first_pages = FirstPages(lake, self._table)
        self._pool = ThreadPoolExecutor(4, "search")

    def _used(self, encoders: Encoders) -> list[tuple[Encoder, Filter]]:
        """List the encoders that made vectors here, each with the condition that finds these: none where all are from one."""
        if len(encoders.parts) == 1:
            return [(encoders.first, {})]
        found: list[tuple[Encoder, Filter]] = [(e, {"encoder": e.fingerprint}) for e in encoders.parts]
        used = [pair for pair in found if self._lake.read(self._table, ["chunk_id"], pair[1], 1).num_rows]
        return used if len(used) > 1 else [(encoder, {}) for encoder, _ in used]

    def search(self, query: str, k: int = 10, mode: Mode = "hybrid", where: Filter | None = None) -> Answer:
        """Return the best `k` chunks.

        Args:
            where: column → value conditions, each of FILTERS.

        Raises:
            UsageError: an empty query, or a condition on an unknown column.
        """
        if not query.strip():
            raise UsageError("the query is empty")
        started = time.perf_counter()
        plain = normal.plain(query)
        asked = [plain, *filter(None, [wordings(plain)])]
        limit = max(k, CANDIDATES)
        rows = self._candidates(asked, mode, where, limit)
        pages = self._first_pages.of(rows.rows.values()) if mode == "hybrid" else {}
        named = named_documents(normal.without_dates(plain), rows, pages)
        if mode == "hybrid" and named.best and "document_id" not in (where or {}):
            rows |= self._candidates(asked[:1], mode, {**(where or {}), "document_id": named.best}, limit)
        sure = Counter(exactly(query, rows))
        hits = rank(rows, sure + Counter(named.fit) if mode == "hybrid" else {}, terms.language_of(query))
        milliseconds = (time.perf_counter() - started) * 1000
        return Answer(query, self.collection, mode, round(milliseconds, 2), tuple(hits[:k]))

    def _candidates(self, asked: Sequence[str], mode: Mode, where: Filter | None, limit: int) -> Candidates:
        """Return the rows that each question finds by words and by meaning, with their scores; the look-ups run side by side."""
        jobs: list[tuple[int, Encoder | None, Any]] = []
        for number, question in enumerate(asked):
            words = terms.query_terms(question)
            if mode != "vector" and words:
                jobs.append((number, None, self._pool.submit(self._matching, words, where, limit)))
            if mode != "text":
                jobs += [
                    (
                        number,
                        encoder,
                        self._pool.submit(self._nearest, encoder, question, {**(where or {}), **own}, limit),
                    )
                    for encoder, own in self._encoders
                ]
        found = Candidates()
        for number, encoder, job in jobs:
            found.add(number, encoder, job.result())
        return found

    def _matching(self, words: Sequence[str], where: Filter | None, limit: int) -> list[Row]:
        rows: list[Row] = self._lake.matching(self._table, words, limit, COLUMNS, where).to_pylist()
        return rows

    def _nearest(self, encoder: Encoder, question: str, where: Filter | None, limit: int) -> list[Row]:
        vector = encoder.encode_query(question)
        rows: list[Row] = self._lake.nearest(self._table, vector, limit, COLUMNS, where).to_pylist()
        return rows


class Candidates:
    """Rows by chunk id, and their scores by (question, encoder): BM25 where the encoder is None, else the cosine."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.scores: dict[tuple[int, Encoder | None], dict[str, float]] = {}

    def add(self, question: int, encoder: Encoder | None, rows: Sequence[Row]) -> None:
        """Take the rows of one look-up, which have a BM25 score, or the distance by an encoder."""
        scores = self.scores.setdefault((question, encoder), {})
        for row in rows:
            self.rows[row["chunk_id"]] = row
            scores[row["chunk_id"]] = 1 - row[DISTANCE] if encoder else row[SCORE]

    def __ior__(self, other: Candidates) -> Candidates:
        self.rows |= other.rows
        for key, scores in other.scores.items():
            self.scores[key] = self.scores.get(key, {}) | scores
        return self


@dataclass(frozen=True, slots=True)
class Named:
    """How well each candidate's document fits the query by its name (0 … 1), and the few that fit best."""

    fit: Mapping[str, float]
    best: list[str]


def named_documents(query: str, candidates: Candidates, first_pages: Mapping[str, str] | None = None) -> Named:
    """Compare the query's words with those of the documents' names and titles, each weighed by its rarity.

    The best fit is 1. Where the query has a number that no name has, none of them is meant by it, and the fit is the share of what of
    the query can be in a name: one that shares `2026` with `RE-2026-881` fits little.

    Args:
        first_pages: words by which documents name themselves there (`tasks/first_page.py`); they weigh `OWN`.
    """
    headings = {row["document_id"]: (row["title"], row["path"]) for row in candidates.rows.values()}
    names = {document: name_terms(heading_of(*heading)) for document, heading in headings.items()}
    pages = first_pages or {}
    own = {document: name_terms(pages.get(document, "")) - found for document, found in names.items()}
    documents = Counter(term for document, found in names.items() for term in found | own[document])
    asked = query_name_terms(query)
    weights = {term: math.log(1 + len(names) / max(1, documents[term])) for term in asked}
    words = query_words(query)
    unknown = {term for term in words if not documents[term] and any(c.isdecimal() for c in term)}
    whole = sum(weights[term] for term in words if documents[term] or term in unknown)
    fit = {
        document: sum(weights[term] * (1.0 if term in found else OWN) for term in (found | own[document]) & asked)
        for document, found in names.items()
    }
    top = max(fit.values(), default=0.0)
    if not top:
        return Named({}, [])
    scale = whole if unknown else top
    order = sorted(fit, key=lambda document: (-fit[document], document))
    best = [document for document in order[:NAMED] if fit[document] >= FITTING * top]
    return Named({document: min(1.0, value / scale) for document, value in fit.items()}, best)


def exactly(query: str, candidates: Candidates) -> dict[str, float]:
    """Weigh the documents that hold a number, date or amount of the query exactly.

    `EXACT` for what one of many holds on a line with the query's other words, less for what most hold or on other lines.
    """
    asked = normal.marks(query)
    if not asked:
        return {}
    words = frozenset(terms.query_terms(normal.unmarked(query)))
    held: dict[str, dict[str, float]] = {row["document_id"]: {} for row in candidates.rows.values()}
    for row in candidates.rows.values():
        text = "\n".join((heading_of(row["title"], row["path"]), row["section"], row["text"]))
        for line, marks in normal.lines_with(asked, text):
            share = (1 + len(words.intersection(terms.query_terms(line))) / len(words)) / 2 if words else 1.0
            found = held[row["document_id"]]
            found.update({mark: max(share, found.get(mark, 0.0)) for mark in marks})
    holders = Counter(mark for marks in held.values() for mark in marks)
    scale = math.log(1 + len(held)) * len(asked)
    rarity = {mark: EXACT * math.log((1 + len(held)) / count) / scale for mark, count in holders.items()}
    return {d: sum(rarity[mark] * share for mark, share in marks.items()) for d, marks in held.items() if marks}


@lru_cache(maxsize=10_000)  # the same few documents answer query after query; stemming their names took 12 ms of each
def name_terms(text: str) -> frozenset[str]:
    """Return terms of a name, words that letters and digits make up together also in parts: `10K`, `10`, `K`."""
    parts = (part for word in NAME_WORD.findall(text) for part in {word, *NAME_PART.findall(word)})
    return frozenset(term for part in parts if (term := terms.stem(part, "en")))


def query_words(query: str) -> frozenset[str]:
    """Return the terms that a query's words weigh as, each once; a word that says nothing weighs nothing."""
    words = NAME_WORD.findall(POSSESSIVE.sub("", query))
    return frozenset(term for word in words if (term := terms.stem(word, "en")) and terms.stem(word, "it"))


def query_name_terms(query: str) -> frozenset[str]:
    """Return `name_terms` of a query, and its neighbours joined: files are called `rossibruni` and firms Rossi Bruni."""
    words = NAME_WORD.findall(POSSESSIVE.sub("", query))
    joined = {"".join(words[i : i + n]) for n in (2, 3) for i in range(len(words) - n + 1)}
    return name_terms(query) | {terms.stem(word, "en") for word in joined}


def rank(candidates: Candidates, fit: Mapping[str, float], language: str) -> list[Hit]:
    """Return the hits, best first; `language` is the query's."""
    total: defaultdict[str, float] = defaultdict(float)
    meant: dict[int, list[tuple[float, dict[str, float]]]] = {}
    for (question, encoder), scores in candidates.scores.items():
        if encoder is None:
            _add(total, [(1.0, scores)], 0.0)
        elif scores:
            weight = FOREIGN if encoder.english_only and language == "it" else 1.0
            mean, deviation = encoder.unrelated
            by_chunk = {chunk: (score - mean) / deviation for chunk, score in scores.items()}
            meant.setdefault(question, []).append((weight, by_chunk))
    for lists in meant.values():
        _add(total, lists, min(min(scores.values()) for _, scores in lists))
    for chunk, row in candidates.rows.items():
        total[chunk] += fit.get(row["document_id"], 0.0)
    order = sorted(total, key=lambda chunk: (-total[chunk], chunk))
    order = _originals_first(order, total, candidates.rows)
    seen: dict[tuple[str, int], str] = {}
    shown = [c for c in order if seen.setdefault(_place(candidates.rows[c]), c) == c]
    return [_hit(candidates.rows[chunk], total[chunk]) for chunk in shown]


def _originals_first(order: Sequence[str], total: Mapping[str, float], rows: Mapping[str, Row]) -> list[str]:
    """Put the plainest file first among copies of one invoice that score alike: no attachment, then the shortest name.

    Copies have one title (number, date, parties) and differ by a hair in what search sees of them. Invoices whose scores
    do not differ at all but for noise are ordered so too.
    """
    found: list[str] = []
    left = list(order)
    while left:
        first = rows[left[0]]
        alike = [left[0]]
        if first["format"] in INVOICES and first["title"]:
            copy, tie = total[left[0]] * (1 - ALIKE), total[left[0]] * (1 - TIED)
            near = [c for c in left[:AMONG] if rows[c]["format"] in INVOICES and total[c] >= copy]
            alike = [c for c in near if rows[c]["title"] == first["title"] or total[c] >= tie]
        found += sorted(alike, key=lambda c: _plainness(rows[c]["path"]))
        left = [c for c in left if c not in set(alike)]
    return found


def _plainness(path: str) -> tuple[bool, int, str]:
    name = path.rsplit("/", 1)[-1]
    return "!/" in path, len(name), name


def _add(total: defaultdict[str, float], lists: Sequence[tuple[float, dict[str, float]]], low: float) -> None:
    """Add the scores of lists that can be compared, stretched over what is between `low` and the best of all."""
    width = max((score for _, scores in lists for score in scores.values()), default=0.0) - low
    for weight, scores in lists:
        for chunk, score in scores.items():
            total[chunk] += weight * ((score - low) / width if width else 1.0)


def _place(row: Row) -> tuple[str, int]:
    """Return where a hit sends its reader: a page, or in a document without pages the chunk itself."""
    return (row["document_id"], row["page_first"]) if row["format"] in PAGED else (row["chunk_id"], 0)


def _hit(row: Row, score: float) -> Hit:
    return Hit(
        row["document_id"],
        row["path"],
        row["page_first"],
        row["page_last"],
        row["section"],
        row["text"],
        round(score, 4),
    )
