"""When people are told: once for a lasting problem, once when it is over, again when a message did not go out."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest
from pydantic import SecretStr

from deployments.api import automations
from deployments.daemon import alerts
from deployments.daemon.alerts import AlertStore, Problem
from deployments.daemon.watch import Watch
from infra import limits
from infra.errors import TransientError
from infra.prefect_api import Api
from infra.settings import Settings
from tasks import vitals
from tests.infra.test_outgoing_mail import Inbox, hook, inbox, settings  # noqa: F401 - fixtures
from tests.prefect_rows import rows_server

NUMBERS = limits.load().alerts
NOW = time.time()


def test_a_lasting_problem_is_told_once_and_its_end_once(tmp_path: Path, inbox: tuple[Inbox, int]) -> None:  # noqa: F811
    box, port = inbox
    told = settings(port)
    for _ in range(5):  # as many looks, and each time another daemon
        store = AlertStore(tmp_path / "alerts.json", told)
        store.begin(Problem("disk:full", "the disk is nearly full", "1 GiB free"))
        store.tell()
    assert [message["Subject"] for message in box.messages] == ["[faldone] the disk is nearly full"]
    store = AlertStore(tmp_path / "alerts.json", told)
    for _ in range(2):
        store.match("disk", [])
        store.tell()
    assert [message["Subject"] for message in box.messages][1:] == ["[faldone] over: the disk is nearly full"]
    assert "noticed 5 times" in box.messages[1].get_payload(decode=True).decode()
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 2


def test_a_message_that_could_not_be_sent_is_tried_again(tmp_path: Path, inbox: tuple[Inbox, int]) -> None:  # noqa: F811
    box, port = inbox
    store = AlertStore(tmp_path / "alerts.json", settings(1))
    store.begin(Problem("late:x", "x is late", "…"))
    store.tell()
    again = AlertStore(tmp_path / "alerts.json", settings(port))  # no event tells a second time that x is late
    again.tell()
    again.tell()
    assert len(box.messages) == 1


def test_what_came_and_went_while_a_channel_was_away_is_told_there_later(
    tmp_path: Path,
    inbox: tuple[Inbox, int],  # noqa: F811
) -> None:
    box, port = inbox
    store = AlertStore(tmp_path / "alerts.json", settings(1))
    store.begin(Problem("failed:x", "x has failed", "no space"))
    store.tell()
    store.end("failed:x", "x has succeeded again.")
    store.tell()
    assert not store.open
    AlertStore(tmp_path / "alerts.json", settings(port)).tell()
    (message,) = box.messages
    assert message["Subject"] == "[faldone] over: x has failed"
    assert "no space" in message.get_payload(decode=True).decode()


def test_a_channel_that_fails_in_any_way_or_hangs_keeps_none_from_the_others(
    tmp_path: Path,
    inbox: tuple[Inbox, int],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A push needs a folder for its attachments; a webhook whose answer drips in keeps every limit between two bytes."""
    import apprise  # noqa: F401 - half a second of the processor, which is no fault of a channel

    box, port = inbox
    end, asked = threading.Event(), []

    class Dripping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            while not end.wait(0.05):
                self.wfile.write(b".")

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Dripping)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setattr(alerts, "LONGEST", 3.0)
    hooked = settings(port).model_copy(
        update={"alert_urls": [SecretStr(f"json://127.0.0.1:{server.server_address[1]}/")]}
    )
    store = AlertStore(tmp_path / "alerts.json", hooked)
    for number in range(2):
        store.begin(Problem(f"late:{number}", f"{number} is late", "…"))
        store.tell()
    end.set()
    assert len(box.messages) == 2
    assert len(asked) == 1, "one that hangs is not asked again"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    for number in range(2, 4):
        store.begin(Problem(f"late:{number}", f"{number} is late", "…"))
    store.tell()
    store.tell()
    assert len(box.messages) == 4
    server.shutdown()
    server.server_close()


def test_a_channel_that_takes_a_message_late_does_not_hear_it_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "LONGEST", 0.1)
    store, heard, go_on = AlertStore(tmp_path / "alerts.json", Settings()), list[str](), threading.Event()

    def slow(subject: str, text: str) -> None:
        go_on.wait(20)
        heard.append(subject)

    store._channels = {"slow": slow}
    for step in ("begin", "end"):
        go_on.clear()
        store.begin(Problem("late:x", "x is late", "…")) if step == "begin" else store.end("late:x")
        store.tell()
        go_on.set()
        store._sending["slow"].join()
        store.tell()
    assert heard == ["[faldone] x is late", "[faldone] over: x is late"]


