"""`prefect server start` with one thing mended for SQLite: a transaction that will write takes the write lock when it begins.

Prefect begins most of its writing transactions as readers. When another one writes between their reading and their writing, SQLite must
refuse at once, whatever the timeout («database is locked», SQLITE_BUSY_SNAPSHOT): 200 jobs handed in at once met it dozens of times, and
each was an error 503 or a background service that lost its turn. With the lock taken at the beginning, writers wait for each other; readers
never wait in WAL mode. They wait in a queue of this process rather than in SQLite, which lets whoever asks at the right moment go first:
some waited for ten seconds. On PostgreSQL this changes nothing.

Needs Prefect 3.8's `AioSqliteConfiguration.begin_transaction`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from prefect.server.database.configurations import AioSqliteConfiguration


_queues: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_inside: ContextVar[bool] = ContextVar("inside a writing transaction", default=False)


def lock_at_the_beginning(configuration: type[AioSqliteConfiguration]) -> None:
    """Have every explicit transaction begin with BEGIN IMMEDIATE, one after another."""
    begin: Any = configuration.begin_transaction

    @asynccontextmanager
    async def begin_transaction(self: Any, session: Any, with_for_update: bool = False) -> AsyncIterator[Any]:
        async with _turn(), begin(self, session, with_for_update=True) as transaction:
            yield transaction

    configuration.begin_transaction = begin_transaction  # type: ignore[method-assign]


@asynccontextmanager
async def _turn() -> AsyncIterator[None]:
    """Wait for this writer's turn; a transaction within another one has it already."""
    if _inside.get():
        yield
        return
    queue = _queues.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    async with queue:
        token = _inside.set(True)
        try:
            yield
        finally:
            _inside.reset(token)


def main() -> None:
    """Start the server; the arguments are those of `prefect server start`."""
    from prefect.cli import app
    from prefect.server.database.configurations import AioSqliteConfiguration

    lock_at_the_beginning(AioSqliteConfiguration)
    sys.argv = ["prefect", "server", "start", *sys.argv[1:]]
    app()


if __name__ == "__main__":
    main()
