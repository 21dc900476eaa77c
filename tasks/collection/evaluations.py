"""The history of a collection's retrieval measurements, and the questions that a site asks it every night.

Neither belongs to a document, so both stay when documents go; they are dropped, backed up and restored with their collection.
"""

from __future__ import annotations

import pyarrow as pa

from tasks.collection.table import Table

EVALUATIONS = Table(
    "evaluations",
    pa.schema(
        [
            pa.field("run_id", pa.string(), nullable=False),
            ("created_at", pa.timestamp("us", "UTC")),
            ("mode", pa.string()),
            ("k", pa.int32()),
            ("half", pa.string()),  # first | second | "" for all questions
            ("configuration", pa.string()),  # hash of the encoder, the collection's rows and the search code
            ("questions", pa.list_(pa.string())),
            ("values", pa.string()),  # JSON object: measure → a value a question, null where it does not apply
        ]
    ),
    "run_id",
)

QUESTIONS = Table(
    "questions",
    pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            ("query", pa.string()),
            ("grades", pa.string()),  # JSON object: document → grade
            ("pages", pa.list_(pa.int32())),
        ]
    ),
    "id",
)
