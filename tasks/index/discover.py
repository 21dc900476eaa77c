"""Step 1: list the sources into a manifest on disk.

The manifest is a Parquet file with a row a document, so that neither this step nor the plan holds a million paths as Python objects.
Only sizes and dates are read here; the content is hashed by the worker that reads it anyway.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from infra.errors import FailureKind
from infra.files import is_url, on_disk
from infra.roots import Found, Root, Skipped, Unreadable, file_stamp, modified_at
from infra.sources import root_of, walk
from tasks.records import Failure, document_id

SCHEMA = pa.schema([("path", pa.string()), ("document_id", pa.string()), ("size", pa.int64()), ("stamp", pa.string())])
ROWS = 10_000  # a row group


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found: the manifest file, the roots it covers, the places that could not be listed, and those left out on purpose."""

    manifest: str
    roots: tuple[Root, ...]
    documents: int
    bytes: int
    unreadable: tuple[Failure, ...]
    skipped: tuple[Skipped, ...] = ()
    waiting: tuple[Skipped, ...] = ()  # files that are still being written: neither read nor gone


def discover(
    sources: Sequence[str],
    collection: str,
    folder: Path,
    progress: Callable[[int], None] | None = None,
    allowed: Sequence[str] = (),
    settle: float = 0.0,
) -> Listing:
    """List every document under the sources into `folder/manifest.parquet`, once also where sources overlap.

    Args:
        allowed: folders and URLs under which sources may lie (FALDONE_SOURCES); any where it is empty.
        settle: seconds without a write after which a file counts as whole; 0 takes every file as it is.

    Raises:
        UsageError: a source is not there, or not allowed.
    """
    roots = tuple(dict.fromkeys(root_of(source, allowed) for source in sources))
    path = folder / "manifest.parquet"
    unreadable: list[Failure] = []
    skipped: list[Skipped] = []
    young: list[Found] = []
    size = 0
    with pq.ParquetWriter(path, SCHEMA) as writer:
        rows: list[tuple[str, str, int, str]] = []
        for item in _items(roots, allowed):
            if isinstance(item, Unreadable):
                kind = FailureKind.NOT_FOUND if item.gone else FailureKind.PERMISSION
                unreadable.append(Failure(item.path, "discover", kind.value, item.reason))
            elif isinstance(item, Skipped):
                skipped.append(item)
            elif settle and may_grow(item, settle):
                young.append(item)
            else:
                rows.append((item.path, document_id(collection, item.path), item.size, item.stamp))
                size += item.size
                if len(rows) >= ROWS:
                    _write(writer, rows, progress)
        whole, waiting = second_look(young, roots, allowed, settle)
        rows += [(item.path, document_id(collection, item.path), item.size, item.stamp) for item in whole]
        size += sum(item.size for item in whole)
        _write(writer, rows, progress)
    documents = pq.ParquetFile(path).metadata.num_rows
    return Listing(str(path), roots, documents, size, tuple(unreadable), tuple(skipped), waiting)


# ---- files that are still being written ------------------------------------------------------------------------------

WHOLE_AT_ONCE = (
    "s3://",
    "gs://",
    "gcs://",
    "az://",
    "abfs://",
    "http://",
    "https://",
)  # no half of a file is shown there
PARTIAL = (
    ".part",
    ".partial",
    ".crdownload",
    ".filepart",
    ".download",
    ".tmp",
    ".swp",
)  # of programs that download or copy


def may_grow(item: Found, settle: float) -> bool:
    """Say whether a file may still grow: it changed less than `settle` seconds ago, or its server shows files before they are whole."""
    if item.path.lower().endswith(PARTIAL):
        return True
    if is_url(item.path):
        return not item.path.startswith(WHOLE_AT_ONCE)
    # a date in the future, of a machine whose clock is ahead, counts too
    return time.time() - (modified_at(item.stamp) or 0) / 1e9 < settle


def second_look(
    young: Sequence[Found], roots: Sequence[Root], allowed: Sequence[str], settle: float
) -> tuple[list[Found], tuple[Skipped, ...]]:
    """Look at these files once more after `settle` seconds. Returns those that stayed the same, and the others as waiting."""
    if not young:
        return [], ()
    time.sleep(settle)
    now = _now(young, roots, allowed)
    whole = [item for item in young if now.get(item.path) == item and not item.path.lower().endswith(PARTIAL)]
    kept = {item.path for item in whole}
    reason = f"still being written: it is read when nothing was written to it for {settle:.0f} s"
    return whole, tuple(Skipped(item.path, reason) for item in young if item.path not in kept)


def _now(young: Sequence[Found], roots: Sequence[Root], allowed: Sequence[str]) -> dict[str, Found]:
    """Stat files here; files elsewhere are listed again."""
    found = {}
    for item in young:
        if not is_url(item.path):
            try:
                status = os.stat(on_disk(item.path))
            except OSError:
                continue  # it went away or moved: not whole now
            found[item.path] = Found(item.path, status.st_size, file_stamp(status))
    far = [root for root in outermost(roots) if is_url(root.location)]
    if any(is_url(item.path) for item in young):
        found |= {item.path: item for root in far for item in walk(root, allowed) if isinstance(item, Found)}
    return found


# ---- listing ---------------------------------------------------------------------------------------------------------


def _items(roots: Sequence[Root], allowed: Sequence[str]) -> Iterator[Found | Unreadable | Skipped]:
    """Yield what lies under the roots, each path once."""
    left = outermost(roots)
    # without globs the outermost roots do not overlap, and nothing need be remembered
    seen: set[str] | None = set() if len(left) > 1 and any(root.kind == "glob" for root in left) else None
    for root in left:
        for item in walk(root, allowed):
            if seen is not None:
                if item.path in seen:
                    continue
                seen.add(item.path)
            yield item


def outermost(roots: Sequence[Root]) -> list[Root]:
    """Return the roots without those files and folders that lie under another root's folder."""
    folders = {root.location.rstrip("/") for root in roots if root.kind == "folder"}
    return [root for root in roots if root.kind == "glob" or not _above(root.location, folders)]


def _above(location: str, folders: set[str]) -> bool:
    """Say whether one of the folders is above a location."""
    parts = location.rstrip("/").split("/")
    return any("/".join(parts[:length]) in folders for length in range(1, len(parts)))


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
