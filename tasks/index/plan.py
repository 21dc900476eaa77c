"""Step 2: compare the manifest with the ledger and cut what is to be done into batches.

Both sides are columns in polars, never Python objects a document, so a million documents plan in some hundred megabytes. What to do with
a document is one of
    parse    read the file: new, quarantined for a reason that may pass, or read by another version of its parser
    check    size or date changed: hash it, and parse it only if the bytes changed too
    rechunk  the file and its parser are the same, but chunker or encoder changed: begin at the elements in the lake
and what is left is unchanged. `gone` are documents under the roots that are no longer there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from infra.errors import FailureKind, UsageError
from infra.files import on_disk
from infra.roots import Root
from tasks.collection.ledger import INDEXED, QUARANTINED, WRITING
from tasks.index.gone import Emptied, gone
from tasks.progress import cost

GROUP_BYTES = 48 * 2**20  # of source files
GROUP_DOCUMENTS = 500
BATCH_DOCUMENTS = 64
BATCH_BYTES = 4 * 2**20
PRUNE_GUARD = 0.5

LEDGER_COLUMNS = tuple(
    "document_id path parent_id state kind attempts format stamp size content_hash parser chunker encoder".split()
)
WORK_COLUMNS = "document_id path size stamp action content_hash encoder attempts state kind".split()

TRANSIENT = [kind.value for kind in FailureKind if kind.transient]
COSTLY = [kind.value for kind in FailureKind if kind.costly]
TRIES = 5  # runs that try a document which a limit stopped, before it waits for a change of file, limits or parser, or for --force


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """What the pipeline is now: parsers by format ("" for all of them together), the chunker and the encoder."""

    parsers: Mapping[str, str]
    chunker: str
    encoder: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What the run will do; `file` is a Parquet file with a row a document to be done, in the order of `batches`."""

    file: str
    bytes: int  # of what is to be done
    found: int
    to_do: int
    unchanged: int
    gone: tuple[str, ...]
    known: int
    weight: float = 0.0  # of what is to be done: the sum of tasks.progress.cost
    emptied: tuple[Emptied, ...] = ()  # roots whose documents are not among `gone` although none was listed
    stamps: str = (
        ""  # a Parquet file with `document_id`, `known` and `stamp` of what an older release stamped, or nothing
    )
    restamped: int = 0  # rows of it


def plan(
    manifest: str,
    ledger: pa.Table,
    roots: Sequence[Root],
    fingerprints: Fingerprints,
    folder: Path,
    force: bool = False,
    hidden: Sequence[str] = (),
    prune: bool = True,
    forgotten: Sequence[Root] = (),
) -> Plan:
    """Decide for every document and write `folder/plan.parquet`.

    Args:
        ledger: the collection's ledger with at least `LEDGER_COLUMNS`.
        roots: what was listed whole; only documents under these can be gone.
        force: do every document again, and believe that a root that was found empty was emptied on purpose.
        hidden: places that could not be listed: what lies under them is not gone.
        prune: find out what is gone.
        forgotten: roots that moved: what is known under them is gone, unless it is in the manifest too.
    """
    found = pl.read_parquet(manifest)
    known = pl.DataFrame(ledger.select(list(LEDGER_COLUMNS)))
    outdated = _outdated_parents(known, fingerprints)
    top = known.filter(pl.col("parent_id").fill_null("") == "")
    del known, ledger
    action, stamps = _decided(found, top, _action(fingerprints, outdated, force))
    stamps.write_parquet(folder / "stamps.parquet")
    to_do = _in_groups(_to_do(found, top, action))
    del action
    path = folder / "plan.parquet"
    to_do.write_parquet(path, row_group_size=GROUP_DOCUMENTS)
    count, size, weight = to_do.height, int(to_do["size"].sum()), _weight(to_do)
    del to_do
    lost, emptied = gone(top, found, roots if prune else (), hidden, forgotten, believe=force)
    return Plan(
        file=str(path),
        bytes=size,
        found=found.height,
        to_do=count,
        unchanged=found.height - count,
        gone=tuple(lost),
        known=top.height,
        weight=weight,
        emptied=emptied,
        stamps=str(folder / "stamps.parquet") if stamps.height else "",
        restamped=stamps.height,
    )


