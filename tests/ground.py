"""A small office whose runs can be killed before any write, and what must hold afterwards: for the tests of crashes.

A kill is an exception at that point of the code; from then on every write is refused, as if the process were gone, until `revived`. The
points are the commits of LanceDB, and the files of the staging, of a backup and of a restore's swap, told by name, so that a test can list
them and hit each.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from lance.dataset import DatasetOptimizer, LanceDataset, Tags
from lancedb.db import LanceDBConnection
from lancedb.merge import LanceMergeInsertBuilder
from lancedb.table import LanceTable

from infra import lake_folder, lake_format, lanes, locks, roots
from infra.backup_store import BackupStore
from infra.encoders import load_encoders
from infra.errors import DocumentError
from infra.lake import Lake
from infra.settings import Settings
from tasks.collection import analyses, chunks, elements, facts, ledger, recover, staging, tables
from tasks.collection.analyses import Outcome, Work
from tasks.index import run as index_run
from tasks.index.chunk import chunk
from tasks.index.fingerprints import CHUNK_TOKENS
from tasks.index.read import parse_file
from tasks.maintain import restore
from tasks.maintain.agreement import AGAIN

C = "c"


class Killed(BaseException):
    """The process is gone."""


class Killer:
    """Counts writes, and kills before the one of number `at`."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.points, self.dead = at, list[str](), False

    def __call__(self, point: str) -> None:
        """Pass a point, or die there."""
        if self.dead:
            raise Killed(point)
        if self.at is not None and len(self.points) == self.at:
            self.dead = True
            raise Killed(point)
        self.points.append(point)


def _of_table(table: Any, *_: Any, **__: Any) -> str:
    return str(table.name)


def _of_merge(merge: Any, *_: Any, **__: Any) -> str:
    return str(merge._table.name)


def _named(_: Any, name: str, *__: Any, **___: Any) -> str:
    return name


def _of_dataset(dataset: Any, *_: Any, **__: Any) -> str:
    return Path(str(getattr(dataset, "uri", ""))).stem


def _of_part(part: Any, *_: Any, **__: Any) -> str:
    """The table of what belongs to a dataset: its optimizer or its tags."""
    inner = getattr(part, "_dataset", None) or getattr(part, "_ds", None)
    return Path(str(getattr(inner, "uri", ""))).stem


COMMITS: dict[type, tuple[Callable[..., str], tuple[str, ...]]] = {
    LanceTable: (
        _of_table,
        ("add", "delete", "create_index", "drop_index", "restore", "add_columns", "update", "optimize"),
    ),
    LanceMergeInsertBuilder: (_of_merge, ("execute",)),
    LanceDBConnection: (_named, ("create_table", "drop_table")),
    DatasetOptimizer: (_of_part, ("compact_files", "optimize_indices")),
    LanceDataset: (_of_dataset, ("cleanup_old_versions",)),
    Tags: (_of_part, ("create", "delete")),
}
"""What commits in LanceDB, and how to tell the table: every write of the lake ends in one of these (`test_lake_calls.py`)."""
HALVES: dict[str, Callable[[Path], None]] = {
    "create_table": lambda folder: (folder / "_transactions").mkdir(parents=True, exist_ok=True),
    "drop_table": lambda folder: shutil.rmtree(folder / "data", ignore_errors=True),
}
"""What a kill in the middle leaves of those that are more than one step of the file system: a folder without a version."""
FILES: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (staging, ("write_bytes",)),
    (lake_format, ("replace_file",)),
    (lake_folder, ("remove_files",)),
    (recover, ("_bring", "_take_away")),
    (restore, ("replace_file",)),
    (BackupStore, ("put", "fetch", "write_manifest", "write_note", "remove_backup", "remove_blob", "set_aside")),
)


@contextmanager
def killing(at: int | None = None) -> Iterator[Killer]:
    """Watch every commit and every file that is written meanwhile, and kill before the one of number `at`; `Killed` is caught here."""
    killer = Killer(at)
    with pytest.MonkeyPatch.context() as patch:
        for kind, (table, names) in COMMITS.items():
            for name in names:
                verb = {"execute": "merge"}.get(name, f"tag {name}" if kind is Tags else name)
                patch.setattr(kind, name, _watched(getattr(kind, name), killer, verb, table))
        for owner, names in FILES:
            for name in names:
                verb = "stage" if owner is staging else name.strip("_")
                patch.setattr(owner, name, _watched(getattr(owner, name), killer, verb))
        with suppress(Killed):
            yield killer