def test_automations_only_tell_the_daemon() -> None:
    """Limits of time have one place, limits.yaml: an automation that cancelled after two hours ended longer jobs whatever it said."""
    assert {action["type"] for one in automations.load() for action in one["actions"]} == {"call-webhook"}


def test_a_file_of_an_earlier_release_repeats_nothing(tmp_path: Path, inbox: tuple[Inbox, int]) -> None:  # noqa: F811
    box, port = inbox
    rows = [{"key": f"late:{told}", "subject": f"{told}", "since": 1.0, "told": told} for told in (True, False)]
    (tmp_path / "alerts.json").write_text(json.dumps(rows))
    AlertStore(tmp_path / "alerts.json", settings(port)).tell()
    assert [message["Subject"] for message in box.messages] == ["[faldone] False"]


@dataclass
class Channel:
    """A webhook that can be made to refuse, and the titles of what it took."""

    port: int
    took: list[str]
    up: bool = True


@pytest.fixture(scope="module")
def channels() -> Iterator[list[Channel]]:
    """Two channels."""
    servers, found = [], []
    for _ in range(2):

        class Handler(BaseHTTPRequestHandler):
            channel: Channel

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200 if self.channel.up else 503)
                self.end_headers()
                if self.channel.up:
                    self.channel.took.append(body["title"].removeprefix("[faldone] "))

            def log_message(self, format: str, *args: Any) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Handler.channel = Channel(server.server_address[1], [])
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        found.append(Handler.channel)
    yield found
    for server in servers:
        server.shutdown()


STEPS = ("begin", "end", "tell", "restart", "first", "second")


@hypothesis.given(st.lists(st.sampled_from(STEPS), max_size=20))
@hypothesis.settings(max_examples=30, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
def test_each_channel_hears_each_problem_and_each_end_once_whatever_is_away_when(
    channels: list[Channel], steps: list[str]
) -> None:
    """Episodes are numbered: a begun one is heard at most once, and in the end every finished one as over, the open one as begun."""
    for one in channels:
        one.took.clear()
        one.up = True
    here = Settings(alert_urls=tuple(SecretStr(f"json://127.0.0.1:{one.port}/") for one in channels))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "alerts.json")
        store, episode, lasts = AlertStore(file, here), 0, False
        waiting: set[int] = set()  # finished, and perhaps not yet told everywhere
        for step in steps:
            if step == "begin":
                episode += not lasts
                lasts = True
                store.begin(Problem("x:y", str(episode), "text"))
                waiting.discard(
                    episode - 1
                )  # it came back before everybody had heard that it was over: still the same trouble
            elif step == "end":
                store.end("x:y")
                waiting |= {episode} if lasts else set()
                lasts = False
            elif step == "tell":
                store.tell()
            elif step == "restart":
                store = AlertStore(file, here)
            else:
                channel = channels[step == "second"]
                channel.up = not channel.up
        for one in channels:
            one.up = True
        store.tell()
        for one in channels:
            assert len(one.took) == len(set(one.took)), one.took
            assert {f"over: {number}" for number in waiting} <= set(one.took)
            assert not lasts or str(episode) in one.took
        assert set(store.open) == ({"x:y"} if lasts else set())
        store.tell()
        assert json.loads(file.read_text() if file.exists() else "[]") == [] or lasts


def test_the_webhook_is_told_too(tmp_path: Path, hook: tuple[list[dict[str, Any]], int]) -> None:  # noqa: F811
    bodies, port = hook
    store = AlertStore(tmp_path / "a.json", Settings(alert_urls=(SecretStr(f"json://127.0.0.1:{port}/"),)), "http://ui")
    store.begin(Problem("failed:backup/daily", "backup/daily has failed", "no space"))
    store.tell()
    assert bodies[0]["title"] == "[faldone] backup/daily has failed"
    assert "http://ui" in bodies[0]["message"]


def test_families_do_not_end_each_other(tmp_path: Path) -> None:
    store = AlertStore(tmp_path / "a.json", Settings())
    store.begin(Problem("failed:x", "s", "t"))
    store.match("age", [Problem("age:indexing", "s", "t"), Problem("age:export", "s", "t")])
    store.match("age", [Problem("age:export", "s", "t")])
    assert set(store.open) == {"failed:x", "age:export"}


def schedule(cron: str, created: float) -> dict[str, Any]:
    return {
        "id": cron,
        "name": cron,
        "paused": False,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(created)),
        "schedules": [{"active": True, "schedule": {"cron": cron}}],
    }


