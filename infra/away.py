"""Names what is away while a job works: the object store of the data folder, Redis, the Prefect API.

Their drivers wait and try again without a word, each in its own way and some for minutes, so a job that stands still would say nothing. Here
each of them is asked for a sign of life every few seconds, by one small request that is not repeated. What does not answer is named in the
job's log: at once, then once a minute while it lasts, and once more when it answers again. Dask names its own (`infra/cluster.py`).
"""

from __future__ import annotations

import contextvars
import logging
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial

from infra.errors import FaldoneError, TransientError, first_line
from infra.files import filesystem, reached
from infra.machine import crowding, in_thread
from infra.settings import Settings

log = logging.getLogger("faldone.away")

Probe = Callable[[], None]
"""Returns when something answers, and raises a FaldoneError that names it when it does not."""

LOOK = 5.0  # s between two looks
DEADLINE = 5.0  # s for an answer; more where others have the processors
WORD = 60.0  # s between two messages about one thing
TOO_MANY, TROUBLE = 429, 500  # statuses of HTTP


@contextmanager
def named(probes: Mapping[str, Probe], every: float = LOOK) -> Iterator[None]:
    """Say in the log what of these is away while the block runs; nothing is started where there is nothing to ask."""
    done = threading.Event()
    watched = [Watched(name, probe) for name, probe in probes.items()]
    for one in watched:  # each on a thread of its own: one that hangs keeps none of the others waiting
        context = contextvars.copy_context()  # by which the line finds its way into the job's log
        threading.Thread(
            target=context.run, args=(one.watch, done, every), name=f"away-{one.name}", daemon=True
        ).start()
    try:
        yield
    finally:
        done.set()


class Watched:
    """One thing that a job needs."""

    def __init__(self, name: str, probe: Probe) -> None:
        self.name, self._probe = name, probe
        self._asked: Future[None] | None = None
        self._since: float | None = None  # when it was first found away, while it is
        self._told: float | None = None  # when the last message about it was written
        self._open = False  # a message says that it is away, and none yet that it is back

    def watch(self, done: threading.Event, every: float) -> None:
        """Look until `done`."""
        while not done.wait(every):
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        """Ask once, and write a message where there is news."""
        reason = self._ask()
        if reason:
            self._since = now if self._since is None else self._since
            if self._told is None or now - self._told >= WORD:
                log.warning("%s; what needs it waits (%.0f s so far)", reason, now - self._since)
                self._told, self._open = now, True
        elif self._since is not None:
            if self._open:
                log.warning("%s answers again, after %.0f s", self.name, now - self._since)
            self._since, self._open = None, False

    def _ask(self) -> str:
        """Say what is wrong, "" when it answers. A question that hangs is waited for, and no second one is asked."""
        if self._asked is None:
            self._asked = in_thread(self._probe)
        deadline = DEADLINE * crowding()
        try:
            error = self._asked.exception(deadline)
        except TimeoutError:
            return f"{self.name} does not answer within {deadline:.0f} s"
        self._asked = None
        if error is not None and not isinstance(error, FaldoneError):
            raise error
        return "" if error is None else first_line(error)


# ---- what is asked ---------------------------------------------------------------------------------------------------


def probes(settings: Settings, api: str = "") -> dict[str, Probe]:
    """Return what a job with these settings needs, by name, with how each is asked.

    Args:
        api: the address of the Prefect API, where the job is one of its.
    """
    found: dict[str, Probe] = {}
    if settings.remote:
        found[settings.root] = partial(_store, settings.root)
    if settings.redis_url is not None:
        from infra.cache import ping

        found["FALDONE_REDIS_URL: Redis"] = partial(ping, settings.redis_url.get_secret_value())
    if api:
        found[f"the Prefect API at {api}"] = partial(_answers, f"{api}/ready", f"the Prefect API at {api}")
    return found


def _store(url: str) -> None:
    """Ask an object store for a sign of life.

    Raises:
        TransientError: it does not answer, or is in trouble.
    """
    if url.startswith("s3://"):  # without its driver, which would try a refused request five times before it says so
        _answers(f"{_s3_endpoint()}/{url.removeprefix('s3://').partition('/')[0]}", f"{url}: the object store")
        return
    fs, inner = filesystem(url)
    with reached(url):
        fs.invalidate_cache()
        fs.exists(inner)


def _s3_endpoint() -> str:
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"):
        if given := os.environ.get(name):
            return given.rstrip("/")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return f"https://s3.{region}.amazonaws.com"


def _answers(url: str, what: str) -> None:
    """Ask a server without credentials: whatever it answers but trouble of its own, it is there.

    Raises:
        TransientError: it is not, or answers 429 or 5xx.
    """
    try:
        with urllib.request.urlopen(url, timeout=DEADLINE):  # noqa: S310 - the address is the site's own setting
            return
    except urllib.error.HTTPError as error:
        if error.code < TROUBLE and error.code != TOO_MANY:
            return
        raise TransientError(f"{what} answers with {error.code}") from error
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise TransientError(f"{what} does not answer: {reason}") from error
