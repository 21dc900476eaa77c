"""The indexes of a collection's chunks: made from the size on where they gain, and dropped where they do not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from infra import lake_upkeep as upkeep
from infra.lake import Lake
from tasks.collection import indexes
from tasks.collection.chunks import CHUNKS

NAME = CHUNKS.name("c")


def fill(lake: Lake, rows: int) -> None:
    vectors = np.random.default_rng(3).normal(size=(rows, 8)).astype(np.float16)
    table = pa.table(
        {
            "chunk_id": [f"k{number:05d}" for number in range(rows)],
            "document_id": [f"d{number % 40}" for number in range(rows)],
            "language": ["it" if number % 3 else "en" for number in range(rows)],
            "format": ["pdf"] * rows,
            "terms": [f"canone t{number}" for number in range(rows)],
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), 8),
        }
    )
    lake.upsert(NAME, table, "chunk_id")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes pay from 600 rows on."""
    monkeypatch.setattr(upkeep, "FLAT_ROWS", 600)
    monkeypatch.setattr(indexes, "SCALAR_ROWS", 600)


def done(lake: Lake) -> list[str]:
    """What a run does to have every wanted index."""
    return [work() for work in indexes.missing(lake, "c")]


def test_a_small_collection_has_words_alone_and_a_large_one_all(lake: Lake, small: None) -> None:
    assert done(lake) == []
    fill(lake, 300)
    assert done(lake) == ["full-text index made"]
    assert done(lake) == []
    assert [work(lake, NAME) for work in indexes.WANTED] == ["", "", ""]
    fill(lake, 700)
    trained, scalars = done(lake)
    assert trained.startswith("trained: ")
    assert scalars == "indexed document_id, language, format"
    assert done(lake) == []
    assert indexes.vector_index(lake, NAME).startswith("kept: ")
    assert indexes.scalar_indexes(lake, NAME) == ""
    assert [lake.count(NAME, where) for where in ({"document_id": "d7"}, {"language": "en"})] == [18, 234]


def test_an_index_goes_when_the_collection_is_half_the_size_from_which_it_pays(lake: Lake, small: None) -> None:
    fill(lake, 700)
    assert indexes.vector_index(lake, NAME).startswith("trained: ")
    lake.delete(NAME, {"chunk_id": [f"k{number:05d}" for number in range(250)]})
    assert indexes.vector_index(lake, NAME).startswith("kept: "), "not at each step over the line"
    lake.delete(NAME, {"chunk_id": [f"k{number:05d}" for number in range(450)]})
    assert indexes.vector_index(lake, NAME).startswith("dropped: the collection is small enough")
    assert indexes.vector_index(lake, NAME) == ""


@pytest.mark.slow
def test_an_index_that_misses_neighbours_is_not_kept(lake: Lake, small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(lake, 700)
    monkeypatch.setattr(upkeep, "RECALL", 1.01)  # which none can reach
    version = lake.version(NAME)
    assert "the exact scan stays" in indexes.vector_index(lake, NAME)
    assert upkeep.vector_partitions(lake, NAME) is None
    assert lake.version(NAME) > version, "the table is put back, not left at the trial"
    monkeypatch.setattr(upkeep, "RECALL", 0.5)
    indexes.vector_index(lake, NAME)
    monkeypatch.setattr(upkeep, "RECALL", 1.01)
    assert indexes.vector_index(lake, NAME).startswith("dropped: recall@10 ")
    assert upkeep.vector_partitions(lake, NAME) is None


def test_words_that_came_later_are_taken_in_where_they_are_many(lake: Lake, small: None) -> None:
    def late() -> int:
        table = lake.table(NAME)
        [index] = [index.name for index in table.list_indices() if "terms" in index.columns]
        return int(table.index_stats(index).num_unindexed_rows)

    indexes.refresh_text(lake, "c")
    fill(lake, 300)
    done(lake)
    fill(lake, 320)
    indexes.refresh_text(lake, "c")
    assert late() > 0, "a few are found by a scan"
    fill(lake, 11_000)
    indexes.refresh_text(lake, "c")
    assert late() == 0
