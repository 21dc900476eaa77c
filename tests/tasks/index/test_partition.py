"""A plan in parts decides what a plan in one decides, and a try that broke off leaves nothing that the next one uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_plan import NOW, row, stored
from test_run import run
from test_run_edges import mail

from infra.errors import UsageError
from infra.lake import Lake
from infra.roots import Root
from infra.settings import Settings
from tasks.collection import ledger
from tasks.index import plan as planning
from tasks.index import run as job
from tasks.index.discover import SCHEMA
from tasks.index.partition import MOST_PARTS, Known, parts, rows_of_part
from tasks.index.plan import LEDGER_SCHEMA, Plan, plan
from tasks.index.spool import Spool, stream
from tasks.records import attachment_id, document_id

FOLDERS = ["/papers", "/papers/disk", "/papers/b", "/other", "s3://bucket/papers"]
PATHS = st.builds("{}/{}".format, st.sampled_from(FOLDERS), st.sampled_from(["1.txt", "2.txt", "3.pdf", "4", "é.txt"]))
STAMPS = st.sampled_from(["", "5", "5:7", "6:7"])
SIZES = st.sampled_from([10, 11, 3 * 10**7, 10**8])
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(["indexed", "quarantined", "writing"]),
        "kind": st.sampled_from(["", None, "timeout", "corrupt", "network"]),
        "attempts": st.sampled_from([None, 0, 2, 5]),
        "format": st.sampled_from([None, "txt", "pdf"]),
        "stamp": STAMPS,
        "size": SIZES,
        "parser": st.sampled_from([None, "t0", "t1", "p1", "all"]),
        "chunker": st.sampled_from(["c0", "c1"]),
        "encoder": st.sampled_from(["e0", "e1"]),
        "parent_id": st.sampled_from([None, ""]),
    },
)
KNOWN = st.one_of(
    st.none(), st.just({}), st.just({"stamp": "5"}), CHANGES
)  # as it is listed, or as an older release stamped it
LISTED = st.one_of(st.none(), st.just((10, "5:7")), st.just((10, "5:7")), st.tuples(SIZES, STAMPS))
STALE = st.sampled_from(
    [{}, {"parser": "t0"}, {"encoder": "e0"}, {"state": "writing"}, {"kind": "timeout", "attempts": 5}]
)
ATTACHED = st.tuples(st.integers(0, 20), STALE)  # its container, among what is before it, and how it is out of date
AS_LISTED = row("") | {"stamp": "5:7"}
ROOTS = st.one_of(
    st.builds(Root, st.just("folder"), st.sampled_from(FOLDERS)),
    st.builds(
        Root, st.just("glob"), st.sampled_from(["/papers/*.txt", "/papers/**/*.txt", "/papers/disk/?.*", "/o*/*"])
    ),
    st.builds(Root, st.just("file"), PATHS),
)
WORLDS = st.fixed_dictionaries(
    {
        "documents": st.dictionaries(PATHS, st.tuples(KNOWN, LISTED), min_size=6, max_size=16),
        "unmounted": st.lists(st.sampled_from(FOLDERS), max_size=2),  # nothing is listed below them
        "attached": st.lists(ATTACHED, max_size=6),
        "roots": st.lists(ROOTS, min_size=1, max_size=4, unique=True),
        "hidden": st.lists(st.sampled_from([*FOLDERS, "/papers/1.txt"]), max_size=1),
        "forgotten": st.lists(ROOTS, max_size=1),
        "prune": st.sampled_from([True, True, True, False]),
        "force": st.sampled_from([False, False, False, True]),
    }
)


def rows_of(world: dict[str, Any]) -> list[dict[str, object]]:
    """The ledger: documents, and attachments of some of them and of attachments; some have lost their container."""
    known = {path: made for path, (made, _) in world["documents"].items() if made is not None}
    rows = [AS_LISTED | {"path": path, "document_id": document_id("c", path)} | made for path, made in known.items()]
    for number, (container, changes) in enumerate(world["attached"]):
        parent = rows[container]["document_id"] if container < len(rows) else "0" * 32
        made = {
            "document_id": attachment_id(str(parent), str(number)),
            "path": f"/papers/{number}",
            "parent_id": parent,
        }
        rows.append(AS_LISTED | changes | made)
    return rows


def listed(folder: Path, world: dict[str, Any]) -> str:
    """Write a manifest, in several row groups."""
    away = tuple(f"{place}/" for place in world["unmounted"])
    found = {path: one for path, (_, one) in world["documents"].items() if one and not path.startswith(away)}
    ids = [document_id("c", path) for path in found]
    columns = [list(found), ids, [size for size, _ in found.values()], [stamp for _, stamp in found.values()]]
    pq.write_table(pa.table(columns, schema=SCHEMA), folder / "manifest.parquet", row_group_size=5)
    return str(folder / "manifest.parquet")


def planned(world: dict[str, Any], folder: Path, part_rows: int) -> Plan:
    folder.mkdir(exist_ok=True)
    names = ("roots", "force", "hidden", "prune", "forgotten")
    given = {name: world[name] for name in names}
    table = ledger.rows(rows_of(world))
    known = Known(table.num_rows, table.to_batches(max_chunksize=4))
    manifest = listed(folder, world)
    return plan(manifest, known, fingerprints=NOW, folder=folder, part_rows=part_rows, **given)


def decided(made: Plan) -> dict[str, object]:
    """All that a plan says, in an order that the parts do not change."""
    rows = pl.read_parquet(made.file)
    works = [work for batch in planning.batches(made) for work in batch]
    assert len(works) == len({work.document_id for work in works}) == made.to_do == rows.height
    assert rows["group"].is_sorted() and rows["group"].unique().to_list() == list(range(rows["group"].n_unique()))
    return {
        "rows": sorted(rows.drop("group").rows(), key=str),
        "works": sorted(works, key=lambda work: work.document_id),
        "gone": sorted(made.gone),
        "emptied": made.emptied,
        "stamps": sorted(pl.read_parquet(made.stamps).rows()) if made.stamps else [],
        "counts": (made.bytes, made.found, made.to_do, made.unchanged, made.known, made.restamped, made.local),
        "weight": pytest.approx(made.weight),
        "refused": refused(made),
    }


def refused(made: Plan) -> str:
    try:
        planning.check_prune(made, "c", force=False)
    except UsageError as error:
        return str(error)
    return ""


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(WORLDS, st.integers(1, 5))
def test_a_plan_in_parts_decides_as_a_plan_in_one(tmp_path: Path, world: dict[str, Any], part_rows: int) -> None:
    whole = decided(planned(world, tmp_path / "whole", 10_000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "stream", partial(stream, rows=3))
        assert decided(planned(world, tmp_path / "parts", part_rows)) == whole
    assert {path.name for path in (tmp_path / "parts").iterdir()} == {"manifest.parquet", "missing", "plan", "stamps"}


# ---- what breaks off -------------------------------------------------------------------------------------------------


class Broken(Exception):
    """The disk is full, or the store went away."""


def world_of(documents: int) -> dict[str, Any]:
    """Documents of which every second is known, as an older release stamped it."""
    made = {f"/papers/{n}": (None if n % 2 else {"stamp": "5"}, (10, "5:7")) for n in range(documents)}
    roots = [Root("folder", "/papers")]
    rest: dict[str, Any] = {
        "unmounted": [],
        "attached": [],
        "hidden": [],
        "forgotten": [],
        "prune": True,
        "force": False,
    }
    return {"documents": made, "roots": roots, **rest}


def breaking(rows: Sequence[pa.RecordBatch], at: int) -> Iterator[pa.RecordBatch]:
    yield from rows[:at]
    raise Broken


@pytest.mark.parametrize("add", range(12))
def test_a_try_that_broke_off_leaves_no_file_and_the_next_plans_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, add: int
) -> None:
    world, calls, real = world_of(12), iter(range(100)), Spool.add

    def failing(spool: Spool, rows: pl.DataFrame) -> None:
        if next(calls) == add:
            raise Broken
        real(spool, rows)

    with monkeypatch.context() as patch, pytest.raises(Broken):
        patch.setattr(Spool, "add", failing)
        planned(world, tmp_path / "tried", 3)
    assert [path.name for path in (tmp_path / "tried").iterdir()] == ["manifest.parquet"]
    assert decided(planned(world, tmp_path / "tried", 3)) == decided(planned(world, tmp_path / "fresh", 100))


@pytest.mark.parametrize("part_rows", [3, 100])
@pytest.mark.parametrize("batch", range(4))
def test_a_ledger_that_cannot_be_read_to_its_end_plans_nothing(tmp_path: Path, batch: int, part_rows: int) -> None:
    table = ledger.rows(rows_of(world_of(24)))
    known = Known(table.num_rows, breaking(table.to_batches(max_chunksize=4), batch))
    with pytest.raises(Broken):
        plan(listed(tmp_path, world_of(24)), known, [], NOW, tmp_path, part_rows=part_rows)
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.parquet"]


def test_what_a_killed_try_left_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "tried"
    for name in ("plan/000000", "plan.growing/000001", "stamps.growing/000000", "missing/000000", "parts/found/1"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).with_suffix(".parquet").write_bytes(b"half a file")
    (folder / "parts" / "found" / "0").write_bytes(b"half a file")
    made = planned(world_of(12), folder, 3)
    assert decided(made) == decided(planned(world_of(12), tmp_path / "fresh", 100))


# ---- parts -----------------------------------------------------------------------------------------------------------


def test_documents_are_spread_evenly_and_attachments_lie_beside_their_container(tmp_path: Path) -> None:
    mails = [row(str(number)) for number in range(0, 4_000, 4)]
    attached = [
        row(f"{one['path']}!/a") | {"document_id": f"a{number}", "parent_id": one["document_id"]}
        for number, one in enumerate(mails)
    ]
    divided = list(parts(listed(tmp_path, world_of(4_000)), stored([*mails, *attached]), LEDGER_SCHEMA, tmp_path, 500))
    assert len(divided) == 8
    assert all(400 < part.found.height < 600 for part in divided)
    for part in divided:
        top = part.known.filter(pl.col("parent_id") == "")["document_id"]
        assert set(top) <= set(part.found["document_id"])
        assert sorted(part.known.filter(pl.col("parent_id") != "")["parent_id"]) == sorted(top)
    assert sum(part.known.height for part in divided) == 2_000


@pytest.mark.parametrize(("rows", "most", "each"), [(0, 9, 0), (9, 9, 9), (10, 9, 5), (9 * MOST_PARTS + 1, 9, 10)])
def test_a_part_has_more_rows_only_where_there_would_be_too_many(rows: int, most: int, each: int) -> None:
    assert rows_of_part(rows, most) == each


# ---- a run -----------------------------------------------------------------------------------------------------------


def test_a_run_in_parts_finds_what_changed_and_what_went(
    settings: Settings, tmp_path: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for number in range(9):
        (folder / f"{number}.txt").write_text(f"Bilancio numero {number} della società.")
    (folder / "m.eml").write_bytes(bytes(mail("Offerta", "In allegato la nota del fornitore.")))
    monkeypatch.setattr(job.planning, "plan", partial(plan, part_rows=2))
    assert run(settings, folder)["documents"]["indexed"] == 11
    assert run(settings, folder)["documents"]["unchanged"] == 10
    older = ledger.read(lake, "c", where={"path": f"{folder}/m.eml!/nota.txt"})
    at = older.schema.get_field_index("parser")
    ledger.write(lake, "c", older.set_column(at, older.schema.field(at), pa.array(["older"])))
    (folder / "1.txt").write_text("Un altro bilancio.")
    (folder / "2.txt").unlink()
    done = run(settings, folder)["documents"]
    assert (done["unchanged"], done["removed"]) == (7, 1)
    assert run(settings, folder)["documents"]["unchanged"] == 9
