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
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from infra import lake_upkeep as upkeep
from infra import stop
from infra.cache import Cache
from infra.files import is_there, is_url, on_disk
from infra.lake import Lake
from infra.lanes import writer_lane
from infra.roots import is_stamped
from infra.settings import Settings
from tasks.collection import ledger, tables
from tasks.collection.chunks import CHUNKS, vectors_of
from tasks.collection.commit import remove
from tasks.collection.ledger import LEDGER
from tasks.collection.lookup import outermost
from tasks.collection.recover import recover_if_free
from tasks.collection.tables import delete_documents
from tasks.maintain.agreement import AGAIN, Disagreement, disagreement

log = logging.getLogger("faldone.maintain")

SAMPLE = 200  # sources of a collection that are hashed
BEHIND = 0.2  # share of rows out of an index from which it is worth a line
BEHIND_ROWS = 10_000
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
    """What was found in one collection: `again` are ids to be read again, `changed` those of them whose file changed secretly,
    `surplus` those whose rows nobody owns.
    """

    collection: str
    findings: tuple[Finding, ...] = ()
    again: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    documents: int = 0
    chunks: int = 0


# ---- tables ----------------------------------------------------------------------------------------------------------


def check_tables(settings: Settings, lake: Lake, collection: str, repair: bool) -> list[Finding]:
    """Open every table of a collection; one that cannot be read goes back to its last good version."""
    findings = []
    for name in tables.names(lake, collection):
        if upkeep.unreadable(lake, name):
            findings += _unreadable(settings, lake, name, repair)
    return findings


def _unreadable(settings: Settings, lake: Lake, name: str, repair: bool) -> list[Finding]:
    """Look at a table again, under the lane where it is to be mended: what others were just replacing may be whole by now, and newer."""
    collection = tables.collection_of(name)
    with writer_lane(settings, collection) if repair else nullcontext():
        problem = upkeep.unreadable(lake, name) if lake.exists(name) else ""
        if not problem:
            return []
        good = upkeep.last_readable(lake, name)
        said = f"table {name} cannot be read: {problem}"
        if good is None:
            return [Finding("", said, "none: it has no good version left; restore it from a backup", collection)]
        if not repair:
            return [Finding("", said, f"none: version {good} is good", collection)]
        upkeep.back_to(lake, name, good)
    return [Finding("", said, f"went back to its last good version {good}", collection, repaired=True)]


# ---- the look --------------------------------------------------------------------------------------------------------


def look(settings: Settings, lake: Lake, collection: str, sample: int = SAMPLE, seed: int | None = None) -> Look:
    """Compare ledger, elements, chunks and a sample of sources of one collection; nothing is changed.

    Beside a run that writes, this sees documents between two of its commits: `repair` looks again before it does anything.
    """
    found = disagreement(lake, collection)
    changed, notes = _sources(found.entries, sample, seed)
    return _as_look(collection, found, changed, (*notes, *_behind(lake, collection)))


def _as_look(collection: str, found: Disagreement, changed: Sequence[str], notes: Sequence[str]) -> Look:
    wrong = dict.fromkeys(changed, "its file changed although size and date did not") | found.wrong
    paths = dict(zip(found.entries["document_id"], found.entries["path"], strict=True))
    problems = [*sorted(wrong.items()), *sorted(item for item in found.strange.items() if item[0] not in wrong)]
    findings = [Finding(d, problem, collection=collection, path=paths.get(d, "")) for d, problem in problems]
    return Look(
        collection=collection,
        findings=tuple(findings),
        again=tuple(sorted(wrong)),
        changed=tuple(changed),
        surplus=tuple(sorted(found.strange)),
        notes=tuple(notes),
        documents=found.documents,
        chunks=found.chunks,
    )


# ---- sources ---------------------------------------------------------------------------------------------------------


def _sources(entries: pl.DataFrame, sample: int, seed: int | None) -> tuple[list[str], list[str]]:
    """Return of a sample of indexed files: ids whose content is another although date and size are the same; and notes."""
    top = entries.filter((pl.col("state") == ledger.INDEXED) & (pl.col("parent_id").fill_null("") == ""))
    rows = [row for row in top.iter_rows(named=True) if not is_url(row["path"])]
    picked = random.Random(seed).sample(rows, min(sample, len(rows)))  # noqa: S311 - a sample, not a secret
    gone = [row["path"] for row in picked if not is_there(row["path"])]
    newer = [row for row in picked if _touched(row)]
    changed = [row["document_id"] for row in picked if _same_file(row) and _content(row["path"]) != row["content_hash"]]
    notes = (
        [f"{len(gone)} of {len(picked)} sampled sources are gone (e.g. {gone[0]}): index with --prune"] if gone else []
    )
    notes += [f"{len(newer)} of {len(picked)} sampled sources are newer than the index"] if newer else []
    return changed, notes


def _same_file(row: dict[str, Any]) -> bool:
    try:
        status = os.stat(on_disk(row["path"]))
    except OSError:
        return False
    return is_stamped(status, row["stamp"] or "") and status.st_size == row["size"]


