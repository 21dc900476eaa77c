"""Prefect's server as the platform runs it: for its own address alone, and with SQLite's write lock taken when a transaction begins.

Only requests whose Host header names this server are answered: a page that has had its own name resolve to this machine (DNS rebinding)
reaches nothing. Who may speak to it (password, CSRF, CORS) are Prefect's own settings: those that are the same everywhere stand here, what
belongs to one platform is set by deployments/daemon/children.py or by the files of a site.

Prefect begins most of its writing transactions as readers. When another one writes between their reading and their writing, SQLite must
refuse at once, whatever the timeout ("database is locked", SQLITE_BUSY_SNAPSHOT): 200 jobs handed in at once met it dozens of times. With
BEGIN IMMEDIATE writers wait for each other; readers never wait in WAL mode. On PostgreSQL this changes nothing. `tests/deployments/api/
test_server.py` fails as soon as Prefect does it by itself, and then the patch goes.

A server outlives its daemon when that is killed, for the next one to take over. When the platform's folder is removed meanwhile, none will:
the server then ends the other processes of the platform and itself.

Several servers may share one PostgreSQL. They start one at a time, since two that make the tables of a new database at once collide, and with
`--no-services` they leave Prefect's background services to one process (`--services-only`), since two sets of them would too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
import time
import zoneinfo
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from filelock import FileLock, Timeout

from deployments import state
from infra import limits
from infra.errors import first_line

if TYPE_CHECKING:
    from prefect.server.database.configurations import AioSqliteConfiguration
    from sqlalchemy.ext.asyncio import AsyncConnection

HOSTS = "FALDONE_SERVER_HOSTS"  # names, comma-separated, by which the server may be asked for

DAY = 24 * 3600

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_writer: ContextVar[asyncio.Task[Any] | None] = ContextVar("the task that holds SQLite's write lock", default=None)


def settings(numbers: limits.PlatformLimits) -> dict[str, str]:
    """Return Prefect's settings of each server and of the background services, on one machine or on many."""
    return {
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_METRICS_ENABLED": "true",
        "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "60",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(int(numbers.retention.runs_days * DAY)),
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": f"PT{int(numbers.retention.events_days * DAY)}S",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        # looks every 20 s, in a task for each job cancelled within a day, for what deployments/daemon/tend.py has ended long before
        "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "600",
    }


def configure() -> None:
    """Give this process the settings; what its environment has counts. To be called before Prefect is imported.

    Time zones are those of the package tzdata: for each cron schedule that it reads, in every list of deployments, Prefect asks for the names of
    all of them, which package tzdata has in a list, and for which else each of the system's 600 files is opened (3.2 ms instead of 0.2).
    """
    os.environ.update({"PYTHONTZPATH": ""} | settings(limits.load()) | os.environ)
    zoneinfo.reset_tzpath()


def lock_at_the_beginning(configuration: type[AioSqliteConfiguration]) -> None:
    """Have every explicit transaction begin with BEGIN IMMEDIATE, in the order in which they were asked for."""
    from prefect.server.database.configurations import SQLITE_BEGIN_MODE

    begin: Any = configuration.begin_transaction

    @asynccontextmanager
    async def begin_transaction(self: Any, session: Any, with_for_update: bool = False) -> AsyncIterator[Any]:
        if _writer.get() is asyncio.current_task():  # a second session of the writer must not wait for its first
            async with begin(self, session, with_for_update=with_for_update) as transaction:
                yield transaction
            return
        # SQLite lets whoever asks at the right moment go first, and some waited for ten seconds: this queue is fair
        async with _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            token = _writer.set(asyncio.current_task())  # the task itself: those that it starts inherit the variable
            try:
                async with begin(self, session, with_for_update=True) as transaction:
                    await session.connection()  # begins now
                    mode = SQLITE_BEGIN_MODE.set(None)  # sessions opened meanwhile only read, as when a queue is paused
                    try:
                        yield transaction
                    finally:
                        SQLITE_BEGIN_MODE.reset(mode)
            finally:
                _writer.reset(token)

    configuration.begin_transaction = begin_transaction  # type: ignore[method-assign]


def guarded(app: Any, hosts: str) -> Any:
    """Return the application behind a check of the Host header."""
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    return TrustedHostMiddleware(app, allowed_hosts=[host for host in hosts.split(",") if host], www_redirect=False)


START_LOCK = 0x46616C64  # names our advisory lock of PostgreSQL
LOOK = 0.5  # s between two tries to take it
UNREADABLE = "PREFECT_SERVER_DATABASE_CONNECTION_URL cannot be read: write @ : / in a password as %40 %3A %2F, and check its options"


