"""Prefect's REST API for callers that must be quick: plain HTTP on a kept connection, no import of Prefect (2 s, 100 MB).

A conversation is a generator that yields requests and is sent the answers, so each is written once and driven with or without asyncio.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx

from infra.errors import FaldoneError, TransientError, UsageError

T = TypeVar("T")
TIMEOUT = httpx.Timeout(30.0, connect=5.0)
TRIES = 5  # 3 s in all
BUSY = {429, 502, 503}  # nothing was done: the server says so itself, or was not reached


class NotFound(UsageError):
    """The API has no such thing."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `again` says that it may be repeated when the connection breaks (it reads, or it names its result)."""

    method: str
    path: str
    body: Any = None
    again: bool = True


Talk = Generator[Ask, Any, T]


def api_url() -> str:
    """The address of the platform's API.

    Raises:
        TransientError: none is set, and no platform of this data folder runs.
    """
    from deployments.api.embedded import configured_url

    url = configured_url()
    if not url:
        raise TransientError("no platform is running: start one with `faldone up`, or set PREFECT_API_URL")
    return url.rstrip("/")


def ui_url(api: str) -> str:
    """Where people look at what the API at `api` knows."""
    return os.environ.get("PREFECT_UI_URL", api.removesuffix("/api")).rstrip("/")


def _headers() -> dict[str, str]:
    if key := os.environ.get("PREFECT_API_KEY"):
        return {"Authorization": f"Bearer {key}"}
    return {}


def _auth() -> tuple[str, str] | None:
    user, colon, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    return (user, password) if colon else None


_lock = threading.Lock()
_clients: dict[tuple[int, str], httpx.Client] = {}
_async_clients: dict[tuple[int, str], tuple[asyncio.AbstractEventLoop, httpx.AsyncClient]] = {}


def _client(url: str) -> httpx.Client:
    """The client of this process (a fork makes its own), shared by its threads."""
    with _lock:
        key = (os.getpid(), url)
        if key not in _clients:
            _clients[key] = httpx.Client(
                base_url=url, timeout=TIMEOUT, headers=_headers(), auth=_auth(), trust_env=_outside(url)
            )
        return _clients[key]


def _async_client(url: str) -> httpx.AsyncClient:
    """The client of the running event loop."""
    loop = asyncio.get_running_loop()
    for key, (owner, _) in list(_async_clients.items()):
        if owner.is_closed():
            del _async_clients[key]
    key = (id(loop), url)
    if key not in _async_clients:
        client = httpx.AsyncClient(
            base_url=url, timeout=TIMEOUT, headers=_headers(), auth=_auth(), trust_env=_outside(url)
        )
        _async_clients[key] = (loop, client)
    return _async_clients[key][1]


def _outside(url: str) -> bool:
    """Whether proxies of the environment count: never for this machine."""
    return not url.startswith(("http://127.", "http://localhost", "http://[::1]"))


def run(talk: Talk[T], url: str | None = None) -> T:
    """Drive a conversation with the API at `url` (the platform's, when it is not given).

    Raises:
        TransientError: the API is away. UsageError: it refused a value. NotFound: it has no such thing.
    """
    client = _client(url or api_url())
    step = _begin(talk)
    while isinstance(step, Ask):
        try:
            answer = _send(client, step)
        except FaldoneError as error:
            step = _next(talk, error)
        else:
            step = _next(talk, answer)
    return step.value


async def arun(talk: Talk[T], url: str | None = None) -> T:
    """The same in an event loop."""
    client = _async_client(url or api_url())
    step = _begin(talk)
    while isinstance(step, Ask):
        try:
            answer = await _asend(client, step)
        except FaldoneError as error:
            step = _next(talk, error)
        else:
            step = _next(talk, answer)
    return step.value


@dataclass(frozen=True, slots=True)
class _End(Generic[T]):
    value: T


def _begin(talk: Talk[T]) -> Ask | _End[T]:
    return _next(talk, None)


def _next(talk: Talk[T], answer: Any) -> Ask | _End[T]:
    """The next request, the conversation having been told the answer or the error of the one before."""
    try:
        return talk.throw(answer) if isinstance(answer, FaldoneError) else talk.send(answer)
    except StopIteration as end:
        return _End(end.value)


def _send(client: httpx.Client, ask: Ask) -> Any:
    for left in range(TRIES - 1, -1, -1):
        try:
            response = client.request(ask.method, ask.path, json=ask.body)
            if response.status_code not in BUSY or not left:
                return read(response)
        except httpx.TransportError as error:
            _give_up(client.base_url, ask, error, left)
        time.sleep(_pause(left))
    raise AssertionError("unreachable")


async def _asend(client: httpx.AsyncClient, ask: Ask) -> Any:
    for left in range(TRIES - 1, -1, -1):
        try:
            response = await client.request(ask.method, ask.path, json=ask.body)
            if response.status_code not in BUSY or not left:
                return read(response)
        except httpx.TransportError as error:
            _give_up(client.base_url, ask, error, left)
        await asyncio.sleep(_pause(left))
    raise AssertionError("unreachable")


def _pause(left: int) -> float:
    """Seconds before the next try: 0.2, 0.4, … with jitter."""
    jitter: float = random.uniform(0.8, 1.2)  # noqa: S311 - no secret
    return 0.2 * 2.0 ** (TRIES - 1 - left) * jitter


def _give_up(url: httpx.URL, ask: Ask, error: httpx.TransportError, left: int) -> None:
    """Raise unless the request may be sent again: one that never reached the server always may."""
    if left and (ask.again or isinstance(error, httpx.ConnectError)):
        return
    raise TransientError(f"the platform at {url} does not answer: {error or type(error).__name__}") from error


def read(response: httpx.Response) -> Any:
    """The body of an answer.

    Raises:
        NotFound, UsageError, TransientError: as the status says; the message is the server's.
    """
    if response.is_success:
        return response.json() if response.content else None
    message = _message(response)
    if response.status_code == 404:
        raise NotFound(message)
    if response.status_code in {401, 403}:
        raise UsageError(f"the platform refused the credentials: set PREFECT_API_AUTH_STRING ({message})")
    if response.status_code in {408, 429} or response.status_code >= 500:
        raise TransientError(f"the platform answered {response.status_code}: {message}")
    raise UsageError(message)


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
