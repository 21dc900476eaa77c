"""Audit on real tables that were damaged on purpose: each damage is found, and mended where that is safe."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lance
import numpy as np
import pyarrow as pa
import pytest
from pydantic import SecretStr

from infra import lake_upkeep as upkeep
from infra.cache import Cache
from infra.errors import UsageError
from infra.lake import Lake
from infra.lanes import writer_lane
from infra.settings import Settings
from tasks.collection import commit, ledger
from tasks.maintain import audit, backup, cleanup
from tests.tasks.maintain import small

CHUNKS = "documents.chunks"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.fill_once(tmp_path_factory.mktemp("filled"))


@pytest.fixture
def lake(settings: Settings, filled: Path) -> Lake:
    return small.again(filled, Path(settings.root))


def _documents(lake: Lake) -> list[str]:
    return sorted(ledger.read(lake, "documents", ["document_id"])["document_id"].to_pylist())


def _problems(look: audit.Look) -> dict[str, str]:
    return {finding.document_id: finding.problem for finding in look.findings}


def test_a_sound_collection_has_no_finding(settings: Settings, lake: Lake) -> None:
    found = audit.audit_collection(settings, "documents")
    assert found.findings == ()
    assert (found.documents, found.chunks) == (6, 24)
    assert audit.summary([found], [], 0.0)["status"] == "consistent"


def test_missing_surplus_and_unknown_chunks(settings: Settings, lake: Lake) -> None:
    one, two, three, four, *_ = _documents(lake)
    lake.delete(CHUNKS, {"chunk_id": f"{one}-000002"})
    row = lake.read(CHUNKS, where={"chunk_id": f"{two}-000000"})
    lake.table(CHUNKS).add(row)  # the same chunk twice
    lake.delete("documents.documents", {"document_id": three})
    lake.delete(CHUNKS, {"document_id": four})
    found = audit.audit_collection(settings, "documents")
    assert _problems(found) == {
        four: "4 of its 4 chunks are missing",
        one: "1 of its 4 chunks are missing",
        two: "5 chunks instead of 4",
        three: "elements and chunks that the ledger does not know",
    }
    assert lake.count(CHUNKS, {"document_id": three}) == 0
    assert lake.count(CHUNKS, {"document_id": two}) == 0  # cleared, so that the double does not stay
    waiting = [name.rsplit("/", 1)[-1] for name in audit.sources_again(settings, "documents")]
    assert len(waiting) == 3
    assert audit.summary([found], [], 0.0)["status"] == "repaired"


def _spoil(lake: Lake, document: str, value: float, **others: list[str]) -> None:
    """Give the chunks of a document vectors of one value, and other columns where they are given."""
    rows = lake.read(CHUNKS, where={"document_id": document})
    flat = np.full(rows.num_rows * small.DIMENSION, value, np.float16)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat), small.DIMENSION)
    for name, column in {"vector": vectors, **others}.items():
        field = rows.schema.field(name)
        rows = rows.set_column(
            rows.schema.get_field_index(name), field, pa.array(column, field.type) if name in others else column
        )
    lake.delete(CHUNKS, {"document_id": document})
    lance.write_dataset(rows, f"{lake.location}/{CHUNKS}.lance", mode="append")  # LanceDB itself refuses NaN


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 9.0])
def test_bad_vectors(settings: Settings, lake: Lake, value: float) -> None:
    one = _documents(lake)[0]
    _spoil(lake, one, value)
    found = audit.look(settings, lake, "documents")
    assert _problems(found) == {one: "4 vectors that are zero or not finite"}


def test_a_file_that_changed_secretly_is_found(settings: Settings, lake: Lake) -> None:
    row = ledger.read(lake, "documents", ["document_id", "path", "stamp"]).to_pylist()[0]
    path = Path(row["path"])
    path.write_bytes(b"#" * len(path.read_bytes()))
    os.utime(path, ns=(int(row["stamp"]), int(row["stamp"])))
    found = audit.audit_collection(settings, "documents")
    assert _problems(found) == {row["document_id"]: "its file changed although size and date did not"}
    assert (
        lake.count(CHUNKS, {"document_id": row["document_id"]}) == 4
    )  # the old answer stays until the new one is there


def test_what_cannot_be_mended_is_said(settings: Settings, lake: Lake) -> None:
    row = ledger.read(lake, "documents", ["document_id", "path"]).to_pylist()[0]
    Path(row["path"]).unlink()
    lake.delete(CHUNKS, {"chunk_id": f"{row['document_id']}-000000"})
    found = audit.audit_collection(settings, "documents")
    assert found.findings[0].action.startswith("none: its source is gone")
    assert lake.count(CHUNKS, {"document_id": row["document_id"]}) == 3  # what is left still answers
    assert audit.summary([found], [], 0.0)["status"] == "inconsistent"


def test_without_repair_nothing_changes(settings: Settings, lake: Lake) -> None:
    lake.delete(CHUNKS, {"chunk_id": f"{_documents(lake)[0]}-000000"})
    before = small.content(lake)
    found = audit.audit_collection(settings, "documents", repairing=False)
    assert len(found.findings) == 1
    assert small.content(lake) == before


def test_a_table_that_is_whole_again_under_the_lane_does_not_go_back(
    settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While audit waited for the lane somebody mended the table and committed more: that must not be undone."""
    newest = max((Path(lake.location) / f"{CHUNKS}.lance" / "data").iterdir(), key=lambda file: file.stat().st_mtime_ns)
    aside = newest.rename(newest.with_suffix(".away"))

    @contextmanager
    def lane(*given: Any) -> Iterator[None]:
        aside.rename(newest)
        monkeypatch.undo()
        with writer_lane(*given):
            small.add(lake, "documents", Path(settings.root).parent / "later.txt")
        with writer_lane(*given):
            yield

    monkeypatch.setattr(audit, "writer_lane", lane)
    assert audit.check_tables(settings, lake, "documents", True) == []
    assert lake.count(CHUNKS) == 28


