"""Every numeric table of a document, with what a reader computes first: changes over time and shares of the total.

Only what is one thing at two times is compared: columns of one group under different periods (`Financial assets 2019`
and `2018`, never `Financial liabilities 2018`), columns that are called before and after (budget, actual), or lines whose
labels differ in their period alone, or columns of two tables of one sheet that differ in their year alone. Where heads
do not say which columns belong together nothing is compared. Between percentages the change is given in points too.
Shares are of every line that is a total, by its words or by its sum, of a total column, and of a line from which the
lines below it are taken off (`Sales`, `Cost of sales`, `Gross profit`); a percentage is no share of an amount.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from tasks.analyse.numeric_tables import NumericTable, beside_time, numeric_tables
from tasks.analyse.statements.match_labels import plain
from tasks.analyse.statements.prepare_tables import document_mark
from tasks.analyse.statements.read_periods import Period, parse_period, years_in
from tasks.records import Document

NAME = "tables"
VERSION = "3"

MOST_MOMENTS = 12
"""Columns or lines of one series between which changes are computed; longer ones are lists, not comparisons."""
WHOLE = 100  # the total of shares: any other percentage of a total column is no sum
MOST_PARTS = 12
"""Lines below one that can be taken off it."""
LONGEST_LABEL = 80  # characters of a label that names a period

Moment = tuple[int, int, int]

_TOTAL = re.compile(
    r"\b(?:total|totals|totale|totali|sum|somma|complessiv[oa]|overall|grand total|"
    r"net (?:sales|revenues?)|subtotal)\b"
)
_LETTERS = re.compile(r"[^\W\d_]{2}")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_EACH = re.compile(r"\bper (?:\w+ ){0,2}(?:share|unit)s?\b|\bper azione\b")
_CHANGE_HEAD = re.compile(
    r"\b(?:changes?|variation|variazion[ei]|increase|decrease|growth|delta|var|adjustments?)\b|%|Δ", re.IGNORECASE
)
_BEFORE = re.compile(
    r"\b(?:budget(?:ed)?|plan(?:ned)?|forecast|previous(?:ly)?|prior|before|initial|original(?:ly)?|estimated?|"
    r"without|excluding|preventivo|previst[oi]|previsione|precedente|prima|iniziale|senza)\b"
)
_AFTER = re.compile(
    r"\b(?:actual|current|after|revised|final|restated|reported|consuntivo|effettiv[oi]|corrente|attuale|dopo|finale|rettificat[oi])\b"
)


def analyse(document: Document) -> dict[str, Any]:
    """Return the `tables` RESULT of a document: each numeric table with its rows, changes and shares (percentages)."""
    elements = document.parsed.elements
    mark = document_mark(elements, document.parsed.language)
    sheets = [numeric_tables(element, mark) for element in elements if element.kind == "table"]
    found = [_as_json(table, changes_between(sheet, table)) for sheet in sheets for table in sheet]
    reasons = [] if found else ["The document has no table with numbers."]
    return {
        "document_id": document.document_id,
        "path": document.path,
        "tables": found,
        "reasons": reasons,
    }


def unique_names(columns: Sequence[str]) -> list[str]:
    """Return heads made unique and never empty, so that each names one column."""
    names: list[str] = []
    for index, head in enumerate(columns, start=1):
        name = head or f"column {index}"
        names.append(name if name not in names and name != "row" else f"{name} ({index})")
    return names


def changes(table: NumericTable) -> list[dict[str, Any]]:
    """Return changes: row, from, to, percent (None on a nil base), and points where both are percentages.

    Where a value is unknown or an amount begins at nil there is none. A change between two lines has the name of their column as its row.
    """
    names = unique_names(table.columns)
    columns = pairs_of_columns(table)
    found = [
        _change(label, names[one], names[two], (values[one], values[two]), (percents[one], percents[two]))
        for label, values, percents in zip(table.labels, table.values, table.percents, strict=True)
        for one, two in columns
    ]
    if not columns:
        found += [
            _change(
                name,
                table.labels[one],
                table.labels[two],
                (table.values[one][column], table.values[two][column]),
                (table.percents[one][column], table.percents[two][column]),
            )
            for column, name in enumerate(names)
            for one, two in pairs_of_lines(table)
        ]
    return [row for row in found if row]


def changes_between(sheet: Sequence[NumericTable], later: NumericTable) -> list[dict[str, Any]]:
    """Return changes from earlier tables of a sheet to this one: all have the same lines and heads, and each a year of its own."""
    alike = [table for table in sheet if _beside_years(table) == _beside_years(later)]
    years = [_only_year(table) for table in alike]
    year = _only_year(later)
    if year is None or None in years or len(set(years)) < len(years) or len(years) > MOST_MOMENTS:
        return []
    names = unique_names(later.columns)
    pairs = [(table, unique_names(table.columns)) for table in alike if (_only_year(table) or year) < year]
    found = [
        _change(
            label,
            _in_year(before[column], _only_year(earlier)),
            _in_year(names[column], year),
            (earlier.values[line][column], later.values[line][column]),
            (earlier.percents[line][column], later.percents[line][column]),
        )
        for earlier, before in pairs
        for line, label in enumerate(later.labels)
        for column in range(len(names))
    ]
    return [row for row in found if row]


def _only_year(table: NumericTable) -> int | None:
    """Return the year that all columns of a table are of; None where they are of several or of none."""
    years = {period.year if period else None for period in table.periods}
    return years.pop() if len(years) == 1 else None


def _beside_years(table: NumericTable) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the lines of a table and its heads without their years."""
    heads = tuple(plain(_YEAR.sub(" ", head)) for head in table.columns)
    return heads, tuple(map(plain, table.labels))


