"""Step 2: compare the manifest with the ledger and cut what is to be done into batches.

Both sides are columns in polars, never Python objects a document, and are planned part by part (tasks/index/partition.py), so that planning
takes as much memory for a million documents as for ten thousand. What to do with a document is one of
    parse    read the file: new, quarantined for a reason that may pass, or read by another version of its parser
    check    size or date changed: hash it, and parse it only if the bytes changed too
    rechunk  the file and its parser are the same, but chunker or encoder changed: begin at the elements in the lake
and what is left is unchanged. `gone` are documents under the roots that are no longer there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from infra.errors import FailureKind, UsageError
from infra.files import on_disk
from infra.roots import Root
from tasks.collection import ledger
from tasks.collection.ledger import INDEXED, QUARANTINED, WRITING
from tasks.index.gone import Emptied, absent, gone, named
from tasks.index.partition import PART_ROWS, Known, Part, parts
from tasks.index.spool import Spool, stream
from tasks.progress import cost

GROUP_BYTES = 48 * 2**20  # of source files
GROUP_DOCUMENTS = 500
BATCH_DOCUMENTS = 64
BATCH_BYTES = 4 * 2**20
PRUNE_GUARD = 0.5

LEDGER_COLUMNS = tuple(
    "document_id path parent_id state kind attempts format stamp size content_hash parser chunker encoder".split()
)
LEDGER_SCHEMA = pa.schema([ledger.SCHEMA.field(column) for column in LEDGER_COLUMNS])
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
    """What the run will do; `file` is a spool (tasks/index/spool.py) with a row a document to be done, in the order of `batches`.

    `gone` alone is in memory, 90 bytes a document: it is what a person removed, and pruning takes more for each.
    """

    file: str
    bytes: int  # of what is to be done
    found: int
    to_do: int
    unchanged: int
    gone: tuple[str, ...]
    known: int
    weight: float = 0.0  # of what is to be done: the sum of tasks.progress.cost
    emptied: tuple[Emptied, ...] = ()  # roots whose documents are not among `gone` although none was listed
    stamps: str = ""  # a spool with `document_id`, `known` and `stamp` of what an older release stamped, or nothing
    restamped: int = 0  # rows of it
    local: int = 0  # documents to be done that are files of this machine


def plan(
    manifest: str,
    known: Known,
    roots: Sequence[Root],
    fingerprints: Fingerprints,
    folder: Path,
    force: bool = False,
    hidden: Sequence[str] = (),
    prune: bool = True,
    forgotten: Sequence[Root] = (),
    part_rows: int = PART_ROWS,
) -> Plan:
    """Decide for every document and write the spool `folder/plan`, which is there only when all of it is written.

    Args:
        known: the collection's ledger with at least `LEDGER_COLUMNS`.
        roots: what was listed whole; only documents under these can be gone.
        force: do every document again, and believe that a root that was found empty was emptied on purpose.
        hidden: places that could not be listed: what lies under them is not gone.
        prune: find out what is gone.
        forgotten: roots that moved: what is known under them is gone, unless it is in the manifest too.
        part_rows: rows of manifest or ledger that are planned at a time.
    """
    listed = roots if prune else ()
    ends = [*listed, *named(forgotten)]
    total = _Total()
    with (
        closing(parts(manifest, known, LEDGER_SCHEMA, folder, part_rows)) as divided,
        Spool(folder / "plan") as to_do,
        Spool(folder / "stamps") as stamps,
        Spool(folder / "missing") as missing,
    ):
        for part in map(partial(_decided, fingerprints=fingerprints, force=force, roots=ends), divided):
            total.add(part)
            to_do.add(part.to_do.with_columns(pl.col("group") + total.groups))
            total.groups += part.to_do["group"].n_unique()
            stamps.add(part.stamps)
            missing.add(part.missing)
            del part  # before the next is read
    lost, emptied = gone(missing.folder, manifest, listed, hidden, forgotten, believe=force)
    return Plan(
        file=str(to_do.folder),
        bytes=total.bytes,
        found=total.found,
        to_do=to_do.rows,
        unchanged=total.found - to_do.rows,
        gone=lost,
        known=total.known,
        weight=total.weight,
        emptied=emptied,
        stamps=str(stamps.folder) if stamps.rows else "",
        restamped=stamps.rows,
        local=total.local,
    )


@dataclass(slots=True)
class _Total:
    """What the parts come to."""

    found: int = 0
    known: int = 0
    bytes: int = 0
    weight: float = 0.0
    local: int = 0
    groups: int = 0

    def add(self, part: _Decided) -> None:
        """Count a part in, but for its groups."""
        self.found += part.found
        self.known += part.known
        self.bytes += int(part.to_do["size"].sum())
        self.weight += _weight(part.to_do)
        self.local += int(part.to_do.select(_is_local().sum()).item())


class _Decided(NamedTuple):
    """A part with what is to be done; what is not is only counted."""

    found: int
    known: int
    to_do: pl.DataFrame  # in groups of its own
    stamps: pl.DataFrame  # of an older release, to be as they are now
    missing: pl.DataFrame  # known and not listed


def _decided(part: Part, fingerprints: Fingerprints, force: bool, roots: Sequence[Root]) -> _Decided:
    """Decide for the documents of a part; the roots are what may say that one of them is gone."""
    attached = part.known.filter(pl.col("parent_id") != "")
    top = part.known.filter(pl.col("parent_id").fill_null("") == "") if attached.height else part.known
    facts = _facts(part.found, top)
    action = facts.select(_action(fingerprints, _outdated_parents(attached, fingerprints), force).alias("action"))[
        "action"
    ]
    restamped = facts.filter((action == "unchanged") & (pl.col("stamp_known") != pl.col("stamp")))
    older = restamped.filter(pl.col("local") & (pl.col("stamp_known") == _date()))
    return _Decided(
        found=part.found.height,
        known=top.height,
        to_do=_in_groups(_to_do(part.found, top, action)),
        stamps=older.select("document_id", pl.col("stamp_known").alias("known"), "stamp"),
        missing=absent(top, part.found, roots),
    )


def _facts(found: pl.DataFrame, top: pl.DataFrame) -> pl.DataFrame:
    """Return what decides for each row of a part, in its order: what was listed, and what the ledger has of it."""
    asked = ("stamp", "size", "state", "kind", "attempts", "format", "parser", "chunker", "encoder")
    known = top.select("document_id", *asked).rename({"stamp": "stamp_known", "size": "size_known"})
    return found.select("document_id", "stamp", "size", _is_local().alias("local")).join(
        known, on="document_id", how="left", maintain_order="left"
    )


def _is_local() -> pl.Expr:
    return ~pl.col("path").str.contains("://", literal=True)


def _date() -> pl.Expr:
    """Give the first part of a local file's stamp, which was all of it in older releases: see infra.roots.file_stamp."""
    return pl.col("stamp").str.split_exact(":", 1).struct.field("field_0")


