"""Parts that several templates share: source links, tables of documents and failures, the story of an empty report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reportlab.platypus import Flowable

from tasks.export import style
from tasks.export.layout import Prose
from tasks.export.records import Entry, Material
from tasks.export.report import Report
from tasks.export.table import Cell, Column, Row, Table
from tasks.export.text import clean, link, name
from tasks.export.words import Words


def title_of(entry: Entry) -> str:
    """Return what a document is called: its title, or the name of its file."""
    return clean(entry.title) or clean(name(entry.path)) or entry.document_id


LINKED = 5_000  # rows of one table: each link is an object of the PDF, which is kept until the file is written


def source(entry: Entry, page: int = 0, text: str = "") -> Cell:
    """Return a cell that opens the document, at a page where one is known."""
    return Cell(text or clean(name(entry.path)), link=link(entry.path, page))


def page_cell(entry: Entry, page: int) -> str | Cell:
    """Return the number of a page as a link to it, "–" where it is not known."""
    return source(entry, page, str(page)) if page > 0 else "–"


def source_line(entry: Entry, words: Words, extra: str = "") -> Prose:
    """Return a line under a heading that names the document by its path and opens it."""
    text = f"{words('source')}: {entry.path}" + (f" · {extra}" if extra else "")
    return Prose(text, style.SMALL, "muted", link=link(entry.path), after=7)


def nothing(words: Words, key: str) -> list[Flowable]:
    """Return the story of a report that has nothing to show: it says so and what to do."""
    return [Prose(words(key))]


def left_out(material: Material, words: Words) -> list[Flowable]:
    """Return a line that says how many documents the report does not show because it would be too long."""
    if not material.left_out:
        return []
    shown, more = (words.format.integer(count) for count in (len(material.analysed), material.left_out))
    return [Prose(words("left_out", shown=shown, count=more), tone="muted")]


def documents_table(entries: Sequence[Entry], words: Words) -> Table:
    """Return every document with its type, size and state; the names are links, in a table of thousands they are not."""
    show = words.format
    linked = len(entries) <= LINKED
    columns = [
        Column(words("document"), least=120),
        Column(words("type")),
        Column(words("language")),
        Column(words("pages"), "number"),
        Column(words("size"), "number"),
        Column(words("indexed_on"), "number"),
        Column(words("state")),
    ]
    rows = [
        Row(
            (
                source(entry) if linked else clean(name(entry.path)),
                entry.format or "–",
                entry.language or "–",
                show.integer(entry.pages or None),
                show.size(entry.bytes),
                show.short_date(entry.indexed_at),
                state(entry, words),
            )
        )
        for entry in entries
    ]
    return Table(columns, rows, most=3)


def state(entry: Entry, words: Words) -> Cell:
    """Return a document's state as a traffic light with its word."""
    if entry.state == "quarantined":
        return Cell(words.kind(entry.kind) if entry.kind else words("quarantined"), mark="poor")
    return Cell(words("state_indexed"), mark="good")


def failures_table(entries: Sequence[Entry], words: Words) -> Table:
    """Return documents in quarantine: which, where it failed, why, how often it was tried."""
    columns = [
        Column(words("document"), least=100),
        Column(words("kind")),
        Column(words("stage")),
        Column(words("message"), least=140),
        Column(words("attempts"), "number"),
    ]
    rows = [
        Row((source(one), words.kind(one.kind), one.stage, one.message, words.format.integer(one.attempts)))
        for one in entries
    ]
    return Table(columns, rows, most=5)


def counts(values: Sequence[str], words: Words) -> list[tuple[str, float]]:
    """Return how often each value occurs, the most frequent first; "" counts as unknown."""
    return [(value or words("unknown"), float(count)) for value, count in Counter(values).most_common()]


def share_table(head: str, items: Sequence[tuple[str, float]], words: Words) -> Table:
    """Return a table of names with their count, share and a bar."""
    total = sum(count for _, count in items) or 1.0
    rows = [
        Row((label, words.format.integer(count), Cell(words.format.percent(100 * count / total), bar=count / total)))
        for label, count in items
    ]
    return Table([Column(head), Column(words("count"), "number"), Column(words("share"))], rows, most=2)


def finish(title: str, material: Material, story: Sequence[Flowable], words: Words, contents: bool = True) -> Report:
    """Wrap a story about a collection in its frame."""
    name = clean(material.collection)
    under = words("collection_at", name=name, date=words.format.date(material.made_at))
    return framed(title, under, material, story, words, contents, about=(name,))


def framed(
    title: str,
    subtitle: str,
    material: Material,
    story: Sequence[Flowable],
    words: Words,
    contents: bool = False,
    about: tuple[str, ...] = (),
) -> Report:
    """Wrap a story in its frame; `about` are keywords beside the title."""
    return Report(
        title=title,
        subtitle=subtitle,
        story=story,
        language=words.language,
        made_at=material.made_at,
        contents=contents,
        keywords=("Faldone", *about, title),
    )
