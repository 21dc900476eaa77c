"""The platform left to itself: the schedules of `prefect.yaml` fire, the week goes out by mail, and people are told what is wrong.

One real server with its scheduler, worker and daemon; a real SMTP server and a real webhook. Of `prefect.yaml` only the crons are others: due
every quarter of a minute once they are switched on. `benchmarks/schedules.py` shows the real ones, under a clock that is set ahead.
"""

from __future__ import annotations

import email.header
import io
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from typing import Any

import pypdf
import pytest
import yaml

from deployments import jobs, platform
from deployments.api import address
from deployments.daemon.tend import MISSED, Tender
from deployments.jobs import JobState
from deployments.kinds import KINDS, Kind
from infra import limits
from infra.lake import Lake
from infra.machine import free_port
from infra.settings import load
from tasks.collection import ledger
from tests.deployments.running import runner
from tests.infra.test_outgoing_mail import Inbox, smtp_server, webhook

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3_000)]

ROOT = Path(__file__).resolve().parents[3]
SLUGS = {
    "cleanup-cache",
    "optimise-indexes",
    "backup-daily",
    "audit-nightly",
    "evaluate-nightly",
    "report-weekly",
    "health-checks",
    "collect-sources",
}
PATIENCE = 900  # s: a quiet machine needs 20, two cores with a load of 24 more than 400
DOCUMENTS = ("montescaro-note-spese.md", "quillmere-call-notes.txt", "montescaro-contratto-fornitura.docx")


@dataclass(frozen=True, slots=True)
class Watch:
    """What people were told, and the folder of the test's jobs."""

    box: Inbox
    hooks: list[dict[str, Any]]
    folder: Path

    def subjects(self) -> list[str]:
        """What mails were about, the oldest first."""
        return [subject(one) for one in self.box.messages]


def subject(message: Message) -> str:
    return str(email.header.make_header(email.header.decode_header(str(message["Subject"])))).removeprefix("[faldone] ")


@pytest.fixture(autouse=True)
def _own_home() -> None:
    """Instead of the fixture of this name that gives each test a data folder: these share the platform's."""


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """A running platform, on whose every queue a job may begin at once, and that looks around every three seconds."""
    folder = tmp_path_factory.mktemp("watch")
    numbers = limits.load().model_dump()
    numbers["pool"] |= {"slots": 8, "maintenance_slots": len(SLUGS)}
    numbers["queues"]["maintenance"]["slots"] = len(SLUGS)
    numbers["queues"]["export"]["tries"] = 1
    numbers["time"] |= {"heartbeat": 0.5, "lease": 5, "poll": 1}
    numbers["alerts"] |= {
        "every": 3,
        "statistics": 15,
        "queue_age": 6,
        "late_grace": 0,
        "quarantine_documents": 1,
        "disk_free_bytes": 2**60,
    }
    (folder / "limits.yaml").write_text(yaml.safe_dump(numbers))
    (folder / "prefect.yaml").write_text(yaml.safe_dump(deployments(str(folder))))
    with pytest.MonkeyPatch.context() as patch, smtp_server() as (box, port), webhook() as (hooks, hook):
        for name in [name for name in os.environ if name.startswith(("PREFECT_", "FALDONE_"))]:
            patch.delenv(name)
        patch.setenv("FALDONE_HOME", str(folder / "home"))
        patch.setenv("FALDONE_LIMITS_FILE", str(folder / "limits.yaml"))
        patch.setenv("FALDONE_PREFECT_FILE", str(folder / "prefect.yaml"))
        patch.setenv("FALDONE_SMTP_URL", f"smtp://127.0.0.1:{port}/?from=faldone@here.example&to=ops@here.example")
        patch.setenv("FALDONE_ALERT_URLS", f"json://127.0.0.1:{hook}/")
        patch.setenv("PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS", "4")
        patch.setenv("PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS", "1")
        patch.setenv("PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS", "2")
        patch.setenv("FALDONE_DASK", "local")
        patch.setenv("FALDONE_WORKERS", "1")
        patch.setenv("PREFECT_HOME", str(folder / "nobody"))
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setitem(KINDS, "trial", Kind("trial/trial", "export"))
        platform.up(port=free_port())
        try:
            yield Watch(box, hooks, folder)
        finally:
            platform.down()


