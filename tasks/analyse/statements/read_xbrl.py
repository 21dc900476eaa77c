"""XBRL facts as figures: exact, so they win over what was read from the printed statements.

The index puts the facts of an instance or of inline XBRL in a table whose section is `XBRL facts` (columns concept,
period, unit, decimals, value, dimensions). Facts of a part of the firm have dimensions and are left out. A printed
figure that differs from the fact by more than its rounding is reported as a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation

from tasks.analyse.statements.derive_figures import derived_figures
from tasks.analyse.statements.extract_figures import Extraction, with_figures
from tasks.analyse.statements.match_concepts import ABSOLUTE, items_of_concept, sums_of_concept, totals_of_concept
from tasks.analyse.statements.read_periods import FiscalCalendar, Period
from tasks.analyse.statements.wordings import StatementKind
from tasks.figures import Conflict, Figure
from tasks.records import Document

SECTION = "XBRL facts"
_COLUMNS = ("concept", "period", "unit", "decimals", "value")


@dataclass(frozen=True, slots=True)
class Fact:
    """A numeric fact of the whole firm: local concept name, period, currency and value."""

    concept: str
    period: Period
    unit: str
    value: Decimal
    page: int


def facts_from_xbrl(document: Document) -> list[Fact]:
    """Return the numeric facts without dimensions in a document's fact tables; an empty list when it has none."""
    return [fact for row, page in _rows(document) if (fact := _fact(row, page))]


def merge_facts(extraction: Extraction, document: Document, companions: Sequence[Document] = ()) -> Extraction:
    """Put exact facts in place of read figures, where the document or its companions have some."""
    sources = [source for source in (document, *companions) if any(True for _ in _rows(source))]
    if not sources:
        return extraction
    facts = [fact for source in sources for fact in facts_from_xbrl(source)]
    calendar = _calendar(sources, facts, document)
    exact = {(figure.item, figure.period): figure for figure in _figures(facts, calendar)}
    if not exact:
        return replace(extraction, reasons=(*extraction.reasons, "The XBRL facts name no item of the statements."))
    totals = [total for fact in facts for total in _totals(fact, calendar)]
    exact |= {(figure.item, figure.period): figure for figure in _derived(exact, totals)}
    units: dict[str, int] = {found.kind: found.scale for found in extraction.statements}
    merged, conflicts = _merge(extraction.figures, exact, units)
    currency = _currency(facts) or extraction.currency
    reasons = () if not extraction.statements else extraction.reasons
    known = replace(extraction, currency=currency, reasons=reasons, totals=(*extraction.totals, *totals))
    return with_figures(known, merged, conflicts)


def _rows(document: Document) -> Iterator[tuple[dict[str, str], int]]:
    for element in document.parsed.elements:
        if element.section != SECTION or not element.rows:
            continue
        names = [cell.strip().lower() for cell in element.rows[0]]
        if all(column in names for column in _COLUMNS):
            for row in element.rows[1:]:
                yield dict(zip(names, row, strict=False)), element.page


def _fact(row: dict[str, str], page: int) -> Fact | None:
    if row.get("dimensions") or not row["unit"] or not row["value"]:
        return None
    period = _period(row["period"])
    try:
        value = Decimal(row["value"])
    except InvalidOperation:
        return None  # a fact in words
    local = row["concept"].rpartition(":")[2]
    return Fact(local, period, row["unit"], value, page) if period else None


def _period(text: str) -> Period | None:
    """Return `2019-12-31`, or `2019-01-01/2019-12-31` with its length in whole months."""
    try:
        days = [date.fromisoformat(part[:10]) for part in text.split("/")]
    except ValueError:
        return None
    if len(days) == 1:
        return Period(days[0], days[0].year)
    months = round((days[1] - days[0]).days / 30.4)
    return Period(days[1], days[1].year, None, 12 if 11 <= months <= 13 else months)


