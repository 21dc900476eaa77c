"""Health: every check on real things, the state of the whole, and that nothing can hang it."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from deployments.daemon import health_server
from infra import sandbox
from infra.settings import Settings, load
from tasks.collection import recover
from tasks.maintain import health
from tests.tasks.maintain import small


def _states(result: dict[str, object]) -> dict[str, str]:
    return {check["name"]: check["status"] for check in result["checks"]}  # type: ignore[attr-defined]


def test_an_installation_without_services_is_ok_and_is_left_as_it_was(settings: Settings) -> None:
    lake = small.fill(Path(settings.root), documents=2)
    before = lake.names()
    result = health.health(settings)
    assert result["status"] == "ok", result
    names = {"disk", "access", "parsers", "lake", "encoder", "redis", "dask", "backup", "prefect"}
    assert set(_states(result)) == names
    assert lake.names() == before
    assert next(c for c in result["checks"] if c["name"] == "lake")["message"] == "1 collections, 2 documents"


@pytest.mark.slow
def test_what_is_set_and_away_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("FALDONE_DASK", "tcp://127.0.0.1:1")
    result = health.health(load())
    assert result["status"] == "failing"
    assert {name for name, state in _states(result).items() if state == "failing"} == {"redis", "dask"}


def test_a_probe_that_hangs_is_the_finding() -> None:
    hold = threading.Event()
    began = time.monotonic()
    checks = health.run({"slow": lambda: ("ok", str(hold.wait(20))), "fast": lambda: ("ok", "")}, deadline=0.5)
    assert time.monotonic() - began < 5
    assert [check.status for check in checks] == ["failing", "ok"]
    assert checks[0].message == "no answer within 0 s"
    hold.set()


def test_an_interrupted_restore_is_degraded(settings: Settings) -> None:
    work = recover.work_folder(settings)
    work.mkdir(parents=True)
    (work / "plan.json").write_text("{}")
    assert health.lake(settings)[0] == "degraded"


def test_the_worst_part_decides() -> None:
    parts = [health.Check("a", "ok", ""), health.Check("b", "degraded", "")]
    assert health.worst(parts) == "degraded"
    assert health.worst([*parts, health.Check("c", "failing", "")]) == "failing"
    assert health.worst(parts[:1]) == "ok"


def test_balancers_get_200_and_503(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    door = health_server.server("127.0.0.1", 0, None)
    threading.Thread(target=door.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{door.server_address[1]}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/health", timeout=30) as answer:
        assert json.load(answer)["status"] == "ok"
    monkeypatch.setattr(health_server, "FRESH", -1.0)
    monkeypatch.setenv("FALDONE_REDIS_URL", "redis://127.0.0.1:1/0")
    with pytest.raises(urllib.error.HTTPError) as refused:
        opener.open(f"{url}/health", timeout=30)
    assert refused.value.code == 503
    with opener.open(f"{url}/live", timeout=30) as answer:
        assert answer.status == 200
    door.shutdown()
    door.server_close()


def test_a_folder_that_everybody_may_read_is_said(settings: Settings) -> None:
    assert health.access(settings)[0] == "ok"  # made by us: for its owner alone
    Path(settings.root).chmod(0o755)
    state, message = health.access(settings)
    assert state == "degraded"
    assert "chmod o-rwx" in message


def test_what_a_parser_could_do_here_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    full = sandbox.Protection()
    monkeypatch.setattr(sandbox, "probe", lambda: full)
    assert health.parsers()[0] == "ok"
    monkeypatch.setattr(sandbox, "probe", lambda: sandbox.Protection("unshare: no", "prctl: no", "no Landlock"))
    state, message = health.parsers()
    assert state == "degraded"
    for words in (
        "can reach the network (unshare: no; prctl: no)",
        "every file of this user (no Landlock)",
        "process group",
    ):
        assert words in message
    monkeypatch.setattr(sandbox, "probe", lambda: sandbox.Protection(namespace="not allowed"))
    assert health.parsers()[0] == "ok"  # the filter closes the network as well