def _watched(
    real: Callable[..., Any], killer: Killer, verb: str, table: Callable[..., str] | None = None
) -> Callable[..., Any]:
    def watched(*given: Any, **named: Any) -> Any:
        name = table(*given, **named) if table else ""
        if table and verb != "tag delete":
            in_its_lane(verb, name)
        point = f"{verb} {name.rpartition('.')[2]}".strip()
        killer(point)
        if verb in HALVES:
            try:
                killer(f"half {point}")
            except Killed:
                HALVES[verb](Path(given[0].uri) / f"{name}.lance")
                raise
        return real(*given, **named)

    return watched


def without_change_times(patch: pytest.MonkeyPatch) -> None:
    """Have a file that is put back with its date look as it did, as on a file system (FAT) or a server that knows no other date.

    Everything under a folder that was copied would else be hashed, and a wrong «unchanged» could not be seen.
    """
    patch.setattr(roots, "_changed_at", lambda status: status.st_mtime_ns)


def in_its_lane(verb: str, table: str) -> None:
    """Every write of the lake holds the writer's lane of its collection, in the thread that writes."""
    lanes = [lane.name for lane in locks._lanes.get()]
    assert f"writer:{table.rpartition('.')[0]}" in lanes, f"{verb} {table} without the writer's lane, in {lanes}"


class Office:
    """Documents in a folder, and a data folder over them; both can be put back to a moment."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.folder, self.home = top / "papers", top / "home"
        self.settings = Settings(home=str(self.home), dask="threads", workers=1, _env_file=None)
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def lake(self) -> Lake:
        return Lake(self.settings.root)

    def write(self, name: str, text: str, stamp: int | None = None) -> None:
        """Write a text, or a mail with one attachment a line for names that end in .eml."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(_mail(name, text.split("\n"))) if name.endswith(".eml") else text.encode())
        if stamp is not None:
            os.utime(path, ns=(stamp, stamp))

    def index(
        self,
        prune: bool = True,
        force: bool = True,
        reencode: bool = False,
        prefix: str = "",
        sources: list[str] | None = None,
    ) -> dict[str, Any]:
        """Index the folder, or other sources; `force` only lifts the guard of pruning here: what is unchanged stays."""
        with index_run.opened(self.with_prefix(prefix), C, reencode) as run:
            steps = index_run.PLAIN._replace(plan=_plan_without_guard if force else index_run.make_plan)
            return index_run.carry_out(run, sources or [str(self.folder)], prune, False, (), steps)

    def with_prefix(self, prefix: str) -> Settings:
        """The settings with another encoder, as a passage prefix makes one."""
        return self.settings.model_copy(update={"passage_prefix": prefix}) if prefix else self.settings

    def save(self, name: str) -> None:
        """Keep the office as it is."""
        shutil.rmtree(self.top / name, ignore_errors=True)
        for folder in (self.folder, self.home):
            shutil.copytree(folder, self.top / name / folder.name)

    def back_to(self, name: str) -> None:
        """Put the office back to a moment that was kept."""
        for folder in (self.folder, self.home):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(self.top / name / folder.name, folder)


def _plan_without_guard(run: Any, listing: Any, prune: bool, force: bool) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_run.planning, "check_prune", lambda *_: None)
        return index_run.make_plan(run, listing, prune, force)


def _mail(name: str, lines: list[str]) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = name, "a@example.org", "b@example.org"
    message.set_content(f"In allegato a {name}: {len(lines)} documenti per il bilancio di fine anno.")
    for number, line in enumerate(lines):
        message.add_attachment(f"{line} della società per l'esercizio.", filename=f"nota{number}.txt")
    message.set_boundary("=_the_same_mail_has_the_same_bytes")
    return message


