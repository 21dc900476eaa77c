"""Show what was read from a document: as one JSON object, or as Markdown for a person.

People trust an index when they can see what stands in it. The text comes from the lake's elements, not from the file,
so this is what search and the analyses work with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from infra.errors import UsageError
from infra.lake import Lake
from infra.outputs import absolute, delivered
from tasks.collection import ledger
from tasks.collection.catalogue import one_document
from tasks.collection.elements import parsed_by_id
from tasks.records import Element, Parsed


def document_text(lake: Lake, collection: str, document: str) -> dict[str, Any]:
    """Return what was read from one document, given by its id, path or file name.

    Raises:
        UsageError: there is no such collection or document, the name is ambiguous, or the document is in quarantine.
    """
    row = one_document(lake, collection, document)
    if row["state"] != ledger.INDEXED:
        reason = f"{row['message']} ({row['stage']}, {row['kind']})"
        raise UsageError(f"{row['path']} is in quarantine: {reason}")
    parsed = parsed_by_id(lake, collection, [row["document_id"]]).get(row["document_id"])
    if parsed is None:
        raise UsageError(f"{row['path']} has no text in the lake: run `faldone audit`, or index it again with --force")
    return {
        "document_id": row["document_id"],
        "path": row["path"],
        "collection": collection,
        "format": parsed.format,
        "title": parsed.title,
        "language": parsed.language,
        "pages": parsed.pages,
        "metadata": dict(parsed.metadata),
        "warnings": list(parsed.warnings),
        "elements": [_element(element) for element in parsed.elements],
        "markdown": as_markdown(parsed),
    }


AT_ONCE = 100  # documents in memory


def write_corpus(lake: Lake, collection: str, output: str) -> dict[str, Any]:
    """Write the text of every indexed document into one file, JSON lines or Markdown by its ending; returns the receipt.

    The file is complete or not there.

    Raises:
        UsageError: there is no such collection.
    """
    ledger.require(lake, collection)
    states = ledger.read(lake, collection, ["document_id", "path", "state"]).to_pylist()
    rows = sorted((row["path"], row["document_id"]) for row in states if row["state"] == ledger.INDEXED)
    written, ending = 0, Path(output).suffix.lower()
    with delivered(output) as made:
        with made.open("w", encoding="utf-8") as file:
            for start in range(0, len(rows), AT_ONCE):
                part = rows[start : start + AT_ONCE]
                texts = parsed_by_id(lake, collection, [document for _, document in part])
                for path, document in part:
                    if (parsed := texts.get(document)) is not None:
                        file.write(_corpus_entry(path, document, parsed, ending))
                        written += 1
        size = made.stat().st_size
    return {
        "status": "completed",
        "path": absolute(output),
        "documents": written,
        "without_text": len(rows) - written,
        "quarantined": sum(row["state"] == ledger.QUARANTINED for row in states),
        "bytes": size,
    }


def _corpus_entry(path: str, document: str, parsed: Parsed, ending: str) -> str:
    if ending == ".md":
        return f"<!-- document {document} {path} -->\n\n{as_markdown(parsed)}\n"
    row = {
        "document_id": document,
        "path": path,
        "format": parsed.format,
        "title": parsed.title,
        "language": parsed.language,
        "pages": parsed.pages,
        "metadata": dict(parsed.metadata),
        "warnings": list(parsed.warnings),
        "markdown": as_markdown(parsed),
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


def _element(element: Element) -> dict[str, Any]:
    rows = [list(row) for row in element.rows] if element.rows is not None else None
    return {
        "kind": element.kind,
        "text": element.text,
        "page": element.page,
        "section": element.section,
        "level": element.level,
        "rows": rows,
    }


def as_markdown(parsed: Parsed) -> str:
    """Return a document as Markdown: a marker for each page, headings by level, tables with one line a row."""
    lines = [f"> Warning: {warning}" for warning in parsed.warnings]
    for page, elements in groupby(parsed.elements, key=lambda element: element.page):
        lines += [f"<!-- page {page} -->", *_blocks(list(elements))]
    return "\n\n".join(lines) + "\n"


def _blocks(elements: Sequence[Element]) -> Iterator[str]:
    for is_list, group in groupby(elements, key=lambda element: element.kind == "list"):
        if is_list:
            yield "\n".join(f"- {_one_line(element.text)}" for element in group)
        else:
            yield from (_block(element) for element in group)


def _block(element: Element) -> str:
    if element.rows:
        return _table(element.rows)
    if element.kind == "title":
        return f"{'#' * min(max(element.level, 1), 6)} {_one_line(element.text)}"
    return re.sub(r"^(\s*)(#|>|[-+*] )", r"\1\\\2", element.text, flags=re.MULTILINE)


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(_one_line(cell).replace("|", r"\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def _one_line(text: str) -> str:
    return " ".join(text.split())
