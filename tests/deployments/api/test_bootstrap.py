"""Bringing a server in line with our files: what is made, what is changed, what is left to people."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.api import automations, bootstrap
from infra import limits
from infra.errors import FaldoneError, UsageError
from infra.prefect_api import Api
from tests.prefect_rows import Server, serve_rows

MISSING = (404, b'{"detail": "not found"}')
POOL = limits.load().pool.name


@pytest.fixture
def server() -> Iterator[Server]:
    yield from serve_rows()


@pytest.fixture
def api(server: Server) -> Api:
    return Api(server.url, timeout=5)


def sent(server: Server, *methods: str) -> list[tuple[str, str]]:
    return [(method, path) for method, path, _ in server.asked if method in methods]


def answer(server: Server, path: str, content: Any) -> None:
    server.answers[path] = (200, json.dumps(content).encode())


def test_a_pool_is_made_once_and_goes_on_only_after_our_own_pause(server: Server, api: Api) -> None:
    template = bootstrap.job_template()
    assert template["variables"] == {"type": "object", "properties": {}}, "a run may set nothing"
    server.answers[f"/work_pools/{POOL}"] = MISSING
    bootstrap.set_up_pool(api, POOL, 2, template)
    assert sent(server, "POST", "PATCH") == [("POST", "/work_pools/")]
    for pause, goes_on in ((bootstrap.PAUSED, True), (" by a person", False)):
        server.asked.clear()
        answer(server, f"/work_pools/{POOL}", {"description": f"Jobs.{pause}", "is_paused": True})
        bootstrap.set_up_pool(api, POOL, 2, template)
        (body,) = [body for method, _, body in server.asked if method == "PATCH"]
        assert ("is_paused" in body) is goes_on


def test_queues_are_made_or_changed_and_else_left(server: Server, api: Api) -> None:
    numbers = limits.load()
    wanted = limits.priorities(numbers, POOL)
    server.rows[f"/work_pools/{POOL}/queues/filter"] = []
    bootstrap.set_up_queues(api, numbers, POOL)
    made = [body for method, path, body in server.asked if path == f"/work_pools/{POOL}/queues"]
    assert [one["name"] for one in made] == list(wanted)
    server.rows[f"/work_pools/{POOL}/queues/filter"] = [made[0] | {"priority": 77}, *made[1:]]
    server.asked.clear()
    bootstrap.set_up_queues(api, numbers, POOL)
    assert sent(server, "POST", "PATCH")[1:] == [("PATCH", f"/work_pools/{POOL}/queues/{made[0]['name']}")]


def test_rates_are_made_or_changed(server: Server, api: Api) -> None:
    numbers = limits.load()
    first, *others = numbers.rates
    server.answers[f"/v2/concurrency_limits/{first}"] = MISSING
    bootstrap.set_up_rates(api, numbers)
    assert sent(server, "POST") == [("POST", "/v2/concurrency_limits/")]
    assert sent(server, "PATCH") == [("PATCH", f"/v2/concurrency_limits/{name}") for name in others]


def test_what_is_deployed_is_not_deployed_again_and_a_failure_has_its_output(
    server: Server, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(server, f"/variables/name/{bootstrap.DEPLOYED}", {"value": bootstrap.fingerprint()})
    ran: list[list[str]] = []
    real = subprocess.run

    def run(command: list[str], **more: Any) -> Any:
        ran.append(command)
        return real([sys.executable, "-c", "import sys; sys.exit('no such flow')"], **more)

    monkeypatch.setattr(subprocess, "run", run)
    bootstrap.deploy(api, force=False)
    assert ran == []
    with pytest.raises(FaldoneError, match="no such flow"):
        bootstrap.deploy(api, force=True)
    assert ran[0][1:4] == ["-m", "prefect", "--no-prompt"]
    assert sent(server, "PATCH", "POST") == [], "it is tried again next time"


def test_a_variable_is_made_or_changed(server: Server, api: Api) -> None:
    bootstrap.set_variable(api, "x", "1")
    server.answers["/variables/name/x"] = MISSING
    assert bootstrap.variable(api, "x") is None
    bootstrap.set_variable(api, "x", "1")
    assert sent(server, "POST") == [("POST", "/variables/")]


def test_a_file_of_deployments_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_PREFECT_FILE", str(tmp_path / "none.yaml"))
    with pytest.raises(UsageError, match=r"none\.yaml is missing: run from a checkout, or set FALDONE_PREFECT_FILE"):
        bootstrap.prefect_file()


def test_the_command_says_in_one_line_that_there_is_no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(SystemExit, match="faldone: no platform is running"):
        bootstrap.main()


@pytest.mark.parametrize("known", [True, False])
def test_automations_are_made_changed_and_removed_by_their_names(
    server: Server, api: Api, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    ours = automations.load()
    server.rows["/automations/filter"] = [
        {"id": "gone", "name": f"{automations.PREFIX}of an older release"},
        {"id": "theirs", "name": "somebody's own"},
        {"id": "kept", "name": ours[0]["name"]},
    ]
    answer(server, "/block_types/slug/webhook", {"id": "kind"})
    server.rows["/block_schemas/filter"] = [{"id": "schema"}]
    block = f"/block_types/slug/webhook/block_documents/name/{automations.WEBHOOK}"
    answer(server, "/block_documents/", {"id": "made"})
    if known:
        answer(server, block, {"id": "block"})
    else:
        server.answers[block] = MISSING
    monkeypatch.setenv("FALDONE_DAEMON_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("FALDONE_DAEMON_TOKEN", "secret")
    automations.bring_in(api)
    assert sent(server, "DELETE") == [("DELETE", "/automations/gone")]
    bodies = [
        body for method, path, body in server.asked if path.startswith("/automations/") and method in {"PUT", "POST"}
    ]
    written = [body for body in bodies if "actions" in body]
    assert [one["name"] for one in written] == [one["name"] for one in ours]
    assert {action["block_document_id"] for one in written for action in one["actions"]} == {
        "block" if known else "made"
    }
    assert sent(server, "PUT") == [("PUT", "/automations/kept")]


def test_without_a_daemon_ours_are_removed(server: Server, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FALDONE_DAEMON_URL", raising=False)
    server.rows["/automations/filter"] = [{"id": "1", "name": automations.load()[0]["name"]}]
    automations.bring_in(api)
    assert sent(server, "DELETE", "PUT") == [("DELETE", "/automations/1")]
