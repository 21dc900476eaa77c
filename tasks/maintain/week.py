"""The week of a platform, for the weekly report: from the ledgers, the Prefect API, the backups and the disk; nothing
is remembered here.

What cannot be known is left out and said in `notes`: without an API there are no queues and schedules, without a
backup of the week before no growth. Days are those of the reporting zone.
"""

from __future__ import annotations

import json
import shutil
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from infra.backup_store import BackupStore
from infra.cache import Cache
from infra.errors import FaldoneError, first_line
from infra.lake import Lake
from infra.prefect_api import Api
from infra.settings import Settings
from tasks import vitals
from tasks.classifiers import registry
from tasks.collection import catalogue, ledger, tables
from tasks.collection.analyses import ANALYSES, OK
from tasks.collection.chunks import CHUNKS
from tasks.export.records import Alert, CollectionSize, Count, Day, FailureGroup, Queue, Schedule, Week
from tasks.export.text import name as file_name
from tasks.export.words import Words
from tasks.maintain import stored_backups as backups
from tasks.maintain.manifest import Manifest

ZONE = "Europe/Rome"
STARTING = timedelta(minutes=10)  # a run due since less than this may still be at work
EXAMPLES = 3  # of each kind of failure
PERSON = ("encrypted", "missing_program", "permission", "too_large", "memory", "timeout", "crash")
"""Failures that pass only when a person does something."""


@dataclass(frozen=True, slots=True)
class Span:
    """The days from `first` to `last`, both included, and the instants where they begin and end."""

    first: date
    last: date
    begin: datetime
    end: datetime


@dataclass(slots=True)
class _Notes:
    """What the report says beside its numbers, in the reader's language."""

    words: Words = field(default_factory=lambda: Words("en"))
    notes: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)

    def note(self, key: str, **values: str) -> None:
        """Add a remark."""
        self.notes.append(self.words(key, **values))

    def need(self, key: str, **values: str) -> None:
        """Add something that a person is to do."""
        self.needs.append(self.words(key, **values))


def span(ending: date | None = None, zone: str = ZONE) -> Span:
    """The seven days that end with `ending`; by default with today, and on a Monday with Sunday: a whole week."""
    where = ZoneInfo(zone)
    today = datetime.now(where).date()
    last = ending or (today - timedelta(days=1) if today.weekday() == 0 else today)
    first = last - timedelta(days=6)
    begin = datetime.combine(first, time(), where)
    return Span(first, last, begin, datetime.combine(last + timedelta(days=1), time(), where))


def gather(settings: Settings, api: Api | None = None, ending: date | None = None, language: str = "en") -> Week:
    """Everything that the weekly report shows.

    Args:
        api: Prefect's API, where one answers.
        ending: the last day; by default as `span` says.
        language: of its sentences.
    """
    week, said, lake = span(ending), _Notes(Words(language)), Lake(settings.root)
    entries = _entries(lake)
    runs, expected = _runs(api, week, said)
    hits, misses = _cache(settings, said)
    return Week(
        first=week.first,
        last=week.last,
        days=_days(entries, week),
        failures=_failures(entries, week, said),
        queues=_queues(runs),
        schedules=_schedules(runs, said, expected),
        collections=_collections(settings, lake, week, said),
        analyses=_analyses(lake, week, said),
        models=_models(settings, week),
        alerts=_alerts(settings, week),
        needs=(*said.needs, *_open_needs(settings, entries, said.words)),
        cache_hits=hits,
        cache_misses=misses,
        disk_free=shutil.disk_usage(settings.scratch).free if settings.scratch.exists() else None,
        indexed_before=_indexed(entries, week.begin - timedelta(days=7), week.begin),
        notes=tuple(said.notes),
    )


# ---- the ledger ------------------------------------------------------------------------------------------------------


