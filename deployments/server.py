"""`prefect server start` with one thing mended for SQLite: a transaction that will write takes the write lock when it begins.

Prefect begins most of its writing transactions as readers. When another one writes between their reading and their writing, SQLite must
refuse at once, whatever the timeout («database is locked», SQLITE_BUSY_SNAPSHOT): 200 jobs handed in at once met it dozens of times, and each
was an error 503 or a background service that lost its turn. With the lock taken at the beginning, writers wait for each other (up to Prefect's
own 60 s); readers never wait in WAL mode. On PostgreSQL this changes nothing.

Needs Prefect 3.8's `AioSqliteConfiguration.begin_transaction`.
"""

from __future__ import annotations

import sys
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.server.database.configurations import AioSqliteConfiguration


def lock_at_the_beginning(configuration: type[AioSqliteConfiguration]) -> None:
    """Have every explicit transaction begin with BEGIN IMMEDIATE."""
    begin: Any = configuration.begin_transaction

    def begin_transaction(self: Any, session: Any, with_for_update: bool = False) -> AbstractAsyncContextManager[Any]:
        transaction: AbstractAsyncContextManager[Any] = begin(self, session, with_for_update=True)
        return transaction

    configuration.begin_transaction = begin_transaction  # type: ignore[method-assign, assignment]


def main() -> None:
    """Start the server; the arguments are those of `prefect server start`."""
    from prefect.cli import app
    from prefect.server.database.configurations import AioSqliteConfiguration

    lock_at_the_beginning(AioSqliteConfiguration)
    sys.argv = ["prefect", "server", "start", *sys.argv[1:]]
    app()


if __name__ == "__main__":
    main()