def _in_year(head: str, year: int | None) -> str:
    return head if year in years_in(head) else f"{head} {year}"


def _change(
    row: str, start: str, end: str, values: tuple[float | None, float | None], percents: tuple[bool, bool]
) -> dict[str, Any] | None:
    before, after = values
    if before is None or after is None or (not before and not any(percents)) or percents[0] != percents[1]:
        return None
    percent = 100 * (after - before) / before if before else None
    points = after - before if percents[0] else None
    return {"row": row, "from": start, "to": end, "percent": percent, "points": points}


def pairs_of_columns(table: NumericTable) -> list[tuple[int, int]]:
    """Return pairs (earlier, later) of columns that say the same of different periods, or are called before and after."""
    plain_heads = [index for index, head in enumerate(table.columns) if not _CHANGE_HEAD.search(head)]
    usable = plain_heads or list(range(len(table.columns)))
    moments = {index: moment for index in usable if (moment := _moment(table.periods[index]))}
    if len(set(moments.values())) > 1:
        return [
            (one, two)
            for series in _series(table, moments)
            if len(series) <= MOST_MOMENTS
            for one, two in combinations(sorted(series, key=lambda index: moments[index]), 2)
            if len({p.months for index in (one, two) if (p := table.periods[index]) and p.months}) <= 1
        ]
    names = [plain(table.columns[index]) for index in usable]
    before = [index for index, name in zip(usable, names, strict=True) if _BEFORE.search(name)]
    after = [index for index, name in zip(usable, names, strict=True) if _AFTER.search(name) and index not in before]
    return [(before[0], after[0])] if len(before) == len(after) == 1 else []


def _series(table: NumericTable, moments: dict[int, Moment]) -> list[list[int]]:
    """Return columns that say the same of different moments: all of them, those of each group, or blocks that repeat.

    Where a moment stands over two columns of a group, or groups have other moments, it is not known what belongs together.
    """
    order = list(moments)
    if len(set(moments.values())) == len(order):
        return [order]
    groups: dict[object, list[int]] = defaultdict(list)
    for index in order:
        period = table.periods[index]
        groups[table.groups[index], period.months if period else None].append(index)
    if len({tuple(sorted(moments[index] for index in group)) for group in groups.values()}) == 1:
        series = list(groups.values())
    else:
        size = len(set(moments.values()))
        series = [order[start : start + size] for start in range(0, len(order), size)]
        if len({tuple(moments[index] for index in block) for block in series}) > 1:
            return []
    return series if all(len({moments[index] for index in one}) == len(one) for one in series) else []


def pairs_of_lines(table: NumericTable) -> list[tuple[int, int]]:
    """Return pairs (earlier, later) of lines whose labels are the same but for a period: `2020` and `2021`."""
    groups: dict[str, dict[Moment, int]] = defaultdict(dict)
    unclear: set[str] = set()
    for index, label in enumerate(table.labels):
        moment = _moment(parse_period(label)) if len(label) <= LONGEST_LABEL and len(years_in(label)) == 1 else None
        if moment is None:
            continue
        rest = beside_time(label)
        if moment in groups[rest]:
            unclear.add(rest)
        groups[rest][moment] = index
    return [
        (group[one], group[two])
        for rest, group in groups.items()
        if rest not in unclear and len(group) <= MOST_MOMENTS
        for one, two in combinations(sorted(group), 2)
    ]


def _moment(period: Period | None) -> Moment | None:
    if period is None or period.year is None:
        return None
    day = (period.end.month, period.end.day) if period.end else (0, 0)
    return (period.year, *day) if not period.quarter else (period.year, period.quarter * 3, 28)


def shares(table: NumericTable) -> list[dict[str, Any]]:
    """Return shares (row, column, of, percent): of each total line within a column, of a total column, and of a line above."""
    names = unique_names(table.columns)
    rows = [*_shares_of_lines(table, names), *_shares_of_column(table, names), *_shares_below(table, names)]
    return [dict(zip(("row", "column", "of", "percent"), row, strict=True)) for row in rows]