def _entries(lake: Lake) -> pl.DataFrame:
    """Every ledger, with the collection's name."""
    columns = ["path", "state", "kind", "message", "pages", "seconds", "indexed_at"]
    frames = [
        pl.DataFrame(ledger.read(lake, name, columns)).with_columns(collection=pl.lit(name))
        for name in ledger.collections(lake)
    ]
    empty = pl.DataFrame(ledger.SCHEMA.empty_table().select(columns)).with_columns(collection=pl.lit(""))
    return pl.concat([empty, *frames])


def _within(entries: pl.DataFrame, begin: datetime, end: datetime) -> pl.DataFrame:
    return entries.filter(pl.col("indexed_at").is_between(begin.astimezone(UTC), end.astimezone(UTC), closed="left"))


def _indexed(entries: pl.DataFrame, begin: datetime, end: datetime) -> int:
    return _within(entries, begin, end).filter(pl.col("state") == ledger.INDEXED).height


def _days(entries: pl.DataFrame, week: Span) -> tuple[Day, ...]:
    days = []
    for number in range(7):
        day = week.first + timedelta(days=number)
        begin = datetime.combine(day, time(), week.begin.tzinfo)
        part = _within(entries, begin, datetime.combine(day + timedelta(days=1), time(), week.begin.tzinfo))
        indexed = part.filter(pl.col("state") == ledger.INDEXED)
        days.append(
            Day(
                day,
                indexed.height,
                part.height - indexed.height,
                int(part["pages"].sum()),
                float(part["seconds"].sum()),
            )
        )
    return tuple(days)


def _failures(entries: pl.DataFrame, week: Span, said: _Notes) -> tuple[FailureGroup, ...]:
    failed = _within(entries, week.begin, week.end).filter(pl.col("state") == ledger.QUARANTINED)
    groups = (
        failed.group_by("kind")
        .agg(pl.len(), pl.col("message").first(), pl.col("path").sort().head(EXAMPLES))
        .sort("len", "kind", descending=[True, False])
    )
    return tuple(FailureGroup(kind, count, message, tuple(paths)) for kind, count, message, paths in groups.iter_rows())


def _open_needs(settings: Settings, entries: pl.DataFrame, words: Words) -> list[str]:
    """What lies in quarantine until somebody acts, and a backup that is missing."""
    stuck = entries.filter((pl.col("state") == ledger.QUARANTINED) & pl.col("kind").is_in(PERSON))
    groups = stuck.group_by("kind", "message").agg(pl.len(), pl.col("path").sort().head(EXAMPLES))
    needs = [
        words("need_document", count=f"{count}", kind=words.kind(kind), names=_names(count, paths), message=message)
        for kind, message, count, paths in groups.sort("len", "path", descending=[True, False]).head(6).iter_rows()
    ]
    there = BackupStore(backups.destination(settings)).backups()
    if entries.height and not there:
        needs.append(words("need_backup"))
    elif there and datetime.now(UTC) - backups.when(there[-1]) > timedelta(days=2):
        needs.append(words("need_new_backup", date=words.format.date(backups.when(there[-1]))))
    return needs


def _names(count: int, paths: Sequence[str]) -> str:
    """Some documents by their file names."""
    return ", ".join(file_name(path) for path in paths) + (" …" if count > len(paths) else "")


# ---- Prefect ---------------------------------------------------------------------------------------------------------