def _calendar(sources: Sequence[Document], facts: Sequence[Fact], document: Document) -> FiscalCalendar:
    """Return the names of years as the filing itself states them, else as the document's text does."""
    stated = {row["concept"].rpartition(":")[2]: row["value"] for source in sources for row, _ in _rows(source)}
    ends = [fact.period.end for fact in facts if fact.period.end and fact.period.months == 12]
    calendar = FiscalCalendar((e.text for e in document.parsed.elements if e.kind != "table"), ends)
    closing = stated.get("CurrentFiscalYearEndDate", "").lstrip("-")
    if len(closing) == 5 and closing[:2].isdigit():
        calendar.end_month = int(closing[:2])
    focus, end = stated.get("DocumentFiscalYearFocus", ""), _period(stated.get("DocumentPeriodEndDate", ""))
    if focus.isdigit() and end and end.end and stated.get("DocumentFiscalPeriodFocus") == "FY":
        calendar.votes[int(focus) - end.end.year] += 1_000
    return calendar


def _figures(facts: Sequence[Fact], calendar: FiscalCalendar) -> Iterator[Figure]:
    """Yield the best concept for each item and period, then the sums for what no concept gives."""
    best: dict[tuple[str, str], tuple[int, StatementKind, Fact]] = {}
    for fact in facts:
        if "/" in fact.unit or fact.unit in {"pure", "shares"}:
            continue
        name = calendar.name(fact.period)
        for kind, item, rank in items_of_concept(fact.concept):
            key = (item, name)
            rank += 0 if kind == "cash_flow_statement" or item != "depreciation_amortization" else 100
            if key not in best or rank < best[key][0]:
                best[key] = (rank, kind, fact)
    for (item, period), (_, kind, fact) in best.items():
        value = abs(fact.value) if item in ABSOLUTE else fact.value
        yield Figure(item, period, value, fact.concept, fact.page, kind, source="xbrl")
    for (item, period), parts in _sums(facts, calendar).items():
        if (item, period) not in best:
            label = " + ".join(fact.concept for fact in parts)
            total = sum((fact.value for fact in parts), Decimal(0))
            yield Figure(item, period, total, label, parts[0].page, "balance_sheet", source="xbrl")


def _totals(fact: Fact, calendar: FiscalCalendar) -> Iterator[Figure]:
    for name in totals_of_concept(fact.concept):
        period = calendar.name(fact.period)
        yield Figure(name, period, fact.value, fact.concept, fact.page, "balance_sheet", source="xbrl")


def _derived(exact: dict[tuple[str, str], Figure], totals: Sequence[Figure]) -> list[Figure]:
    """Derive total liabilities by the identity of the balance sheet, where no fact states them."""
    return [replace(figure, source="xbrl") for figure in derived_figures(list(exact.values()), totals)]


def _sums(facts: Iterable[Fact], calendar: FiscalCalendar) -> dict[tuple[str, str], list[Fact]]:
    parts: dict[tuple[str, str], list[Fact]] = {}
    for fact in facts:
        for item in sums_of_concept(fact.concept):
            same = parts.setdefault((item, calendar.name(fact.period)), [])
            if all(other.concept != fact.concept for other in same):
                same.append(fact)
    return parts


def _merge(
    read: Sequence[Figure], exact: dict[tuple[str, str], Figure], units: Mapping[str, int]
) -> tuple[list[Figure], list[Conflict]]:
    """Put exact values in place of the read ones; label and page stay those of the print where the two agree."""
    merged, conflicts = [], []
    for figure in read:
        fact = exact.pop((figure.item, figure.period), None)
        if fact is None:
            merged.append(figure)
        elif abs(fact.value - figure.value) <= units.get(figure.statement, 1):
            merged.append(replace(fact, label=figure.label, page=figure.page, box=figure.box))
        else:
            merged.append(fact)
            conflicts.append(Conflict(figure.item, figure.period, fact, figure))
    return [*merged, *exact.values()], conflicts


def _currency(facts: Sequence[Fact]) -> str | None:
    units = [fact.unit for fact in facts if len(fact.unit) == 3 and fact.unit.isupper()]
    return max(set(units), key=units.count) if units else None
