"""The lake on real LanceDB tables: merges, filters, search, and writers that race."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import lance
import lancedb
import numpy as np
import pyarrow as pa
import pytest

from infra import lake_folder, lake_upkeep
from infra.errors import StorageError, UsageError
from infra.lake import Lake, check_collection


def rows(document: str, count: int, tag: str = "x") -> pa.Table:
    vectors = np.random.default_rng(count).normal(size=(count, 4)).astype(np.float16)
    return pa.table(
        {
            "chunk_id": [f"{document}-{i}" for i in range(count)],
            "document_id": [document] * count,
            "terms": [f"alpha {tag} t{i}" for i in range(count)],
            "n": pa.array(range(count), pa.int32()),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), 4),
        }
    )


def test_a_replaced_document_loses_its_old_rows_in_the_same_commit(lake: Lake) -> None:
    lake.upsert("c.chunks", rows("a", 5), "chunk_id", ("document_id", ["a"]))
    lake.upsert("c.chunks", rows("b", 3), "chunk_id", ("document_id", ["b"]))
    before = lake.version("c.chunks")
    lake.upsert("c.chunks", rows("a", 2, "z"), "chunk_id", ("document_id", ["a"]))
    assert lake.version("c.chunks") == before + 1
    assert lake.count("c.chunks") == 5
    assert lake.read("c.chunks", ["terms"], {"document_id": "a"})["terms"].to_pylist() == ["alpha z t0", "alpha z t1"]


def test_doing_a_merge_twice_is_doing_it_once(lake: Lake) -> None:
    for _ in range(3):
        lake.upsert("c.chunks", rows("a", 5), "chunk_id", ("document_id", ["a"]))
    assert sorted(lake.read("c.chunks", ["chunk_id"])["chunk_id"].to_pylist()) == [f"a-{i}" for i in range(5)]


def test_a_filter_value_is_data_and_never_sql(lake: Lake) -> None:
    lake.upsert("c.chunks", rows("o'hara", 2), "chunk_id")
    lake.upsert("c.chunks", rows("b", 2), "chunk_id")
    assert lake.count("c.chunks", {"document_id": "o'hara"}) == 2
    assert lake.count("c.chunks", {"document_id": "x' OR '1'='1"}) == 0
    assert lake.delete("c.chunks", {"document_id": ["x') OR ('1'='1"]}) == 0
    with pytest.raises(UsageError, match="no column"):
        lake.read("c.chunks", where={"1=1 OR document_id": "b"})


def test_numbers_are_compared_as_numbers(lake: Lake) -> None:
    lake.upsert("c.chunks", rows("a", 3), "chunk_id")
    assert lake.count("c.chunks", {"n": "1"}) == 1
    with pytest.raises(UsageError, match="not a value of type int32"):
        lake.count("c.chunks", {"n": "one"})


def test_a_long_list_of_values_is_split_and_nothing_is_missed(lake: Lake) -> None:
    lake.upsert("c.chunks", rows("a", 3), "chunk_id")
    ids = [f"none-{i}" for i in range(4_500)] + ["a"]
    assert lake.count("c.chunks", {"document_id": ids}) == 3
    assert lake.read("c.chunks", ["n"], {"document_id": ids}).num_rows == 3
    assert lake.delete("c.chunks", {"document_id": ids}) == 3


def test_text_search_finds_rows_that_the_index_does_not_hold_yet(lake: Lake) -> None:
    lake.upsert("c.chunks", rows("a", 3, "old"), "chunk_id")
    lake.index_text("c.chunks")
    lake.upsert("c.chunks", rows("b", 2, "fresh"), "chunk_id")
    hits = lake.matching("c.chunks", ["fresh"], 10, ["chunk_id"]).to_pylist()
    assert {hit["chunk_id"] for hit in hits} == {"b-0", "b-1"}
    assert all(hit["_score"] > 0 for hit in hits)


def test_vector_search_keeps_to_the_filter_and_the_order(lake: Lake) -> None:
    lake.upsert("c.chunks", rows("a", 20), "chunk_id")
    lake.upsert("c.chunks", rows("b", 20), "chunk_id")
    found = lake.nearest("c.chunks", np.ones(4, np.float32), 7, ["document_id"], {"document_id": "b"})
    assert found["document_id"].to_pylist() == ["b"] * 7
    distances = found["_distance"].to_pylist()
    assert distances == sorted(distances)


def test_an_absent_table_is_named(lake: Lake) -> None:
    assert lake.count("nobody.chunks") == 0
    with pytest.raises(UsageError, match=r"no table nobody\.chunks"):
        lake.read("nobody.chunks")


def test_a_folder_without_a_version_is_no_table_and_does_not_stand_in_the_way_of_one(lake: Lake) -> None:
    """As it is while a table is made, and after a kill in the middle of that: a reader met it, and then every run."""
    for name in ("c.documents", "d.documents"):
        (Path(lake.location) / f"{name}.lance" / "_transactions").mkdir(parents=True)
    assert lake.names() == [] and not lake.exists("c.documents") and lake.count("c.documents") == 0
    assert lake.delete("c.documents", {"document_id": "a"}) == 0
    lake.upsert("c.documents", pa.table({"document_id": ["a"]}), "document_id")
    assert lake.names() == ["c.documents"] and lake.count("c.documents") == 1
    lake.drop("d.documents")
    assert not (Path(lake.location) / "d.documents.lance").exists()


def test_a_table_that_has_lost_its_versions_is_no_absent_one(lake: Lake) -> None:
    """Taken for absent, it would be made anew over its data, and all that its rows own be taken for nobody's."""
    for one in "ab":
        lake.upsert("c.documents", pa.table({"document_id": [one]}), "document_id")
    shutil.rmtree(Path(lake.location) / "c.documents.lance" / "_versions")
    assert lake.exists("c.documents") and lake.names() == ["c.documents"]
    for use in (
        lambda: lake.read("c.documents"),
        lambda: lake.upsert("c.documents", pa.table({"document_id": ["c"]}), "document_id"),
        lambda: lake.count("c.documents"),
    ):
        with pytest.raises(UsageError, match="has lost its versions: restore it"):
            use()
    lake.drop("c.documents")
    assert not lake.exists("c.documents")


