"""Audit: does the lake hold what the ledger says, and do the sources still say what was indexed?

Every chunk is looked at once, a batch at a time: counts and ordinals by document, and whether each vector is finite
and of length one. Of the sources a sample is hashed. What is wrong is repaired where that is safe: rows that no
ledger entry owns are removed, a table that cannot be read goes back to its last good version, and documents whose
chunks are wrong are marked to be read again, which the caller then does.
"""

from __future__ import annotations

import hashlib
import logging
import os
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from infra import lake_upkeep as upkeep
from infra import stop
from infra.cache import Cache
from infra.files import is_url
from infra.lake import Lake
from infra.locks import writer_lane
from infra.settings import Settings
from tasks.collection import ledger, tables
from tasks.collection.chunks import CHUNKS
from tasks.collection.elements import ELEMENTS
from tasks.collection.ledger import LEDGER
from tasks.collection.recover import recover_if_free
from tasks.records import ATTACHMENT

log = logging.getLogger("faldone.maintain")

BATCH = 4_096  # chunks looked at in one go: some 6 MB of vectors
UNIT = 0.05  # how far from one the length of a float16 unit vector may be
SAMPLE = 200  # sources of a collection that are hashed
BEHIND = 0.2  # share of rows out of an index from which it is worth a line
BEHIND_ROWS = 10_000
AGAIN = "audit"  # a parser fingerprint that no parser has: the next index run reads the document again
TOLD = 1_000  # findings in a result


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and what is done about it. `document_id` is "" for what concerns a whole table."""

    document_id: str
    problem: str
    action: str = "none"
    collection: str = ""
    path: str = ""
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What was found in one collection: `again` are ids to be read again, `clear` those whose chunks must leave
    first.
    """

    collection: str
    findings: tuple[Finding, ...] = ()
    again: tuple[str, ...] = ()
    clear: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    documents: int = 0
    chunks: int = 0


# ---- tables ----------------------------------------------------------------------------------------------------------


def check_tables(settings: Settings, lake: Lake, collection: str, repair: bool) -> list[Finding]:
    """Open every table of a collection; one that cannot be read goes back to its last good version."""
    findings = []
    for name in tables.names(lake, collection):
        problem = upkeep.unreadable(lake, name)
        if problem:
            findings.append(_unreadable(settings, lake, name, problem, repair))
    return findings


def _unreadable(settings: Settings, lake: Lake, name: str, problem: str, repair: bool) -> Finding:
    collection = tables.collection_of(name)
    good = upkeep.last_readable(lake, name)
    said = f"table {name} cannot be read: {problem}"
    if good is None:
        return Finding("", said, "none: it has no good version left; restore it from a backup", collection)
    if not repair:
        return Finding("", said, f"none: version {good} is good", collection)
    with writer_lane(settings, collection):
        upkeep.back_to(lake, name, good)
    return Finding("", said, f"went back to its last good version {good}", collection, repaired=True)


# ---- chunks ----------------------------------------------------------------------------------------------------------


def look(settings: Settings, lake: Lake, collection: str, sample: int = SAMPLE, seed: int | None = None) -> Look:
    """Compare ledger, chunks, elements and a sample of sources of one collection; nothing is changed."""
    entries = _entries(lake, collection)
    seen, bad_vectors = _chunks(lake, collection)
    wrong = {**_miscounted(entries, seen), **_bad_vectors(bad_vectors), **_doubled(entries)}
    for document in _without_elements(lake, collection, entries):
        wrong.setdefault(document, "its elements are missing")
    changed, notes = _sources(entries, sample, seed)
    for document in changed:
        wrong.setdefault(document, "its file changed although size and date did not")
    paths = dict(zip(entries["document_id"], entries["path"], strict=True))
    surplus = sorted(set(seen["document_id"]) - set(entries.filter(pl.col("state") == ledger.INDEXED)["document_id"]))
    findings = [
        Finding(d, problem, collection=collection, path=paths.get(d, "")) for d, problem in sorted(wrong.items())
    ]
    findings += [Finding(d, "chunks that the ledger does not know", collection=collection) for d in surplus]
    stored = set(seen["document_id"])
    clear = sorted(document for document in wrong if document in stored and document not in changed)
    return Look(
        collection, tuple(findings), tuple(sorted(wrong)), tuple(clear), tuple(surplus),
        (*notes, *_behind(lake, collection)), entries.height, int(seen["chunks"].sum()),
    )  # fmt: skip


