"""`prefect server start` with four things mended.

A transaction that will write to SQLite takes the write lock when it begins. Prefect begins most of its writing transactions as readers. When
another one writes between their reading and their writing, SQLite must refuse at once, whatever the timeout («database is locked»,
SQLITE_BUSY_SNAPSHOT): 200 jobs handed in at once met it dozens of times, and each was an error 503 or a background service that lost its
turn. With the lock taken at the beginning, writers wait for each other; readers never wait in WAL mode. They wait in a queue of this process
rather than in SQLite, which lets whoever asks at the right moment go first: some waited for ten seconds. Background tasks, which come ten
at a time (each waiting job that counts as late is one), have one place in it between them. On PostgreSQL this changes nothing.

The application is made once. Prefect's automations ask for it whenever one acts, to speak with it, and it is found by a hash of all settings
after logging has been set up again: up to 0.8 s in which the server answered nobody, after each finished job.

A schema is checked once. Each job handed in has the schema of its parameters and twice that of the pool's settings checked against the
schema of schemas, half of the work of handing a job in; they are the same from one job to the next. The values are checked each time.

What exists once the server answers stays: Python's garbage collector does not walk through it again (`gc.freeze`), which took 0.2 s each time.

Needs Prefect 3.8's `AioSqliteConfiguration.begin_transaction`, `prefect.server.api.server.create_app`, `schema_tools.validation._VALIDATOR`
and Docket's `current_execution`.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from prefect.server.database.configurations import AioSqliteConfiguration


@dataclass
class Queue:
    """Where the writers of one event loop wait."""

    all: asyncio.Lock = field(default_factory=asyncio.Lock)
    background: asyncio.Lock = field(default_factory=asyncio.Lock)  # for one place in the other


_queues: WeakKeyDictionary[asyncio.AbstractEventLoop, Queue] = WeakKeyDictionary()
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
    from docket.dependencies import current_execution

    queue = _queues.setdefault(asyncio.get_running_loop(), Queue())
    async with queue.background if current_execution.get(None) else nullcontext(), queue.all:
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


def check_schemas_once(validator: Any) -> None:
    """Have `check_schema` remember the schemas that it found right; a wrong one is refused each time."""
    check: Any = validator.check_schema

    @functools.lru_cache(maxsize=256)
    def checked(schema: str, format_checker: Any) -> None:
        check(json.loads(schema), format_checker=format_checker)

    @functools.wraps(check)
    def check_schema(schema: Any, format_checker: Any = validator.FORMAT_CHECKER) -> None:
        checked(json.dumps(schema, sort_keys=True), format_checker)

    validator.check_schema = staticmethod(check_schema)


def keep_what_exists(server: Any) -> None:
    """Have the garbage collector leave alone what exists when the application begins to answer."""
    create: Any = server.create_app

    @functools.cache
    def kept(app: Any) -> Any:
        begin: Any = app.router.lifespan_context

        @asynccontextmanager
        async def lifespan(*args: Any) -> AsyncIterator[Any]:
            async with begin(*args) as state:
                gc.collect()
                gc.freeze()
                yield state

        app.router.lifespan_context = lifespan
        return app

    @functools.wraps(create)
    def create_app(*args: Any, **kwargs: Any) -> Any:
        return kept(create(*args, **kwargs))

    server.create_app = create_app


def main() -> None:
    """Start the server; the arguments are those of `prefect server start`."""
    from prefect.cli import app
    from prefect.server.api import server
    from prefect.server.database.configurations import AioSqliteConfiguration
    from prefect.utilities.schema_tools import validation

    lock_at_the_beginning(AioSqliteConfiguration)
    keep_what_exists(server)
    make_the_application_once(server)
    check_schemas_once(validation._VALIDATOR)
    sys.argv = ["prefect", "server", "start", *sys.argv[1:]]
    app()


if __name__ == "__main__":
    main()
