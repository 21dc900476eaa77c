"""Parsed documents as the lake keeps them: one row a document, with its elements in reading order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from infra.lake import Lake
from tasks.collection.lookup import indexed
from tasks.collection.table import Table
from tasks.records import Document, Element, Parsed

ELEMENT = pa.struct(
    [
        ("kind", pa.string()),
        ("text", pa.string()),
        ("page", pa.int32()),
        ("level", pa.int32()),
        ("rows", pa.list_(pa.list_(pa.string()))),
        ("section", pa.string()),
    ]
)

_NAMES = tuple(ELEMENT.field(index).name for index in range(ELEMENT.num_fields))

SCHEMA = pa.schema(
    [
        pa.field("document_id", pa.string(), nullable=False),
        ("content_hash", pa.string()),
        ("format", pa.string()),
        ("title", pa.string()),
        ("language", pa.string()),
        ("pages", pa.int32()),
        ("metadata", pa.string()),  # JSON object of strings
        ("warnings", pa.list_(pa.string())),
        ("elements", pa.list_(ELEMENT)),
        ("records", pa.string()),  # JSON list: `Parsed.records`, null where there are none
        ("boxes", pa.list_(pa.list_(pa.list_(pa.int16())))),  # one an element: `Element.boxes`
        pa.field("gists", pa.list_(pa.string())),  # one an element: `Element.gist`
    ]
)

ELEMENTS = Table("parsed", SCHEMA, "document_id")


def parsed_row(document_id: str, content_hash: str, parsed: Parsed) -> dict[str, Any]:
    """Make a row of ELEMENTS."""
    return {
        "document_id": document_id,
        "content_hash": content_hash,
        "format": parsed.format,
        "title": parsed.title,
        "language": parsed.language,
        "pages": parsed.pages,
        "metadata": json.dumps(dict(parsed.metadata), ensure_ascii=False),
        "warnings": list(parsed.warnings),
        "records": json.dumps(list(parsed.records), ensure_ascii=False) if parsed.records else None,
        "elements": [{name: getattr(element, name) for name in _NAMES} for element in parsed.elements],
        "boxes": [element.boxes for element in parsed.elements] if any(e.boxes for e in parsed.elements) else None,
        "gists": [e.gist for e in parsed.elements] if any(e.gist is not None for e in parsed.elements) else None,
    }


def read_documents(
    lake: Lake, collection: str, wanted: Sequence[str] | None = None, batch: int = 16
) -> Iterator[Document]:
    """Yield indexed documents with their elements, in order of path, `batch` of them in memory at a time.

    Raises:
        UsageError: as `lookup.indexed`.
    """
    rows = indexed(lake, collection, wanted)
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        parsed = parsed_by_id(lake, collection, [row["document_id"] for row in part])
        for row in part:
            if row["document_id"] in parsed:
                yield Document(
                    row["document_id"], collection, row["path"], row["content_hash"], parsed[row["document_id"]]
                )


def contents(lake: Lake, collection: str, documents: Sequence[str]) -> dict[str, tuple[str, Parsed]]:
    """Read what the lake holds of documents: the content hash that it was read from, and the elements."""
    found = ELEMENTS.read(lake, collection, where={"document_id": list(documents)})
    return {row["document_id"]: (row["content_hash"], _parsed(row)) for row in found.to_pylist()}


def parsed_by_id(lake: Lake, collection: str, documents: Sequence[str]) -> dict[str, Parsed]:
    """Read the elements of documents, by id; an id that the lake does not hold is left out."""
    return {document: parsed for document, (_, parsed) in contents(lake, collection, documents).items()}


def _parsed(row: dict[str, Any]) -> Parsed:
    nothing = [None] * len(row["elements"])
    return Parsed(
        row["format"],
        row["title"],
        row["language"],
        row["pages"],
        tuple(map(_element, row["elements"], row.get("boxes") or nothing, row.get("gists") or nothing)),
        json.loads(row["metadata"]),
        warnings=tuple(row["warnings"]),
        records=tuple(json.loads(row.get("records") or "[]")),
    )


def _element(row: dict[str, Any], boxes: list[list[int]] | None, gist: str | None) -> Element:
    cells = row["rows"]
    return Element(
        row["kind"],
        row["text"],
        row["page"],
        row["level"],
        tuple(map(tuple, cells)) if cells is not None else None,
        row["section"],
        tuple(map(tuple, boxes)) if boxes else None,
        gist,
    )