def _entries(lake: Lake, collection: str) -> pl.DataFrame:
    columns = ["document_id", "path", "parent_id", "state", "chunks", "size", "stamp", "content_hash", "parser"]
    frame = pl.DataFrame(ledger.read(lake, collection, columns))
    return frame.filter(pl.col("parser").fill_null("") != AGAIN)  # those are known and wait to be read again


def _chunks(lake: Lake, collection: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Chunks and sum of ordinals by document, and the documents with a bad vector and how many."""
    counts = [_COUNTS.clear()]
    bad = [_BAD.clear()]
    if lake.exists(CHUNKS.name(collection)):
        columns = ["document_id", "ordinal", "vector"]
        for batch in lake.batches(CHUNKS.name(collection), columns, size=BATCH):
            frame = pl.DataFrame(
                {"document_id": batch["document_id"].to_pylist(), "ordinal": batch["ordinal"].to_numpy()}
            )
            counts.append(_by_document(frame.with_columns(pl.col("ordinal").cast(pl.Int64))))
            bad.append(
                frame.filter(pl.Series(~sound(batch["vector"])))
                .group_by("document_id")
                .agg(bad=pl.len().cast(pl.Int64))
            )
    total = pl.concat(counts).group_by("document_id").agg(pl.col("chunks", "ordinals").sum())
    return total, pl.concat(bad).group_by("document_id").agg(pl.col("bad").sum())


_COUNTS = pl.DataFrame(schema={"document_id": pl.String, "chunks": pl.Int64, "ordinals": pl.Int64})
_BAD = pl.DataFrame(schema={"document_id": pl.String, "bad": pl.Int64})


def _by_document(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.group_by("document_id").agg(chunks=pl.len().cast(pl.Int64), ordinals=pl.col("ordinal").sum())


def sound(vectors: pa.Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which vectors are finite and of length one, bool [rows]."""
    matrix = np.asarray(vectors.flatten()).astype(np.float32).reshape(len(vectors), -1)
    lengths = np.linalg.norm(matrix, axis=1)
    fine: np.ndarray[Any, np.dtype[np.bool_]] = np.isfinite(lengths) & (np.abs(lengths - 1) < UNIT)
    return fine


def _miscounted(entries: pl.DataFrame, seen: pl.DataFrame) -> dict[str, str]:
    """Documents whose chunks are not those that the ledger counted: fewer, more, or one twice and one missing."""
    indexed = entries.filter(pl.col("state") == ledger.INDEXED)
    joined = indexed.join(seen, on="document_id", how="left", suffix="_seen").with_columns(
        pl.col("chunks").fill_null(0).cast(pl.Int64), pl.col("chunks_seen").fill_null(0),
        pl.col("ordinals").fill_null(0)
    )  # fmt: skip
    whole = (pl.col("chunks") == pl.col("chunks_seen")) & (
        pl.col("ordinals") == pl.col("chunks") * (pl.col("chunks") - 1) // 2
    )
    wrong = joined.filter(~whole).select("document_id", "chunks", "chunks_seen")
    return {document: _said(expected, there) for document, expected, there in wrong.iter_rows()}


def _said(expected: int, there: int) -> str:
    if there < expected:
        return f"{expected - there} of its {expected} chunks are missing"
    if there > expected:
        return f"{there} chunks instead of {expected}"
    return "a chunk is there twice and another is missing"


def _bad_vectors(bad: pl.DataFrame) -> dict[str, str]:
    return {document: f"{count} vectors that are zero or not finite" for document, count in bad.iter_rows()}


def _doubled(entries: pl.DataFrame) -> dict[str, str]:
    twice = entries.group_by("document_id").len().filter(pl.col("len") > 1)["document_id"]
    return dict.fromkeys(twice.to_list(), "the ledger has it twice")


def _without_elements(lake: Lake, collection: str, entries: pl.DataFrame) -> list[str]:
    name = ELEMENTS.name(collection)
    there = set(lake.read(name, ["document_id"])["document_id"].to_pylist()) if lake.exists(name) else set()
    return sorted(set(entries.filter(pl.col("state") == ledger.INDEXED)["document_id"]) - there)


# ---- sources ---------------------------------------------------------------------------------------------------------


def _sources(entries: pl.DataFrame, sample: int, seed: int | None) -> tuple[list[str], list[str]]:
    """Of a sample of indexed files: ids whose content is another although date and size are the same; and notes."""
    top = entries.filter((pl.col("state") == ledger.INDEXED) & (pl.col("parent_id").fill_null("") == ""))
    rows = [row for row in top.iter_rows(named=True) if not is_url(row["path"])]
    picked = random.Random(seed).sample(rows, min(sample, len(rows)))  # noqa: S311 - a sample, not a secret
    gone = [row["path"] for row in picked if not os.path.lexists(row["path"])]
    newer = [row for row in picked if _touched(row)]
    changed = [row["document_id"] for row in picked if _same_file(row) and _content(row["path"]) != row["content_hash"]]
    notes = (
        [f"{len(gone)} of {len(picked)} sampled sources are gone (e.g. {gone[0]}): index with --prune"] if gone else []
    )
    notes += [f"{len(newer)} of {len(picked)} sampled sources are newer than the index"] if newer else []
    return changed, notes


def _same_file(row: dict[str, Any]) -> bool:
    try:
        status = Path(str(row["path"])).stat()
    except OSError:
        return False
    return bool(str(status.st_mtime_ns) == row["stamp"] and status.st_size == row["size"])


def _touched(row: dict[str, Any]) -> bool:
    return os.path.lexists(row["path"]) and not _same_file(row)


def _content(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _behind(lake: Lake, collection: str) -> list[str]:
    name = CHUNKS.name(collection)
    if not lake.exists(name):
        return []
    now = upkeep.state(lake, name)
    late = now.indexed and now.unindexed > max(BEHIND_ROWS, BEHIND * now.rows)
    return [f"{now.unindexed:,} of {now.rows:,} chunks are not in an index yet: optimise takes them in"] if late else []


# ---- repair ----------------------------------------------------------------------------------------------------------


def repair(settings: Settings, lake: Lake, found: Look) -> Look:
    """Remove what nobody owns, clear what is wrong, and mark documents to be read again; what was done is in the
    findings.
    """
    if not found.findings:
        return found
    sources = _readable_sources(lake, found)
    again = [document for document in found.again if document in sources]
    with writer_lane(settings, found.collection):
        clear = [document for document in found.clear if document in sources]
        _forget_cached(settings, lake, found.collection, clear)
        for name in (CHUNKS.name(found.collection), ELEMENTS.name(found.collection)):
            lake.delete(name, {"document_id": list(found.surplus)})
        lake.delete(CHUNKS.name(found.collection), {"document_id": clear})
        _mark(lake, found.collection, again)
    done = [_repaired(finding, found, sources) for finding in found.findings]
    return Look(
        found.collection,
        tuple(done),
        tuple(again),
        found.clear,
        found.surplus,
        found.notes,
        found.documents,
        found.chunks,
    )


def _repaired(finding: Finding, found: Look, sources: dict[str, str]) -> Finding:
    if finding.document_id in found.surplus and finding.document_id not in found.again:
        action, good = "removed", True
    elif finding.document_id in sources:
        action, good = "read again", True
    else:
        action, good = "none: its source is gone, so it cannot be read again", False
    return Finding(finding.document_id, finding.problem, action, found.collection, finding.path, good)


def _readable_sources(lake: Lake, found: Look) -> dict[str, str]:
    """Id → file to index again, for documents whose file is there; an attachment is read again with its container."""
    rows = ledger.read(lake, found.collection, ["document_id", "path"], {"document_id": list(found.again)}).to_pylist()
    files = {row["document_id"]: row["path"].split(ATTACHMENT)[0] for row in rows}
    return {document: file for document, file in files.items() if is_url(file) or os.path.lexists(file)}


def _forget_cached(settings: Settings, lake: Lake, collection: str, documents: Sequence[str]) -> None:
    """Take the vectors of documents out of the shared cache, else a bad one would come back from there."""
    if settings.redis_url is None or not documents:
        return
    hashes = lake.read(CHUNKS.name(collection), ["hash"], {"document_id": list(documents)})["hash"].to_pylist()
    encoder = ledger.read(lake, collection, ["encoder"], {"document_id": list(documents)})["encoder"].to_pylist()
    cache = Cache(settings.redis_url.get_secret_value())
    for fingerprint in {name for name in encoder if name}:
        cache.drop_many(f"vector:{fingerprint}", hashes)


def _mark(lake: Lake, collection: str, documents: Sequence[str]) -> None:
    """Have the next index run read documents again; containers with them, and one row of two where the ledger has
    two.
    """
    rows = ledger.read(lake, collection, where={"document_id": list(documents)}).to_pylist()
    parents = {row["parent_id"] for row in rows if row["parent_id"]} - set(documents)
    rows += ledger.read(lake, collection, where={"document_id": sorted(parents)}).to_pylist() if parents else []
    single = {row["document_id"]: row | {"parser": AGAIN} for row in rows}
    if len(single) < len(rows):
        lake.delete(LEDGER.name(collection), {"document_id": list(single)})
    if single:
        ledger.write(lake, collection, ledger.rows(list(single.values())))


def sources_again(lake: Lake, collection: str) -> list[str]:
    """Files that wait to be read again: what `repair` marked, in this run or in one that was killed."""
    rows = ledger.read(lake, collection, ["path"], {"parser": AGAIN}).to_pylist()
    files = sorted({row["path"].split(ATTACHMENT)[0] for row in rows})
    return [file for file in files if is_url(file) or os.path.lexists(file)]


# ---- the whole -------------------------------------------------------------------------------------------------------


def collections(settings: Settings, lake: Lake, collection: str | None = None) -> list[str]:
    """The collections to audit; a restore that was interrupted is finished first."""
    recover_if_free(settings)
    return [collection] if collection else tables.collections(lake)


def audit_collection(
    settings: Settings, lake: Lake, collection: str, repairing: bool = True, sample: int = SAMPLE
) -> Look:
    """Check one collection and mark what is to be read again.

    Raises:
        StopRequested: the job was asked to stop; what other collections' audits repaired or marked is kept.
    """
    stop.check()
    opened = check_tables(settings, lake, collection, repairing)
    if any(not finding.repaired for finding in opened):
        return Look(collection, tuple(opened))
    found = look(settings, lake, collection, sample)
    done = repair(settings, lake, found) if repairing else found
    return Look(
        collection,
        (*opened, *done.findings),
        done.again,
        done.clear,
        done.surplus,
        done.notes,
        done.documents,
        done.chunks,
    )


def summary(looks: Iterable[Look], unread: Sequence[str], started: float) -> dict[str, Any]:
    """The contract's JSON of `audit`.

    Args:
        unread: files that were marked and still could not be read again.
    """
    every = list(looks)
    findings = [finding for found in every for finding in found.findings]
    good = all(finding.repaired for finding in findings) and not unread
    return {
        "status": "consistent" if not findings and not unread else "repaired" if good else "inconsistent",
        "findings": [asdict(finding) for finding in findings[:TOLD]],
        "findings_total": len(findings),
        "unread": list(unread[:TOLD]),
        "notes": [f"{found.collection}: {note}" for found in every for note in found.notes],
        "documents": sum(found.documents for found in every),
        "chunks": sum(found.chunks for found in every),
        "seconds": round(time.monotonic() - started, 3),
    }
