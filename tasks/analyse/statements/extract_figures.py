"""From a document to its figures: find the statements, read them, scale them, name their periods.

What the statements give is compared with the other tables that show the same items: a different value for the same
period is a conflict, reported and not settled silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from tasks.analyse.statements.derive_figures import derived_figures, opening_cash, totals_of
from tasks.analyse.statements.find_places import box_of
from tasks.analyse.statements.find_statements import Statement, find_statements
from tasks.analyse.statements.match_labels import plain
from tasks.analyse.statements.pick_items import Reading, read_statement
from tasks.analyse.statements.picks import Pick
from tasks.analyse.statements.prepare_tables import grids_of, has_words, line_grids, page_top
from tasks.analyse.statements.read_grids import Grid, Line
from tasks.analyse.statements.read_numbers import Mark
from tasks.analyse.statements.read_periods import FiscalCalendar, Period
from tasks.analyse.statements.read_scale import currency_of, statement_scale
from tasks.analyse.statements.wordings import CONSOLIDATED, OTHER_SCOPE, STATEMENTS, StatementKind
from tasks.figures import Box, Conflict, Figure
from tasks.records import Document

PROPORTION = 300
"""How many times the largest amount of one statement may be that of another: holdings have assets of many years' revenue."""

YEAR, WEEKS = 365.25, 15
"""Days of a year, and by how many a year end may move: a year has 52 or 53 weeks."""

_NAMES = {
    "income_statement": "income statement",
    "balance_sheet": "balance sheet",
    "cash_flow_statement": "cash flow statement",
}


@dataclass(frozen=True, slots=True)
class Found:
    """Where a statement was read: its pages, its title or section, the factor of its amounts, its periods."""

    kind: StatementKind
    pages: tuple[int, ...]
    title: str
    scale: int
    periods: tuple[str, ...]
    layout: str

    def as_json(self) -> dict[str, Any]:
        return {
            "statement": self.kind,
            "pages": list(self.pages),
            "title": self.title,
            "scale": self.scale,
            "periods": list(self.periods),
            "layout": self.layout,
        }


