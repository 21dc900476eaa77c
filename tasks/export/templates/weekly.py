"""Template `weekly`: the platform's week, for the person who answers for it.

It begins with what needs a person, because that is what the report is opened for; then work, failures, queues,
schedules, storage, what was made, alerts. What was not measured is said to be unknown, never shown as zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from reportlab.graphics.shapes import Drawing
from reportlab.platypus import Flowable

from tasks.export import style
from tasks.export.charts import Chart, Series, beside, columns, half, lines
from tasks.export.layout import Heading, Prose, Space, Tile, Tiles, bullets
from tasks.export.parts import framed, nothing
from tasks.export.records import Count, Day, Intake, Material, Schedule, Week, bare
from tasks.export.report import Report
from tasks.export.table import Cell, Column, Row, Table
from tasks.export.text import name
from tasks.export.words import Words

NAME = "weekly"
DESCRIPTION = "the platform's week: work, failures, queues, schedules, storage, alerts, what needs a person"
INTAKE = Intake(lean=bare)

Story = list[Flowable]


def compose(material: Material, words: Words) -> Report:
    """Return the story of `material.week`."""
    title, week = words("weekly_title"), material.week
    if week is None:
        return framed(title, words.format.date(material.made_at), material, nothing(words, "no_week"), words)
    span = words("week_of", first=words.format.date(week.first), last=words.format.date(week.last))
    story: Story = [
        Tiles(_tiles(week, words)),
        *_needs(week, words),
        *_work(week, words),
        *_failures(week, words),
        *_queues(week, words),
        *_schedules(week, words),
        *_sources(week, words),
        *_storage(week, words),
        *_made(week, words),
        *_alerts(week, words),
    ]
    if week.notes:
        story += [Heading(words("notes"), 2), *bullets(week.notes, style.SMALL)]
    return framed(title, span, material, story, words)


def _tiles(week: Week, words: Words) -> list[Tile]:
    show = words.format
    indexed, failed = sum(day.indexed for day in week.days), sum(group.count for group in week.failures)
    before = "" if week.indexed_before is None else words("week_before", value=show.integer(week.indexed_before))
    expected = sum(one.expected for one in week.schedules)
    done = sum(min(one.completed, one.expected) for one in week.schedules)
    rate, note = _cache(week, words)
    return [
        Tile(show.integer(indexed), words("docs_indexed"), before),
        Tile(show.integer(failed), words("docs_failed"), "", "poor" if failed else "good"),
        Tile(
            show.percent(100 * done / expected, int(done < expected)) if expected else "–",
            words("punctuality"),
            words("of_total", total=show.integer(expected)) if expected else words("no_data"),
            ("good" if done >= expected else "fair") if expected else "",
        ),
        Tile(rate, words("cache_rate"), note),
    ]


def _cache(week: Week, words: Words) -> tuple[str, str]:
    if week.cache_hits is None or week.cache_misses is None or week.cache_hits + week.cache_misses == 0:
        return "–", words("no_data")
    total = week.cache_hits + week.cache_misses
    note = words("cache_note", hits=words.format.integer(week.cache_hits), total=words.format.integer(total))
    return words.format.percent(100 * week.cache_hits / total), note


def _needs(week: Week, words: Words) -> Story:
    head = Heading(words("needs_person"), 2)
    if not week.needs:
        return [head, Prose(words("nothing_person"))]
    return [head, Table([Column("")], [Row((Cell(need, mark="poor"),)) for need in week.needs], most=4)]


def _work(week: Week, words: Words) -> Story:
    story: Story = [Heading(words("work"), 2)]
    if not any(day.indexed or day.quarantined for day in week.days):
        return [*story, Prose(words("no_runs"))]
    width, show = half(style.WIDTH), words.format
    days = [show.day(day.day) for day in week.days]
    series = [
        Series(words("docs_indexed"), [float(day.indexed) for day in week.days]),
        Series(words("docs_failed"), [float(day.quarantined) for day in week.days], style.POOR),
    ]
    made = columns(Chart(words("chart_days"), days, series, style.WIDTH, show.integer, 130), stacked=True)
    trends = (
        None
        if sum(day.seconds > 0 for day in week.days) < 2
        else beside(
            _trend("chart_throughput", week, width, words), _trend("chart_duration", week, width, words), style.WIDTH
        )
    )
    for chart in (made, trends):
        if chart is not None:
            story += [chart, Space(10)]
    heads = [
        Column(words("day"), least=80),
        *(Column(words(key), "number") for key in ("docs_indexed", "docs_failed", "pages", "time_spent")),
    ]
    rows = [
        Row(
            (
                show.day(day.day),
                show.integer(day.indexed),
                show.integer(day.quarantined),
                show.integer(day.pages),
                show.duration(day.seconds) if day.seconds else "–",
            )
        )
        for day in week.days
    ]
    total = Row(
        (
            words("total"),
            show.integer(sum(day.indexed for day in week.days)),
            show.integer(sum(day.quarantined for day in week.days)),
            show.integer(sum(day.pages for day in week.days)),
            show.duration(sum(day.seconds for day in week.days)),
        ),
        strong=True,
    )
    return [*story, Table(heads, [*rows, total])]


def _trend(key: str, week: Week, width: float, words: Words) -> Drawing | None:
    values = [_pace(day) if key == "chart_throughput" else _duration(day) for day in week.days]
    days = [words.format.day(day.day) for day in week.days]
    tick = partial(words.format.decimal, places=1)
    return lines(Chart(words(key), days, [Series("", values)], width, tick, 120), zero=True)


def _pace(day: Day) -> float | None:
    return day.pages / day.seconds if day.seconds > 0 else None


def _duration(day: Day) -> float | None:
    done = day.indexed + day.quarantined
    return day.seconds / done if done and day.seconds > 0 else None


def _failures(week: Week, words: Words) -> Story:
    story: Story = [Heading(words("failures_by_kind"), 2)]
    if not week.failures:
        return [*story, Prose(words("no_failures_week"))]
    heads = [
        Column(words("kind"), least=70),
        Column(words("count"), "number"),
        Column(words("message"), least=140),
        Column(words("examples"), least=120),
    ]
    rows = [
        Row(
            (
                words.kind(group.kind),
                words.format.integer(group.count),
                group.message,
                ", ".join(name(path) for path in group.examples),
            )
        )
        for group in sorted(week.failures, key=lambda group: -group.count)
    ]
    return [*story, Table(heads, rows, most=4)]


def _queues(week: Week, words: Words) -> Story:
    story: Story = [Heading(words("queues"), 2)]
    if not week.queues:
        return [*story, Prose(words("no_data" if week.queues is None else "no_runs"))]
    heads = [
        Column(words("queue"), least=90),
        *(Column(words(key), "number") for key in ("runs", "median_wait", "longest_wait", "failed")),
    ]
    show = words.format
    rows = [
        Row(
            (
                one.name,
                show.integer(one.runs),
                show.duration(one.median_wait),
                show.duration(one.longest_wait),
                show.integer(one.failed),
            )
        )
        for one in week.queues
    ]
    return [*story, Table(heads, rows, most=2)]


def _schedules(week: Week, words: Words) -> Story:
    story: Story = [Heading(words("schedules"), 2)]
    if not week.schedules:
        return [*story, Prose(words("no_data"))]
    heads = [
        Column(words("schedule"), least=100),
        *(Column(words(key), "number") for key in ("expected", "completed", "failed", "latest_start", "last_success")),
        Column(words("assessment"), least=60),
    ]
    return [*story, Table(heads, [_schedule(one, words) for one in week.schedules], most=2)]


def _schedule(one: Schedule, words: Words) -> Row:
    light = "good" if one.completed >= one.expected and not one.failed else "poor" if one.completed == 0 else "fair"
    show = words.format
    return Row(
        (
            one.name,
            show.integer(one.expected),
            show.integer(one.completed),
            show.integer(one.failed),
            show.duration(one.latest),
            show.moment(one.last_success),
            Cell(words(f"schedule_{light}"), mark=light),
        )
    )


def _sources(week: Week, words: Words) -> Story:
    """Show saved sources with their last result and next run; nothing where none is saved."""
    if not week.sources:
        return []
    heads = [
        Column(words("source"), least=90),
        Column(words("collection"), least=70),
        Column(words("source_last"), "number"),
        Column(words("assessment"), least=60),
        Column(words("message"), least=120),
        Column(words("source_next"), "number"),
    ]
    lights = {"completed": "good", "failed": "poor"}
    rows = [
        Row(
            (
                one.name,
                one.collection,
                words.format.moment(one.last),
                Cell(words(f"source_{one.status or 'new'}"), mark=lights.get(one.status, "fair")),
                one.message or "–",
                words.format.moment(one.next) if one.next else words("source_paused"),
            )
        )
        for one in week.sources
    ]
    return [Heading(words("sources"), 2), Table(heads, rows, most=2)]


def _storage(week: Week, words: Words) -> Story:
    story: Story = [Heading(words("storage"), 2)]
    show = words.format
    if week.collections:
        heads = [
            Column(words("collection"), least=90),
            *(
                Column(words(key), "number")
                for key in ("documents", "chunks", "growth_column", "size", "growth_column")
            ),
        ]
        rows = [
            Row(
                (
                    one.name,
                    show.integer(one.documents),
                    show.integer(one.chunks),
                    _growth(one.chunks, one.chunks_before, words),
                    show.size(one.bytes),
                    _growth(one.bytes, one.bytes_before, words),
                )
            )
            for one in week.collections
        ]
        story.append(Table(heads, rows, most=2))
    if week.disk_free is not None:
        story.append(Prose(f"{words('disk_free')}: {show.size(week.disk_free)}"))
    return story if len(story) > 1 else [*story, Prose(words("no_data"))]


def _growth(now: int, before: int | None, words: Words) -> str:
    return words.format.percent(100 * (now / before - 1), sign=True) if before else "–"


def _made(week: Week, words: Words) -> Story:
    story: Story = [Heading(words("made"), 2)]
    made: Sequence[tuple[str, Count]] = [
        *((words("analysis"), one) for one in week.analyses),
        *((words("model"), one) for one in week.models),
    ]
    if not made:
        return [*story, Prose(words("nothing_made"))]
    heads = [
        Column(words("kind")),
        Column(words("made_what"), least=100),
        Column(words("count"), "number"),
        Column(words("remark"), least=120),
    ]
    rows = [Row((kind, one.name, words.format.integer(one.count), one.note or "–")) for kind, one in made]
    return [*story, Table(heads, rows, most=3)]


def _alerts(week: Week, words: Words) -> Story:
    story: Story = [Heading(words("alerts"), 2)]
    if not week.alerts:
        return [*story, Prose(words("no_data" if week.alerts is None else "no_alerts"))]
    heads = [Column(words("when"), least=84), Column(words("alert"), least=90), Column(words("text"), least=160)]
    rows = [Row((words.format.moment(one.at), one.name, one.message or "–")) for one in week.alerts]
    return [*story, Table(heads, rows, most=4)]
