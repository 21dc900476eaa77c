"""The one client of Prefect's REST API: plain HTTP on kept connections, because importing Prefect takes two seconds and 100 MB.

It speaks what Prefect's own client speaks, from the same environment variables: PREFECT_API_AUTH_STRING, PREFECT_API_KEY,
PREFECT_API_SSL_CERT_FILE, PREFECT_API_TLS_INSECURE_SKIP_VERIFY, PREFECT_CLIENT_CUSTOM_HEADERS, and the server's CSRF tokens.

A request is sent again when the server says that nothing was done (429, 503) or was never reached. When the connection breaks, or nothing
comes in time, only what may safely be done twice is: reads, and requests whose caller says `again=True`.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import os
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from infra.errors import TransientError, UsageError
from infra.machine import with_jitter

if TYPE_CHECKING:
    import httpx

log = logging.getLogger("faldone.prefect")

P = ParamSpec("P")
T = TypeVar("T")

PAGE = 200  # rows; the server's own limit
BULK = 50  # runs deleted or set at once; the server's own limit
BULK_TIMEOUT = 120.0  # s: each of them is a transaction of its own
TIMEOUT = 30.0  # s
TRIES = 5  # 3 s in all
NOTHING_DONE = {429, 503}  # SQLite is busy, or too many requests: the server says so before it begins
READS = ("/filter", "/count", "/paginate", "/history", "/get_scheduled_flow_runs")  # POST, but they change nothing
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "CRASHED")
SECRET_WORDS = ("secret", "password", "token", "key", "credential", "url")
THREADS = 32  # requests at a time of one process's coroutines


class NotFound(UsageError):
    """The API has no such thing."""


def address() -> str:
    """Return the API that the environment names, or ""."""
    return os.environ.get("PREFECT_API_URL", "").rstrip("/")


def near(url: str) -> bool:
    """Return whether a URL names this machine, for which no proxy is asked."""
    return url.startswith(("http://127.", "http://localhost", "http://[::1]"))


class Api:
    """Prefect's API at `url`; may be shared by threads, not across a fork.

    Args:
        url: ends in `/api`.
        timeout: seconds for one answer.
        auth: `user:password`; PREFECT_API_AUTH_STRING when left out.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT, auth: str | None = None) -> None:
        import httpx

        self.url = url.rstrip("/")
        user, colon, password = (os.environ.get("PREFECT_API_AUTH_STRING", "") if auth is None else auth).partition(":")
        self._client = httpx.Client(
            base_url=self.url,
            timeout=httpx.Timeout(timeout, connect=min(5.0, timeout)),
            headers=_headers(with_key=not colon),
            auth=(user, password) if colon else None,
            trust_env=not near(self.url),
            verify=_verify(),
        )
        self._csrf = threading.Lock()
        self._clock: tuple[float, float] | None = None  # the server's time and this process's monotonic one

    def ask(
        self, method: str, path: str, body: Any = None, *, again: bool | None = None, timeout: float | None = None
    ) -> Any:
        """Send a request and return the body of its answer.

        Args:
            again: whether it may be done twice, so that it is sent again when the connection breaks; reads always may.
            timeout: seconds, for what takes longer than usual.

        Raises:
            NotFound: the API has no such thing. UsageError: it refused the credentials or a value.
            TransientError: it is away or busy.
        """
        import httpx

        safe = again if again is not None else method == "GET" or path.endswith(READS)
        for left in range(TRIES - 1, -1, -1):
            try:
                response = self._send(method, path, body, timeout)
                if not left or response.status_code not in (NOTHING_DONE | {502} if safe else NOTHING_DONE):
                    return self._read(response)
            except httpx.TransportError as error:
                if not left or not (safe or isinstance(error, httpx.ConnectError)):
                    reason = str(error) or type(error).__name__
                    raise TransientError(f"the Prefect API at {self.url} does not answer: {reason}") from error
            time.sleep(with_jitter(0.2 * 2.0 ** (TRIES - 1 - left)))
        raise AssertionError("unreachable")

    def _send(self, method: str, path: str, body: Any, timeout: float | None) -> httpx.Response:
        import httpx

        wait = httpx.USE_CLIENT_DEFAULT if timeout is None else httpx.Timeout(timeout)
        token = self._client.headers.get("Prefect-Csrf-Token")
        response = self._client.request(method, path, json=body, timeout=wait)
        if response.status_code == 403 and "csrf" in response.text.lower():
            if (refused := self._renew_csrf_token(token)) is not None:
                return refused
            response = self._client.request(method, path, json=body, timeout=wait)
        return response

    def _renew_csrf_token(self, used: str | None) -> httpx.Response | None:
        """Fetch a token, unless another thread has meanwhile; a server that has none to give now is not one that refuses: its answer counts.

        Raises:
            TransientError: something else answers in the server's place.
        """
        with self._csrf:
            if self._client.headers.get("Prefect-Csrf-Token") != used:
                return None
            client = uuid.uuid4().hex
            response = self._client.get("/csrf-token", params={"client": client})
            if response.status_code == 404:
                raise TransientError(f"the Prefect API at {self.url} has no CSRF token to give: {_message(response)}")
            if not response.is_success:
                return response
            token = self._read(response)["token"]
            self._client.headers.update({"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": client})
            return None

    def _read(self, response: httpx.Response) -> Any:
        self._note_time(response)
        if response.is_success:
            return response.json() if response.content else None
        message = _message(response)
        if response.status_code == 404:
            raise NotFound(message)
        if response.status_code in {401, 403}:
            raise UsageError(f"{self.url} refused the credentials: set PREFECT_API_AUTH_STRING ({message})")
        if response.status_code in {408, 429} or response.status_code >= 500:
            raise TransientError(f"the Prefect API at {self.url} answered {response.status_code}: {message}")
        raise UsageError(message)

    def _note_time(self, response: httpx.Response) -> None:
        if date := response.headers.get("Date"):
            self._clock = (parsedate_to_datetime(date).timestamp(), time.monotonic())

    def now(self) -> datetime:
        """Return the server's time as of its last answer (to the second); this machine's before the first."""
        if self._clock is None:
            return datetime.now(UTC)
        told, at = self._clock
        return datetime.fromtimestamp(told + time.monotonic() - at, UTC)

    def pages(self, path: str, body: Mapping[str, Any], most: int = 20_000) -> Iterator[dict[str, Any]]:
        """Yield rows of a `…/filter` endpoint, page by page, at most so many."""
        offset = 0
        while offset < most:
            rows = self.ask("POST", path, {**body, "limit": min(PAGE, most - offset), "offset": offset})
            yield from rows
            offset += len(rows)
            if len(rows) < PAGE:
                return

    # ---- what maintenance asks ---------------------------------------------------------------------------------------

    def runs(self, start: datetime, end: datetime, most: int = 20_000) -> Iterator[dict[str, Any]]:
        """Yield the flow runs that were to start in a span of time, the earliest first."""
        span = {"after_": start.isoformat(), "before_": end.isoformat()}
        body = {"flow_runs": {"expected_start_time": span}, "sort": "EXPECTED_START_TIME_ASC"}
        return self.pages("/flow_runs/filter", body, most)

    def deployments(self) -> list[dict[str, Any]]:
        """Return every deployment with its schedules; `flow_name` added."""
        found = list(self.pages("/deployments/filter", {}))
        names = {flow["id"]: flow["name"] for flow in self.pages("/flows/filter", {})}
        return [row | {"flow_name": names.get(row["flow_id"], "")} for row in found]

    def last_success(self, deployment: str) -> datetime | None:
        """Return when the latest completed run of a deployment ended."""
        completed = {"deployment_id": {"any_": [deployment]}, "state": {"type": {"any_": ["COMPLETED"]}}}
        rows = self.ask("POST", "/flow_runs/filter", {"flow_runs": completed, "sort": "END_TIME_DESC", "limit": 1})
        return moment(rows[0]["end_time"]) if rows else None

    def interval(self, deployment: str) -> timedelta | None:
        """Return the time between the next two runs that the server has scheduled; None where it has fewer."""
        planned = {
            "deployment_id": {"any_": [deployment]},
            "state": {"type": {"any_": ["SCHEDULED"]}},
            "expected_start_time": {"after_": self.now().isoformat()},
        }
        body = {"flow_runs": planned, "sort": "EXPECTED_START_TIME_ASC", "limit": 2}
        times = [moment(row["expected_start_time"]) for row in self.ask("POST", "/flow_runs/filter", body)]
        return times[1] - times[0] if len(times) == 2 and times[0] and times[1] else None

    def everything(self, since: datetime, until: datetime) -> dict[str, Any]:
        """Return what a backup keeps: deployments, variables, automations, pools, and the runs of a span, without secrets."""
        return {
            "deployments": self.deployments(),
            "variables": [_without_secret(row) for row in self.pages("/variables/filter", {})],
            "automations": list(self.pages("/automations/filter", {})),
            "work_pools": [_without_template(row) for row in self.pages("/work_pools/filter", {})],
            "concurrency_limits": list(self.pages("/v2/concurrency_limits/filter", {})),
            "flow_runs": list(self.runs(since, until)),
        }

    def remove_runs(self, before: datetime, most: int, tags: Sequence[str] = ()) -> list[str]:
        """Delete some ended flow runs, their logs and artifacts, and return their ids; none when none is left.

        Args:
            before: only runs that ended earlier.
            most: at most so many, and at most `BULK`.
            tags: where given, only runs with one of them, and of those only the ones that did not fail.
        """
        body = {"flow_runs": _ended(before, tags), "limit": min(most, BULK)}
        ids = [row["id"] for row in self.ask("POST", "/flow_runs/filter", body)]
        if ids:
            for artifact in list(self.pages("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": ids}}})):
                self.ask("DELETE", f"/artifacts/{artifact['id']}")
            body = {"flow_runs": {"id": {"any_": ids}}, "limit": BULK}
            self.ask("POST", "/flow_runs/bulk_delete", body, timeout=BULK_TIMEOUT)
        return ids

    def count_runs(self, before: datetime, tags: Sequence[str] = ()) -> int:
        """Return how many ended flow runs are older than that; `tags` as of `remove_runs`."""
        return int(self.ask("POST", "/flow_runs/count", {"flow_runs": _ended(before, tags)}))


