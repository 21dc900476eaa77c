"""Optimise on real tables: fewer fragments and versions, the same content, an index only where it is good."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from infra import lake_upkeep as upkeep
from infra.lake import Lake
from infra.settings import Settings
from tasks.maintain import optimise
from tests.tasks.maintain import small

CHUNKS = "documents.chunks"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.fill_once(tmp_path_factory.mktemp("filled"), documents=12)


@pytest.fixture
def lake(settings: Settings, filled: Path) -> Lake:
    return small.again(filled, Path(settings.root))


def test_many_commits_become_one_fragment_with_the_same_content(settings: Settings, lake: Lake) -> None:
    before = small.content(lake)
    result = optimise.optimise(settings, keep=timedelta(0))
    (row,) = result["collections"]
    assert result["status"] == "completed"
    assert row["fragments_before"] > 30
    assert row["fragments_after"] == 3  # ledger, elements, chunks
    assert row["versions_after"] == 3
    assert row["disk_after"] < row["disk_before"]
    assert (row["indexed_rows"], row["unindexed_rows"]) == (48, 0)
    assert result["peak_memory_bytes"] > 10 * 2**20
    assert small.content(Lake(settings.root)) == before


def test_a_dry_run_changes_nothing(settings: Settings, lake: Lake) -> None:
    before = {name: lake.version(name) for name in lake.names()}
    optimise.optimise(settings, dry_run=True)
    assert {name: lake.version(name) for name in lake.names()} == before


def test_young_versions_stay_for_readers(settings: Settings, lake: Lake) -> None:
    reader = lake.table(CHUNKS)
    version = reader.version
    optimise.optimise(settings)  # with the default of an hour
    assert upkeep.count_at(lake, CHUNKS, version) == 48


def test_new_rows_enter_the_text_index(settings: Settings, lake: Lake) -> None:
    small.add(lake, "documents", "/new.txt")
    assert upkeep.state(lake, CHUNKS).unindexed == 4
    optimise.optimise(settings)
    assert upkeep.state(lake, CHUNKS).unindexed == 0


def test_a_broken_table_is_reported_and_the_others_are_done(settings: Settings, lake: Lake) -> None:
    for path in (Path(lake.location) / f"{CHUNKS}.lance" / "data").iterdir():
        path.unlink()
    result = optimise.optimise(settings, keep=timedelta(0))
    assert result["status"] == "failed"
    errors = {row["table"]: row["error"] for row in result["collections"][0]["tables"]}
    assert errors[CHUNKS]
    assert not errors["documents.documents"]


@pytest.mark.slow
def test_a_vector_index_is_trained_where_the_collection_is_large(
    settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.add(lake, "documents", "/large.txt", chunks=2_000)
    monkeypatch.setattr(upkeep, "FLAT_ROWS", 1_000)
    result = optimise.optimise(settings)
    note = next(row["vector_index"] for row in result["collections"][0]["tables"] if row["table"] == CHUNKS)
    assert note.startswith("trained: 16 partitions, recall@10 ")
    assert upkeep.vector_recall(lake, CHUNKS) >= upkeep.RECALL
    again = optimise.optimise(settings)
    assert "kept: 16 partitions" in str(again)


@pytest.mark.slow
def test_an_index_below_the_recall_is_not_kept(settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    small.add(lake, "documents", "/large.txt", chunks=2_000)
    monkeypatch.setattr(upkeep, "FLAT_ROWS", 1_000)
    monkeypatch.setattr(upkeep, "RECALL", 1.01)  # that none reaches
    result = optimise.optimise(settings)
    assert "the exact scan stays" in str(result)
    assert upkeep.vector_partitions(lake, CHUNKS) is None
    assert lake.count(CHUNKS) == 2_048


def test_recall_counts_what_an_index_misses(lake: Lake) -> None:
    assert upkeep.vector_recall(lake, CHUNKS) == 1.0  # without an index the search is the flat scan


def test_target_rows_follow_the_bytes_of_a_row(lake: Lake) -> None:
    dataset = lake.table(CHUNKS).to_lance()
    rows = upkeep.rows_per_fragment(dataset)
    size = sum(file.file_size_bytes for f in dataset.get_fragments() for file in f.metadata.files) / 48
    assert rows == max(upkeep.SMALL, int(upkeep.FRAGMENT_BYTES / size))


def test_an_older_version_becomes_the_newest_again(lake: Lake) -> None:
    version = lake.version(CHUNKS)
    small.add(lake, "documents", "/new.txt")
    upkeep.roll_back(lake, CHUNKS, version)
    assert lake.count(CHUNKS) == 48
    assert np.isfinite(upkeep.vector_recall(lake, CHUNKS))
