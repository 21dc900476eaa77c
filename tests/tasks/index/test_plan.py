"""The plan: what is to be done, for any ledger and any sources, and how it is cut into batches."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.errors import UsageError
from infra.roots import Root
from tasks.collection import ledger
from tasks.index.discover import SCHEMA
from tasks.index.gone import under
from tasks.index.partition import Known
from tasks.index.plan import (
    BATCH_BYTES,
    BATCH_DOCUMENTS,
    GROUP_BYTES,
    GROUP_DOCUMENTS,
    TRIES,
    Fingerprints,
    Work,
    batches,
    check_prune,
    local_files,
    plan,
)
from tasks.progress import cost
from tasks.records import document_id

NOW = Fingerprints({"": "all", "txt": "t1", "pdf": "p1"}, "c1", "e1")
ROOTS = [Root("folder", "/papers")]


def row(name: str, **changes: object) -> dict[str, object]:
    path = f"/papers/{name}"
    return {
        "document_id": document_id("c", path),
        "path": path,
        "parent_id": "",
        "state": "indexed",
        "kind": "",
        "attempts": 1,
        "format": "txt",
        "stamp": "1",
        "size": 10,
        "content_hash": "h",
        "parser": "t1",
        "chunker": "c1",
        "encoder": "e1",
    } | changes


def stored(rows: list[dict[str, object]]) -> Known:
    table = ledger.rows(rows)
    return Known(table.num_rows, table.to_batches())


def manifest(folder: Path, files: dict[str, tuple[int, str]]) -> str:
    paths = [f"/papers/{name}" for name in files]
    table = pa.table(
        [paths, [document_id("c", p) for p in paths], [s for s, _ in files.values()], [t for _, t in files.values()]],
        schema=SCHEMA,
    )
    pq.write_table(table, folder / "manifest.parquet")
    return str(folder / "manifest.parquet")


def actions(
    folder: Path, files: dict[str, tuple[int, str]], rows: list[dict[str, object]], force: bool = False
) -> dict[str, str]:
    made = plan(manifest(folder, files), stored(rows), ROOTS, NOW, folder, force)
    done = pl.read_parquet(made.file)
    return {path.rsplit("/", 1)[-1]: action for path, action in done.select("path", "action").iter_rows()}


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({}, None),
        ({"stamp": "0"}, "check"),
        ({"size": 9}, "check"),
        ({"parser": "t0"}, "parse"),
        ({"chunker": "c0"}, "rechunk"),
        ({"encoder": "e0"}, "rechunk"),
        ({"encoder": "e0", "stamp": "0"}, "parse"),
        ({"state": "quarantined", "kind": "corrupt"}, None),
        ({"state": "quarantined", "kind": "corrupt", "stamp": "0"}, "parse"),
        ({"state": "quarantined", "kind": "network"}, "parse"),
        ({"state": "quarantined", "kind": "timeout", "attempts": 4}, "parse"),
        ({"state": "quarantined", "kind": "memory", "attempts": 5}, None),
        ({"state": "indexed", "kind": "timeout", "attempts": 4, "parser": "t0"}, "parse"),
        ({"state": "indexed", "kind": "timeout", "attempts": 5, "parser": "t0"}, None),
        ({"state": "indexed", "kind": "timeout", "attempts": 5, "stamp": "0"}, "check"),
        ({"state": "quarantined", "kind": "corrupt", "format": None, "parser": "all"}, None),
        ({"state": "quarantined", "kind": "corrupt", "format": None, "parser": "older"}, "parse"),
    ],
)
def test_what_is_done_with_a_known_document(tmp_path: Path, changes: dict[str, object], action: str | None) -> None:
    assert actions(tmp_path, {"a": (10, "1")}, [row("a", **changes)]).get("a") == action


def test_the_stamp_of_an_older_release_counts_by_its_date_and_is_noted_as_it_is_now(tmp_path: Path) -> None:
    rows = [row("a", stamp="5"), row("b", stamp="5"), row("c", stamp="5:7"), row("d", stamp="5", parser="t0")]
    found = dict.fromkeys("abd", (10, "5:7")) | {"b": (10, "6:7"), "c": (10, "5:8")}
    made = plan(manifest(tmp_path, found), stored(rows), ROOTS, NOW, tmp_path)
    done = dict(pl.read_parquet(made.file).select("path", "action").iter_rows())
    assert done == {"/papers/b": "check", "/papers/c": "check", "/papers/d": "parse"}
    assert pl.read_parquet(made.stamps).rows() == [(document_id("c", "/papers/a"), "5", "5:7")]
    assert made.restamped == 1


def test_new_and_forced_documents_are_parsed(tmp_path: Path) -> None:
    assert actions(tmp_path, {"a": (10, "1"), "b": (1, "1")}, [row("a")]) == {"b": "parse"}
    assert actions(tmp_path, {"a": (10, "1")}, [row("a")], force=True) == {"a": "parse"}


def test_a_container_is_redone_when_its_attachment_is_out_of_date(tmp_path: Path) -> None:
    attachment = row("a!/x.pdf", parent_id=document_id("c", "/papers/a"), format="pdf", parser="p0")
    assert actions(tmp_path, {"a": (10, "1")}, [row("a"), attachment]) == {"a": "parse"}


def test_only_what_is_under_the_roots_is_gone(tmp_path: Path) -> None:
    elsewhere = row("x") | {"path": "/other/x", "document_id": document_id("c", "/other/x")}
    hidden = row("closed/y")
    made = plan(
        manifest(tmp_path, {"a": (10, "1")}),
        stored([row("a"), row("b"), elsewhere, hidden]),
        ROOTS,
        NOW,
        tmp_path,
        hidden=["/papers/closed"],
    )
    assert made.gone == (document_id("c", "/papers/b"),)


def test_the_guard_refuses_to_remove_most_of_a_collection(tmp_path: Path) -> None:
    rows = [row(str(i)) for i in range(10)]
    made = plan(manifest(tmp_path, {"0": (10, "1")}), stored(rows), ROOTS, NOW, tmp_path)
    with pytest.raises(UsageError, match="9 of the 10 documents"):
        check_prune(made, "c", force=False)
    check_prune(made, "c", force=True)


def test_a_root_that_was_found_empty_keeps_its_documents(tmp_path: Path) -> None:
    """Ten of a hundred documents lay on a disk that is not mounted: below the guard's half, and still not gone."""
    disk = [row(f"disk/{i}") for i in range(10)]
    rest = {str(i): (10, "1") for i in range(90)}
    rows = [*disk, *(row(name) for name in rest)]
    roots = [Root("folder", "/papers/disk"), Root("folder", "/papers")]
    made = plan(manifest(tmp_path, rest), stored(rows), roots, NOW, tmp_path)
    assert made.gone == ()
    assert [(root.location, root.documents) for root in made.emptied] == [("/papers/disk", 10)]
    check_prune(made, "c", force=False)
    forced = plan(manifest(tmp_path, rest), stored(rows), roots, NOW, tmp_path, force=True)
    assert (len(forced.gone), forced.emptied) == (10, ())
    kept = plan(manifest(tmp_path, rest), stored(rows), roots, NOW, tmp_path, prune=False)
    assert (kept.gone, kept.emptied) == ((), ())


