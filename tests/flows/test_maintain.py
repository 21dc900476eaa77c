"""The maintenance flows under a real Prefect server: what they return, the artifacts they leave, and how they fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lance
import numpy as np
import pyarrow as pa
import pytest
from prefect import tags

from deployments.worker.engine import passing
from flows.audit import audit
from flows.backup import backup
from flows.cleanup import cleanup
from flows.collect import collect
from flows.health import health
from flows.index import index
from flows.optimise import optimise
from flows.report import report
from flows.restore import restore
from flows.upkeep import api
from infra.errors import TransientError
from infra.lake import Lake
from infra.limits import LOOKS
from infra.locks import one_at_a_time
from infra.prefect_api import BULK
from infra.settings import Settings
from tasks.collection import ledger
from tasks.maintain import optimise as steps
from tasks.maintain.common import MaintenanceFailed
from tests.flows.test_export import artifact_types
from tests.tasks.maintain import small

pytestmark = pytest.mark.server

FLOWS = (audit, backup, cleanup, health, optimise, report, restore)


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return small.fill(Path(settings.root), documents=3)


def test_every_flow_is_typed_and_described() -> None:
    for flow in FLOWS:
        assert flow.description, flow.name
        assert flow.should_validate_parameters
        for name, about in flow.parameters.properties.items():
            assert about.get("description"), f"{flow.name}: {name}"


@pytest.mark.usefixtures("prefect_api", "lake")
def test_a_night() -> None:
    made = backup()
    assert made["drill"]["problem"] == ""
    assert backup(dry_run=True)["removed"] == []
    assert "about/prefect.json" in (Path(made["path"]) / "manifest.json").read_text()
    done = optimise(keep_minutes=0)
    assert done["collections"][0]["fragments_after"] == 3
    assert restore()["documents"] == 3
    assert cleanup(dry_run=True)["status"] == "completed"
    for key in ("backup", "optimise", "restore", "cleanup"):
        assert artifact_types(key) == {"table"}, key


@pytest.mark.usefixtures("prefect_api", "lake")
def test_variables_and_pauses_come_back_and_what_the_server_has_stays() -> None:
    door = api()
    assert door is not None
    flow = door.ask("POST", "/flows/", {"name": "optimise"})["id"]
    wanted = {
        "name": "indexes",
        "flow_id": flow,
        "paused": True,
        "schedules": [
            {"schedule": {"cron": "0 3 * * *", "timezone": "Europe/Rome"}, "active": False, "slug": "nightly"},
            {"schedule": {"cron": "0 5 * * *", "timezone": "Europe/Rome"}, "active": False},
            {"schedule": {"cron": "0 6 * * *", "timezone": "Europe/Rome"}, "active": True},
        ],
    }
    for name, value in (("inbox", "/data/inbox"), ("held", "then"), ("mail_password", "hunter2"), ("faldone-x", "1")):
        door.ask("POST", "/variables/", {"name": name, "value": value})
    door.ask("POST", "/deployments/", wanted)
    path = backup(drill=False)["path"]
    assert b"hunter2" not in b"".join(p.read_bytes() for p in Path(path).parent.rglob("*") if p.is_file())

    for name in ("inbox", "mail_password", "faldone-x"):
        door.ask("DELETE", f"/variables/name/{name}")
    door.ask("PATCH", "/variables/name/held", {"value": "now"})
    door.ask("DELETE", f"/deployments/{door.deployments()[0]['id']}")
    assert "faldone up" in restore(path)["prefect"]["note"]  # a server without deployments is not set up yet
    active = [schedule | {"active": True} for schedule in wanted["schedules"]]
    door.ask("POST", "/deployments/", wanted | {"paused": False, "schedules": active})
    result = restore(path)["prefect"]
    assert (result["variables"], result["by_hand"], result["note"]) == (["inbox"], ["mail_password"], "")
    assert sorted(result["paused"]) == [
        "optimise/indexes",
        "optimise/indexes (nightly)",
        'optimise/indexes ({"cron": "0 5 * * *", "day_or": true, "timezone": "Europe/Rome"})',
    ]
    (made,) = door.deployments()
    assert made["paused"] is True
    assert {row["schedule"]["cron"]: row["active"] for row in made["schedules"]} == {
        "0 3 * * *": False,
        "0 5 * * *": False,
        "0 6 * * *": True,
    }
    values = {row["name"]: row["value"] for row in door.pages("/variables/filter", {})}
    assert (values["inbox"], values["held"]) == ("/data/inbox", "now")
    assert restore(path, collection="documents")["prefect"] is None
    door.ask("DELETE", f"/deployments/{made['id']}")


@pytest.mark.usefixtures("prefect_api")
def test_every_damage_is_named_and_mended_by_indexing_again(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FALDONE_DASK", "threads")
    names = ("cut", "zero", "nan", "empty", "unknown", "sound")
    for number, name in enumerate(names):
        write(tmp_path / "in" / f"{name}.txt", f"Il consiglio approva il bilancio {number} e i ricavi. " * 20)
        write(tmp_path / "more" / f"{name}.txt", f"I debiti verso fornitori sono {number}. " * 20)
    index([str(tmp_path / "in")])
    for name in names[:2]:  # two commits, of which the second is lost below
        index([str(tmp_path / "more" / f"{name}.txt")], "more", prune=False)
    lake = Lake(settings.root)
    before = small.content(lake)
    rows = ledger.read(lake, "documents", ["document_id", "path"]).to_pylist()
    of = {Path(row["path"]).stem: row["document_id"] for row in rows}
    lake.delete("documents.chunks", {"document_id": of["cut"], "ordinal": 0})
    lake.delete("documents.chunks", {"document_id": of["empty"]})
    overwrite_vectors(lake, of["zero"], 0.0)
    overwrite_vectors(lake, of["nan"], np.nan)
    lake.delete("documents.documents", {"document_id": of["unknown"]})
    newest = max((Path(lake.location) / "more.chunks.lance" / "data").iterdir(), key=lambda p: p.stat().st_mtime_ns)
    newest.unlink()

    result = audit()
    assert result["status"] == "repaired"
    told = {
        Path(row["path"]).stem or row["document_id"]: (row["problem"], row["action"])
        for row in result["findings"]
        if row["collection"] == "documents"
    }
    back, again = (row for row in result["findings"] if row["collection"] == "more")
    assert back["problem"].startswith("table more.chunks cannot be read: ")
    assert back["action"].startswith("went back to its last good version ")
    assert (Path(again["path"]).stem, again["action"]) == ("zero", "read again")
    whole = len([row for row in before["documents.chunks"] if of["cut"] in row])
    for name, problem in {
        "cut": f"1 of its {whole} chunks are missing",
        "empty": f"{whole} of its {whole} chunks are missing",
        "zero": f"{whole} vectors that are zero or not finite",
        "nan": f"{whole} vectors that are zero or not finite",
    }.items():
        assert told[name] == (problem, "read again")
    assert told[of["unknown"]] == ("elements and chunks that the ledger does not know", "removed")
    assert "sound" not in told
    index([str(tmp_path / "in")])  # what the ledger had lost is found again by any index run
    assert {name: small.content(lake)[name] for name in before if name.endswith(".chunks")} == {
        name: rows for name, rows in before.items() if name.endswith(".chunks")
    }
    assert audit()["status"] == "consistent"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def overwrite_vectors(lake: Lake, document: str, value: float) -> None:
    """Have a document's vectors hold one value everywhere."""
    rows = lake.read("documents.chunks", where={"document_id": document})
    field = rows.schema.field("vector")
    flat = pa.array(np.full(rows.num_rows * field.type.list_size, value, np.float16))
    vectors = pa.FixedSizeListArray.from_arrays(flat, field.type.list_size)
    lake.delete("documents.chunks", {"document_id": document})
    bad = rows.set_column(rows.schema.get_field_index("vector"), field, vectors)
    lance.write_dataset(bad, f"{lake.location}/documents.chunks.lance", mode="append")  # LanceDB itself refuses NaN