def _decided(found: pl.DataFrame, top: pl.DataFrame, action: pl.Expr) -> tuple[pl.Series, pl.DataFrame]:
    """Return what to do with each row of the manifest, in its order, and the stamps of an older release that are to be as they are now."""
    asked = ("stamp", "size", "state", "kind", "attempts", "format", "parser", "chunker", "encoder")
    facts = top.select("document_id", *asked).rename({"stamp": "stamp_known", "size": "size_known"})
    narrow = found.select("document_id", "stamp", "size", _is_local().alias("local")).join(
        facts, on="document_id", how="left", maintain_order="left"
    )
    decided = narrow.select(action.alias("action"))["action"]
    older = pl.col("local") & (pl.col("stamp_known") != pl.col("stamp")) & (pl.col("stamp_known") == _date())
    stamps = narrow.lazy().filter((decided == "unchanged") & older)
    return decided, stamps.select("document_id", pl.col("stamp_known").alias("known"), "stamp").collect()


def _is_local() -> pl.Expr:
    return ~pl.col("path").str.contains("://", literal=True)


def _date() -> pl.Expr:
    """Give the first part of a local file's stamp, which was all of it in older releases: see infra.roots.file_stamp."""
    return pl.col("stamp").str.split_exact(":", 1).struct.field("field_0")


def _to_do(found: pl.DataFrame, top: pl.DataFrame, action: pl.Series) -> pl.DataFrame:
    """Return the rows of the manifest that are to be done, with the action and what a batch wants to know of the ledger.

    A narrow join of its own: one with all columns would hold a million documents' texts twice.
    """
    chosen = found.with_columns(action).filter(pl.col("action") != "unchanged")
    wanted = top.select("document_id", "content_hash", "encoder", "attempts", "state", "kind")
    return chosen.join(wanted, on="document_id", how="left", maintain_order="left")


def _action(fingerprints: Fingerprints, outdated: pl.Series, force: bool) -> pl.Expr:
    # a store that says neither date nor etag says nothing about change: its files are hashed each time
    same_stamp = (pl.col("stamp") == pl.col("stamp_known")) | (pl.col("local") & (pl.col("stamp_known") == _date()))
    same_file = (pl.col("stamp") != "") & same_stamp & (pl.col("size") == pl.col("size_known"))
    # an indexed document has a kind too, when a limit stopped it as it was read anew and its old text was kept
    costly, tries = pl.col("kind").is_in(COSTLY), pl.col("attempts").fill_null(0)
    passing = ((pl.col("state") == QUARANTINED) & pl.col("kind").is_in(TRANSIENT)) | (costly & (tries < TRIES))
    given_up = (pl.col("state") == INDEXED) & costly & (tries >= TRIES) & same_file
    same_parser = pl.col("parser").fill_null("") == _parser_now(fingerprints)
    same_rest = (pl.col("chunker") == fingerprints.chunker) & (pl.col("encoder") == fingerprints.encoder)
    indexed = pl.col("state") == INDEXED
    interrupted = pl.col("state") == WRITING  # a run died while it wrote this document
    parse = (
        pl.lit(force)
        | pl.col("stamp_known").is_null()
        | passing
        | interrupted
        | ~same_parser
        | (~same_file & ~(indexed & same_rest))
        | pl.col("document_id").is_in(outdated.implode())
    )
    return (
        pl.when(given_up.fill_null(False) & ~pl.lit(force))
        .then(pl.lit("unchanged"))
        .when(parse.fill_null(True))
        .then(pl.lit("parse"))
        .when((~same_file).fill_null(True))
        .then(pl.lit("check"))
        .when((indexed & ~same_rest).fill_null(True))
        .then(pl.lit("rechunk"))
        .otherwise(pl.lit("unchanged"))
    )


def _parser_now(fingerprints: Fingerprints) -> pl.Expr:
    """Return the fingerprint of what would read a document now; one whose format nobody knew waits for a change of any parser."""
    known = pl.col("format").fill_null("")
    return known.replace_strict(dict(fingerprints.parsers), default="", return_dtype=pl.String)


