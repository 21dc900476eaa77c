"""Rows of documents: new ones are appended, others take the place of what was there, and a write that came out wrong is begun anew."""

from __future__ import annotations

import pytest

from ground import C, Office, truth
from infra.lake import Lake
from tasks.collection.commit import StoreError
from tasks.collection.elements import ELEMENTS


def rows(*documents: str, title: str) -> list[dict[str, object]]:
    return [{"document_id": document, "title": title} for document in documents]


def titles(lake: Lake) -> dict[str, str]:
    found = ELEMENTS.read(lake, C, ["document_id", "title"]).to_pylist()
    assert len(found) == len({row["document_id"] for row in found})
    return {row["document_id"]: row["title"] for row in found}


def test_rows_of_new_documents_are_appended_and_others_replaced(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    merged: list[str] = []
    real = Lake.upsert
    monkeypatch.setattr(Lake, "upsert", lambda self, name, *more: (merged.append(name), real(self, name, *more))[1])
    ELEMENTS.replace(lake, C, ELEMENTS.rows(rows("a", "b", title="1")), ["a", "b"])
    ELEMENTS.replace(lake, C, ELEMENTS.rows(rows("c", title="1")), ["c", "d"])
    assert (titles(lake), merged) == ({"a": "1", "b": "1", "c": "1"}, [])
    ELEMENTS.replace(lake, C, ELEMENTS.rows(rows("c", "d", title="2")), ["b", "c", "d"])
    assert (titles(lake), merged) == ({"a": "1", "c": "2", "d": "2"}, [ELEMENTS.name(C)])
    version = lake.version(ELEMENTS.name(C))
    ELEMENTS.replace(lake, C, ELEMENTS.rows([]), ["e"])
    assert lake.version(ELEMENTS.name(C)) == version


@pytest.mark.slow
def test_chunks_that_came_out_twice_are_taken_away_before_the_commit_is_done_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two writers at once would leave them, of whom one had lost its lane."""
    office.write("a.txt", "Il canone del capannone è di diecimila euro.")
    real = Lake.append

    def twice(self: Lake, name: str, table: object, key: str) -> None:
        real(self, name, table, key)  # type: ignore[arg-type]
        if name.endswith(".chunks"):
            real(self, name, table, key)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "append", twice)
        with pytest.raises(StoreError, match="wrote 1 chunks and read 2 back"):
            office.index()
    assert truth(office.lake) == {}
    assert office.lake.count("c.chunks") == 0
    office.index()
    assert [len(texts) for _, texts in truth(office.lake).values()] == [1]


@pytest.fixture
def office(tmp_path) -> Office:  # type: ignore[no-untyped-def]
    return Office(tmp_path / "office")