def test_a_drop_that_is_killed_leaves_the_table_as_it_was_or_none(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for one in "abc":
        lake.upsert("c.documents", pa.table({"document_id": [one]}), "document_id")
    steps = list[tuple[str, list[str]]]()
    monkeypatch.setattr(lake_folder, "remove_files", lambda folder, names: steps.append((folder, list(names))))
    monkeypatch.setattr(lancedb.db.LanceDBConnection, "drop_table", lambda *_: None)
    lake.drop("c.documents")
    order = [Path(folder) / name for folder, names in steps for name in names]
    found = []
    for file in order:
        file.unlink()
        found.append(lake.count("c.documents"))
        if found[-1]:  # a backup takes every file that is listed
            listed = lake_upkeep.files_of(lake, "c.documents", lake.version("c.documents"))
            assert all((Path(lake.location) / "c.documents.lance" / one.path).exists() for one in listed)
    assert found == [3] * (len(order) - 1) + [0]
    assert lake.upsert("c.documents", pa.table({"document_id": ["d"]}), "document_id")
    assert lake.count("c.documents") == 1


def test_a_drop_on_a_disk_that_may_not_be_written_says_so(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.upsert("c.documents", pa.table({"document_id": ["a"]}), "document_id")

    def refused(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(lake_folder, "remove_files", refused)
    with pytest.raises(StorageError, match="cannot be written: Read-only file system"):
        lake.drop("c.documents")
    assert lake.count("c.documents") == 1


def test_ensure_adds_the_columns_of_a_newer_release(lake: Lake) -> None:
    lake.upsert("c.documents", pa.table({"document_id": ["a"]}), "document_id")
    lake.ensure("c.documents", pa.schema([("document_id", pa.string()), ("language", pa.string())]), "document_id")
    assert lake.read("c.documents").to_pylist() == [{"document_id": "a", "language": None}]


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "../x", "a.b", "-a", "a" * 64, "spazio vuoto"])
def test_a_bad_collection_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="collection"):
        check_collection(name)


RACE = """
import sys
sys.path.insert(0, {tests!r})
from test_lake import rows
from infra.lake import Lake
lake = Lake({root!r})
input()
for _ in range(3):
    lake.upsert("c.chunks", rows("same", 200), "chunk_id")
"""