def _shares_of_lines(table: NumericTable, names: Sequence[str]) -> Iterator[tuple[str, str, str, float]]:
    each = [bool(_EACH.search(plain(label))) for label in table.labels]
    for total in total_lines(table):
        for index, values in enumerate(table.values):
            for column, name in enumerate(names):
                part, whole = values[column], table.values[total][column]
                alike = table.percents[index][column] == table.percents[total][column] and each[index] == each[total]
                if index != total and part is not None and whole and alike:
                    yield (table.labels[index], name, table.labels[total], 100 * part / whole)


def _shares_of_column(table: NumericTable, names: Sequence[str]) -> Iterator[tuple[str, str, str, float]]:
    totals = [index for index, head in enumerate(table.columns) if _TOTAL.search(plain(head))]
    if len(totals) != 1 or len(names) < 3:
        return
    for label, values, percents in zip(table.labels, table.values, table.percents, strict=True):
        whole = values[totals[0]]
        if _EACH.search(plain(label)) or (percents[totals[0]] and whole != WHOLE):
            continue
        for column, name in enumerate(names):
            part = values[column]
            if column != totals[0] and part is not None and whole and percents[column] == percents[totals[0]]:
                yield (label, name, names[totals[0]], 100 * part / whole)


def _shares_below(table: NumericTable, names: Sequence[str]) -> Iterator[tuple[str, str, str, float]]:
    """Yield the shares of what is taken off a line, and of what is left, in that line."""
    totals = set(total_lines(table))
    for first in range(len(table.labels)):
        end = None if first in totals else _end_below(table, first)
        for index in range(first + 1, end or 0):
            for column in _amounts(table, first, end or 0):
                whole, part = table.values[first][column], table.values[index][column]
                if whole and part is not None:
                    yield (table.labels[index], names[column], table.labels[first], 100 * part / whole)


def _end_below(table: NumericTable, first: int) -> int | None:
    """Return the line after those that make up a line above them: deductions and what is left of it, or a few parts.

    Every column of amounts must say so, two columns or amounts of three digits and more: small numbers add up by chance.
    What ends in a total is a sum of its lines and no deduction.
    """
    for end in range(first + 3, min(first + 2 + MOST_PARTS, len(table.labels)) + 1):
        columns = _amounts(table, first, end)
        lines = [[table.values[index][column] for column in columns] for index in range(first, end)]
        labels = table.labels[first:end]
        if any(value is None for line in lines for value in line) or not all(map(_LETTERS.search, labels)):
            continue
        if _TOTAL.search(plain(labels[-1])):
            continue
        parts = [[value or 0.0 for value in column] for column in zip(*lines, strict=True)]
        if parts and (len(parts) > 1 or abs(parts[0][0]) >= 100) and all(map(_adds_up, parts)):
            return end
    return None


def _adds_up(values: Sequence[float]) -> bool:
    """Tell whether a first amount is the sum of positive others, or less deductions printed as negatives the positive last."""
    whole, *parts, last = values
    signs = {part > 0 for part in parts if part}
    if whole <= 0 or last <= 0 or not all(parts) or len(signs) > 1:
        return False
    left = whole - sum(map(abs, parts))
    return abs(left - last) <= 1e-9 * whole


def _amounts(table: NumericTable, first: int, end: int) -> list[int]:
    """Return the columns in which some lines have amounts: no percentages, and none of a share of stock."""
    if any(_EACH.search(plain(label)) for label in table.labels[first:end]):
        return []
    return [
        column
        for column in range(len(table.columns))
        if not any(table.percents[index][column] for index in range(first, end))
    ]


def total_lines(table: NumericTable) -> list[int]:
    """Return the lines that are totals: named so, or the sum of the lines above since the last total (at least two)."""
    found, since = [], 0
    for index, label in enumerate(table.labels):
        if _TOTAL.search(plain(label)) or _is_sum(table, since, index):
            found.append(index)
            since = index + 1
    return found


def _is_sum(table: NumericTable, since: int, index: int) -> bool:
    above = table.values[since:index]
    if len(above) < 2 or not _LETTERS.search(table.labels[index] or "total"):
        return False
    for column, value in enumerate(table.values[index]):
        parts = [row[column] for row in above]
        known = [part for part in parts if part is not None]
        if value is None or len(known) < 2 or abs(sum(known) - value) > 1e-9 * max(1.0, abs(value)):
            return False
    return True


def _as_json(table: NumericTable, between: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a table with its changes, those from other tables last."""
    return {
        "page": table.page,
        "section": table.section,
        "columns": unique_names(table.columns),
        "rows": [
            {"row": label, "values": list(values)} for label, values in zip(table.labels, table.values, strict=True)
        ],
        "changes": changes(table) + between,
        "shares": shares(table),
    }
