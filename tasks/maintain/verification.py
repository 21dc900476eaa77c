"""What each drill verifies of a backup: some of its files in turn, all of them now and then; and the record of it.

Files are taken in the order of their checksums from where the drill before stopped, so that each comes in its turn however many are added
or go meanwhile. What was stored just now is verified at once. A backup that is small is verified whole, and so is one after a drill that
found something. The numbers are those of `drill` in infra/limits.yaml; the record lies as `drill.json` where the backups lie.
"""

from __future__ import annotations

import json
import logging
from bisect import bisect_right
from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from infra.backup_store import BackupStore
from infra.limits import Drill as Numbers
from tasks.maintain.manifest import Manifest

log = logging.getLogger("faldone.maintain")

RECORD = "drill.json"


@dataclass(frozen=True, slots=True)
class Record:
    """What the drills did: the last of them, and when all of a backup was verified last ("" for never)."""

    cursor: str = ""  # the last checksum that was verified in turn
    last_at: str = ""
    whole_at: str = ""
    files: int = 0  # verified by the last drill
    of_files: int = 0
    bytes: int = 0
    of_bytes: int = 0
    problem: str = ""

    @property
    def whole(self) -> datetime | None:
        """When all of a backup was verified last."""
        return datetime.fromisoformat(self.whole_at) if self.whole_at else None

    @property
    def share(self) -> float:
        """How much of a backup the last drill verified, of 1."""
        return self.bytes / self.of_bytes if self.of_bytes else 1.0

    def late(self, numbers: Numbers, now: datetime | None = None) -> bool:
        """Say whether there are drills, and all of a backup has not been verified for twice as long as it should be."""
        if not self.last_at:
            return False
        return self.whole is None or (now or datetime.now(UTC)) - self.whole > timedelta(days=2 * numbers.whole_days)


def read(store: BackupStore) -> Record:
    """Read the record; an empty one where there is none, or none that can be read: everything is then verified."""
    try:
        record = Record(**json.loads(store.read_note(RECORD)))
        record.late(Numbers(share=1, least_bytes=0, whole_days=1))  # its date can be reckoned with
        return record
    except FileNotFoundError:
        return Record()
    except (ValueError, TypeError) as error:
        log.warning("%s/%s cannot be read (%s): the next drill verifies all of a backup", store.location, RECORD, error)
        return Record()


@dataclass(frozen=True, slots=True)
class Turn:
    """The checksums that a drill verifies; `record` is what is written when it is done."""

    blobs: Set[str]
    record: Record
    whole: bool


def turn(record: Record, made: Manifest, fresh: Set[str], numbers: Numbers, now: datetime | None = None) -> Turn:
    """Choose what is verified of a backup.

    Args:
        fresh: checksums of what was stored by this backup.
    """
    now = now or datetime.now(UTC)
    sizes = {file.sha256: file.size for file in made.files}
    total = sum(sizes.values())
    # a date in the future is of a clock that was wrong
    due = record.whole is None or not timedelta() <= now - record.whole < timedelta(days=numbers.whole_days)
    whole = due or bool(record.problem) or total <= numbers.least_bytes
    at, cursor = now.isoformat(timespec="seconds"), record.cursor
    chosen: set[str] = set(sizes)
    if not whole:
        inturn = _after(cursor, sizes, max(numbers.least_bytes, numbers.share * total))
        chosen, cursor = {*inturn, *(fresh & set(sizes))}, inturn[-1]
    done = replace(
        record,
        cursor=cursor,
        last_at=at,
        whole_at=at if whole else record.whole_at,
        files=len(chosen),
        of_files=len(sizes),
        bytes=sum(sizes[blob] for blob in chosen),
        of_bytes=total,
        problem="",
    )
    return Turn(chosen, done, whole)


def _after(cursor: str, sizes: Mapping[str, int], budget: float) -> list[str]:
    """Return the checksums that follow the cursor, round the end to the beginning, until they have so many bytes."""
    order = sorted(sizes)
    start = bisect_right(order, cursor)
    taken: list[str] = []
    for blob in [*order[start:], *order[:start]]:
        taken.append(blob)
        budget -= sizes[blob]
        if budget <= 0:
            break
    return taken


def write(store: BackupStore, done: Turn, problem: str) -> None:
    """Keep what a drill did; after one that found something the next verifies all, and none counts as whole till then."""
    record = replace(done.record, problem=problem, whole_at="") if problem else done.record
    store.write_note(RECORD, json.dumps(asdict(record)).encode())