@dataclass(frozen=True, slots=True)
class Extraction:
    """All that was read of a document.

    `totals` holds the sums that only the checks need; `unread` says of an item and a period why it is left out although
    it may be printed: nothing may be computed as if it were nil.
    """

    currency: str | None
    figures: tuple[Figure, ...] = ()
    statements: tuple[Found, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    reasons: tuple[str, ...] = ()
    totals: tuple[Figure, ...] = ()
    unread: Mapping[tuple[str, str], str] = field(default_factory=dict)
    consolidated: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    statement: Statement
    reading: Reading
    scale: int | None


_Places = Callable[[Line, int], Box | None]


def _nowhere(line: Line, column: int) -> Box | None:
    """Return places of figures that are only compared."""
    del line, column
    return None


def extract(document: Document) -> Extraction:
    """Read the figures of a document from its tables."""
    elements = document.parsed.elements
    grids, mark = grids_of(document)
    currency = currency_of(_money_texts(document, grids), document.parsed.language)
    candidates = find_statements(grids)
    if not all(candidates.values()):
        candidates = _with_lines(document, mark, grids, candidates)
    reads = {kind: _read(document, found[0]) for kind, found in candidates.items() if found}
    scales = {kind: read.scale for kind, read in reads.items()}
    unscaled = _out_of_proportion(reads, scales)
    reasons = (*_reasons(document, grids, reads), *unscaled.values())
    reads = {kind: read for kind, read in reads.items() if kind not in unscaled}
    if not reads:
        return Extraction(None if not has_words(elements) else currency, reasons=reasons)
    calendar = _calendar(document, reads.values())
    places = partial(box_of, elements, mark=mark)
    figures: list[Figure] = []
    totals: list[Figure] = []
    statements: list[Found] = []
    unread: dict[tuple[str, str], str] = {}
    for kind, first in reads.items():
        for read in (first, *_for_other_periods(document, candidates[kind])):
            scale = read.scale or _shared_scale(scales) or 1
            names = [calendar.name(period) for period in _periods(read.statement)]
            figures += _figures(read, names, scale, places)
            totals += totals_of(read.statement, names, scale)
            totals += _valued(read.reading.sums, kind, names, scale, places)
            unread |= _unread(read, names)
            statements.append(_found(kind, read, names, scale))
    kept = _one_each(figures)
    kept += derived_figures(kept, totals)
    kept += opening_cash(kept, totals)
    conflicts = _conflicts(document, candidates, kept, calendar, scales)
    reasons += _left_out(unread)
    return Extraction(
        currency,
        tuple(_ordered(kept)),
        tuple(statements),
        conflicts,
        reasons,
        tuple(totals),
        unread,
        _consolidated(document, reads.values()),
    )


def _consolidated(document: Document, reads: Iterable[_Read]) -> bool:
    """Tell whether the statements are a group's: the words above one of them say so, or the document's title."""
    near = [f"{read.statement.grids[0].context} {read.statement.grids[0].section}" for read in reads]
    return any(CONSOLIDATED.search(plain(text)) for text in (*near, document.parsed.title))


def _unread(read: _Read, names: Sequence[str]) -> dict[tuple[str, str], str]:
    return {
        (item, name): text
        for item, texts in read.reading.unread.items()
        for name, text in zip(names, texts, strict=False)
        if text
    }


def _left_out(unread: Mapping[tuple[str, str], str]) -> tuple[str, ...]:
    """Return a sentence for each reason and period for which items are left out."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for (item, period), text in unread.items():
        by_reason.setdefault((period, text), []).append(item)
    return tuple(
        f"{', '.join(items)} of {period}: left out, because {text}." for (period, text), items in by_reason.items()
    )


def _with_lines(
    document: Document, mark: Mark, grids: Sequence[Grid], candidates: dict[StatementKind, list[Statement]]
) -> dict[StatementKind, list[Statement]]:
    """Return the same candidates, with those from text lines for the kinds of which no table was found."""
    lines = line_grids(document, mark, max((grid.order for grid in grids), default=0))
    from_lines = find_statements(lines)
    return {kind: found or from_lines[kind] for kind, found in candidates.items()}


def _for_other_periods(document: Document, candidates: Sequence[Statement]) -> list[_Read]:
    """Return statements of the same kind beside the best one for other lengths of time: the quarter beside the year."""
    best = candidates[0]
    lengths = {period.months for period in best.grids[0].periods}
    reads = []
    for other in candidates[1:4]:
        months = {period.months for period in other.grids[0].periods}
        near = abs(other.pages[0] - best.pages[0]) <= 2 and other.score >= 0.8 * best.score
        if near and None not in months | lengths and not months & lengths:
            reads.append(_read(document, other))
    return reads


def _money_texts(document: Document, grids: Sequence[Grid]) -> Iterable[str]:
    for grid in grids:
        yield f"{grid.context} {grid.head}"
    for element in document.parsed.elements:
        yield " ".join(cell for row in element.rows[:4] for cell in row) if element.rows else element.text


def _read(document: Document, statement: Statement) -> _Read:
    reading = read_statement(statement)
    first = statement.grids[0]
    labels = "\n".join(line.label for line in first.lines[:1])
    near = f"{first.context}\n{first.head}\n{labels}"
    scale = statement_scale(near, page_top(document.parsed.elements, first.page))
    return _Read(statement, reading, scale)


def _calendar(document: Document, reads: Iterable[_Read]) -> FiscalCalendar:
    spans = [
        period
        for read in reads
        for period in _periods(read.statement)
        if period.end and read.statement.kind != "balance_sheet"
    ]
    instants = [
        period
        for read in reads
        for period in _periods(read.statement)
        if period.end and read.statement.kind == "balance_sheet"
    ]
    interim = {period.end for period in spans if period.months not in (None, 12)}
    ends = [period.end for period in spans if period.end and period.months in (None, 12)]
    ends += _year_ends([period.end for period in instants if period.end and period.end not in interim])
    return FiscalCalendar((element.text for element in document.parsed.elements if element.kind != "table"), ends)


def _year_ends(days: Sequence[date]) -> list[date]:
    """Return the balance dates that can be year ends: beside the close of part of a year stands the year's before it."""
    first = min(days, default=None)
    return [day for day in days if first and min((day - first).days % YEAR, -(day - first).days % YEAR) <= WEEKS]


def _periods(statement: Statement) -> tuple[Period, ...]:
    """Return the periods of a statement: those of its first table (the others hold the same, perhaps in fewer words)."""
    first = statement.grids[0].periods
    best = max((grid.periods for grid in statement.grids if len(grid.periods) == len(first)), key=_detail)
    return best


def _detail(periods: Sequence[Period]) -> int:
    return sum((period.end is not None) + (period.months is not None) for period in periods)


def _shared_scale(scales: Mapping[StatementKind, int | None]) -> int | None:
    """Return the scale of the other statements when they agree; None when they do not."""
    stated = {scale for scale in scales.values() if scale}
    return stated.pop() if len(stated) == 1 else None


def _out_of_proportion(
    reads: Mapping[StatementKind, _Read], scales: Mapping[StatementKind, int | None]
) -> dict[StatementKind, str]:
    """Say of statements without a unit of their own that in the others' unit they would be out of all proportion to these."""
    shared = _shared_scale(scales)
    if shared in (None, 1):
        return {}
    stated = max(_largest(read) * shared for kind, read in reads.items() if scales[kind])
    found: dict[StatementKind, str] = {}
    for kind, read in reads.items():
        own = _largest(read) * shared
        if scales[kind] is None and own and stated and not 1 / PROPORTION < own / stated < PROPORTION:
            found[kind] = (
                f"The {_NAMES[kind]} is left out: it states no unit, and in that of the other statements ({shared:,}) its amounts "
                "would be out of all proportion to theirs."
            )
    return found


def _largest(read: _Read) -> Decimal:
    return max((abs(value) for line in read.statement.lines for value in line.values if value), default=Decimal(0))


def _figures(read: _Read, names: Sequence[str], scale: int, places: _Places) -> Iterable[Figure]:
    yield from _valued(read.reading.picks, read.statement.kind, names, scale, places)


def _valued(
    picks: Iterable[Pick], kind: StatementKind, names: Sequence[str], scale: int, places: _Places
) -> Iterable[Figure]:
    for pick in picks:
        for column, (name, value) in enumerate(zip(names, pick.values, strict=False)):
            if value is not None:
                box = places(pick.line, column) if pick.line else None
                page = pick.line.page if pick.line else pick.page
                yield Figure(pick.item, name, value * scale, pick.label, page, kind, pick.derived, box=box)


def _found(kind: StatementKind, read: _Read, names: Sequence[str], scale: int) -> Found:
    first = read.statement.grids[0]
    title = next(
        (line.strip() for line in reversed(first.context.split("\n")) if 8 < len(line.strip()) < 160), first.section
    )
    return Found(kind, read.statement.pages, title, scale, tuple(names), "civil code" if read.reading.civil else "")


def _one_each(figures: Sequence[Figure]) -> list[Figure]:
    """Return one figure an item and period: depreciation from the cash flow statement wins over the income statement's."""
    kept: dict[tuple[str, str], Figure] = {}
    for figure in figures:
        key = (figure.item, figure.period)
        if key not in kept or (
            figure.item == "depreciation_amortization" and figure.statement == "cash_flow_statement"
        ):
            kept[key] = figure
    return list(kept.values())


def _ordered(figures: Sequence[Figure]) -> list[Figure]:
    return sorted(
        figures, key=lambda figure: (STATEMENTS.index(figure.statement), figure.item, figure.period), reverse=False
    )


def _conflicts(
    document: Document,
    candidates: dict[StatementKind, list[Statement]],
    figures: Sequence[Figure],
    calendar: FiscalCalendar,
    scales: dict[StatementKind, int | None],
) -> tuple[Conflict, ...]:
    """Return the same line of the same period with another value in another table that claims to be the same statement."""
    reported = {(figure.item, figure.period): figure for figure in figures}
    used = {grid.order for statements in candidates.values() for grid in (statements[0].grids if statements else ())}
    found: dict[tuple[str, str], Conflict] = {}
    for kind, statements in candidates.items():
        for statement in statements[1:]:
            if statement.score < 0.6 * statements[0].score or any(grid.order in used for grid in statement.grids):
                continue
            if OTHER_SCOPE.search(plain(f"{statement.grids[0].context} {statement.grids[0].section}")):
                continue
            other = _read(document, statement)
            scale = other.scale or scales.get(kind) or _shared_scale(scales) or 1
            names = [calendar.name(period) for period in _periods(statement)]
            for figure in _figures(other, names, scale, _nowhere):
                first = reported.get((figure.item, figure.period))
                if first and _differ(first, figure, max(scale, scales.get(kind) or 1)):
                    found.setdefault((figure.item, figure.period), Conflict(figure.item, figure.period, first, figure))
    return tuple(found.values())


def _differ(first: Figure, second: Figure, unit: int) -> bool:
    """Tell whether values differ beyond rounding to the coarser unit; those twice apart are of another scope (a part of the group)."""
    gap = abs(first.value - second.value)
    largest = max(abs(first.value), abs(second.value))
    same = plain(first.label) == plain(second.label)
    return same and gap > unit and first.value != -second.value and gap < largest / 2


def _reasons(document: Document, grids: Sequence[Grid], reads: dict[StatementKind, _Read]) -> tuple[str, ...]:
    """Say why something is missing, in plain words."""
    if not has_words(document.parsed.elements):
        return ("The document has no text that can be read: it may be a scan without text recognition.",)
    if not reads:
        tables = sum(1 for element in document.parsed.elements if element.kind == "table")
        if not tables:
            return ("The document has no tables, so no financial statement was found.",)
        if not grids:
            return (
                f"None of the {tables} tables has amounts under a year or date, so no financial statement was found.",
            )
        return (f"None of the {tables} tables is an income statement, a balance sheet or a cash flow statement.",)
    reasons = [f"No {_NAMES[kind]} was found." for kind in STATEMENTS if kind not in reads]
    stated = {read.scale for read in reads.values() if read.scale}
    if len(stated) > 1:
        reasons.append(
            "The statements state different units ("
            + ", ".join(f"{scale:,}" for scale in sorted(stated))
            + "); each was read in its own."
        )
    return tuple(reasons)


def with_figures(extraction: Extraction, figures: Sequence[Figure], conflicts: Sequence[Conflict]) -> Extraction:
    """Return the extraction with other figures and further conflicts."""
    return replace(extraction, figures=tuple(_ordered(figures)), conflicts=(*extraction.conflicts, *conflicts))
