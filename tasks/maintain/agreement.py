"""Do the tables of a collection agree: ledger, elements, chunks and what is derived from them?

Every chunk is looked at once, a batch at a time: counts and ordinals by document, the content hash that it was cut from, and whether each
vector is finite and of length one. All that is held are a few columns of numbers a document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from infra.lake import Lake
from infra.lake_filters import Filter
from tasks.collection import ledger
from tasks.collection.chunks import CHUNKS
from tasks.collection.elements import ELEMENTS
from tasks.collection.ledger import INDEXED, LEDGER, QUARANTINED, WRITING
from tasks.collection.tables import TABLES
from tasks.records import ATTACHMENT, attachment_id

BATCH = 4_096  # chunks looked at in one go: some 6 MB of vectors
UNIT = 0.05  # how far from one the length of a float16 unit vector may be
AGAIN = "audit"  # a parser fingerprint that no parser has: the next index run reads the document again

_SEEN = pl.Schema(
    [
        ("document_id", pl.String()),
        ("chunks", pl.Int64()),
        ("ordinals", pl.Int64()),
        ("bad", pl.Int64()),
        ("hashes", pl.List(pl.String())),
    ]
)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """`wrong` are documents whose rows are not as the ledger claims, with the reason; `strange` those of which no row should be there;
    `stored` those that have chunks. `documents` and `chunks` are what was looked at.
    """

    wrong: dict[str, str]
    strange: dict[str, str]
    stored: frozenset[str]
    orphans: frozenset[str]
    entries: pl.DataFrame
    documents: int
    chunks: int


def disagreement(lake: Lake, collection: str, only: Sequence[str] | None = None) -> Disagreement:
    """Compare the tables of a collection, for all documents or only some."""
    where: Filter | None = None if only is None else {"document_id": list(only)}
    entries = _entries(lake, collection, where)
    seen = _chunks(lake, collection, where)
    elements = pl.DataFrame(ELEMENTS.read(lake, collection, ["document_id", "content_hash"], where))
    orphans = _orphans(lake, collection, entries)
    strange = _strange(lake, collection, entries, where) | dict.fromkeys(orphans, "its container is not in the ledger")
    waiting = set(entries.filter(pl.col("parser") == AGAIN)["document_id"])
    claimed = entries.filter((pl.col("state") == INDEXED) & ~pl.col("document_id").is_in(waiting))
    wrong = {
        **_interrupted(entries),
        **_of_another(claimed, elements, "elements"),
        **_of_another(claimed, seen.explode("hashes").rename({"hashes": "content_hash"}), "chunks"),
        **_without(claimed, elements),
        **_bad_vectors(claimed, seen),
        **_miscounted(claimed, seen),
        **_doubled(entries),
        **_bereft(lake, collection, sorted(strange)),
        **_short_of_attachments(lake, collection, claimed, entries if where is None else None),
    }
    return Disagreement(
        wrong={document: wrong[document] for document in wrong if document not in waiting | orphans},
        strange=strange,
        stored=frozenset(seen["document_id"]),
        orphans=orphans,
        entries=entries,
        documents=entries.height,
        chunks=int(seen["chunks"].sum()),
    )


# ---- what is there ---------------------------------------------------------------------------------------------------


def _entries(lake: Lake, collection: str, where: Filter | None) -> pl.DataFrame:
    columns = ["document_id", "path", "parent_id", "state", "chunks", "size", "stamp", "content_hash", "parser"]
    if not LEDGER.exists(lake, collection) or "attachments" in lake.schema(LEDGER.name(collection)).names:
        return pl.DataFrame(ledger.read(lake, collection, [*columns, "attachments"], where))
    entries = pl.DataFrame(ledger.read(lake, collection, columns, where))  # of a release that did not count them
    return entries.with_columns(attachments=pl.lit(None, pl.Int32))


def _chunks(lake: Lake, collection: str, where: Filter | None) -> pl.DataFrame:
    """Return what the chunks say by document: see `_SEEN`; `hashes` are the contents that they were cut from, null where that is not known."""
    parts = [pl.DataFrame(schema=_SEEN)]
    if CHUNKS.exists(lake, collection):
        there = lake.schema(CHUNKS.name(collection)).names
        columns = [name for name in ("document_id", "ordinal", "vector", "content_hash") if name in there]
        parts += [_by_document(batch) for batch in lake.batches(CHUNKS.name(collection), columns, where, BATCH)]
    return (
        pl.concat(parts)
        .group_by("document_id")
        .agg(pl.col("chunks", "ordinals", "bad").sum(), pl.col("hashes").list.explode().unique())
    )


def _by_document(batch: pa.RecordBatch) -> pl.DataFrame:
    known = "content_hash" in batch.schema.names
    frame = pl.DataFrame(
        {
            "document_id": batch["document_id"].to_pylist(),
            "ordinal": batch["ordinal"].to_numpy(),
            "sound": sound(batch["vector"]),
            "hash": batch["content_hash"].to_pylist() if known else [None] * len(batch),
        },
        schema_overrides={"ordinal": pl.Int64, "hash": pl.String},
    )
    return frame.group_by("document_id").agg(
        chunks=pl.len().cast(pl.Int64),
        ordinals=pl.col("ordinal").sum(),
        bad=(~pl.col("sound")).sum().cast(pl.Int64),
        hashes=pl.col("hash").unique(),
    )


def sound(vectors: pa.Array) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Say which vectors are finite and of length one, bool [rows]."""
    matrix = np.asarray(vectors.flatten()).astype(np.float32).reshape(len(vectors), -1)
    lengths = np.linalg.norm(matrix, axis=1)
    fine: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = np.isfinite(lengths) & (np.abs(lengths - 1) < UNIT)
    return fine


