"""Every numeric table of a document, with what a reader computes first: changes over time and shares of the total.

Each table becomes a polars frame of parsed numbers (one row a line, one column a value column). Changes are given
between every two columns of different periods, the later over the earlier, or between neighbouring columns when the
heads name no period; shares are given of every line that is a total, by its words or by its sum, and of a total column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

from tasks.analyse.statements.match_labels import plain
from tasks.analyse.statements.prepare_tables import document_mark
from tasks.analyse.statements.read_grids import is_year_cell, mend_cells
from tasks.analyse.statements.read_numbers import Mark, parse_number
from tasks.analyse.statements.read_periods import Period, parse_period
from tasks.records import Document, Element

if TYPE_CHECKING:
    import polars as pl

NAME = "tables"
VERSION = "1"

MOST_COLUMNS = 12
"""Value columns of a table between which changes are computed; wider ones are lists, not comparisons."""
MOST_ROWS = 400
"""Rows of a table that are computed; longer ones are registers."""

_TOTAL = re.compile(
    r"\b(?:total|totals|totale|totali|sum|somma|complessiv[oa]|overall|grand total|"
    r"net (?:sales|revenues?|income)|subtotal)\b"
)
_GLUED_YEAR = re.compile(r"((?:19|20)\d\d)(?!\d)")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_CHANGE_HEAD = re.compile(
    r"\b(?:change|variation|variazion[ei]|increase|decrease|growth|delta|var)\b|%|Δ", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class NumericTable:
    """A table with its numbers read.

    `columns` are the heads of the value columns, `periods` what each head says of time; `labels` one a row; `values`
    rows by columns, None where a cell holds no number.
    """

    page: int
    section: str
    columns: tuple[str, ...]
    periods: tuple[Period | None, ...]
    labels: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]

    def frame(self) -> pl.DataFrame:
        """Return a frame with a String column `row` and one Float64 column a value column, by its head (made unique)."""
        import polars as pl

        names = unique_names(self.columns)
        data: dict[str, list[Any]] = {"row": list(self.labels)}
        data |= {name: [row[index] for row in self.values] for index, name in enumerate(names)}
        return pl.DataFrame(data, schema={"row": pl.String()} | {name: pl.Float64() for name in names})


def analyse(document: Document) -> dict[str, Any]:
    """Return the `tables` RESULT of a document: each numeric table with its rows, changes and shares (percentages)."""
    elements = document.parsed.elements
    mark = document_mark(elements, document.parsed.language)
    found = [table for element in elements if element.kind == "table" and (table := numeric_table(element, mark))]
    reasons = [] if found else ["The document has no table with numbers."]
    return {
        "document_id": document.document_id,
        "path": document.path,
        "tables": [_as_json(table) for table in found],
        "reasons": reasons,
    }


def numeric_table(element: Element, mark: Mark) -> NumericTable | None:
    """Return the numbers of a table element; None when it has no column of numbers or is a table of XBRL facts."""
    if not element.rows or element.section == "XBRL facts":
        return None
    cells = [mend_cells(row) for row in element.rows[:MOST_ROWS]]
    start = _first_body_row(cells, mark)
    head, body = cells[:start], cells[start:]
    columns = _numeric_columns(body, mark)
    if not columns or not body:
        return None
    heads = tuple(_head(head, column) for column in columns)
    around = " ".join(dict.fromkeys(row[0] for row in head if row and row[0]))
    labels = tuple(_label(row, columns[0]) for row in body)
    values = tuple(tuple(_value(row, column, mark) for column in columns) for row in body)
    periods = tuple(_period_of(name, around) for name in heads)
    return NumericTable(element.page, element.section, heads, periods, labels, values)


def _first_body_row(cells: list[list[str]], mark: Mark) -> int:
    """Return the first row with a number that is not a year or date; all rows before it are heads."""
    for index, row in enumerate(cells):
        numbers = [cell for cell in row[1:] if parse_number(cell, mark) and not is_year_cell(cell)]
        years = [cell for cell in row[1:] if is_year_cell(cell)]
        after_years = index > 0 and any(is_year_cell(cell) or parse_period(cell) for cell in cells[index - 1][1:])
        if numbers and (len(numbers) >= len(years) or (after_years and _LETTERS.search(row[0]))):
            return index
    return len(cells)


def _numeric_columns(body: list[list[str]], mark: Mark) -> list[int]:
    """Return columns after the first in which at least half of the filled cells are numbers."""
    columns = []
    for column in range(1, max((len(row) for row in body), default=0)):
        filled = [row[column] for row in body if column < len(row) and row[column]]
        numbers = sum(parse_number(cell, mark) is not None for cell in filled)
        if numbers and numbers >= 0.5 * len(filled):
            columns.append(column)
    return columns


def _head(head: list[list[str]], column: int) -> str:
    return " ".join(dict.fromkeys(row[column] for row in head if column < len(row) and row[column]))


def _label(row: list[str], first: int) -> str:
    return " ".join(cell for cell in row[:first] if cell)


def _value(row: list[str], column: int, mark: Mark) -> float | None:
    number = parse_number(row[column], mark) if column < len(row) else None
    return float(number.value) if number else None


def _period_of(head: str, around: str) -> Period | None:
    """Return the period that a head names; a year glued to a day (`december 312016`) counts."""
    period = parse_period(head, around)
    if period:
        return period
    glued = _GLUED_YEAR.search(head)
    return Period(year=int(glued[1])) if glued else None


def unique_names(columns: Sequence[str]) -> list[str]:
    """Return heads made unique and never empty, so that they can name the columns of a frame."""
    names: list[str] = []
    for index, head in enumerate(columns, start=1):
        name = head or f"column {index}"
        names.append(name if name not in names and name != "row" else f"{name} ({index})")
    return names


def pairs_of_columns(table: NumericTable) -> list[tuple[int, int]]:
    """Return pairs (earlier, later) of columns to compare: by period where heads name it, else neighbours, newest left."""
    usable = [index for index, head in enumerate(table.columns) if not _CHANGE_HEAD.search(head)][:MOST_COLUMNS]
    keys = {index: _moment(table.periods[index]) for index in usable}
    dated = [index for index in usable if keys[index]]
    if len({keys[index] for index in dated}) > 1:
        ordered = sorted(dated, key=lambda index: keys[index] or ())
        return [(one, two) for one, two in combinations(ordered, 2) if _comparable(table, one, two)]
    return [(right, left) for left, right in pairwise(usable)]


def _moment(period: Period | None) -> tuple[int, int, int] | None:
    if period is None or period.year is None:
        return None
    day = (period.end.month, period.end.day) if period.end else (0, 0)
    return (period.year, *day) if not period.quarter else (period.year, period.quarter * 3, 28)


def _comparable(table: NumericTable, one: int, two: int) -> bool:
    """Return columns of different moments whose heads do not speak of different lengths of time."""
    first, second = table.periods[one], table.periods[two]
    months = {period.months for period in (first, second) if period and period.months}
    return _moment(first) != _moment(second) and len(months) <= 1


def changes(table: NumericTable) -> pl.DataFrame:
    """Return percentage changes: columns row, from, to, percent; none where the earlier value is nil or unknown."""
    import polars as pl

    frame, names = table.frame().with_row_index("line"), unique_names(table.columns)
    parts = [
        frame.select(
            "line",
            "row",
            pl.lit(names[one]).alias("from"),
            pl.lit(names[two]).alias("to"),
            (100 * (pl.col(names[two]) - pl.col(names[one])) / pl.col(names[one])).alias("percent"),
        ).filter(pl.col("percent").is_finite())
        for one, two in pairs_of_columns(table)
    ]
    return pl.concat(parts).sort("line", maintain_order=True).drop("line") if parts else _nothing("from", "to")


def shares(table: NumericTable) -> pl.DataFrame:
    """Return shares (columns row, column, of, percent): of each total line within a column, and of a total column."""
    import polars as pl

    names = unique_names(table.columns)
    rows = [*_shares_of_lines(table, names), *_shares_of_column(table, names)]
    return (
        pl.DataFrame(rows, schema=("row", "column", "of", "percent"), orient="row")
        if rows
        else _nothing("column", "of")
    )


def _nothing(*names: str) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        schema={"row": pl.String(), names[0]: pl.String(), names[1]: pl.String(), "percent": pl.Float64()}
    )


def _shares_of_lines(table: NumericTable, names: Sequence[str]) -> Iterator[tuple[str, str, str, float]]:
    for total in total_lines(table):
        for index, values in enumerate(table.values):
            for column, name in enumerate(names):
                part, whole = values[column], table.values[total][column]
                if index != total and part is not None and whole:
                    yield (table.labels[index], name, table.labels[total], 100 * part / whole)


def _shares_of_column(table: NumericTable, names: Sequence[str]) -> Iterator[tuple[str, str, str, float]]:
    totals = [index for index, head in enumerate(table.columns) if _TOTAL.search(plain(head))]
    if len(totals) != 1 or len(names) < 3:
        return
    for label, values in zip(table.labels, table.values, strict=True):
        whole = values[totals[0]]
        for column, name in enumerate(names):
            part = values[column]
            if column != totals[0] and part is not None and whole:
                yield (label, name, names[totals[0]], 100 * part / whole)


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


def _as_json(table: NumericTable) -> dict[str, Any]:
    return {
        "page": table.page,
        "section": table.section,
        "columns": unique_names(table.columns),
        "rows": [
            {"row": label, "values": list(values)} for label, values in zip(table.labels, table.values, strict=True)
        ],
        "changes": changes(table).to_dicts(),
        "shares": shares(table).to_dicts(),
    }