_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="prefect-api")  # starts none before the first call


def in_thread(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Return a twin of a function for asyncio: it runs in a thread, so that no request, file or lock holds the event loop."""

    @functools.wraps(function)
    async def twin(*args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_threads, functools.partial(function, *args, **kwargs))

    twin.__doc__ = f"Do `{function.__name__}` without holding the event loop."
    return twin


def moment(text: str | None) -> datetime | None:
    """Return a time of the API as a datetime."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def _headers(with_key: bool) -> dict[str, str]:
    try:
        custom = json.loads(os.environ.get("PREFECT_CLIENT_CUSTOM_HEADERS") or "{}")
        headers = {str(name): str(value) for name, value in custom.items()}
    except (json.JSONDecodeError, AttributeError) as error:
        raise UsageError(f"PREFECT_CLIENT_CUSTOM_HEADERS: must be a JSON object of headers: {error}") from error
    key = os.environ.get("PREFECT_API_KEY")
    return headers | ({"Authorization": f"Bearer {key}"} if key and with_key else {})


def _verify() -> bool | ssl.SSLContext:
    if os.environ.get("PREFECT_API_TLS_INSECURE_SKIP_VERIFY", "").lower() in {"1", "true", "yes", "on"}:
        return False
    if file := os.environ.get("PREFECT_API_SSL_CERT_FILE"):
        try:
            return ssl.create_default_context(cafile=file)
        except OSError as error:
            raise UsageError(f"PREFECT_API_SSL_CERT_FILE: {file}: {error}") from error
    return True


def _message(response: httpx.Response) -> str:
    try:
        detail = response.json()
    except json.JSONDecodeError:
        return response.text[:300]
    if isinstance(detail, dict):
        detail = detail.get("detail") or detail.get("exception_detail") or detail.get("exception_message") or detail
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        detail = "; ".join(f"{'.'.join(str(p) for p in one.get('loc', ()))}: {one.get('msg', one)}" for one in detail)
    return str(detail)[:500]


def _ended(before: datetime, tags: Sequence[str]) -> dict[str, Any]:
    states = ["COMPLETED", "CANCELLED"] if tags else list(ENDED)
    wanted: dict[str, Any] = {"state": {"type": {"any_": states}}, "end_time": {"before_": before.isoformat()}}
    return wanted | {"tags": {"any_": list(tags)}} if tags else wanted


def _without_secret(variable: dict[str, Any]) -> dict[str, Any]:
    secret = any(word in str(variable.get("name", "")).lower() for word in SECRET_WORDS)
    return variable | {"value": None} if secret else variable


def _without_template(pool: dict[str, Any]) -> dict[str, Any]:
    """Drop a work pool's job template, which may carry an environment with secrets."""
    return {name: value for name, value in pool.items() if name != "base_job_template"}
