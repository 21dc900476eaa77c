"""Documents on their way through a batch: read → parse → chunk. Each step gives a draft a part, or an error that stays with it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from infra import files
from infra.cluster import check_stop, in_worker
from infra.encoder import Encoder
from infra.encoders import Encoders
from infra.errors import DocumentError, FailureKind
from infra.lake import Lake
from infra.lake_filters import Filter
from infra.settings import Settings
from tasks.collection import ledger
from tasks.collection.elements import ELEMENTS, parsed_by_id
from tasks.index.chunk import chunk
from tasks.index.fingerprints import CHUNK_TOKENS, Pipeline
from tasks.index.parse import ParseRequest, parser_pool
from tasks.index.plan import Work
from tasks.index.reporter import ProgressReporter
from tasks.records import ATTACHMENT, Attachment, Chunk, Parsed, attachment_id

DEPTH = 8  # containers within containers: a signed file in a mail in a certified mail in an archive is four


@dataclass(slots=True)
class Draft:
    """A document on its way through the batch: it gains a part at each step, or an error."""

    work: Work
    parent: str = ""
    content_hash: str = ""
    data: bytes | None = None
    local: Path | None = None
    parsed: Parsed | None = None
    chunks: list[Chunk] = field(default_factory=list)
    error: DocumentError | None = None
    same: bool = False
    known: Mapping[str, str] = field(default_factory=dict)  # what its container says of it
    top: str = ""  # id of the file in which it lies


# ---- read ------------------------------------------------------------------------------------------------------------


def read(batch: Sequence[Work], scratch: Path, pipeline: Pipeline) -> list[Draft]:
    drafts = []
    for work in batch:
        draft = Draft(work)
        try:
            _read_one(draft, scratch, pipeline.settings.limits.file_size)
        except DocumentError as error:
            draft.error = error
        drafts.append(draft)
    return drafts


def _read_one(draft: Draft, scratch: Path, most: int) -> None:
    work = draft.work
    if work.size > most:
        raise DocumentError(
            FailureKind.TOO_LARGE,
            f"{work.size:,} bytes, and the limit FALDONE_LIMITS__FILE_SIZE is {most:,}",
            "discover",
        )
    draft.local = files.fetch(work.path, scratch, most)
    try:
        with draft.local.open("rb") as file:
            draft.content_hash = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except FileNotFoundError:
        raise DocumentError(FailureKind.NOT_FOUND, "the file went away before it was read", "discover") from None
    except OSError as error:
        raise DocumentError(FailureKind.PERMISSION, f"cannot be read: {error.strerror}", "discover") from error
    draft.same = work.action == "check" and draft.content_hash == work.known_hash


def take_known_elements(drafts: Iterable[Draft], lake: Lake, pipeline: Pipeline) -> None:
    """Take the elements from the lake where file and parser did not change; a document that is not there is parsed again."""
    wanted = [
        d for d in drafts if d.work.action == "rechunk" and d.error is None and d.content_hash == d.work.known_hash
    ]
    if not wanted or not ELEMENTS.exists(lake, pipeline.collection):
        return
    found = parsed_by_id(lake, pipeline.collection, [d.work.document_id for d in wanted])
    for draft in wanted:
        draft.parsed = found.get(draft.work.document_id)


# ---- parse -----------------------------------------------------------------------------------------------------------


def parse(drafts: Sequence[Draft], pipeline: Pipeline, reporter: ProgressReporter) -> list[Draft]:
    """Parse what is not parsed yet; the attachments found on the way are new drafts, and are returned."""
    found: list[Draft] = []
    level = [d for d in drafts if d.parsed is None and d.error is None and not d.same]
    room: Counter[str] = Counter()  # documents within each outermost one so far
    for depth in range(DEPTH + 1):
        _parse_level(level, pipeline.settings, None if found else reporter)
        most = pipeline.settings.limits.members if depth < DEPTH else 0
        level = [a for d in level if d.parsed for a in _attachments(d, room, most)]
        found += level
        if not level:
            break
    return found


def known_before(attachments: list[Draft], lake: Lake, pipeline: Pipeline) -> list[Draft]:
    """Give attachments their rows of the ledger; the plan has those of files only."""
    columns = ["document_id", "content_hash", "encoder", "attempts"]
    where: Filter = {"document_id": [draft.work.document_id for draft in attachments], "state": ledger.INDEXED}
    rows = ledger.read(lake, pipeline.collection, columns, where).to_pylist() if attachments else []
    known = {row["document_id"]: row for row in rows}
    for draft in attachments:
        if row := known.get(draft.work.document_id):
            draft.work = replace(
                draft.work,
                known_hash=row["content_hash"] or "",
                known_encoder=row["encoder"] or "",
                attempts=row["attempts"] or 0,
            )
    return attachments


def _parse_level(drafts: Sequence[Draft], settings: Settings, reporter: ProgressReporter | None) -> None:
    jobs = [ParseRequest(_file_name(d.work.path), d.local, d.data) for d in drafts]
    by_job = {id(job): draft for job, draft in zip(jobs, drafts, strict=True)}  # equal files are documents each
    pool = parser_pool(settings, workers=1 if in_worker() else None)
    for job, outcome in pool.parse(jobs):
        check_stop()
        draft = by_job[id(job)]
        draft.data = None
        if isinstance(outcome, DocumentError):
            draft.error = outcome
        else:
            draft.parsed = replace(outcome, metadata={**draft.known, **outcome.metadata})
        if reporter is not None:
            reporter.parsed(draft.work, draft.parsed)


def _file_name(path: str) -> str:
    return path.rsplit(ATTACHMENT, 1)[-1].rsplit("/", 1)[-1]


def _attachments(container: Draft, room: Counter[str], most: int) -> list[Draft]:
    """Return drafts of the files within a document; what is too many or too deep is left out with a warning."""
    parsed = container.parsed
    assert parsed is not None
    top = container.top or container.work.document_id
    kept = parsed.attachments[: max(0, most - room[top])]
    room[top] += len(kept)
    if cut := len(parsed.attachments) - len(kept):
        reason = f"more than {most:,} in one file (limits.members)" if most else f"nested deeper than {DEPTH}"
        words = f"{cut:,} of {len(parsed.attachments):,} files within were left out: {reason}"
        container.parsed = replace(parsed, warnings=(*parsed.warnings, words))
    taken: set[str] = set()
    return [_attachment(container, item, _free_name(item.name, taken), top) for item in kept]


def _free_name(name: str, taken: set[str]) -> str:
    """Return a name that no other attachment of the container has: two of one name are two documents."""
    pieces = name.replace("\\", "/").split("/")
    plain = "/".join(piece for piece in pieces if piece not in {"", ".", ".."}) or "attachment"
    free, number = plain, 1
    while free in taken:
        number += 1
        free = f"{number}-{plain}"
    taken.add(free)
    return free


def _attachment(container: Draft, item: Attachment, name: str, top: str) -> Draft:
    parent = container.work.document_id
    path = f"{container.work.path}{ATTACHMENT}{name}"
    work = Work(attachment_id(parent, name), path, len(item.data), container.work.stamp, "parse")
    digest = hashlib.blake2b(item.data, digest_size=16).hexdigest()
    return Draft(work, parent, digest, item.data, known=item.metadata, top=top)


# ---- chunk ----------------------------------------------------------------------------------------------------------


def cut(parsed: Parsed, path: str, encoder: Encoder) -> list[Chunk]:
    """Cut a document into chunks that an encoder reads whole."""
    room = min(encoder.max_tokens, CHUNK_TOKENS) - encoder.prefix_tokens
    return chunk(parsed, path, encoder.count_tokens, room)


def chunk_all(drafts: Iterable[Draft], encoders: Encoders) -> None:
    for draft in drafts:
        if draft.error is not None or draft.same:
            continue
        if draft.parsed is None:  # neither text nor a reason: never indexed as if it were empty
            draft.error = DocumentError(FailureKind.INTERNAL, "its reader gave no answer", "parse")
            continue
        draft.chunks = cut(draft.parsed, draft.work.path, encoders.of(draft.parsed.language))
        if not draft.chunks and draft.parsed.elements and not draft.parsed.attachments:
            draft.error = DocumentError(FailureKind.NO_TEXT, "no text was found in it", "chunk")