@pytest.mark.usefixtures("prefect_api", "lake")
def test_a_report_is_written(tmp_path: Path) -> None:
    result = report(output=str(tmp_path / "week.pdf"), language="it")
    assert (tmp_path / "week.pdf").stat().st_size == result["bytes"]
    assert result["mailed"] is False


@pytest.mark.usefixtures("prefect_api", "lake")
def test_what_fails_fails_the_run_and_still_has_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_REDIS_URL", "redis://127.0.0.1:1/0")
    with pytest.raises(MaintenanceFailed) as failed:
        health()
    assert failed.value.result["status"] == "failing"
    assert "redis" in str(failed.value)
    states = {check["name"]: check["status"] for check in failed.value.result["checks"]}
    assert {name for name, state in states.items() if state != "ok"} == {"redis"}
    assert {"prefect", "workers", "queues", "schedules"} <= set(states)
    assert artifact_types("health") == {"table"}


@pytest.mark.usefixtures("prefect_api", "lake")
def test_a_table_whose_lock_was_away_has_the_job_tried_again_and_the_others_are_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Redis began anew in the middle of an optimise job: it failed for good, and nobody was to try it again."""
    lane = steps.writer_lane
    waiting = iter([True])

    def away(*given: Any) -> Any:
        if next(waiting, False):
            raise TransientError("FALDONE_REDIS_URL: Connection refused")
        return lane(*given)

    monkeypatch.setattr(steps, "writer_lane", away)
    with pytest.raises(MaintenanceFailed) as failed:
        optimise()
    rows = [row for part in failed.value.result["collections"] for row in part["tables"]]
    assert [row["error"] for row in rows] == ["FALDONE_REDIS_URL: Connection refused", *[""] * (len(rows) - 1)]
    assert len(rows) > 1
    assert passing(failed.value) == f"MaintenanceInterrupted: {rows[0]['table']}: {rows[0]['error']}"


@pytest.mark.usefixtures("prefect_api")
def test_one_at_a_time(settings: Settings) -> None:
    with one_at_a_time(settings, "cleanup"), pytest.raises(TransientError, match="another cleanup is at work"):
        cleanup()


@pytest.mark.usefixtures("prefect_api")
def test_old_runs_leave_prefect_with_their_artifacts(settings: Settings) -> None:
    cleanup(dry_run=True)
    with tags("sources", "scheduled"):
        collect()
    door = api()
    assert door is not None
    flow = door.ask("POST", "/flows/", {"name": "often"})["id"]
    for _ in range(BULK + 1):  # more than the server deletes at once
        door.ask("POST", "/flow_runs/", {"flow_id": flow, "state": {"type": "COMPLETED"}})
    soon = datetime.now(UTC) + timedelta(minutes=1)
    assert door.count_runs(soon) > 0
    everything = door.count_runs(soon)
    looks = door.count_runs(soon, LOOKS)
    assert 0 < looks < everything, "a look, and other runs"
    while door.remove_runs(soon, 100, LOOKS):
        pass
    assert (door.count_runs(soon, LOOKS), door.count_runs(soon)) == (0, everything - looks)
    while door.remove_runs(soon, 100):
        pass
    assert door.count_runs(soon) == 0
    assert artifact_types("cleanup") == set()