# ---- what is wrong ---------------------------------------------------------------------------------------------------


def _interrupted(entries: pl.DataFrame) -> dict[str, str]:
    ids = entries.filter(pl.col("state") == WRITING)["document_id"]
    return dict.fromkeys(ids.to_list(), "a run that was writing it did not end")


def _doubled(entries: pl.DataFrame) -> dict[str, str]:
    twice = entries.group_by("document_id").len().filter(pl.col("len") > 1)["document_id"]
    return dict.fromkeys(twice.to_list(), "the ledger has it twice")


def _of_another(claimed: pl.DataFrame, rows: pl.DataFrame, what: str) -> dict[str, str]:
    """Return documents with rows that were made from another content than the one claimed; rows that do not say from which are believed."""
    told = rows.filter(pl.col("content_hash").fill_null("") != "").select("document_id", "content_hash")
    joined = claimed.select("document_id", claim="content_hash").join(told, on="document_id")
    ids = joined.filter(pl.col("claim") != pl.col("content_hash"))["document_id"]
    return dict.fromkeys(ids.to_list(), f"its {what} are of another content than the ledger's")


def _without(claimed: pl.DataFrame, elements: pl.DataFrame) -> dict[str, str]:
    missing = claimed.join(elements, on="document_id", how="anti")["document_id"]
    return dict.fromkeys(missing.to_list(), "its elements are missing")


def _bad_vectors(claimed: pl.DataFrame, seen: pl.DataFrame) -> dict[str, str]:
    bad = seen.filter(pl.col("bad") > 0).join(claimed.select("document_id"), on="document_id")
    rows = bad.select("document_id", "bad").iter_rows()
    return {document: f"{count} vectors that are zero or not finite" for document, count in rows}


def _miscounted(claimed: pl.DataFrame, seen: pl.DataFrame) -> dict[str, str]:
    """Return documents whose chunks are not those that the ledger counted: fewer, more, or one twice and one missing."""
    joined = claimed.join(seen, on="document_id", how="left", suffix="_seen").with_columns(
        pl.col("chunks").fill_null(0).cast(pl.Int64),
        pl.col("chunks_seen").fill_null(0),
        pl.col("ordinals").fill_null(0),
    )
    whole = (pl.col("chunks") == pl.col("chunks_seen")) & (
        pl.col("ordinals") == pl.col("chunks") * (pl.col("chunks") - 1) // 2
    )
    wrong = joined.filter(~whole).select("document_id", "chunks", "chunks_seen")
    return {document: _counted(expected, there) for document, expected, there in wrong.iter_rows()}