@pytest.mark.slow
def test_processes_that_merge_the_same_keys_at_once_make_no_duplicates(lake: Lake, settings) -> None:  # type: ignore[no-untyped-def]
    lake.upsert("c.chunks", rows("other", 1), "chunk_id")
    code = RACE.format(tests=__file__.rsplit("/", 1)[0], root=settings.root)
    racers = [subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) for _ in range(3)]
    for racer in racers:
        racer.communicate(b"go\n", timeout=120)
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert lake.count("c.chunks", {"document_id": "same"}) == 200


def test_scalar_indexes_are_made_once_and_change_no_answer(lake: Lake) -> None:
    lake.upsert("c.chunks", rows("a", 300), "chunk_id")
    lake.upsert("c.chunks", rows("b", 200), "chunk_id")
    before = [lake.count("c.chunks", where) for where in ({"document_id": "b"}, {"n": 7}, {"n": [1, 2]})]
    for column, few in (("document_id", True), ("n", False)):
        assert lake_upkeep.index_column(lake, "c.chunks", column, few)
        assert not lake_upkeep.index_column(lake, "c.chunks", column, few)
    lake.upsert("c.chunks", rows("b", 10), "chunk_id", ("document_id", ["b"]))
    assert [lake.count("c.chunks", where) for where in ({"document_id": "b"}, {"n": 7}, {"n": [1, 2]})] == [10, 2, 4]
    assert before == [200, 2, 4]


def test_without_its_vector_index_a_table_is_scanned_exactly(lake: Lake) -> None:
    lake.upsert("c.chunks", rows("a", 600), "chunk_id")
    wanted = np.random.default_rng(1).normal(size=4).astype(np.float32)
    exact = lake.nearest("c.chunks", wanted, 5, ["chunk_id"])["chunk_id"].to_pylist()
    lake_upkeep.index_column(lake, "c.chunks", "n")
    lake_upkeep.train_vectors(lake, "c.chunks")
    assert lake_upkeep.vector_partitions(lake, "c.chunks")
    lake_upkeep.drop_vector_index(lake, "c.chunks")
    assert lake_upkeep.vector_partitions(lake, "c.chunks") is None
    assert lake.has_index("c.chunks", "n"), "the others stay"
    assert lake.nearest("c.chunks", wanted, 5, ["chunk_id"])["chunk_id"].to_pylist() == exact


def test_a_new_table_has_its_rows_and_its_key_from_the_first_commit_on(lake: Lake) -> None:
    """A kill between commits would leave a table whose key LanceDB does not know, where writers that race leave rows twice."""
    for make in (lake.upsert, lake.append):
        name = f"c.{make.__name__}"
        make(name, rows("a", 3), "chunk_id")
        assert (lake.version(name), lake.count(name)) == (1, 3)
        key = lance.dataset(f"{lake.location}/{name}.lance").lance_schema.field("chunk_id")
        assert key.is_unenforced_primary_key()
    lake.overwrite("c.append", lake.schema("c.append"), iter(()), "chunk_id")
    assert lance.dataset(f"{lake.location}/c.append.lance").lance_schema.field("chunk_id").is_unenforced_primary_key()


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk needs the right to mount")
def test_a_full_disk_is_said_in_words_of_ours(tmp_path: Path) -> None:
    """Whatever the write is, and with the data folder's name: LanceDB tells it in the middle of a text of its own sources."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", tmp_path], check=False).returncode:
        pytest.skip("no small disk can be had here")
    try:
        lake, noise = Lake(str(tmp_path / "home")), np.random.default_rng(0)
        lake.upsert("c.t", pa.table({"id": ["0"], "x": [noise.bytes(100).hex()]}), "id")
        (tmp_path / "ballast").write_bytes(bytes((tmp_path / "home").stat().st_blocks))
        with suppress(OSError), (tmp_path / "ballast").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 12))
        new = pa.table({"id": ["1"], "x": [noise.bytes(100).hex()]})
        for write in (
            lambda: lake.upsert("c.t", new, "id"),
            lambda: lake.append("c.t", new, "id"),
            lambda: lake.append("c.new", new, "id"),
            lambda: lake.overwrite("c.t", new.schema, new.to_batches(), "id"),
            lambda: lake.delete("c.t", {"id": "0"}),
            lambda: lake.index_text("c.t", "x"),
            lambda: lake_upkeep.index_column(lake, "c.t", "x"),
            lambda: lake_upkeep.tag(lake, "c.t", "one"),
        ):
            with pytest.raises(StorageError, match="home/lake cannot be written: No space left on device"):
                write()
        assert lake.count("c.t") == 1
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)
