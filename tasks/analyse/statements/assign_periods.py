"""Which column of a table holds which period.

Heads are read above their columns, else in reading order from the words around. Of two scopes side by side the group's
columns count, of a year printed twice the restated one; where it cannot be told which columns are which, none does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from tasks.analyse.statements.read_periods import Period, parse_dates, parse_period, years_in

_NOT_A_PERIOD = re.compile(
    r"\b(?:change|changes|variance|variation|variazion[ei]|var\.?|delta|differenz[ae]|"
    r"increase|decrease|growth|adjustments?|effect|pro ?forma|"
    r"% of|as % of|percent(?:age)?|incidenza|di cui|of which|parti correlate|related parties|"
    r"budget(?:ed)?|forecast|projected|estimate[ds]?|outlook|guidance|preventivo|previsional[ei]|previsione|stima(?:to|ta)?|"
    r"as adjusted|restatement|reclassification|balance without)\b|\b20\d\d\s?[EFP]\b|%|Δ",
    re.IGNORECASE,
)
_TORN_YEAR = re.compile(r"\)\s*(?:19|20)\d\d$")
_GROUP = re.compile(r"\b(?:group|consolidated|gruppo|consolidat[oi])\b", re.IGNORECASE)
_PARENT = re.compile(
    r"\b(?:company|parent|separate|stand[- ]?alone|societ[aà]|capogruppo|controllante|separat[oi])\b", re.IGNORECASE
)
_RESTATED = re.compile(
    r"\b(?:restated|recast|revised|corrected|riespost[oi]|rideterminat[oi]|rettificat[oi]|riclassificat[oi])\b",
    re.IGNORECASE,
)

_MONEY = re.compile(r"US\$|HK\$|A\$|C\$|[$€£¥]|\b(?:USD|RMB|CNY|EUR|GBP|CHF|JPY|euro)\b", re.IGNORECASE)

Scope = Literal["group", "parent"]


def own_columns(head_rows: Sequence[list[str]], columns: Sequence[int]) -> list[int]:
    """Return the columns that are of the group, in the currency of most, and of a year printed twice the restated one."""
    columns = _in_one_currency(head_rows, _of_the_group(head_rows, columns))
    heads = {column: " ".join(_cell(row, column) for row in head_rows) for column in columns}
    years = {column: years_in(head) for column, head in heads.items()}
    restated = [years[column] for column in columns if years[column] and _RESTATED.search(heads[column])]
    return [column for column in columns if years[column] not in restated or _RESTATED.search(heads[column])]


def _of_the_group(head_rows: Sequence[list[str]], columns: Sequence[int]) -> list[int]:
    """Return the group's columns where the parent's stand beside them: by their own heads, else halves of the same years."""
    for row in head_rows:
        named: dict[int, Scope] = {column: scope for column, cell in enumerate(row) if (scope := _scope(cell))}
        kinds = list(named.values())
        if len(set(kinds)) < 2:
            continue
        if set(columns) <= set(named):
            return [column for column in columns if named[column] == "group"]
        years = [years_in(" ".join(_cell(head, column) for head in head_rows)) for column in columns]
        half = len(columns) // 2
        if len(kinds) == 2 and years[:half] == years[half:] and all(years):
            return list(columns[half:] if kinds[0] == "parent" else columns[:half])
        return []
    return list(columns)


def _in_one_currency(head_rows: Sequence[list[str]], columns: Sequence[int]) -> list[int]:
    """Return the columns in the currency of most of them, where one is a translation for foreign readers."""
    money = {column: _MONEY.findall(" ".join(_cell(row, column) for row in head_rows)) for column in columns}
    named = [found[-1] for found in money.values() if found]
    kept = max(named, key=named.count, default="")
    return [column for column in columns if not money[column] or money[column][-1] == kept]


def _scope(cell: str) -> Scope | None:
    """Return whose amounts a head stands over; None where it names neither or both."""
    group, parent = bool(_GROUP.search(cell)), bool(_PARENT.search(cell))
    return None if group == parent else "group" if group else "parent"


def assign_periods(
    head_rows: list[list[str]], columns: list[int], around: str, known: Sequence[Period]
) -> list[tuple[int, Period]]:
    """Return the columns that have a period, with it: from their own heads, else in order from the words around."""
    heads = {column: " ".join(_cell(row, column) for row in head_rows).strip() for column in columns}
    own = [(column, parse_period(heads[column], around)) for column in columns]
    found = [(column, period) for column, period in own if period and not _is_change(heads[column], head_rows, column)]
    dated = [column for column in columns if not _is_change(heads[column], head_rows, column)]
    if found and len(found) >= 0.6 * len(dated) and len({_key(period) for _, period in found}) == len(found):
        return found
    if blocks := _blocks(found):
        return blocks
    if len(found) > 1 and any(_TORN_YEAR.search(row[0]) for row in head_rows if row):
        return []  # a year slid from its column into the label: which columns it moved cannot be told
    linear = _linear_periods(head_rows, around)
    if linear and len(linear) == len(dated):
        return list(zip(dated, linear, strict=True))
    if not found and known and len(known) == len(dated):
        return list(zip(dated, known, strict=True))
    return _first_of_each(found)


def _blocks(found: list[tuple[int, Period]]) -> list[tuple[int, Period]]:
    """Return years that repeat under several lengths of time (2022 2023 2022 2023), one length being put over too many."""
    lengths = list(dict.fromkeys(period.months for _, period in found))
    size = len(found) // len(lengths) if lengths else 0
    years = [period.year for _, period in found]
    if len(lengths) < 2 or None in lengths or size * len(lengths) != len(found) or len(set(years[:size])) != size:
        return []
    if years != years[:size] * len(lengths):
        return []
    return [(column, replace(period, months=lengths[index // size])) for index, (column, period) in enumerate(found)]


def _is_change(head: str, head_rows: list[list[str]], column: int) -> bool:
    return bool(_NOT_A_PERIOD.search(head)) and not _only_spanning(head_rows, column)


def _only_spanning(head_rows: list[list[str]], column: int) -> bool:
    """Tell whether the words that look like a change stand in a head over most columns (`Increase in …` as a title)."""
    for row in head_rows:
        cell = _cell(row, column)
        if cell and _NOT_A_PERIOD.search(cell) and sum(other == cell for other in row) < max(3, 0.6 * len(row)):
            return False
    return True


def _key(period: Period) -> tuple[object, ...]:
    return (period.end, period.year, period.months, period.quarter)


def _first_of_each(found: list[tuple[int, Period]]) -> list[tuple[int, Period]]:
    """Return two columns for one period (as reported, as adjusted): the first stands."""
    kept: dict[tuple[object, ...], tuple[int, Period]] = {}
    for column, period in found:
        kept.setdefault(_key(period), (column, period))
    return list(kept.values())


def spare_columns(
    head_rows: list[list[str]], columns: list[int], assigned: list[tuple[int, Period]]
) -> list[tuple[int, int]]:
    """Return pairs (column, spare): a second column of the same period, as where parts and totals stand side by side."""
    pairs = []
    taken = {column for column, _ in assigned}
    for spare in columns:
        head = " ".join(_cell(row, spare) for row in head_rows).strip()
        period = parse_period(head) if spare not in taken and not _is_change(head, head_rows, spare) else None
        owner = next((column for column, own in assigned if period and own.year == period.year), None)
        if period and owner is not None and period.end == dict(assigned)[owner].end:
            pairs.append((owner, spare))
    return pairs


def _linear_periods(head_rows: list[list[str]], around: str) -> list[Period]:
    """Return periods from a row of years or dates in reading order, for heads that are not above their columns."""
    for row in reversed(head_rows):
        text = " ".join(dict.fromkeys(cell for cell in row if cell))
        periods = _sequence(text, around)
        if len(periods) >= 1:
            return periods
    tail = around[-400:]
    return _sequence(tail, tail)


def _sequence(text: str, around: str) -> list[Period]:
    dates = list(dict.fromkeys(parse_dates(text)))
    years = years_in(text)
    heads = [day.isoformat() for day in dates] if len(dates) >= len(years) else [str(year) for year in years]
    parsed = [parse_period(head, around) for head in heads]
    return [period for period in parsed if period]


def _cell(row: list[str], column: int) -> str:
    return row[column] if column < len(row) else ""
