"""`prefect server start` with two things mended.

A transaction that will write to SQLite takes the write lock when it begins. Prefect begins most of its writing transactions as readers. When
another one writes between their reading and their writing, SQLite must refuse at once, whatever the timeout («database is locked»,
SQLITE_BUSY_SNAPSHOT): 200 jobs handed in at once met it dozens of times, and each was an error 503 or a background service that lost its
turn. With the lock taken at the beginning, writers wait for each other; readers never wait in WAL mode. They wait in a queue of this process
rather than in SQLite, which lets whoever asks at the right moment go first: some waited for ten seconds. On PostgreSQL this changes nothing.

The application is made once. Prefect's automations ask for it whenever one acts, to speak with it, and it is found by a hash of all settings
after logging has been set up again: up to 0.8 s in which the server answered nobody, after each finished job.

Needs Prefect 3.8's `AioSqliteConfiguration.begin_transaction` and `prefect.server.api.server.create_app`.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from prefect.server.database.configurations import AioSqliteConfiguration


_queues: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_writer: ContextVar[asyncio.Task[Any] | None] = ContextVar("the task whose turn it is", default=None)


def lock_at_the_beginning(configuration: type[AioSqliteConfiguration]) -> None:
    """Have every explicit transaction begin with BEGIN IMMEDIATE, one after another."""
    from prefect.server.database.configurations import SQLITE_BEGIN_MODE

    begin: Any = configuration.begin_transaction

    @asynccontextmanager
    async def begin_transaction(self: Any, session: Any, with_for_update: bool = False) -> AsyncIterator[Any]:
        if (
            _writer.get() is asyncio.current_task()
        ):  # a second session of the one whose turn it is: it must not wait for itself
            async with begin(self, session, with_for_update=with_for_update) as transaction:
                yield transaction
            return
        async with _turn(), begin(self, session, with_for_update=True) as transaction:
            await session.connection()  # begins now
            token = SQLITE_BEGIN_MODE.set(None)  # sessions opened meanwhile only read, as when a queue is paused
            try:
                yield transaction
            finally:
                SQLITE_BEGIN_MODE.reset(token)

    configuration.begin_transaction = begin_transaction  # type: ignore[method-assign]


@asynccontextmanager
async def _turn() -> AsyncIterator[None]:
    """Wait for this writer's turn."""
    queue = _queues.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    async with queue:
        token = _writer.set(asyncio.current_task())  # the task itself: those that it starts inherit the variable
        try:
            yield
        finally:
            _writer.reset(token)


def make_the_application_once(server: Any) -> None:
    """Have `create_app()` return the application that it returned first; with arguments it works as before."""
    create: Any = server.create_app
    first = functools.cache(create)

    @functools.wraps(create)
    def create_app(*args: Any, **kwargs: Any) -> Any:
        return create(*args, **kwargs) if args or kwargs else first()

    server.create_app = create_app


def main() -> None:
    """Start the server; the arguments are those of `prefect server start`."""
    from prefect.cli import app
    from prefect.server.api import server
    from prefect.server.database.configurations import AioSqliteConfiguration

    lock_at_the_beginning(AioSqliteConfiguration)
    make_the_application_once(server)
    sys.argv = ["prefect", "server", "start", *sys.argv[1:]]
    app()


if __name__ == "__main__":
    main()
