"""What maintenance reads from Prefect's API, against a server that keeps rows, pages them as Prefect does, and has its own time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.errors import TransientError, UsageError
from infra.prefect_api import BULK, PAGE, Api, address, moment
from prefect_rows import NOW, Server, api_of, serve_rows

server = pytest.fixture(scope="module")(serve_rows)
api = pytest.fixture(api_of)


@settings(max_examples=25)
@given(st.integers(0, 3 * PAGE + 1), st.integers(0, 3 * PAGE + 1))
def test_every_row_comes_once_and_no_more_than_asked_for(server: Server, count: int, most: int) -> None:
    server.clear()
    server.rows["/x/filter"] = [{"n": n} for n in range(count)]
    api = Api(server.url, timeout=5)
    assert [row["n"] for row in api.pages("/x/filter", {}, most)] == list(range(min(count, most)))
    assert len(server.asked) <= -(-min(count + 1, most) // PAGE)


def test_the_time_is_the_servers_once_it_has_answered(api: Api) -> None:
    api.ask("GET", "/timeless")
    assert abs((api.now() - datetime.now(UTC)).total_seconds()) < 60
    api.ask("GET", "/x")
    assert timedelta(0) <= api.now() - NOW < timedelta(seconds=60)


@pytest.mark.parametrize(
    ("times", "interval"),
    [
        ([], None),
        (["2026-03-29T01:00:00Z"], None),
        (["2026-03-29T00:30:00Z", "2026-03-29T01:30:00+00:00"], timedelta(hours=1)),
        (["2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"], timedelta(hours=1)),
        (["2026-03-29T01:00:00Z", None], None),
    ],
)
def test_the_interval_of_a_schedule_is_told_by_its_next_two_runs(
    server: Server, api: Api, times: list[str | None], interval: timedelta | None
) -> None:
    server.rows["/flow_runs/filter"] = [{"expected_start_time": time} for time in times]
    assert api.interval("d") == interval
    [(_, _, body)] = server.asked
    assert body["flow_runs"]["deployment_id"] == {"any_": ["d"]}


def test_the_last_success_of_a_deployment(server: Server, api: Api) -> None:
    assert api.last_success("d") is None
    server.rows["/flow_runs/filter"] = [{"end_time": "2026-03-28T23:00:00Z"}]
    assert api.last_success("d") == datetime(2026, 3, 28, 23, tzinfo=UTC)
    server.rows["/flow_runs/filter"] = [{"end_time": None}]
    assert api.last_success("d") is None
    assert moment(None) is None


def test_a_backup_of_the_platform_holds_no_secrets(server: Server, api: Api) -> None:
    server.rows |= {
        "/deployments/filter": [{"id": "d", "flow_id": "f"}, {"id": "e", "flow_id": "gone"}],
        "/flows/filter": [{"id": "f", "name": "index"}],
        "/variables/filter": [{"name": "db_password", "value": "hush"}, {"name": "Note", "value": "ciao"}],
        "/work_pools/filter": [{"name": "p", "base_job_template": {"env": {"TOKEN": "hush"}}}],
        "/flow_runs/filter": [{"id": str(number)} for number in range(PAGE + 3)],
    }
    kept = api.everything(NOW, NOW + timedelta(days=1))
    assert [row["flow_name"] for row in kept["deployments"]] == ["index", ""]
    assert [row["value"] for row in kept["variables"]] == [None, "ciao"]
    assert kept["work_pools"] == [{"name": "p"}]
    assert len(kept["flow_runs"]) == PAGE + 3
    assert "hush" not in json.dumps(kept)


def test_old_runs_go_with_their_artifacts(server: Server, api: Api) -> None:
    assert api.remove_runs(NOW, 10) == []
    server.rows |= {"/flow_runs/filter": [{"id": "a"}, {"id": "b"}], "/artifacts/filter": [{"id": "x"}]}
    server.asked.clear()
    assert api.remove_runs(NOW, 10_000, ["look"]) == ["a", "b"]
    bodies = {(method, path): body for method, path, body in server.asked}
    wanted = bodies["POST", "/flow_runs/filter"]
    assert (wanted["limit"], wanted["flow_runs"]["state"]["type"]["any_"]) == (BULK, ["COMPLETED", "CANCELLED"])
    assert ("DELETE", "/artifacts/x") in bodies
    assert bodies["POST", "/flow_runs/bulk_delete"]["flow_runs"] == {"id": {"any_": ["a", "b"]}}


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (
            422,
            b'{"detail": [{"loc": ["body", "limit"], "msg": "too large"}, {"x": 1}]}',
            UsageError,
            "body.limit: too large; ",
        ),
        (400, b"<html>Bad gateway of a proxy</html>", UsageError, "Bad gateway of a proxy"),
        (400, b'["odd"]', UsageError, r"\['odd'\]"),
        (409, b'{"exception_message": "taken"}', UsageError, "^taken$"),
        (403, b"{}", UsageError, "PREFECT_API_AUTH_STRING"),
        (500, b"", TransientError, "answered 500"),
    ],
)
def test_an_error_says_what_the_server_or_who_stands_before_it_says(
    server: Server, api: Api, status: int, body: bytes, error: type[Exception], words: str
) -> None:
    server.answers["/x"] = (status, body)
    with pytest.raises(error, match=words):
        api.ask("POST", "/x", {})


def test_an_answer_without_a_body_is_none(server: Server, api: Api) -> None:
    server.answers["/x"] = (204, b"")
    assert api.ask("POST", "/x") is None


def test_certificates_and_addresses_come_from_prefect_s_own_variables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "https://host/api/")
    assert address() == "https://host/api"
    monkeypatch.setenv("PREFECT_API_SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    with pytest.raises(UsageError, match=r"PREFECT_API_SSL_CERT_FILE: .*gone\.pem"):
        Api("https://host/api")
    monkeypatch.setenv("PREFECT_API_TLS_INSECURE_SKIP_VERIFY", "true")
    Api("https://host/api")