def _touched(row: dict[str, Any]) -> bool:
    return is_there(row["path"]) and not _same_file(row)


def _content(path: str) -> str:
    with Path(on_disk(path)).open("rb") as file:
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
    """Look at the suspects again under the lane, remove what nobody owns, and mark documents to be read again.

    What a run was just committing during the first look is whole by now, and is not a finding.
    """
    if not found.findings:
        return found
    suspects = [finding.document_id for finding in found.findings]
    with writer_lane(settings, found.collection):
        now = disagreement(lake, found.collection, suspects)
        changed = [document for document in found.changed if document in set(now.entries["document_id"])]
        sure = _as_look(found.collection, now, changed, found.notes)
        sources = _readable_sources(lake, sure)
        again = [document for document in sure.again if document in sources]
        clear = [document for document in again if document in now.wrong and document in now.stored]
        _forget_cached(settings, lake, found.collection, clear)
        _mark(lake, found.collection, again, clear)
        CHUNKS.delete(lake, found.collection, clear)
        remove(lake, found.collection, sorted(now.orphans))
        delete_documents(lake, found.collection, [d for d in sure.surplus if d not in sure.again])
    done = [_repaired(finding, sure, sources) for finding in sure.findings]
    return replace(sure, findings=tuple(done), again=tuple(again), documents=found.documents, chunks=found.chunks)


def _repaired(finding: Finding, found: Look, sources: dict[str, str]) -> Finding:
    if finding.document_id in found.surplus and finding.document_id not in found.again:
        action, good = "removed", True
    elif finding.document_id in sources:
        action, good = "read again", True
    else:
        action, good = "none: its source is gone, so it cannot be read again", False
    return replace(finding, action=action, repaired=good)


def _readable_sources(lake: Lake, found: Look) -> dict[str, str]:
    """Find for each document the file to index again, where it is there; an attachment is read again with its container."""
    files = outermost(lake, found.collection, found.again)
    return {document: file for document, file in files.items() if is_url(file) or is_there(file)}


def _forget_cached(settings: Settings, lake: Lake, collection: str, documents: Sequence[str]) -> None:
    """Take the vectors of documents out of the shared cache, else a bad one would come back from there."""
    if settings.redis_url is None or not documents:
        return
    hashes: dict[str, list[str]] = {}
    for encoder, text in vectors_of(lake, collection, documents):
        hashes.setdefault(encoder, []).append(text)
    cache = Cache(settings.redis_url.get_secret_value())
    for fingerprint, texts in hashes.items():
        cache.drop_many(f"vector:{fingerprint}", texts)


def _mark(lake: Lake, collection: str, documents: Sequence[str], clear: Sequence[str]) -> None:
    """Have the next index run read documents again, containers with them; the claims of those to be cleared are withdrawn.

    Where the ledger has a document twice, one row stays.
    """
    rows = ledger.read(lake, collection, where={"document_id": list(documents)}).to_pylist()
    parents = {row["parent_id"] for row in rows if row["parent_id"]} - set(documents)
    rows += ledger.read(lake, collection, where={"document_id": sorted(parents)}).to_pylist() if parents else []
    withdrawn = {"state": ledger.WRITING, "content_hash": ""}
    single = {
        row["document_id"]: row | {"parser": AGAIN} | (withdrawn if row["document_id"] in clear else {}) for row in rows
    }
    if len(single) < len(rows):
        LEDGER.delete(lake, collection, list(single))
    if single:
        ledger.write(lake, collection, ledger.rows(list(single.values())))


def sources_again(settings: Settings, collection: str) -> list[str]:
    """List files that wait to be read again: what `repair` marked, in this run or in one that was killed."""
    lake = Lake(settings.root)
    waiting = ledger.read(lake, collection, ["document_id"], {"parser": AGAIN})["document_id"].to_pylist()
    files = sorted(set(outermost(lake, collection, waiting).values()))
    return [file for file in files if is_url(file) or is_there(file)]


# ---- the whole -------------------------------------------------------------------------------------------------------


def collections(settings: Settings, collection: str | None = None) -> list[str]:
    """List the collections to audit; a restore that was interrupted is finished first."""
    recover_if_free(settings)
    return [collection] if collection else tables.collections(Lake(settings.root))


def audit_collection(settings: Settings, collection: str, repairing: bool = True, sample: int = SAMPLE) -> Look:
    """Check one collection and mark what is to be read again.

    Raises:
        StopRequested: the job was asked to stop; what other collections' audits repaired or marked is kept.
    """
    stop.check()
    lake = Lake(settings.root)
    opened = check_tables(settings, lake, collection, repairing)
    if any(not finding.repaired for finding in opened):
        return Look(collection, tuple(opened))
    found = look(settings, lake, collection, sample)
    done = repair(settings, lake, found) if repairing else found
    return replace(done, findings=(*opened, *done.findings))


def summary(looks: Iterable[Look], unread: Sequence[str], started: float) -> dict[str, Any]:
    """Sum up the looks, as `audit --json` prints them.

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
