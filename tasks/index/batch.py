"""Steps 3 to 5 for a batch of documents, on a worker: read → parse → chunk → embed → stage.

A failure stays with its document and becomes a ledger row in quarantine. What leaves this function is a receipt of counts and the
stem of its staged files: no document's text ever travels back to the flow.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from infra.cache import Cache
from infra.encoders import Encoders, load_encoders
from infra.lake import Lake
from infra.settings import load
from tasks.collection import chunks, ledger
from tasks.collection.chunks import CHUNKS, EncoderMark
from tasks.collection.commit import Staged
from tasks.collection.elements import ELEMENTS
from tasks.collection.ledger import LEDGER
from tasks.collection.papers import paper_rows
from tasks.collection.staging import stage
from tasks.index.drafts import Draft, chunk_all, known_before, parse, read, take_known_elements
from tasks.index.embed import Embedded, embed
from tasks.index.fingerprints import Pipeline
from tasks.index.plan import Work
from tasks.index.reporter import ProgressReporter, batch_name
from tasks.index.rows import Receipt, element_row, judged, ledger_row, receipt_of, restamped, stays
from tasks.office.rows import Paper

_ENCODING = threading.Lock()
"""One batch of a process encodes, and the other is read or stored meanwhile. Taking turns at each forward pass, both would be encoded at
once and then both be read at once, while the encoder stands still."""


def process(batch: Sequence[Work], pipeline: Pipeline) -> Receipt:
    """Process a batch of documents and stage the result.

    Returns:
        Counts of what was done, failures, and where it is staged. `documents` counts attachments too.
    """
    started = time.monotonic()
    lake = Lake(pipeline.settings.root)
    reporter = ProgressReporter(batch)
    with tempfile.TemporaryDirectory(prefix="faldone-", dir=pipeline.scratch) as scratch:
        drafts = read(batch, Path(scratch), pipeline)
        take_known_elements(drafts, lake, pipeline)
        drafts += known_before(parse(drafts, pipeline, reporter), lake, pipeline)
    encoders = load_encoders(pipeline.settings)
    chunk_all(drafts, encoders)
    good = [d for d in drafts if d.parsed is not None and d.error is None]
    embedded = _embed(good, lake, pipeline, encoders, reporter)
    staged = _stage(drafts, embedded, encoders, lake, pipeline, time.monotonic() - started, batch_name(batch))
    return receipt_of(drafts, embedded.encoded, staged)


def _embed(
    good: Sequence[Draft], lake: Lake, pipeline: Pipeline, encoders: Encoders, reporter: ProgressReporter
) -> Embedded:
    pieces = [piece for draft in good for piece in draft.chunks]
    readers = [encoders.of(draft.parsed.language) for draft in good if draft.parsed for _ in draft.chunks]
    before = [d.work.document_id for d in good if d.work.known_hash]
    # a file that moved, or lies there twice: the same bytes under another path
    twins = ledger.with_content(lake, pipeline.collection, [d.content_hash for d in good if not d.work.known_hash])
    known = chunks.vectors_of(lake, pipeline.collection, [*before, *twins])
    with _ENCODING:
        return embed(pieces, readers, known, shared_cache(), reporter.encoded)


def _stage(
    drafts: Sequence[Draft],
    embedded: Embedded,
    encoders: Encoders,
    lake: Lake,
    pipeline: Pipeline,
    seconds: float,
    name: str,
) -> Staged:
    good = [d for d in drafts if d.parsed is not None and d.error is None]
    rows = [
        row
        for d in good
        if d.parsed
        for row in chunks.chunk_rows(
            d.work.document_id,
            d.work.path,
            d.content_hash,
            d.parsed,
            d.chunks,
            encoders.of(d.parsed.language).fingerprint,
        )
    ]
    within = Counter(d.parent for d in drafts)
    entries = [
        *restamped(drafts),
        *(ledger_row(d, pipeline, seconds / len(drafts), within[d.work.document_id]) for d in drafts if judged(d)),
    ]
    parts = {
        ELEMENTS: ELEMENTS.rows([element_row(d) for d in good]),
        CHUNKS: chunks.chunk_table(rows, embedded.vectors, EncoderMark.of(encoders)),
        LEDGER: LEDGER.rows(entries),
    }
    papers = paper_rows(
        (Paper(d.work.document_id, d.work.path, d.content_hash), d.parsed) for d in good if d.parsed is not None
    )
    stem = stage(pipeline.staging, name, {**parts, **papers})
    kept = tuple(d.work.document_id for d in drafts if stays(d))
    return Staged(stem, len(entries), kept, tuple(table.kind for table in papers))


@lru_cache(maxsize=2)
def _cache_at(url: str) -> Cache:
    return Cache(url)


def shared_cache() -> Cache | None:
    """Open the shared cache, by this process's own environment: its address is a secret that does not travel with the batch."""
    url = load().redis_url
    return _cache_at(url.get_secret_value()) if url is not None else None
