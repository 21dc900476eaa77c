"""A collection's last seven days as far as its ledger alone can tell, for `export --template weekly`.

The weekly report of the platform knows more (queues, schedules, cache, alerts) and fills the same record from there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from tasks.export.records import Analysed, CollectionSize, Count, Day, Entry, FailureGroup, Material, Week
from tasks.export.words import Words

EXAMPLES = 3


def weekly_figures(material: Material, words: Words) -> Week | None:
    """Return the week that ends on the day of the report; None where the ledger is empty."""
    if not material.entries:
        return None
    last = material.made_at.date()
    first = last - timedelta(days=6)
    zone = material.made_at.tzinfo
    by_day: dict[date, list[Entry]] = defaultdict(list)
    for entry in material.entries:
        if entry.indexed_at is not None:
            by_day[entry.indexed_at.astimezone(zone).date()].append(entry)
    days = [first + timedelta(days=offset) for offset in range(7)]
    indexed = [entry for entry in material.entries if entry.state == "indexed"]
    size = CollectionSize(
        material.collection, len(indexed), sum(entry.chunks for entry in indexed), sum(entry.bytes for entry in indexed)
    )
    failures = _failures(material.entries)
    return Week(
        first,
        last,
        tuple(_day(day, by_day[day]) for day in days),
        failures=failures,
        collections=(size,),
        analyses=_analyses(material.analysed),
        needs=tuple(_need(group, words) for group in failures),
        queues=None,
        alerts=None,
        notes=(words("ledger_only"),),
    )


def _day(day: date, entries: Sequence[Entry]) -> Day:
    done = [entry for entry in entries if entry.state == "indexed"]
    return Day(
        day,
        len(done),
        len(entries) - len(done),
        sum(entry.pages for entry in done),
        sum(entry.seconds for entry in entries),
    )


def _failures(entries: Sequence[Entry]) -> tuple[FailureGroup, ...]:
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.state == "quarantined":
            groups[entry.kind].append(entry)
    return tuple(
        FailureGroup(kind, len(members), members[0].message, tuple(one.path for one in members[:EXAMPLES]))
        for kind, members in groups.items()
    )


def _need(group: FailureGroup, words: Words) -> str:
    count = words.format.integer(group.count)
    return words("attention_failures", count=count, kind=words.kind(group.kind), message=group.message)


def _analyses(analysed: Sequence[Analysed]) -> tuple[Count, ...]:
    made = {
        "financial": sum(one.financial is not None for one in analysed),
        "sentiment": sum(one.sentiment is not None for one in analysed),
        "classify": sum(one.classes is not None for one in analysed),
        "comprehensive": sum(one.reading is not None for one in analysed),
    }
    return tuple(Count(name, count) for name, count in made.items() if count)
