"""What a batch tells its job while it is at work: how far it is, at most twice a second."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

from infra.cluster import check_stop, tell
from tasks.index.plan import Work
from tasks.progress import Part, cost
from tasks.records import Parsed

PARSING = 0.15  # the part of a batch's time before its first chunk is encoded
REPORT_EVERY = 0.5  # s


def batch_name(batch: Sequence[Work]) -> str:
    """Name a batch: equal for equal documents, so that doing it twice stages it once."""
    ids = "".join(work.document_id for work in batch)
    return hashlib.blake2b(ids.encode(), digest_size=8).hexdigest()


def weight(batch: Sequence[Work]) -> float:
    """Weigh a batch in the work of its run."""
    return sum(cost(work.size) for work in batch)


class ProgressReporter:
    """Reports the share of a batch that is done: reading first, then encoding."""

    def __init__(self, batch: Sequence[Work]) -> None:
        self._batch, self._name = batch, batch_name(batch)
        self._weight = weight(batch)
        self._reported = time.monotonic()
        self._read, self._pages = 0.0, 0

    def parsed(self, work: Work, parsed: Parsed | None) -> None:
        """Count a document that is read; `parsed` is None when it could not be."""
        self._read += PARSING * cost(work.size) / self._weight
        self._pages += parsed.pages if parsed else 0
        self._report(self._read, 0, work.path)

    def encoded(self, share: float, chunks: int) -> None:
        """Count the share of the batch's chunks that is encoded; end the batch when its job was asked to stop."""
        check_stop()
        self._report(PARSING + (1 - PARSING) * share, chunks, self._batch[0].path)

    def _report(self, share: float, chunks: int, current: str) -> None:
        if time.monotonic() - self._reported >= REPORT_EVERY:
            self._reported = time.monotonic()
            tell(Part(self._name, share, self._pages, chunks, current))
