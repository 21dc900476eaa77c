"""The ledger by itself: what a row holds, what leaves with its parent, which collections there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.errors import UsageError
from infra.lake import Lake
from tasks.collection import ledger
from tasks.collection.chunks import CHUNKS


def row(document_id: str, parent_id: str = "", **values: object) -> dict[str, object]:
    return {
        "document_id": document_id,
        "path": f"/papers/{document_id}",
        "parent_id": parent_id,
        "state": ledger.INDEXED,
    } | values


def names(lake: Lake) -> list[str]:
    return sorted(ledger.read(lake, "c", ["document_id"])["document_id"].to_pylist())


def test_a_row_keeps_what_it_says_and_is_null_where_it_says_nothing(lake: Lake) -> None:
    moment = datetime(2026, 3, 12, 9, 30, 0, 123_456, UTC)
    said = row("a", warnings=["two pictures were not read"], pages=3, seconds=0.25, indexed_at=moment)
    ledger.write(lake, "c", ledger.rows([said]))
    (found,) = ledger.read(lake, "c", ledger.SCHEMA.names).to_pylist()
    assert {name: found[name] for name in said} == said
    assert {name for name, value in found.items() if value is None} == set(ledger.SCHEMA.names) - set(said)


def test_a_row_without_a_document_is_refused_and_the_others_stay(lake: Lake) -> None:
    ledger.write(lake, "c", ledger.rows([row("a")]))
    with pytest.raises(Exception, match=r"document_id|null"):
        ledger.write(lake, "c", ledger.rows([{"path": "/papers/b", "state": ledger.INDEXED}]))
    assert names(lake) == ["a"]


def test_writing_again_replaces_the_row(lake: Lake) -> None:
    ledger.write(lake, "c", ledger.rows([row("a"), row("b")]))
    ledger.write(lake, "c", ledger.rows([row("a", state=ledger.WRITING)]))
    found = ledger.read(lake, "c", ["document_id", "state"]).to_pylist()
    assert sorted((one["document_id"], one["state"]) for one in found) == [("a", "writing"), ("b", "indexed")]


def test_attachments_that_are_not_written_again_leave_with_their_parent_only(lake: Lake) -> None:
    mails = [row("mail"), row("kept", "mail"), row("gone", "mail"), row("other"), row("foreign", "other")]
    ledger.write(lake, "c", ledger.rows(mails))
    ledger.write(lake, "c", ledger.rows([row("mail"), row("kept", "mail")]))
    assert names(lake) == ["foreign", "gone", "kept", "mail", "other"], "without parents nothing leaves"
    ledger.write(lake, "c", ledger.rows([row("mail"), row("kept", "mail")]), parents=["mail"])
    assert names(lake) == ["foreign", "kept", "mail", "other"]


def test_a_collection_is_there_once_it_has_a_ledger(lake: Lake) -> None:
    assert ledger.collections(lake) == []
    with pytest.raises(UsageError, match=r"no collection c \(there are: none yet\)"):
        ledger.require(lake, "c")
    for name in ("c", "b"):
        ledger.write(lake, name, ledger.rows([row("a")]))
    CHUNKS.ensure(lake, "a")  # left behind by something that died: without a ledger nothing is claimed
    assert ledger.collections(lake) == ["b", "c"]
    ledger.require(lake, "c")
    with pytest.raises(UsageError, match=r"no collection d \(there are: b, c\)"):
        ledger.require(lake, "d")


def test_the_time_of_rows_is_in_utc() -> None:
    assert ledger.now().utcoffset() == timedelta(0)
    assert abs(ledger.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_states_are_three_words_that_other_programs_read() -> None:
    assert (ledger.INDEXED, ledger.QUARANTINED, ledger.WRITING) == ("indexed", "quarantined", "writing")


COLUMNS = {
    "string": "document_id path parent_id state stage kind message format language title stamp content_hash parser chunker encoder",
    "int32": "attempts pages chunks attachments",
    "int64": "size bytes",
    "double": "seconds",
    "list<item: string>": "warnings",
    "timestamp[us, tz=UTC]": "modified_at indexed_at",
}


def test_the_columns_are_those_that_lakes_already_have() -> None:
    """A renamed column would be null in every row that an older release wrote; a new one is added here."""
    assert {field.name: str(field.type) for field in ledger.SCHEMA} == {
        name: kind for kind, names in COLUMNS.items() for name in names.split()
    }
    assert [field.name for field in ledger.SCHEMA if not field.nullable] == ["document_id"]
    assert ledger.LEDGER.name("c") == "c.documents"
