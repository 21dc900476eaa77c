"""Saved sources of a collection: where its documents come from, how often to look, and what the last look found.

They belong to no document, so they stay when documents go; they are dropped, backed up and restored with their collection.
No secret is kept here: passwords are settings (FALDONE_PASSWORDS).
"""

from __future__ import annotations

import pyarrow as pa

from tasks.collection.table import Table

SOURCES = Table(
    "sources",
    pa.schema(
        [
            pa.field("name", pa.string(), nullable=False),
            ("location", pa.string()),
            ("every", pa.int32()),  # minutes
            ("then", pa.string()),  # analyse:financial,export:due-dates
            ("prune", pa.bool_()),
            ("active", pa.bool_()),
            ("added_at", pa.timestamp("us", "UTC")),
            ("started_at", pa.timestamp("us", "UTC")),
            ("finished_at", pa.timestamp("us", "UTC")),
            ("status", pa.string()),  # "" before the first run | running | completed | completed_with_failures | failed
            ("message", pa.string()),
            ("fetched", pa.int32()),  # messages that a mailbox gave
            ("indexed", pa.int32()),  # new and updated documents
            ("removed", pa.int32()),
            ("waiting", pa.int32()),  # files that were still being written
            ("failures", pa.int32()),
            ("owed", pa.bool_()),  # what follows the index is still to be done
        ]
    ),
    "name",
)