def _counted(expected: int, there: int) -> str:
    if there < expected:
        return f"{expected - there} of its {expected} chunks are missing"
    if there > expected:
        return f"{there} chunks instead of {expected}"
    return "a chunk is there twice and another is missing"


def _orphans(lake: Lake, collection: str, entries: pl.DataFrame) -> frozenset[str]:
    """Return attachments whose container the ledger does not know: no run would read or remove them."""
    inside = entries.filter(pl.col("parent_id").fill_null("") != "").select("document_id", "parent_id")
    asked = sorted(set(inside["parent_id"]) - set(entries["document_id"]))
    known = ledger.read(lake, collection, ["document_id"], {"document_id": asked})["document_id"] if asked else ()
    lost = set(asked) - {str(document) for document in known}
    return frozenset(inside.filter(pl.col("parent_id").is_in(list(lost)))["document_id"])


def _bereft(lake: Lake, collection: str, strangers: Sequence[str]) -> dict[str, str]:
    """Return containers whose attachment has chunks and no ledger row: read again, they bring it back."""
    rows = CHUNKS.read(lake, collection, ["document_id", "path"], {"document_id": strangers}) if strangers else None
    paths = dict(zip(rows["document_id"].to_pylist(), rows["path"].to_pylist(), strict=True)) if rows else {}
    # the path only proposes containers, it may hold anything: the id says whether the attachment is that one's
    places = [
        (path[:at], path[at + len(ATTACHMENT) :], document) for document, path in paths.items() for at in _marks(path)
    ]
    heads = sorted({head for head, _, _ in places})
    known = ledger.read(lake, collection, ["document_id", "path"], {"path": heads}).to_pylist() if heads else []
    ids = {row["path"]: row["document_id"] for row in known}
    found = {ids[head] for head, name, document in places if head in ids and attachment_id(ids[head], name) == document}
    return dict.fromkeys(sorted(found), "a file within it is missing from the ledger")


def _short_of_attachments(
    lake: Lake, collection: str, claimed: pl.DataFrame, every: pl.DataFrame | None
) -> dict[str, str]:
    """Return containers with fewer attachments in the ledger than were read from them: read again, they bring back what is missing.

    Args:
        every: all of the ledger, where it was read; else the attachments are looked up.
    """
    containers = claimed.filter(pl.col("attachments").fill_null(0) > 0).select("document_id", "attachments")
    if containers.is_empty():
        return {}
    if every is None:
        within: Filter = {"parent_id": containers["document_id"].to_list()}
        every = pl.DataFrame(ledger.read(lake, collection, ["parent_id"], within))
    there = every.group_by(document_id="parent_id").len("there")
    joined = containers.join(there, on="document_id", how="left").with_columns(pl.col("there").fill_null(0))
    short = joined.filter(pl.col("there") < pl.col("attachments"))
    return {
        document: f"{expected - now} of the {expected} files within it are missing from the ledger"
        for document, expected, now in short.select("document_id", "attachments", "there").iter_rows()
    }


def _marks(path: str) -> Iterator[int]:
    """Return where in a path the name of an attachment may begin."""
    return (match.start() for match in re.finditer(re.escape(ATTACHMENT), path))


def _strange(lake: Lake, collection: str, entries: pl.DataFrame, where: Filter | None) -> dict[str, str]:
    """Return documents that have rows although the ledger does not know them, or has them in quarantine."""
    known = set(entries.filter(pl.col("state") != QUARANTINED)["document_id"])
    found: dict[str, list[str]] = {}
    for kind, documents in _owners(lake, collection, where):
        for document in documents - known:
            found.setdefault(document, []).append(kind)
    return {document: f"{' and '.join(kinds)} that the ledger does not know" for document, kinds in found.items()}


def _owners(lake: Lake, collection: str, where: Filter | None) -> Iterator[tuple[str, set[str]]]:
    """Yield each table but the ledger: its rows' name in messages, and the documents that own them."""
    names = {ELEMENTS.kind: "elements"}
    for table in TABLES:
        if table is not LEDGER:
            rows = table.read(lake, collection, ["document_id"], where)
            yield names.get(table.kind, table.kind), set(rows["document_id"].unique().to_pylist())
