"""The door to Prefect's REST API for jobs that read or tidy it: plain HTTP, because importing Prefect takes two
seconds.

Needs the address of an API (`http://host:4200/api`); credentials come from Prefect's own environment variables.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.errors import TransientError, UsageError

PAGE = 200  # the server's own limit
BUSY_WAITS = (0.2, 0.5, 1.0, 2.0)  # s between asking a busy server again
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "CRASHED")
SECRET_WORDS = ("secret", "password", "token", "key", "credential", "url")


def address() -> str:
    """The API that the environment names, or ""."""
    return os.environ.get("PREFECT_API_URL", "").rstrip("/")


class Api:
    """Prefect's API at `url`."""

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        import httpx

        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {key}"} if (key := os.environ.get("PREFECT_API_KEY")) else {}
        user, colon, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
        near = self.url.startswith(("http://127.", "http://localhost", "http://[::1]"))
        self._client = httpx.Client(
            base_url=self.url, timeout=timeout, headers=headers, auth=(user, password) if colon else None,
            trust_env=not near,
        )  # fmt: skip
        self._error: type[Exception] = httpx.HTTPError

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to one request.

        Raises:
            TransientError: the API is away or busy.
            UsageError: it refused the credentials or the request.
        """
        response = self._send_patiently(method, path, body)
        if response.status_code == 403 and "Prefect-Csrf-Token" not in self._client.headers:
            self._take_csrf_token()
            response = self._send(method, path, body)
        if response.status_code in {408, 429} or response.status_code >= 500:
            raise TransientError(f"the Prefect API at {self.url} answered {response.status_code}")
        if not response.is_success:
            raise UsageError(f"the Prefect API at {self.url} refused {path}: {response.status_code}")
        return response.json() if response.content else None

    def _send_patiently(self, method: str, path: str, body: Any) -> Any:
        """The server answers 503 while another writer holds its SQLite file: a moment later it is free."""
        for wait in BUSY_WAITS:
            response = self._send(method, path, body)
            if response.status_code != 503:
                return response
            time.sleep(wait)
        return self._send(method, path, body)

    def _send(self, method: str, path: str, body: Any) -> Any:
        try:
            return self._client.request(method, path, json=body)
        except self._error as error:
            raise TransientError(f"the Prefect API at {self.url} does not answer: {error}") from error

    def _take_csrf_token(self) -> None:
        client = uuid.uuid4().hex
        answer = self._send("GET", f"/csrf-token?client={client}", None)
        if answer.is_success:
            self._client.headers.update({"Prefect-Csrf-Token": answer.json()["token"], "Prefect-Csrf-Client": client})

    def pages(self, path: str, body: Mapping[str, Any], most: int = 20_000) -> Iterator[dict[str, Any]]:
        """Rows of a `…/filter` endpoint, page by page, at most so many."""
        offset = 0
        while offset < most:
            rows = self.ask("POST", path, {**body, "limit": min(PAGE, most - offset), "offset": offset})
            yield from rows
            offset += len(rows)
            if len(rows) < PAGE:
                return

    # ---- what the jobs ask -------------------------------------------------------------------------------------------

    def runs(self, start: datetime, end: datetime, most: int = 20_000) -> Iterator[dict[str, Any]]:
        """Flow runs that were to start in a span of time, the earliest first."""
        span = {"after_": start.isoformat(), "before_": end.isoformat()}
        body = {"flow_runs": {"expected_start_time": span}, "sort": "EXPECTED_START_TIME_ASC"}
        return self.pages("/flow_runs/filter", body, most)

    def deployments(self) -> list[dict[str, Any]]:
        """Every deployment with its schedules; `flow_name` added."""
        found = list(self.pages("/deployments/filter", {}))
        names = {flow["id"]: flow["name"] for flow in self.pages("/flows/filter", {})}
        return [row | {"flow_name": names.get(row["flow_id"], "")} for row in found]

    def last_success(self, deployment: str) -> datetime | None:
        """When the latest completed run of a deployment ended."""
        body = {
            "flow_runs": {"deployment_id": {"any_": [deployment]}, "state": {"type": {"any_": ["COMPLETED"]}}},
            "sort": "END_TIME_DESC", "limit": 1,
        }  # fmt: skip
        rows = self.ask("POST", "/flow_runs/filter", body)
        return moment(rows[0]["end_time"]) if rows else None

    def interval(self, deployment: str) -> timedelta | None:
        """Time between the next two runs that the server has scheduled; None where it has fewer."""
        body = {
            "flow_runs": {"deployment_id": {"any_": [deployment]}, "state": {"type": {"any_": ["SCHEDULED"]}},
                          "expected_start_time": {"after_": datetime.now(UTC).isoformat()}},
            "sort": "EXPECTED_START_TIME_ASC", "limit": 2,
        }  # fmt: skip
        times = [moment(row["expected_start_time"]) for row in self.ask("POST", "/flow_runs/filter", body)]
        return times[1] - times[0] if len(times) == 2 and times[0] and times[1] else None

    def everything(self, since: datetime, until: datetime) -> dict[str, Any]:
        """What a backup keeps: deployments, variables, automations, pools, and the runs of a span. Secrets are
        left out.
        """
        return {
            "deployments": self.deployments(),
            "variables": [_without_secret(row) for row in self.pages("/variables/filter", {})],
            "automations": list(self.pages("/automations/filter", {})),
            "work_pools": [_without_template(row) for row in self.pages("/work_pools/filter", {})],
            "concurrency_limits": list(self.pages("/v2/concurrency_limits/filter", {})),
            "flow_runs": list(self.runs(since, until)),
        }

    def remove_runs(self, before: datetime, most: int) -> list[str]:
        """Delete ended flow runs, their logs and artifacts, at most so many; their ids."""
        body = {"flow_runs": _ended(before), "limit": min(most, PAGE)}
        ids = [row["id"] for row in self.ask("POST", "/flow_runs/filter", body)]
        if ids:
            for artifact in list(self.pages("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": ids}}})):
                self.ask("DELETE", f"/artifacts/{artifact['id']}")
            self.ask("POST", "/flow_runs/bulk_delete", {"flow_runs": {"id": {"any_": ids}}, "limit": len(ids)})
        return ids

    def count_runs(self, before: datetime) -> int:
        """Ended flow runs older than that."""
        return int(self.ask("POST", "/flow_runs/count", {"flow_runs": _ended(before)}))


def _ended(before: datetime) -> dict[str, Any]:
    return {"state": {"type": {"any_": list(ENDED)}}, "end_time": {"before_": before.isoformat()}}


def _without_secret(variable: dict[str, Any]) -> dict[str, Any]:
    secret = any(word in str(variable.get("name", "")).lower() for word in SECRET_WORDS)
    return variable | {"value": None} if secret else variable


def _without_template(pool: dict[str, Any]) -> dict[str, Any]:
    """A work pool without its job template, which may carry an environment with secrets."""
    return {name: value for name, value in pool.items() if name != "base_job_template"}


def moment(text: str | None) -> datetime | None:
    """A time of the API."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
