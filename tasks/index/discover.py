"""Step 1: list the sources into a manifest on disk.

The manifest is a Parquet file with a row a document, so that neither this step nor the plan holds a million paths as Python objects.
Only sizes and dates are read here; the content is hashed by the worker that reads it anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from infra.errors import FailureKind
from infra.files import Found, Root, Unreadable, root_of, walk
from tasks.records import Failure, document_id

SCHEMA = pa.schema([("path", pa.string()), ("document_id", pa.string()), ("size", pa.int64()), ("stamp", pa.string())])
ROWS = 10_000  # a row group


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found: the manifest file, the roots it covers, and the places that could not be listed."""

    manifest: str
    roots: tuple[Root, ...]
    documents: int
    bytes: int
    unreadable: tuple[Failure, ...]


def discover(
    sources: Sequence[str], collection: str, folder: Path, progress: Callable[[int], None] | None = None
) -> Listing:
    """List every document under the sources into `folder/manifest.parquet`.

    Overlapping sources list a document once.

    Raises:
        UsageError: a source is not there.
    """
    roots = tuple(dict.fromkeys(root_of(source) for source in sources))
    path = folder / "manifest.parquet"
    seen: set[str] = set()
    unreadable: list[Failure] = []
    size = 0
    with pq.ParquetWriter(path, SCHEMA) as writer:
        rows: list[tuple[str, str, int, str]] = []
        for root in roots:
            for item in walk(root):
                if isinstance(item, Unreadable):
                    kind = FailureKind.NOT_FOUND if item.gone else FailureKind.PERMISSION
                    unreadable.append(Failure(item.path, "discover", kind.value, item.reason))
                    continue
                if _listed(item, seen, many=len(roots) > 1):
                    continue
                rows.append((item.path, document_id(collection, item.path), item.size, item.stamp))
                size += item.size
                if len(rows) >= ROWS:
                    _write(writer, rows, progress)
        _write(writer, rows, progress)
    documents = pq.ParquetFile(path).metadata.num_rows
    return Listing(str(path), roots, documents, size, tuple(unreadable))


def _listed(item: Found, seen: set[str], many: bool) -> bool:
    """Whether another root listed it already; with one root nothing need be remembered."""
    if not many:
        return False
    if item.path in seen:
        return True
    seen.add(item.path)
    return False


def _write(
    writer: pq.ParquetWriter, rows: list[tuple[str, str, int, str]], progress: Callable[[int], None] | None
) -> None:
    if not rows:
        return
    columns = zip(*rows, strict=True)
    writer.write_table(pa.table([list(column) for column in columns], schema=SCHEMA))
    if progress:
        progress(len(rows))
    rows.clear()
