"""Template `collection`: what is in a collection: documents by type, language, age, growth, failures, all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from reportlab.graphics.shapes import Drawing
from reportlab.platypus import Flowable

from tasks.export import style
from tasks.export.charts import Chart, Series, bars, beside, columns, half, lines
from tasks.export.layout import Heading, Prose, Space, Tile, Tiles
from tasks.export.parts import counts, documents_table, failures_table, finish, nothing, share_table
from tasks.export.records import Entry, Intake, Material
from tasks.export.report import Report
from tasks.export.words import Words

NAME = "collection"
DESCRIPTION = "documents by type, language and age, growth, failures, and the list of all documents"
INTAKE = Intake(most=0)
AGES = (("age_week", 7), ("age_month", 31), ("age_quarter", 92), ("age_year", 366), ("age_three", 1096))

Story = list[Flowable]


def compose(material: Material, words: Words) -> Report:
    """Return the story of a collection's ledger."""
    entries = material.entries
    if not entries:
        return finish(words("collection_title"), material, nothing(words, "none_indexed"), words)
    failed = [entry for entry in entries if entry.state == "quarantined"]
    story: Story = [Tiles(tiles(entries, words))]
    story += _contents(entries, material.made_at, words)
    story += _failures(failed, words)
    largest = sorted(entries, key=lambda entry: -entry.bytes)[:10]
    if len(entries) > 20:
        story += [Heading(words("largest"), 2), documents_table(largest, words)]
    ordered = sorted(entries, key=lambda entry: entry.path)
    story += [Heading(words("all_documents")), documents_table(ordered, words)]
    return finish(words("collection_title"), material, story, words)


def tiles(entries: Sequence[Entry], words: Words) -> list[Tile]:
    """Return documents, pages, passages, size; the failures as the note of the first."""
    show, failed = words.format, sum(entry.state == "quarantined" for entry in entries)
    note = f"{show.integer(failed)} · {words('quarantined').lower()}" if failed else words("all_well")
    return [
        Tile(show.integer(len(entries)), words("documents"), note, "poor" if failed else "good"),
        Tile(show.integer(sum(entry.pages for entry in entries)), words("pages")),
        Tile(show.integer(sum(entry.chunks for entry in entries)), words("chunks")),
        Tile(show.size(sum(entry.bytes for entry in entries)), words("size")),
    ]


def _contents(entries: Sequence[Entry], now: datetime, words: Words) -> Story:
    types = counts([entry.format.upper() for entry in entries], words)
    languages = [
        (words.format.language(code) if code != words("unknown") else code, number)
        for code, number in counts([entry.language for entry in entries], words)
    ]
    story: Story = [Heading(words("what_is_in"))]
    width, show = half(style.WIDTH), words.format.integer
    other = words("other")
    first = beside(
        bars(words("by_type"), types, width, show, other=other),
        bars(words("by_language"), languages, width, show, other=other),
        style.WIDTH,
    )
    second = beside(_ages(entries, now, width, words), growth(entries, width, words), style.WIDTH)
    for chart in (first, second):
        if chart is not None:
            story += [chart, Space(12)]
    if len(types) > 10:  # the chart sums the rest
        story.append(share_table(words("type"), types, words))
    return story


def _ages(entries: Sequence[Entry], now: datetime, width: float, words: Words) -> Drawing | None:
    """Return columns by the age of the files when the report is made."""
    tally: Counter[str] = Counter()
    for entry in entries:
        if entry.modified_at is not None:
            days = (now - entry.modified_at).total_seconds() / 86_400
            tally[next((key for key, limit in AGES if days <= limit), "age_more")] += 1
    items = [(words(key), float(tally[key])) for key, _ in (*AGES, ("age_more", 0)) if tally[key]]
    return bars(words("by_age"), items, width, words.format.integer, ranking=False)


def growth(entries: Sequence[Entry], width: float, words: Words) -> Drawing | None:
    """Return documents indexed in all, day by day or month by month over a longer time."""
    days = sorted(entry.indexed_at.date() for entry in entries if entry.indexed_at and entry.state == "indexed")
    if not days:
        return None
    points = _points(days[0], days[-1])
    totals = (
        [float(sum(day <= point for day in days)) for point in points] if len(days) * len(points) < 5_000_000 else []
    )
    if len(points) < 2:
        names, values = [words.format.short_date(points[0])], [float(len(days))]
        return columns(Chart(words("growth_chart"), names, [Series("", values)], width, words.format.integer, 130))
    label = words.format.short_date if (days[-1] - days[0]).days <= 62 else words.format.month
    names = [label(point) for point in points]
    chart = Chart(words("growth_chart"), names, [Series("", totals)], width, words.format.integer, 130)
    return lines(chart, zero=True)


def _points(first: date, last: date) -> list[date]:
    """Return at most about sixty days that span both ends, the last one included."""
    step = max(1, -(-((last - first).days) // 60))
    points = [first + timedelta(days=offset) for offset in range(0, (last - first).days, step)]
    return [*points, last]


def _failures(failed: Sequence[Entry], words: Words) -> Story:
    story: Story = [Heading(words("failures"))]
    if not failed:
        return [*story, Prose(words("no_failures"))]
    kinds = [(words.kind(name), number) for name, number in counts([entry.kind for entry in failed], words)]
    if len(kinds) > 1:
        story += [Heading(words("failures_by_kind"), 3), share_table(words("kind"), kinds, words)]
    return [*story, failures_table(sorted(failed, key=lambda entry: (entry.kind, entry.path)), words)]