class StartsAlone:
    """An ASGI application that no other server on the same PostgreSQL starts up beside."""

    def __init__(self, app: Any, database: str) -> None:
        self.app, self.database = app, database

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass everything on; what an application does before it serves is done under the lock. Without a database nothing starts."""
        import asyncpg
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import SQLAlchemyError

        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        where = "PostgreSQL"
        try:
            url = make_url(self.database)
            if self.database.count("@") < 2:  # else what is taken for the host may be of the password
                where = f"PostgreSQL at {url.host or url.query.get('host')}:{url.port or 5432}"
            connection = await self._locked()
        except (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            await send({"type": "lifespan.startup.failed", "message": f"{where} cannot be used: {first_line(error)}"})
            return
        except (TypeError, ValueError):  # whose words may be of the password
            await send({"type": "lifespan.startup.failed", "message": UNREADABLE})
            return

        async def told(message: Any) -> None:
            if message["type"].startswith("lifespan.startup."):
                await connection.invalidate()  # and with its session the lock ends
                await connection.close()
            await send(message)

        await self.app(scope, receive, told)

    async def _locked(self) -> AsyncConnection:
        """Take the lock over a connection of Prefect's own making: it alone knows what a site's URL and TLS settings mean."""
        from prefect.server.database.configurations import AsyncPostgresConfiguration
        from sqlalchemy import text

        engine = await AsyncPostgresConfiguration(self.database).engine()
        connection = await (await engine.connect()).execution_options(isolation_level="AUTOCOMMIT")
        # asked again and again: a statement that waits for the lock holds a snapshot, for whose end CREATE INDEX CONCURRENTLY
        # in the other server's migrations would wait for ever
        while not await connection.scalar(text(f"SELECT pg_try_advisory_lock({START_LOCK})")):
            await asyncio.sleep(LOOK)
        return connection


def alone(file: str) -> FileLock:
    """Take the lock of an SQLite database, for as long as this process lives; two servers would schedule everything twice.

    The other one is left over from a daemon that was killed and whose notes, with the server's password, are lost.
    """
    lock = FileLock(f"{file}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        sys.exit(f"another server works on {file}: end it (`fuser {file}` tells which) and run `faldone up` again")
    return lock


WATCH = 5.0  # s between two looks for the platform's folder, and that a process has to end


def end_with(folder: Path) -> None:
    """End the platform's processes, this one last, once its folder is gone and no daemon is there to do it.

    Nothing is said: the log that these processes write to went with the folder.
    """
    home, note = state.Presence(folder), None
    while not home.gone() or (note and note.alive("daemon")):
        note = state.read_file(folder / state.NOTE) or note
        time.sleep(WATCH)
    others = [one for one in note.processes.values() if one.pid != os.getpid()] if note else []
    for number in (signal.SIGTERM, signal.SIGKILL):  # Redis refuses to end when it cannot save
        for process in others:
            if process.alive():
                os.kill(process.pid, number)
        time.sleep(WATCH)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(WATCH)
    os._exit(1)


def _readable(url: str) -> bool:
    """Tell whether SQLAlchemy takes a database's URL; its own words may be of the password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        make_url(url)
    except (ArgumentError, ValueError):
        return False
    return True


def main() -> None:
    """Serve, or run the background services, until told to end."""
    parser = argparse.ArgumentParser(description="Prefect's server with the settings of Faldone.")
    parser.add_argument("--folder", type=Path, help="the platform's folder: the server ends with it")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--no-services", action="store_true", help="leave the background services to another process")
    which.add_argument("--services-only", action="store_true", help="be that other process: listen at no port")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4200)
    given = parser.parse_args()
    configure()
    if given.services_only:
        os.execv(sys.executable, [sys.executable, "-m", "prefect", "server", "services", "start"])  # noqa: S606 - no shell
    import uvicorn
    from prefect.server.api.server import create_app
    from prefect.server.database.configurations import AioSqliteConfiguration
    from prefect.settings import get_current_settings

    lock_at_the_beginning(AioSqliteConfiguration)
    if given.folder is not None:
        threading.Thread(target=end_with, args=(given.folder,), name="folder", daemon=True).start()
    settings = get_current_settings().server
    database = settings.database.connection_url.get_secret_value() if settings.database.connection_url else ""
    if database and not _readable(database):
        sys.exit(UNREADABLE)
    app = guarded(create_app(final=True, webserver_only=given.no_services), os.environ.get(HOSTS, "localhost"))
    if database.startswith("postgresql"):
        app = StartsAlone(app, database)
    elif "///" in database:
        lock = alone(database.partition("///")[2])  # noqa: F841 - held until the end
    uvicorn.run(
        app,
        host=given.host,
        port=given.port,
        timeout_keep_alive=settings.api.keepalive_timeout,
        log_level=settings.logging_level.lower(),
        server_header=False,
        lifespan="on",  # uvicorn would take an error before the first request for an application that has none, and serve
    )


if __name__ == "__main__":
    main()
