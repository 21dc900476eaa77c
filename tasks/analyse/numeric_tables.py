"""The numbers of any table of a document, with what its heads and labels say of time and of units.

Heads name a column (`2019`), or stand over several (`Financial assets` over `2019` and `2018`). A row that transcribes
ranges (`31 to 150`) holds no number, and speaks neither for nor against a column of numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tasks.analyse.statements.match_labels import plain
from tasks.analyse.statements.read_grids import is_year_cell, mend_cells
from tasks.analyse.statements.read_numbers import Mark, Number, parse_number
from tasks.analyse.statements.read_periods import Period, parse_period, years_in
from tasks.months import WITH_SHORT
from tasks.records import Element

MOST_ROWS = 400
"""Rows of a table that are computed; longer ones are registers."""

_GLUED_YEAR = re.compile(r"((?:19|20)\d\d)(?!\d)")
_SHORT_FISCAL = re.compile(r"^F\s?['’]?(\d\d)\b")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_NO_VALUE = re.compile(r"(?:none|nil|n/?a|n\.\s?[ad]\.?|nessun[oa]?)", re.IGNORECASE)
_RANGE = re.compile(r"(?:[\d.,()%$€£/\s+–—-]|\b(?:to|and|a|e|da|bps|x)\b)+", re.IGNORECASE)
_PERCENT = re.compile(r"%|\bper ?cent(?:age)?s?\b|\bpercentual[ei]\b", re.IGNORECASE)
_OF_TIME = frozenset(WITH_SHORT) | frozenset(
    "a al as at dal dell di dec of on the for in to and e il la year years ended ending end fiscal fy quarter quarters month months "
    "week weeks anno anni esercizio esercizi trimestre semestre mesi period periods periodo thousands thousand millions million "
    "dollars euro euros migliaia milioni unaudited audited restated consolidated".split()
)


@dataclass(frozen=True, slots=True)
class NumericTable:
    """A table with its numbers read.

    `columns` are the heads of the value columns, `periods` what each says of time, `groups` what else it says, heads over
    several columns included; `labels` one a row; `values` rows by columns, None where a cell holds no number; `percents`
    the same shape, True where a number is a percentage.
    """

    page: int
    section: str
    columns: tuple[str, ...]
    periods: tuple[Period | None, ...]
    groups: tuple[str, ...]
    labels: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    percents: tuple[tuple[bool, ...], ...]


def numeric_tables(element: Element, mark: Mark) -> list[NumericTable]:
    """Return the numbers of a table element, one table for each row of heads in it; none of a table of XBRL facts."""
    if not element.rows or element.section == "XBRL facts":
        return []
    cells = [mend_cells(row) for row in element.rows[:MOST_ROWS]]
    starts = [0, *_inner_heads(cells, mark), len(cells)]
    parts = (_table(element, cells[start:end], mark) for start, end in pairwise(starts))
    return [part for part in parts if part]


def _inner_heads(cells: list[list[str]], mark: Mark) -> list[int]:
    """Return the rows below numbers at which heads begin anew: periods without amounts, and if labelled, those of before."""
    found: list[int] = []
    years: set[int] = set()
    below = False
    for index, row in enumerate(cells):
        amounts = any(parse_number(cell, mark) and not is_year_cell(cell) for cell in row[1:])
        here = {year for cell in row[1:] if is_year_cell(cell) or parse_period(cell) for year in years_in(cell)}
        if below and here and not amounts and (not _LETTERS.search(row[0]) or here == years):
            found.append(index)
            below, years = False, set()
        below |= amounts
        if not below:
            years |= here
    return found


def _table(element: Element, cells: list[list[str]], mark: Mark) -> NumericTable | None:
    """Return one table; None where no column has numbers."""
    start = _first_body_row(cells, mark)
    head, body = cells[:start], cells[start:]
    columns = _numeric_columns(body, mark)
    if not columns or not body:
        return None
    heads = tuple(_head(head, column) for column in columns)
    over = [_over(head, columns, number) for number in range(len(columns))]
    numbers = [[_number(row, column, mark) for column in columns] for row in body]
    between = _between_percents(numbers)
    labels = tuple(_label(row, columns[0]) for row in body)
    return NumericTable(
        element.page,
        element.section,
        heads,
        _periods(heads, over, " ".join(dict.fromkeys(row[0] for row in head if row and row[0]))),
        tuple(beside_time(" ".join(text)) for text in over),
        labels,
        tuple(tuple(float(number.value) if number else None for number in row) for row in numbers),
        tuple(
            tuple(between or _is_percent(number, label, name) for number, name in zip(row, heads, strict=True))
            for row, label in zip(numbers, labels, strict=True)
        ),
    )


def beside_time(text: str) -> str:
    """Return the words of a head or label that are not of its period, its unit or its length of time."""
    words = re.findall(r"[^\W\d_]{2,}|[a-z]", plain(text))
    return " ".join(word for word in words if word not in _OF_TIME)


def _first_body_row(cells: list[list[str]], mark: Mark) -> int:
    """Return the first row with a number that is not a year or date, or with «none» under years; rows before it are heads."""
    for index, row in enumerate(cells):
        numbers = [cell for cell in row[1:] if parse_number(cell, mark) and not is_year_cell(cell)]
        years = [cell for cell in row[1:] if is_year_cell(cell)]
        after_years = index > 0 and any(is_year_cell(cell) or parse_period(cell) for cell in cells[index - 1][1:])
        labelled = bool(row and _LETTERS.search(row[0]))
        if numbers and (len(numbers) >= len(years) or (after_years and labelled)):
            return index
        if after_years and labelled and any(_NO_VALUE.fullmatch(cell) for cell in row[1:]):
            return index
    return len(cells)


def _numeric_columns(body: list[list[str]], mark: Mark) -> list[int]:
    """Return columns after the first in which at least half of the filled cells that are no ranges are numbers."""
    columns = []
    for column in range(1, max((len(row) for row in body), default=0)):
        filled = [row[column] for row in body if column < len(row) and row[column]]
        read = [parse_number(cell, mark) is not None for cell in filled]
        ranges = sum(not number and bool(_RANGE.fullmatch(cell)) for cell, number in zip(filled, read, strict=True))
        if any(read) and sum(read) >= 0.5 * (len(filled) - ranges):
            columns.append(column)
    return columns


def _head(head: list[list[str]], column: int) -> str:
    return " ".join(dict.fromkeys(row[column] for row in head if column < len(row) and row[column]))


def _over(head: list[list[str]], columns: Sequence[int], number: int) -> list[str]:
    """Return the heads over a value column: its own, and in rows that name several parts those that begin at its left."""
    found = []
    for row in head:
        texts = [row[column] if column < len(row) else "" for column in columns]
        parts = len({text for text in texts if text}) > 1
        left = next((text for text in reversed(texts[: number + 1]) if text), "") if parts else texts[number]
        found.append(left or ("" if parts else next((text for text in texts if text), "")))
    return [text for text in found if text]


def _periods(heads: Sequence[str], over: Sequence[Sequence[str]], around: str) -> tuple[Period | None, ...]:
    """Return what each head says of time; `F19` is a fiscal year where another column is called so too."""
    short = [_SHORT_FISCAL.match(head) for head in heads]
    years = [2000 + int(match[1]) if match else None for match in short]
    if len({year for year in years if year}) < 2:
        years = [None] * len(heads)
    return tuple(
        Period(year=year, fiscal=year)
        if year
        else _period_of(head, f"{' '.join(texts)} {around}") or _period_of(" ".join(texts), around)
        for head, year, texts in zip(heads, years, over, strict=True)
    )


def _period_of(head: str, around: str) -> Period | None:
    """Return the period that a head names; a year glued to a day (`december 312016`) counts."""
    period = parse_period(head, around)
    if period:
        return period
    glued = _GLUED_YEAR.search(head)
    return Period(year=int(glued[1])) if glued else None


def _label(row: list[str], first: int) -> str:
    return " ".join(cell for cell in row[:first] if cell)


def _number(row: list[str], column: int, mark: Mark) -> Number | None:
    return parse_number(row[column], mark) if column < len(row) else None


def _is_percent(number: Number | None, label: str, head: str) -> bool:
    return number is not None and (number.percent or bool(_PERCENT.search(label) or _PERCENT.search(head)))


def _between_percents(numbers: Sequence[Sequence[Number | None]]) -> bool:
    """Tell whether a table has the sign on its first and last line alone, as tables of percentages are printed."""
    signed = [any(number.percent for number in row if number) for row in numbers if any(row)]
    return len(signed) > 2 and signed[0] and signed[-1] and not any(signed[1:-1])