def test_a_root_that_moved_is_forgotten(tmp_path: Path) -> None:
    moved = [row(f"old/{i}") | {"path": f"/old/{i}", "document_id": document_id("c", f"/old/{i}")} for i in range(3)]
    made = plan(
        manifest(tmp_path, {"a": (10, "1")}),
        stored([row("a"), row("b"), *moved]),
        ROOTS,
        NOW,
        tmp_path,
        prune=False,
        forgotten=[Root("folder", "/old")],
    )
    assert set(made.gone) == {document_id("c", f"/old/{i}") for i in range(3)}


def test_a_file_without_a_stamp_is_hashed_each_time(tmp_path: Path) -> None:
    assert actions(tmp_path, {"a": (10, "")}, [row("a", stamp="")]) == {"a": "check"}


PARTS = st.sampled_from(["a", "b", "b b", "c.txt", "d.txt", "é", "[x]"])
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join).map("/r/".__add__)
ROOT = st.one_of(
    st.builds(Root, st.just("file"), PATHS),
    st.builds(Root, st.just("folder"), st.one_of(PATHS, st.just("/r"))),
    st.builds(
        Root,
        st.just("glob"),
        st.sampled_from(["/r/*.txt", "/r/**/*.txt", "/r/?/*", "/r/**", "/r/[ab]/**/d.txt", "/r/b b/*", "/r/*"]),
    ),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PATHS, unique=True, max_size=30), st.lists(ROOT, max_size=5))
def test_a_stretch_of_the_sorted_paths_is_what_the_roots_hold(paths: list[str], roots: list[Root]) -> None:
    column = pl.Series("path", paths, pl.String).sort()
    assert list(under(column, roots)) == [any(root.holds(path) for root in roots) for path in column]


def test_the_smallest_batch_goes_first_and_the_largest_next(tmp_path: Path) -> None:
    files = {name: (size * 2**20, "1") for name, size in (("a", 9), ("b", 5), ("c", 2), ("d", 1))}
    made = plan(manifest(tmp_path, files), stored([]), ROOTS, NOW, tmp_path)
    assert [[work.path[-1] for work in batch] for batch in batches(made)] == [["c", "d"], ["a"], ["b"]]
    assert made.weight == sum(cost(size) for size, _ in files.values())