def _runs(api: Api | None, week: Span, said: _Notes) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Runs of deployments that were due in the week, each with `deployment` as FLOW/NAME, and how often each schedule should have
    ticked; nothing without an API.
    """
    if api is None:
        said.note("note_no_api")
        return [], {}
    # what is due later cannot have been done, and what is due at the week's very end belongs to the next
    over = min(week.end - timedelta(microseconds=1), datetime.now(week.end.tzinfo) - STARTING)
    try:
        deployments = {row["id"]: row | {"name": f"{row['flow_name']}/{row['name']}"} for row in api.deployments()}
        rows = [row for row in api.runs(week.begin, over) if row["deployment_id"] in deployments]
        due = over + timedelta(microseconds=1)
        active = [row for row in deployments.values() if vitals.active(row)]
        expected = {row["name"]: vitals.expected(row, week.begin, due) for row in active}
    except FaldoneError as error:
        said.note("note_api_away", why=first_line(error))
        return [], {}
    return [row | {"deployment": deployments[row["deployment_id"]]["name"]} for row in rows], expected


def _queues(runs: Iterable[Mapping[str, Any]]) -> tuple[Queue, ...]:
    by_queue: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for run in runs:
        if run.get("start_time"):
            by_queue[run.get("work_queue_name") or "default"].append(run)
    return tuple(_queue(name, rows) for name, rows in sorted(by_queue.items()))


def _queue(name: str, runs: Sequence[Mapping[str, Any]]) -> Queue:
    waits = [vitals.late(run) for run in runs]
    return Queue(name, len(runs), statistics.median(waits), max(waits), sum(_failed(run) for run in runs))


def _failed(run: Mapping[str, Any]) -> bool:
    return run.get("state_type") in {"FAILED", "CRASHED"}


def _schedules(runs: Iterable[Mapping[str, Any]], said: _Notes, expected: Mapping[str, int]) -> tuple[Schedule, ...]:
    by_name: dict[str, list[Mapping[str, Any]]] = {name: [] for name, ticks in expected.items() if ticks}
    for run in runs:
        if run.get("auto_scheduled"):
            by_name.setdefault(run["deployment"], []).append(run)
    found = tuple(_schedule(name, rows, expected.get(name, 0)) for name, rows in sorted(by_name.items()))
    for one in found:
        if one.failed or one.completed < one.expected:
            said.need(
                "need_schedule",
                name=one.name,
                done=f"{one.completed}",
                expected=f"{one.expected}",
                failed=f"{one.failed}",
            )
    return found


def _schedule(name: str, runs: Sequence[Mapping[str, Any]], expected: int) -> Schedule:
    done = [run for run in runs if run.get("state_type") == "COMPLETED"]
    ends = [end.astimezone(ZoneInfo(ZONE)) for run in done if (end := vitals.moment(run.get("end_time")))]
    return Schedule(
        name,
        max(expected, len(runs)),
        len(done),
        sum(_failed(run) for run in runs),
        max((vitals.late(run) for run in runs if run.get("start_time")), default=0.0),
        max(ends, default=None),
    )


# ---- storage and what was made ---------------------------------------------------------------------------------------


def _collections(settings: Settings, lake: Lake, week: Span, said: _Notes) -> tuple[CollectionSize, ...]:
    before = _backup_before(settings, week.begin)
    rows = catalogue.collections(lake)
    if before is None and rows:
        said.note("note_growth")
    chunks, sizes = _sizes(before) if before else ({}, {})
    return tuple(
        CollectionSize(
            row["collection"],
            row["documents"],
            row["chunks"],
            row["bytes"],
            chunks.get(row["collection"]),
            sizes.get(row["collection"]),
        )
        for row in rows
    )


def _backup_before(settings: Settings, begin: datetime) -> Manifest | None:
    """The manifest of the last backup from before the week."""
    store = BackupStore(backups.destination(settings))
    for name in reversed(store.backups()):
        if backups.when(name) < begin:
            try:
                return backups.read(store, name)
            except FaldoneError:
                continue  # a damaged backup is the drill's and restore's to tell
    return None


def _sizes(manifest: Manifest) -> tuple[dict[str, int], dict[str, int]]:
    """Chunks and bytes by collection as a backup has them."""
    pins = [pin for pin in manifest.tables if tables.kind_of(pin.name) == CHUNKS.kind]
    chunks = {tables.collection_of(pin.name): pin.rows for pin in pins}
    sizes: dict[str, int] = defaultdict(int)
    for file in manifest.files:
        if file.path.startswith("lake/"):
            sizes[file.path.split("/")[1].split(".")[0]] += file.size
    return chunks, dict(sizes)


def _analyses(lake: Lake, week: Span, said: _Notes) -> tuple[Count, ...]:
    counts: dict[str, int] = defaultdict(int)
    failed: dict[str, int] = defaultdict(int)
    for name in tables.collections(lake):
        rows = pl.DataFrame(ANALYSES.read(lake, name, ["type", "status", "created_at"]))
        made = rows.filter(
            pl.col("created_at").is_between(week.begin.astimezone(UTC), week.end.astimezone(UTC), closed="left")
        )
        for kind, status in made.select("type", "status").iter_rows():
            counts[kind] += 1
            failed[kind] += status != OK
    return tuple(
        Count(kind, counts[kind], said.words("some_failed", count=f"{failed[kind]}") if failed[kind] else "")
        for kind in sorted(counts)
    )


def _models(settings: Settings, week: Span) -> tuple[Count, ...]:
    made: dict[str, list[registry.ModelVersion]] = defaultdict(list)
    for version in registry.versions(settings):
        created = datetime.fromisoformat(version.created_at)
        created = created if created.tzinfo else created.replace(tzinfo=UTC)
        if week.begin <= created < week.end:
            made[version.name].append(version)
    return tuple(Count(name, len(versions), _best(versions)) for name, versions in sorted(made.items()))


def _best(versions: Sequence[registry.ModelVersion]) -> str:
    scores = [version.metrics["f1_macro"] for version in versions if "f1_macro" in version.metrics]
    return f"F1 {max(scores):.3f}" if scores else ""


# ---- cache and alerts ------------------------------------------------------------------------------------------------


def _cache(settings: Settings, said: _Notes) -> tuple[int | None, int | None]:
    """Redis's own hits and misses, which it counts from its start."""
    if settings.redis_url is None:
        return None, None
    try:
        counts = Cache(settings.redis_url.get_secret_value()).counts()
    except FaldoneError as error:
        said.need("need_redis", why=first_line(error))
        return None, None
    said.note("note_cache")
    return counts["keyspace_hits"], counts["keyspace_misses"]