def _outdated_parents(known: pl.DataFrame, fingerprints: Fingerprints) -> pl.Series:
    """Return containers of which an attachment is out of date: attachments are redone with their container only."""
    stale = (
        (pl.col("state") == WRITING)
        | (pl.col("parser").fill_null("") != _parser_now(fingerprints))
        | ((pl.col("state") == INDEXED) & (pl.col("chunker") != fingerprints.chunker))
        | ((pl.col("state") == INDEXED) & (pl.col("encoder") != fingerprints.encoder))
    )
    given_up = pl.col("kind").is_in(COSTLY).fill_null(False) & (pl.col("attempts").fill_null(0) >= TRIES)
    return known.filter(~given_up & (pl.col("parent_id").fill_null("") != "") & stale)["parent_id"].unique()


def _in_groups(to_do: pl.DataFrame) -> pl.DataFrame:
    """Order documents in groups that cost about the same: largest first, dealt out in turn.

    So the workers have large and small documents side by side all through a run, and not all scans at its beginning.
    """
    number = max(1, -(-int(to_do["size"].sum()) // GROUP_BYTES), -(-to_do.height // GROUP_DOCUMENTS))
    ordered = to_do.sort("size", "path", descending=[True, False]).with_row_index("rank")
    # dealt back and forth (0 1 2 2 1 0 …): the sum of ranks of each group is the same
    turn, place = pl.col("rank") // number, pl.col("rank") % number
    group = pl.when(turn % 2 == 0).then(place).otherwise(number - 1 - place).cast(pl.Int64)
    return ordered.with_columns(group=group).sort("group", "rank").drop("rank")


def _weight(to_do: pl.DataFrame) -> float:
    return float(sum(cost(size) for size in to_do["size"]))


def check_prune(plan: Plan, collection: str, force: bool) -> None:
    """Refuse to remove most of a collection by accident (a wrong folder, a disk that is not mounted).

    Raises:
        UsageError: more than half of the collection would go.
    """
    lost = len(plan.gone) + sum(root.documents for root in plan.emptied)
    if not force and plan.known and lost > max(1, PRUNE_GUARD * plan.known):
        raise UsageError(
            f"{lost} of the {plan.known} documents of collection {collection} are no longer under these sources: "
            "to remove them run again with --force, to keep them with --no-prune"
        )


@dataclass(frozen=True, slots=True)
class Work:
    """A document to be done. `known_hash`, `known_encoder` and `attempts` (failed ones) are what the ledger has of it, or nothing."""

    document_id: str
    path: str
    size: int
    stamp: str
    action: str
    known_hash: str = ""
    known_encoder: str = ""
    attempts: int = 0


def local_files(plan: Plan, most: int) -> list[str]:
    """Return some files of this machine that are to be done, spread over the plan, by the names that they have on the disk."""
    paths = pl.scan_parquet(plan.file).select("path").filter(_is_local()).collect()["path"]
    chosen = paths.gather_every(max(1, len(paths) // most)).head(most)
    return [there for there in map(on_disk, chosen) if os.path.lexists(there)]


def batches(plan: Plan) -> Iterator[tuple[Work, ...]]:
    """Yield the documents in batches of balanced size, a group of the plan in memory at a time.

    Of each group the batch of the smallest comes first, so that the encoder has work while long documents are being read, then
    from the largest down, so that the workers end at about the same time. A document that a limit stopped before comes by itself:
    nobody else is to wait for it.
    """
    start = 0
    groups = pl.scan_parquet(plan.file).group_by("group").agg(pl.len()).sort("group").collect()["len"]
    for documents in groups:
        rows = pl.scan_parquet(plan.file).slice(start, documents).select(WORK_COLUMNS).collect()
        alone = pl.col("kind").is_in(COSTLY).fill_null(False)
        cut = list(_cut(rows.filter(~alone)))
        yield from [*cut[-1:], *cut[:-1]]
        yield from ((work,) for batch in _cut(rows.filter(alone)) for work in batch)
        start += documents


def _cut(rows: pl.DataFrame) -> Iterator[tuple[Work, ...]]:
    batch: list[Work] = []
    size = 0
    for document, path, length, stamp, action, known, encoder, attempts, state, kind in rows.iter_rows():
        if batch and (len(batch) >= BATCH_DOCUMENTS or size + length > BATCH_BYTES):
            yield tuple(batch)
            batch, size = [], 0
        hash_ = (known or "") if state == INDEXED else ""
        batch.append(Work(document, path, length, stamp, action, hash_, encoder or "", (attempts or 0) if kind else 0))
        size += length
    if batch:
        yield tuple(batch)
