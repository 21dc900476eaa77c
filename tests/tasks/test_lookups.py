"""Look-ups in memory and by LanceDB's indexes: the same rows, whatever happened to the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from infra.errors import UsageError
from infra.lake import Lake
from infra.lake_filters import Compare, Filter
from infra.lake_memory import best
from tasks import lookups
from tasks.collection.chunks import CHUNKS, SCHEMA, EncoderMark, chunk_table
from tasks.lookups import InLake, InMemory, open_lookups

NAME = CHUNKS.name("c")
COLUMNS = ("chunk_id", "document_id", "path", "title", "text", "encoder")
WORDS = [f"word{number}" for number in range(30)]
FILTERS: tuple[Filter, ...] = (
    {},
    {"document_id": ["d3", "d4"]},
    {"document_id": "d3", "encoder": "e1"},
    {"path": "/x/2.txt", "language": "it"},
    {"ordinal": (0, 1), "document_id": ["d1", "d2", "d3"]},
    {"page_first": Compare(low=2, high=3)},
    {"title": "it's 2"},
    {"section": None},
    {"document_id": "nowhere"},
)


def chunks(documents: Sequence[int], each: int = 12, seed: int = 0) -> Any:
    random = np.random.default_rng(seed)
    rows = [
        dict.fromkeys(SCHEMA.names)
        | {
            "chunk_id": f"d{d}-{n:06d}",
            "document_id": f"d{d}",
            "path": f"/x/{d}.txt",
            "ordinal": n,
            "title": f"it's {d}",
        }
        | {"language": ("it", "en")[d % 2], "encoder": f"e{d % 2}", "page_first": n // 4, "text": f"{d} {n}"}
        | {"terms": " ".join(random.choice(WORDS, random.integers(1, 9)))}
        for d in documents
        for n in range(each)
    ]
    vectors = random.normal(size=(len(rows), 8))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    return chunk_table(rows, unit, EncoderMark("e", "e", 8))


@pytest.fixture
def table(lake: Lake) -> Lake:
    """Rows that were replaced, removed, and added after the index was made."""
    lake.upsert(NAME, chunks(range(8)), "chunk_id")
    lake.index_text(NAME)
    lake.upsert(NAME, chunks([2], each=5, seed=1), "chunk_id", ("document_id", ["d2"]))
    lake.delete(NAME, {"document_id": "d6"})
    lake.append(NAME, chunks([8, 9], seed=2), "chunk_id")
    return lake


def ids(rows: Sequence[lookups.Row]) -> list[str]:
    return [row["chunk_id"] for row in rows]


def shown(row: lookups.Row) -> list[object]:
    return [row[name] for name in COLUMNS]


@pytest.mark.parametrize("where", FILTERS, ids=str)
def test_memory_and_lake_find_the_same(table: Lake, where: Filter) -> None:
    memory, stored = InMemory(table, NAME, COLUMNS), InLake(table, NAME, COLUMNS)
    query = np.random.default_rng(5).normal(size=8).astype(np.float32)
    near = [each.by_meaning(query / np.linalg.norm(query), 1000, where) for each in (memory, stored)]
    assert sorted(ids(near[0])) == sorted(ids(near[1]))
    cosines = [row["vector"] @ query for row in near[0]]
    assert cosines == sorted(cosines, reverse=True)
    assert np.allclose(cosines, [row["vector"] @ query for row in near[1]], atol=2e-3)  # unit vectors in float16
    (rows, scores), (_, expected) = (each.by_words(["word1", "word2"], 1000, where) for each in (memory, stored))
    assert scores.keys() == expected.keys()
    if not where:  # with a filter LanceDB weighs words by the new rows that match, and memory as it does without one
        assert scores == pytest.approx(dict(expected), rel=1e-5)
    assert [scores[chunk] for chunk in ids(rows)] == sorted(scores.values(), reverse=True)
    wanted = {row["chunk_id"]: (shown(row), row["vector"].tolist()) for row in near[1]}
    assert all((shown(row), row["vector"].tolist()) == wanted[row["chunk_id"]] for row in near[0])
    read = [sorted(map(str, each.read(["chunk_id", "text"], where))) for each in (memory, stored)]
    assert read[0] == read[1]


def test_the_best_are_those_of_all_and_equal_ones_keep_their_order() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        scores = random.integers(0, 6, 40).astype(np.float32)
        among, limit = random.random(40) < 0.6, int(random.integers(1, 45))
        wanted = sorted(np.flatnonzero(among), key=lambda row: (-scores[row], row))[:limit]
        assert best(scores, limit, among).tolist() == wanted
    assert best(np.zeros(0, np.float32), 5).tolist() == []


def test_an_unknown_column_is_refused_by_both(table: Lake) -> None:
    for each in (InMemory(table, NAME, COLUMNS), InLake(table, NAME, COLUMNS)):
        with pytest.raises(UsageError, match="no column 'colour'"):
            each.read(["chunk_id"], {"colour": "red"})


def test_large_collections_are_left_in_the_lake(table: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_lookups(table, NAME, COLUMNS), InMemory)
    monkeypatch.setattr(lookups, "SMALL", table.count(NAME))
    assert isinstance(open_lookups(table, NAME, COLUMNS), InLake)


def test_a_table_in_memory_stays_as_it_was_opened(table: Lake) -> None:
    opened = InMemory(table, NAME, COLUMNS)
    before = opened.by_words(["word1"], 1000, {})[1]
    table.delete(NAME, {"document_id": ["d0", "d1"]})
    table.append(NAME, chunks([10], seed=4), "chunk_id")
    assert opened.by_words(["word1"], 1000, {})[1] == before
    opened._scores.cache_clear()
    assert opened.by_words(["word1"], 1000, {})[1] == before
    assert opened.version != table.version(NAME)


def test_a_collection_whose_documents_all_left_has_no_rows(table: Lake) -> None:
    table.delete(NAME, {"language": ["it", "en"]})
    opened = open_lookups(table, NAME, COLUMNS)
    assert opened.by_words(["word1"], 10, {}) == ([], {})
    assert opened.by_meaning(np.ones(8, np.float32), 10, {"document_id": ["d1"]}) == []
    assert opened.read(["chunk_id"], {}) == []