def alerts_file(settings: Settings) -> Path:
    """Where the alerts that were raised are written, a JSON object a line: `time`, `what`, `subject`, `text`."""
    return settings.scratch / "platform" / "alerts.jsonl"


def _alerts(settings: Settings, week: Span) -> tuple[Alert, ...]:
    path = alerts_file(settings)
    if not path.is_file():
        return ()
    found = (_alert(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return tuple(alert for alert in found if alert is not None and week.begin <= alert.at < week.end)


def _alert(row: Mapping[str, Any]) -> Alert | None:
    if row["what"] != "raised":
        return None
    return Alert(
        datetime.fromisoformat(row["time"]).astimezone(ZoneInfo(ZONE)),
        str(row.get("subject", "")),
        str(row.get("text", "")),
    )


def letter(week: Week, language: str) -> tuple[str, str]:
    """Subject and text of the mail that carries the report."""
    indexed, failed = sum(day.indexed for day in week.days), sum(group.count for group in week.failures)
    if language == "it":
        subject = f"Faldone: settimana {week.first:%d/%m/%Y}–{week.last:%d/%m/%Y}"
        lines = [f"Documenti indicizzati: {indexed}", f"Documenti non letti: {failed}"]
        lines += ["", "Serve una persona per:"] if week.needs else ["", "Nulla richiede una persona."]
    else:
        subject = f"Faldone: week {week.first:%d %b %Y} – {week.last:%d %b %Y}"
        lines = [f"Documents indexed: {indexed}", f"Documents not read: {failed}"]
        lines += ["", "Needs a person:"] if week.needs else ["", "Nothing needs a person."]
    return subject, "\n".join([*lines, *(f"- {need}" for need in week.needs)]) + "\n"