@pytest.mark.parametrize(
    ("cron", "hours", "late"),
    [
        ("0 2 * * *", 30, False),
        ("0 2 * * *", 40, True),
        ("0 */6 * * *", 8, False),
        ("0 */6 * * *", 10, True),
        ("0 8 * * 1", 200, False),
        ("0 8 * * 1", 260, True),
        ("*/5 * * * *", 0.1, False),
        ("*/5 * * * *", 0.4, True),
    ],
)
def test_a_scheduled_job_without_success_for_longer_than_its_period_is_noticed(
    cron: str, hours: float, late: bool
) -> None:
    one = schedule(cron, NOW - 100 * 86_400)
    now = datetime.fromtimestamp(NOW, UTC)
    assert bool(alerts.stale([one], {cron: now - timedelta(hours=hours)}, NUMBERS, now)) is late
    assert bool(alerts.stale([schedule(cron, NOW - hours * 3600)], {}, NUMBERS, now)) is late, "one that never ran"
    assert not alerts.stale([one | {"paused": True}], {}, NUMBERS, now), "somebody has paused it"


def growing(file: Path, counts: dict[str, int], at: float) -> list[str]:
    return [one.key for one in alerts.quarantine(alerts.remember(file, counts, at), NUMBERS, at)]


def test_old_queues_and_growing_quarantines_are_noticed(tmp_path: Path) -> None:
    assert [one.key for one in alerts.ages({"indexing": 901, "export": 5}, NUMBERS)] == ["age:indexing"]
    file = tmp_path / "quarantine.json"  # as many looks, and each time another daemon
    assert not growing(file, {"a": 10, "b": 500}, NOW - 200_000), "what was there before the first look"
    assert growing(file, {"a": 40, "b": 519}, NOW - 100_000) == ["quarantine:a"]
    assert growing(file, {"a": 40, "b": 519}, NOW - 20_000) == ["quarantine:a"], "for a day, whoever looks"
    assert not growing(file, {"a": 40, "b": 519}, NOW), "that was days ago"
    assert growing(file, {"a": 40, "b": 519, "c": 20}, NOW) == ["quarantine:c"]
    assert not alerts.disk(tmp_path, NUMBERS.model_copy(update={"disk_free_bytes": 0, "disk_free_share": 0}))
    assert alerts.disk(tmp_path, NUMBERS.model_copy(update={"disk_free_bytes": 2**60}))


@pytest.mark.slow
@pytest.mark.parametrize(("tag", "told"), [("auto-scheduled", True), ("on-demand", False)])
def test_only_a_run_of_a_schedule_is_told_to_be_late(tag: str, told: bool) -> None:
    from prefect.server.events.schemas.automations import EventTrigger
    from prefect.server.events.schemas.events import RelatedResource, Resource

    (late,) = (one for one in automations.load() if one["name"].endswith("late"))
    related = [
        {"prefect.resource.id": "prefect.deployment.1", "prefect.resource.role": "deployment"},
        {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"},
    ]
    trigger = EventTrigger.model_validate(late["trigger"])
    resource = Resource.model_validate({"prefect.resource.id": "prefect.flow-run.1"})
    assert trigger.covers_resources(resource, [RelatedResource.model_validate(one) for one in related]) is told


def test_a_full_disk_keeps_nobody_from_hearing_that_it_is_full(tmp_path: Path, inbox: tuple[Inbox, int]) -> None:  # noqa: F811
    box, port = inbox
    gone = tmp_path / "gone"
    store = AlertStore(gone / "alerts.json", settings(port))
    gone.write_text("no folder, so that every write fails as it does on a full disk")
    for _ in range(2):
        store.begin(Problem("disk:full", "the disk is nearly full", "0 GiB free"))
        store.tell()
    assert len(box.messages) == 1


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"key": "a", "of_another_release": 1}]', '{"not": "a list"}'])
def test_alerts_that_cannot_be_read_begin_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    store = AlertStore(tmp_path / "a.json", Settings())
    store.match("disk", [Problem("disk:full", "s", "t")])
    assert "disk:full" in store.open


def test_an_event_that_fails_keeps_the_next_ones_from_nothing(tmp_path: Path) -> None:
    watch = Watch(None, limits.load(), Settings(), tmp_path, "", {})  # type: ignore[arg-type]
    broken = tmp_path / "alerts.json"
    broken.mkdir()  # a write that fails with an OSError
    for body in (b"nonsense", b'{"event": "prefect.work-pool.not-ready", "resource": "prefect.work-pool.1"}', b"[]"):
        watch.events.put(body)
    watch.events.put(b'{"event": "prefect.work-pool.not-ready", "resource": "prefect.work-pool.2"}')
    deadline = time.monotonic() + 20
    while "pool:2" not in watch.store.open and time.monotonic() < deadline:
        time.sleep(0.01)
    assert set(watch.store.open) == {"pool:1", "pool:2"}
    assert watch.state() == {"takes_events": True}