def analyse(office: Office) -> None:
    """Commit results with figures for every indexed document, as a run of `financial` does."""
    rows = ledger.read(office.lake, C, ["document_id", "path", "content_hash"], {"state": ledger.INDEXED}).to_pylist()
    figure = {"item": "revenue", "period": "FY2024", "value": 1.0, "label": "Ricavi", "page": 1, "statement": "income"}
    result = {"figures": [figure], "metrics": [], "currency": "EUR"}
    outcomes = [Outcome(Work(r["document_id"], r["path"], r["content_hash"], 1, "f"), result) for r in rows]
    run = staging.Staging(office.settings)
    try:
        stem = facts.stage(run.location, "batch", outcomes, "financial", "")
        with lanes.writer_lane(office.settings, C):
            facts.commit(office.lake, C, [stem], "financial")
    finally:
        run.close()


def contents_of(name: str, data: bytes, settings: Settings) -> dict[str, tuple[str, ...]]:
    """The texts of the chunks that a file and what is attached to it should have, by content hash: without any table."""
    try:
        parsed = parse_file(data, name, settings)
    except DocumentError:
        return {}
    encoder = load_encoders(settings).of(parsed.language)
    room = min(encoder.max_tokens, CHUNK_TOKENS) - encoder.prefix_tokens
    texts = tuple(piece.text for piece in chunk(parsed, name, encoder.count_tokens, room))
    found = {hashlib.blake2b(data, digest_size=16).hexdigest(): texts}
    for item in parsed.attachments:
        found |= contents_of(item.name, item.data, settings)
    return found


# ---- what must hold --------------------------------------------------------------------------------------------------

Truth = dict[str, tuple[str, tuple[str, ...]]]


def truth(lake: Lake) -> Truth:
    """What the index holds of each document it claims: path → (content hash, texts of its chunks)."""
    rows = ledger.read(lake, C, ["document_id", "path", "content_hash"], {"state": ledger.INDEXED}).to_pylist()
    texts = _texts(lake)
    return {row["path"]: (row["content_hash"], texts.get(row["document_id"], ())) for row in rows}


def _texts(lake: Lake) -> dict[str, tuple[str, ...]]:
    columns = ["document_id", "ordinal", "text"]
    rows = chunks.CHUNKS.read(lake, C, columns).sort_by([("document_id", "ascending"), ("ordinal", "ascending")])
    found: dict[str, list[str]] = {}
    for row in rows.to_pylist():
        found.setdefault(row["document_id"], []).append(row["text"])
    return {document: tuple(texts) for document, texts in found.items()}


def disagreeing(lake: Lake, contents: dict[str, tuple[str, ...]]) -> set[str]:
    """Ids of documents whose rows are not as the ledger claims, found by looking at the texts themselves.

    Args:
        contents: texts of the chunks of each content that was ever indexed rightly, by content hash.
    """
    rows = ledger.read(lake, C, ["document_id", "state", "content_hash", "parser"]).to_pylist()
    texts = _texts(lake)
    hashes = elements.ELEMENTS.read(lake, C, ["document_id", "content_hash"]).to_pylist()
    kept = {row["document_id"]: row["content_hash"] for row in hashes}
    claimed = {row["document_id"]: row for row in rows}
    wrong = {document for document in {*texts, *kept} if document not in claimed}
    for document, row in claimed.items():
        if row["parser"] == AGAIN:
            continue  # an audit has named it already, and the next run reads it
        if row["state"] == ledger.WRITING:
            wrong.add(document)
        elif row["state"] == ledger.INDEXED:
            right = contents.get(row["content_hash"]) == texts.get(document, ())
            if not right or kept.get(document) != row["content_hash"]:
                wrong.add(document)
    return wrong | _strangers(lake, set(claimed))


def _strangers(lake: Lake, known: set[str]) -> set[str]:
    found: set[str] = set()
    for table in tables.TABLES:
        if table.name(C) in lake.names():
            found |= set(lake.read(table.name(C), ["document_id"])["document_id"].to_pylist()) - known
    return found


def derived_agree(lake: Lake) -> bool:
    """Say whether each stored analysis that counts is of the content that the ledger claims."""
    claims = {row["document_id"]: row["content_hash"] for row in ledger.read(lake, C).to_pylist()}
    facts = [fact.table for fact in tables.FACTS]
    rows = [row for table in facts for row in table.read(lake, C, ["document_id", "content_hash"]).to_pylist()]
    known = analyses.ANALYSES.read(lake, C, ["document_id"])["document_id"].to_pylist()
    return all(claims.get(row["document_id"]) == row["content_hash"] for row in rows) and set(known) <= set(claims)