def test_a_document_that_a_limit_stopped_comes_by_itself(tmp_path: Path) -> None:
    rows = [row("a", state="quarantined", kind="timeout"), row("b", stamp="0"), row("c", stamp="0")]
    made = plan(manifest(tmp_path, dict.fromkeys("abc", (10, "1"))), stored(rows), ROOTS, NOW, tmp_path)
    assert [[work.path[-1] for work in batch] for batch in batches(made)] == [["b", "c"], ["a"]]


NAMES = st.text("abcdef", min_size=1, max_size=4)
FILES = st.dictionaries(NAMES, st.tuples(st.integers(0, 3 * 10**7), st.sampled_from(["1", "2"])), max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(FILES, FILES, st.booleans())
def test_the_diff_is_exact_and_the_batches_hold_each_document_once(
    tmp_path: Path, before: dict[str, tuple[int, str]], after: dict[str, tuple[int, str]], force: bool
) -> None:
    rows = [row(name, size=size, stamp=stamp) for name, (size, stamp) in before.items()]
    made = plan(manifest(tmp_path, after), stored(rows), ROOTS, NOW, tmp_path, force)
    todo = {f"/papers/{n}" for n in after if force or before.get(n) != after[n]}
    works = [work for batch in batches(made) for work in batch]
    assert sorted(work.path for work in works) == sorted(todo)
    assert made.unchanged == len(after) - len(todo)
    lost = {document_id("c", f"/papers/{n}") for n in before.keys() - after.keys()}
    if after or force or len(before) == 1:
        assert set(made.gone) == lost
    else:  # nothing at all was found: a disk that is not mounted
        assert (made.gone, sum(root.documents for root in made.emptied)) == ((), len(lost))
    assert made.to_do == len(todo)
    assert made.bytes == sum(work.size for work in works)


def works_of(folder: Path, files: dict[str, tuple[int, str]], rows: list[dict[str, object]]) -> list[list[Work]]:
    made = plan(manifest(folder, files), stored(rows), ROOTS, NOW, folder, force=True)
    return [list(batch) for batch in batches(made)]


@pytest.mark.parametrize(
    ("documents", "size"), [(GROUP_DOCUMENTS + 1, 10), (2 * GROUP_DOCUMENTS, 10), (40, GROUP_BYTES // 15)]
)
def test_a_plan_of_several_groups_holds_each_document_once(tmp_path: Path, documents: int, size: int) -> None:
    files = {f"{n:04}.txt": (size + n, "1") for n in range(documents)}
    found = works_of(tmp_path, files, [])
    assert sorted(work.path for batch in found for work in batch) == [f"/papers/{name}" for name in files]
    assert all(len(batch) <= BATCH_DOCUMENTS for batch in found)
    assert all(len(batch) == 1 or sum(work.size for work in batch) <= BATCH_BYTES for batch in found)


@pytest.mark.parametrize(
    ("documents", "size", "groups"),
    [
        (0, 10, 0),
        (GROUP_DOCUMENTS, 10, 1),
        (GROUP_DOCUMENTS + 1, 10, 2),
        (3 * GROUP_DOCUMENTS, 10, 3),
        (16, GROUP_BYTES // 16, 1),
        (17, GROUP_BYTES // 16, 2),
    ],
)
def test_groups_are_as_few_as_may_be_and_cost_the_same(tmp_path: Path, documents: int, size: int, groups: int) -> None:
    files = {f"{n:04}.txt": (size, "1") for n in range(documents)}
    made = plan(manifest(tmp_path, files), stored([]), ROOTS, NOW, tmp_path)
    counts = pl.read_parquet(made.file)["group"].value_counts(sort=True)["count"].to_list()
    assert len(counts) == groups
    assert not counts or counts[0] - counts[-1] <= 1


def test_every_group_has_its_share_of_the_large_documents(tmp_path: Path) -> None:
    sizes = {f"{n:04}.txt": ((n + 1) * 10, "1") for n in range(2 * GROUP_DOCUMENTS)}
    made = plan(manifest(tmp_path, sizes), stored([]), ROOTS, NOW, tmp_path)
    rows = pl.read_parquet(made.file)
    assert rows["group"].is_sorted()
    first, second = rows.group_by("group").agg(pl.col("size").sum()).sort("group")["size"]
    assert abs(first - second) <= 20
    assert all(part["size"].is_sorted(descending=True) for part in rows.partition_by("group"))


@pytest.mark.parametrize(("known", "left", "refused"), [(10, 5, False), (10, 4, True), (1, 0, False), (2, 0, True)])
def test_more_than_half_is_too_much_but_one_document_may_go(
    tmp_path: Path, known: int, left: int, refused: bool
) -> None:
    rows = [row(str(number)) for number in range(known)]
    files = {str(number): (10, "1") for number in range(left)} | {"new": (10, "1")}
    made = plan(manifest(tmp_path, files), stored(rows), ROOTS, NOW, tmp_path)
    assert len(made.gone) == known - left
    if refused:
        with pytest.raises(UsageError, match=f"{known - left} of the {known} documents of collection c "):
            check_prune(made, "c", force=False)
    else:
        check_prune(made, "c", force=False)


def test_the_guard_counts_what_lies_under_roots_that_were_found_empty(tmp_path: Path) -> None:
    """Three on a disk that is not mounted and three that went: together they are most of ten."""
    rows = [row(f"disk/{number}") for number in range(3)] + [row(str(number)) for number in range(7)]
    roots = [Root("folder", "/papers/disk"), Root("folder", "/papers")]
    files = {str(number): (10, "1") for number in range(4)}
    made = plan(manifest(tmp_path, files), stored(rows), roots, NOW, tmp_path)
    assert (len(made.gone), sum(root.documents for root in made.emptied)) == (3, 3)
    with pytest.raises(UsageError, match="6 of the 10"):
        check_prune(made, "c", force=False)


def test_files_of_this_machine_are_drawn_from_all_over_the_plan(tmp_path: Path) -> None:
    there = [tmp_path / "in" / f"{number:02}.txt" for number in range(40)]
    there[0].parent.mkdir()
    for path in there[:38]:
        path.write_text("x")
    paths = [*map(str, there), "s3://bucket/far.txt"]
    table = pa.table([paths, paths, [10] * 41, ["1"] * 41], schema=SCHEMA)
    pq.write_table(table, tmp_path / "manifest.parquet")
    made = plan(str(tmp_path / "manifest.parquet"), stored([]), ROOTS, NOW, tmp_path)
    chosen = local_files(made, 4)
    assert chosen == [str(there[number]) for number in (0, 10, 20, 30)]
    assert local_files(made, 100) == [str(path) for path in there[:38]]


@pytest.mark.parametrize("size", [10, BATCH_BYTES // 2, BATCH_BYTES // 2 + 1, BATCH_BYTES])
def test_a_batch_is_as_full_as_its_limits_allow(tmp_path: Path, size: int) -> None:
    most = min(BATCH_DOCUMENTS, BATCH_BYTES // size)
    files = {f"{number:04}.txt": (size, "1") for number in range(most + 1)}
    assert sorted(map(len, works_of(tmp_path, files, []))) == sorted([most, 1])


def test_what_the_ledger_knows_goes_along_only_where_it_is_claimed(tmp_path: Path) -> None:
    rows = [
        row("a.txt"),
        row("b.txt", state="quarantined", kind="corrupt", attempts=2),
        row("c.txt", state="writing"),
        row("d.txt", attempts=7),
    ]
    files = {f"{name}.txt": (10, "1") for name in "abcde"}
    works = {work.path[-5]: work for batch in works_of(tmp_path, files, rows) for work in batch}
    assert {name: work.known_hash for name, work in works.items()} == {"a": "h", "b": "", "c": "", "d": "h", "e": ""}
    assert {name: work.attempts for name, work in works.items()} == {"a": 0, "b": 2, "c": 0, "d": 0, "e": 0}
    assert works["e"].known_encoder == "" and works["a"].known_encoder == "e1"


@pytest.mark.parametrize(
    ("changes", "redone"),
    [
        ({"state": "writing"}, True),
        ({"parser": "t0"}, True),
        ({"encoder": "e0"}, True),
        ({"chunker": "c0"}, True),
        ({}, False),
        ({"state": "quarantined", "kind": "timeout", "parser": "t0", "attempts": TRIES - 1}, True),
        ({"state": "quarantined", "kind": "timeout", "parser": "t0", "attempts": TRIES}, False),
        ({"state": "quarantined", "kind": "timeout", "parser": "t0", "attempts": TRIES + 1}, False),
        ({"state": "quarantined", "kind": "corrupt", "chunker": "c0"}, False),
    ],
)
def test_a_mail_is_read_again_for_its_attachment(tmp_path: Path, changes: dict[str, object], redone: bool) -> None:
    mail = row("mail.txt")
    child = row("mail.txt!/a.txt", parent_id=mail["document_id"], **changes)
    assert ("mail.txt" in actions(tmp_path, {"mail.txt": (10, "1")}, [mail, child])) is redone