class Away:
    """A server that does not answer before it is back."""

    back = False

    def ask(self, method: str, path: str) -> dict[str, Any]:
        if not self.back:
            raise TransientError("the server does not answer")
        if path.startswith("/flow_runs/"):
            return {"name": "run", "deployment_id": "1", "flow_id": "1", "state": {"type": "FAILED"}}
        return {"name": "daily" if path.startswith("/deployments/") else "backup", "flow_id": "1"}


def test_an_event_that_came_while_the_server_was_away_is_taken_after_the_next_look(
    tmp_path: Path,
    inbox: tuple[Inbox, int],  # noqa: F811
) -> None:
    box, port = inbox
    api = Away()
    watch = Watch(api, limits.load(), settings(port), tmp_path, "", {})  # type: ignore[arg-type]
    for _ in range(2):  # as the server sends it again
        watch.events.put(b'{"event": "prefect.flow-run.Failed", "resource": "prefect.flow-run.1"}')
    watch.events.put(None)
    deadline = time.monotonic() + 20
    while not watch.events.empty() and time.monotonic() < deadline:
        time.sleep(0.01)
    api.back = True
    while not box.messages and time.monotonic() < deadline:
        watch.events.put(None)
        time.sleep(0.05)
    assert [message["Subject"] for message in box.messages] == ["[faldone] backup/daily has failed"]
    assert watch.store.open["failed:backup/daily"].count == 1


def test_what_failed_while_no_daemon_was_there_is_told_at_its_first_look(tmp_path: Path) -> None:
    """Prefect's automations call the daemon once, and nobody hears it while another is started."""

    def run(number: int, state: str, deployment: str) -> dict[str, Any]:
        about = {"id": f"{number}", "deployment_id": deployment, "end_time": f"2026-11-26T07:0{number}:00Z", "tags": []}
        return about | {"name": "x", "labels": {}, "state": {"type": state.upper(), "name": state}}

    def full(*_: Any) -> None:
        raise OSError("No space left on device")

    with rows_server() as server:
        names = {"1": "backup/daily", "2": "cleanup/cache", "3": "optimise/indexes"}
        rows = [
            {"id": key, "name": name.partition("/")[2], "flow_name": name.partition("/")[0]}
            for key, name in names.items()
        ]
        runs = [run(1, "Failed", "1"), run(2, "Failed", "2"), run(3, "Completed", "2"), run(4, "Completed", "3")]
        first = Watch(Api(server.url), limits.load(), Settings(), tmp_path, "", {})
        first.store.begin(Problem("failed:optimise/indexes", "optimise/indexes has failed"))
        first.totals.add([run(0, "Completed", "1")])
        watch = Watch(Api(server.url), limits.load(), Settings(), tmp_path, "", {})
        server.rows["/flow_runs/filter"] = runs
        watch._count(["faldone"])
        assert set(watch.store.open) == {"failed:optimise/indexes"}, "the deployments could not be looked at"
        watch.seen.deployments = [one | {"name": vitals.full_name(one)} for one in rows]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("deployments.daemon.metrics.write_json", full)
            watch._count(["faldone"])
        assert set(watch.store.open) == {"failed:backup/daily"}
        server.rows["/flow_runs/filter"] = [run(5, "Failed", "3")]
        watch._count(["faldone"])
        assert set(watch.store.open) == {"failed:backup/daily"}, "from now on its events tell"


def test_a_pool_that_has_got_a_worker_while_no_daemon_heard_of_it_is_told_to_be_well(tmp_path: Path) -> None:
    with rows_server() as server:
        watch = Watch(Api(server.url), limits.load(), Settings(), tmp_path, "", {})
        for pool in ("1", "2", "3"):
            alerts.on_event(watch.store, watch.api, "prefect.work-pool.not-ready", f"prefect.work-pool.{pool}")
        pools = {"1": "READY", "2": "NOT_READY", "4": "NOT_READY"}
        server.rows["/work_pools/filter"] = [{"id": key, "status": status} for key, status in pools.items()]
        watch.store.match("pool", watch._pools())
        assert set(watch.store.open) == {"pool:2"}, "and of others the server's events tell"