def _to_do(found: pl.DataFrame, top: pl.DataFrame, action: pl.Series) -> pl.DataFrame:
    """Return the rows of a part that are to be done, with the action and what a batch wants to know of the ledger.

    A narrow join of its own: one with all columns would hold the texts of all documents twice.
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


def _outdated_parents(attached: pl.DataFrame, fingerprints: Fingerprints) -> pl.Series:
    """Return containers of which one of these attachments is out of date: attachments are redone with their container only."""
    stale = (
        (pl.col("state") == WRITING)
        | (pl.col("parser").fill_null("") != _parser_now(fingerprints))
        | ((pl.col("state") == INDEXED) & (pl.col("chunker") != fingerprints.chunker))
        | ((pl.col("state") == INDEXED) & (pl.col("encoder") != fingerprints.encoder))
    )
    given_up = pl.col("kind").is_in(COSTLY).fill_null(False) & (pl.col("attempts").fill_null(0) >= TRIES)
    return attached.filter(~given_up & stale)["parent_id"].unique()


def _in_groups(to_do: pl.DataFrame) -> pl.DataFrame:
    """Order the documents of a part in groups that cost about the same: largest first, dealt out in turn.

    So the workers have large and small documents side by side all through a run, and not all scans at its beginning. Each part is a fair
    sample of the run, so its groups have what those of other parts have; only which group gets the few largest of all is left to chance.
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
    apart = max(1, plan.local // most)
    chosen: list[str] = []
    passed = 0
    for rows in stream(plan.file, ["path"]):
        paths = rows.filter(_is_local())["path"]
        chosen += paths.gather_every(apart, -passed % apart).to_list()
        passed += len(paths)
        if len(chosen) >= most:
            break
    return [there for there in map(on_disk, chosen[:most]) if os.path.lexists(there)]


def batches(plan: Plan) -> Iterator[tuple[Work, ...]]:
    """Yield the documents in batches of balanced size, some groups of the plan in memory at a time.

    Of each group the batch of the smallest comes first, so that the encoder has work while long documents are being read, then
    from the largest down, so that the workers end at about the same time. A document that a limit stopped before comes by itself:
    nobody else is to wait for it.
    """
    for rows in _groups(plan.file):
        alone = pl.col("kind").is_in(COSTLY).fill_null(False)
        cut = list(_cut(rows.filter(~alone)))
        yield from [*cut[-1:], *cut[:-1]]
        yield from ((work,) for batch in _cut(rows.filter(alone)) for work in batch)


def _groups(file: str) -> Iterator[pl.DataFrame]:
    """Yield the rows of each group; the file is read once, from its beginning to its end."""
    left: list[pl.DataFrame] = []  # of a group whose end was not read yet
    for read in stream(file, [*WORK_COLUMNS, "group"]):
        rows, start = pl.concat([*left, read]), 0
        for length in rows["group"].rle().struct.field("len")[:-1]:
            yield rows.slice(start, length)
            start += length
        left = [rows.slice(start)]
    yield from left


def _cut(rows: pl.DataFrame) -> Iterator[tuple[Work, ...]]:
    batch: list[Work] = []
    size = 0
    for document, path, length, stamp, action, known, encoder, attempts, state, kind in rows.select(
        WORK_COLUMNS
    ).iter_rows():
        if batch and (len(batch) >= BATCH_DOCUMENTS or size + length > BATCH_BYTES):
            yield tuple(batch)
            batch, size = [], 0
        hash_ = (known or "") if state == INDEXED else ""
        batch.append(Work(document, path, length, stamp, action, hash_, encoder or "", (attempts or 0) if kind else 0))
        size += length
    if batch:
        yield tuple(batch)