def test_a_file_with_a_decomposed_name_is_there(settings: Settings, lake: Lake) -> None:
    """As a Mac writes it; the ledger has the composed one."""
    file = Path(settings.root).parent / "perche\u0301.txt"
    file.write_text("bilancio")
    path = str(file.with_name("perch\xe9.txt"))
    small.add(lake, "documents", path)
    document = small.add(lake, "documents", path.replace(".txt", ".pdf"), state=ledger.QUARANTINED)
    file.with_suffix(".pdf").touch()
    lake.delete(CHUNKS, {"path": path})
    found = audit.audit_collection(settings, "documents")
    assert not any("gone" in note for note in found.notes)
    assert [finding.action for finding in found.findings if finding.path == path] == ["read again"]
    assert path in audit.sources_again(settings, "documents")
    assert cleanup.cleanup(settings)["removed"]["quarantine_entries"] == 0
    assert document in _documents(lake)


@pytest.mark.parametrize("damage", ["empty manifest", "missing data", "cut data"])
def test_an_unreadable_table_goes_back_to_its_last_good_version(settings: Settings, lake: Lake, damage: str) -> None:
    small.add(lake, "documents", "/later.txt")
    folder = Path(lake.location) / f"{CHUNKS}.lance"
    if damage == "empty manifest":
        min((folder / "_versions").glob("*.manifest")).write_bytes(b"")
    else:
        newest = max((folder / "data").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        newest.write_bytes(newest.read_bytes()[:50]) if damage == "cut data" else newest.unlink()
    (finding,) = audit.check_tables(settings, lake, "documents", repair=True)
    assert finding.repaired
    assert "went back to its last good version" in finding.action
    assert lake.count(CHUNKS) == 24
    small.add(lake, "documents", "/later.txt")  # and it can be written again
    assert lake.count(CHUNKS) == 28


def test_what_a_ledger_without_versions_owns_stays_until_somebody_decides(settings: Settings, lake: Lake) -> None:
    """Taken for absent, it would have had all rows of the collection removed as nobody's."""
    small.add(lake, "documents", "/later.txt")
    shutil.rmtree(Path(lake.location) / "documents.documents.lance" / "_versions")
    found = audit.audit_collection(settings, "documents")
    (finding,) = found.findings
    assert "documents.documents cannot be read" in finding.problem and "restore it from a backup" in finding.action
    assert lake.count(CHUNKS) == 28
    with pytest.raises(UsageError, match=r"nothing was backed up: table documents.documents .* has lost its versions"):
        backup.backup(settings)
    assert not [label for label in upkeep.tags(lake, CHUNKS) if label.startswith("backup")], "no pin stays"
    with pytest.raises(UsageError, match="has lost its versions"):
        commit.finish_drop(lake, "documents")
        ledger.read(lake, "documents")
    assert lake.count(CHUNKS) == 28


def test_marked_documents_are_not_reported_twice(settings: Settings, lake: Lake) -> None:
    lake.delete(CHUNKS, {"chunk_id": f"{_documents(lake)[0]}-000000"})
    audit.audit_collection(settings, "documents")
    again = audit.audit_collection(settings, "documents")
    assert again.findings == ()
    assert len(audit.sources_again(settings, "documents")) == 1


def test_a_bad_vector_does_not_come_back_from_the_cache(settings: Settings, lake: Lake, redis_server: str) -> None:
    """The vectors of a collection may be of several encoders: a chunk's own says under which name its vector is kept."""
    one, *_ = _documents(lake)
    keys = [f"k{number}" for number in range(4)]
    _spoil(lake, one, 0.0, hash=keys, encoder=["italian", "english", "italian", "english"])
    cache = Cache(redis_server)
    for encoder in ("italian", "english", "third"):
        cache.put_many(f"vector:{encoder}", dict.fromkeys([*keys, "fine"], b"bad"))
    with_redis = settings.model_copy(update={"redis_url": SecretStr(redis_server)})
    assert _problems(audit.audit_collection(with_redis, "documents")) == {one: "4 vectors that are zero or not finite"}
    left = {
        encoder: sorted(cache.get_many(f"vector:{encoder}", [*keys, "fine"]))
        for encoder in ("italian", "english", "third")
    }
    assert left == {"italian": ["fine", "k1", "k3"], "english": ["fine", "k0", "k2"], "third": ["fine", *keys]}
