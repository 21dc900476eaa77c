"""The verb that takes a collection's text elsewhere: documents export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.output import CollectionOption, Exit, JsonOption, emit, errors_shown, fail


def documents_export(
    output: Annotated[
        str, typer.Argument(metavar="FILE", help="A path or a URL; ends in .jsonl (a document a line) or .md.")
    ],
    collection: CollectionOption = "documents",
    as_json: JsonOption = False,
) -> None:
    """Write what was read from every document of a collection into one file, as JSON lines or as Markdown.

    Each has path, title, pages, metadata, warnings and its text with a marker for each page; documents in quarantine are
    counted and left out.

    Example: faldone documents export corpus.jsonl --collection finance
    """
    with errors_shown():
        from infra.lake import Lake
        from infra.settings import load
        from tasks.collection.document_text import write_corpus

        if Path(output).suffix.lower() not in {".jsonl", ".md"}:
            fail(f"{output}: end the name in .jsonl or .md", Exit.USAGE)
        receipt = write_corpus(Lake(load().root), collection, output)
        left = f"; {receipt['quarantined']} in quarantine are left out" if receipt["quarantined"] else ""
        emit(receipt, as_json, f"{receipt['documents']} documents in {output}{left}")