def deployments(folder: str) -> dict[str, Any]:
    """`prefect.yaml` with schedules that are soon due once they are active, and jobs of the test's beside it."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    for row in content["deployments"]:
        for schedule in row.get("schedules", []):
            schedule |= {"cron": "* * * * * */15", "active": False}  # the sixth field: seconds
    trial = {
        "entrypoint": "tests.deployments.trial.trial",
        "work_pool": {"name": "faldone", "work_queue_name": "export"},
    }
    rarely = {"interval": 20, "slug": "tick", "active": False}
    content["deployments"] += [
        trial | {"name": "trial", "tags": ["trial"]},
        trial
        | {
            "name": "ticking",
            "parameters": {"name": "tick", "folder": folder},
            "schedules": [rarely],
            "work_pool": {"name": "faldone", "work_queue_name": "training"},
        },
    ]
    return content


def until(true: Callable[[], Any], what: str | Callable[[], str], seconds: float = PATIENCE) -> Any:
    """The first value that counts as true."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, f"it did not come true in time: {what if isinstance(what, str) else what()}"
        time.sleep(0.3)
    return value


def ask(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One request to Prefect."""
    return address.connect().ask(method, path, body)


def test_every_schedule_fires_and_its_run_completes_and_the_week_arrives_by_mail(watch: Watch) -> None:
    samples = watch.folder / "samples"
    samples.mkdir()
    for name in DOCUMENTS:
        shutil.copy(ROOT / "samples" / "documents" / name, samples)
    indexed = jobs.submit("index", {"sources": [str(samples)], "collection": "week"}, "high")
    pages = until(lambda: platform.status()["dashboards"], "a link to Dask's page while the job runs")
    assert jobs.wait(indexed.job_id, PATIENCE).state is JobState.SUCCESS
    (link,) = ask("POST", "/artifacts/filter", {"artifacts": {"key": {"any_": ["dask-dashboard"]}}})
    assert link["flow_run_id"] == indexed.job_id
    assert [f"[Dask's dashboard]({page})" for page in pages] == [link["data"]]

    scheduled = {one["id"]: one for one in ask("POST", "/deployments/filter", {}) if "scheduled" in one["tags"]}
    assert {one["schedules"][0]["slug"] for one in scheduled.values()} == SLUGS
    for key, one in scheduled.items():
        ask("PATCH", f"/deployments/{key}/schedules/{one['schedules'][0]['id']}", {"active": True})
    done: dict[str, dict[str, Any]] = {}

    def fired() -> bool:
        query = {
            "deployment_id": {"any_": list(scheduled)},
            "state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}},
        }
        for run in ask("POST", "/flow_runs/filter", {"flow_runs": query, "sort": "START_TIME_ASC"}):
            if run["deployment_id"] not in done:
                done[run["deployment_id"]] = run
                ask("PATCH", f"/deployments/{run['deployment_id']}", {"paused": True})  # once is enough
        return done.keys() == scheduled.keys()

    until(fired, "a finished run of each schedule")
    names = {scheduled[key]["name"]: (run["state_name"], run["state"]["message"]) for key, run in done.items()}
    assert {state for state, _ in names.values()} == {"Completed"}, names
    assert all(run["auto_scheduled"] and run["created_by"]["type"] == "SCHEDULE" for run in done.values())

    mail = until(
        lambda: [one for one in watch.box.messages if subject(one).startswith("Faldone: week")], "the report's mail"
    )[0]
    attached = next(part for part in mail.walk() if part.get_content_type() == "application/pdf")
    pdf = pypdf.PdfReader(io.BytesIO(attached.get_payload(decode=True)))
    text = " ".join(" ".join(page.extract_text() for page in pdf.pages).split())
    rows = ledger.read(Lake(load().root), "week", ["state", "chunks"]).to_pylist()
    assert [row["state"] for row in rows] == ["indexed"] * len(DOCUMENTS)
    assert f"week {len(rows)} {sum(row['chunks'] for row in rows)}" in text, "the collection's row"
    assert "Documents indexed: 3" in mail.get_payload(0).get_payload(decode=True).decode()


def test_people_are_told_once_when_something_is_wrong_and_once_when_it_is_over(watch: Watch) -> None:
    told = watch.subjects
    tick = ask("GET", "/deployments/name/trial/ticking")
    switch = f"/deployments/{tick['id']}/schedules/{tick['schedules'][0]['id']}"
    for queue in ("analysis", "training"):
        ask("PATCH", f"/work_pools/faldone/queues/{queue}", {"is_paused": True})
    ask("PATCH", switch, {"active": True})
    waiting = jobs.submit("analyse", {"collection": "week"})
    analyse = ask("GET", "/deployments/name/analyse/documents")["id"]
    planned = {
        "parameters": {"collection": "week"},
        "tags": ["auto-scheduled"],
    }  # as the scheduler makes it, but for its age:
    ask(
        "POST", f"/deployments/{analyse}/create_flow_run", planned
    )  # Prefect holds events back of what was planned lately
    failing = jobs.submit_many("export", [{"collection": "week", "output": "/proc/nowhere/report.pdf"}] * 2)
    killed = jobs.submit("trial", {"name": "killed", "folder": str(watch.folder), "steps": 600, "seconds": 0.2})
    broken = watch.folder / "broken"
    broken.mkdir()
    shutil.copy(ROOT / "samples" / "broken" / "tronco.pdf", broken)
    poor = jobs.submit("index", {"sources": [str(broken)], "collection": "poor"})
    until(lambda: (watch.folder / "killed.attempts").exists(), "the job that will be killed has begun")
    runner(killed.job_id).kill()

    assert jobs.wait_all([one.job_id for one in failing], PATIENCE).failed == 2
    assert jobs.wait(poor.job_id, PATIENCE).state is JobState.SUCCESS
    wrong = {
        "export/pdf has failed",
        "trial/trial has failed",
        "analyse/documents is late",
        "jobs wait long in analysis",
        "the quarantine of poor grows",
        "the disk is nearly full",
        "no successful run of trial/ticking",
    }
    until(lambda: wrong <= set(told()), lambda: f"{wrong - set(told())}")
    crash = next(one for one in watch.box.messages if subject(one) == "trial/trial has failed")
    assert "ended as Crashed" in crash.get_payload(decode=True).decode()

    until(lambda: len(due(tick["id"])) > 1, "two missed ticks")
    tender = Tender(address.connect(), limits.load())

    def one_left() -> bool:
        tender.drop_missed_runs()  # as the daemon does every minute
        return len(due(tick["id"])) == 1

    until(one_left, "the latest of the missed ticks")  # the next comes due every 15 s, between two lines of a test too
    dropped = {"deployment_id": {"any_": [tick["id"]]}, "state": {"type": {"any_": ["CANCELLED"]}}}
    assert {one["state"]["message"] for one in ask("POST", "/flow_runs/filter", {"flow_runs": dropped})} == {MISSED}
    for queue in ("analysis", "training"):
        ask("PATCH", f"/work_pools/faldone/queues/{queue}", {"is_paused": False})
    (broken / "tronco.pdf").unlink()
    shutil.copy(ROOT / "samples" / "documents" / DOCUMENTS[0], broken)
    ended = [
        waiting,
        jobs.submit("index", {"sources": [str(broken)], "collection": "poor", "force": True}),
        jobs.submit("trial", {"name": "good", "folder": str(watch.folder)}),
        jobs.submit("export", {"collection": "week"}),
    ]
    until(lambda: completed(tick["id"]), "the latest tick has run")
    ask("PATCH", switch, {"active": False})
    assert jobs.wait_all([one.job_id for one in ended], PATIENCE).successful == len(ended)
    over = {f"over: {one}" for one in wrong - {"the disk is nearly full"}}
    until(lambda: over <= set(told()), lambda: f"{over - set(told())}")
    assert all(told().count(one) == 1 for one in wrong | over), told()
    until(lambda: not different(watch), lambda: f"mail and webhook were told different things: {different(watch)}", 120)


def different(watch: Watch) -> Counter[str]:
    """What mail was told and the webhook was not, or more often; reports go by mail alone."""
    mails = Counter(one for one in watch.subjects() if not one.startswith("Faldone: "))
    hooks = Counter(one["title"].removeprefix("[faldone] ") for one in watch.hooks)
    return (mails - hooks) + (hooks - mails)


def due(deployment: str) -> list[dict[str, Any]]:
    """Ticks of a deployment whose time has come and that have not begun."""
    found: list[dict[str, Any]] = ask(
        "POST",
        "/flow_runs/filter",
        {
            "flow_runs": {
                "deployment_id": {"any_": [deployment]},
                "state": {"name": {"any_": ["Scheduled", "Late"]}},
                "expected_start_time": {"before_": datetime.now(UTC).isoformat()},
            }
        },
    )
    return found


def completed(deployment: str) -> bool:
    query = {"deployment_id": {"any_": [deployment]}, "state": {"type": {"any_": ["COMPLETED"]}}}
    return bool(ask("POST", "/flow_runs/filter", {"flow_runs": query}))
