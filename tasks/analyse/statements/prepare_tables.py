"""A document's tables made ready for the search of statements: each with its numbers read and the words around it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date

from tasks.analyse.statements.join_pages import opens_part, whole_tables
from tasks.analyse.statements.match_labels import plain
from tasks.analyse.statements.read_grids import Grid, Rows, Source, build_grid, table_text
from tasks.analyse.statements.read_lines import is_head_line, text_tables
from tasks.analyse.statements.read_numbers import Mark, decimal_mark, parse_number
from tasks.analyse.statements.read_periods import parse_dates
from tasks.records import Document, Element

_RELATIVE = re.compile(
    r"\b(?:(?P<now>(?:esercizio|anno|periodo) (?:corrente|attuale|in corso)|(?:current|this) (?:year|period))"
    r"|(?:esercizio|anno|periodo) precedente|(?:prior|previous|last) (?:year|period))\b",
    re.IGNORECASE,
)
_CONTEXT = 700  # characters above a table that may hold its title, scale and years
_FINANCIAL = re.compile(
    r"revenue|sales|income|earnings|profit|assets|equity|liabilit|cash|debt|tax|receivable|"
    r"inventor|dividend|costs?\b|expense|"
    r"ricavi|attiv|passiv|patrimonio|debiti|crediti|impost|utile|perdita|rimanenze|cassa|"
    r"liquid|ammortament|immobilizzazion|personale|oneri|capital"
)


def grids_of(document: Document) -> tuple[list[Grid], Mark]:
    """Return the financial tables of a document as grids, in reading order, and the decimal sign that the document uses."""
    elements = document.parsed.elements
    mark = document_mark(elements, document.parsed.language)
    grids: list[Grid] = []
    closing = closing_date(elements)
    opened = ""
    for order, table in enumerate(whole_tables(elements, mark), start=1):
        if not _FINANCIAL.search(table_text(row[:2] for row in table.rows)):
            opened = ""
            continue
        known = grids[-1].periods if grids and table.pages[0] - grids[-1].pages[-1] <= 1 else ()
        context = context_of(elements, table.index)
        for rows in unfold(dated_heads(table.rows, closing), mark):
            grid = build_grid(
                rows,
                mark,
                pages=table.pages,
                sources=table.sources,
                order=order,
                context=context,
                section=table.section,
                known=known,
                opened=opened,
            )
            if grid:
                grids.append(grid)
        opened = _opened(table.rows)
    return grids, mark


def _opened(rows: Rows) -> str:
    """Return the head of a section in the last row of a table, whose lines stand on the next page."""
    label, *rest = rows[-1]
    return label if label and not any(rest) and opens_part(label) else ""


def unfold(rows: Rows, mark: Mark) -> list[Rows]:
    """Return the two halves of a table with a second column of labels: assets at the left, liabilities at the right."""
    width = max(len(row) for row in rows)
    for column in range(2, width - 1):
        cells = [row[column] for row in rows if column < len(row) and row[column]]
        words = [cell for cell in cells if parse_number(cell, mark) is None and re.search(r"[^\W\d_]{3}", cell)]
        if len(words) >= 4 and len(words) >= 0.8 * len(cells) and all(_has_amounts(rows, mark, column, width)):
            return [[row[:column] for row in rows], [row[column:] for row in rows]]
    return [rows]


def _has_amounts(rows: Rows, mark: Mark, column: int, width: int) -> tuple[bool, bool]:
    """Tell whether there are columns of amounts on both sides of a column."""
    found = [
        sum(parse_number(row[index], mark) is not None for row in rows if index < len(row)) >= 0.25 * len(rows)
        for index in range(width)
    ]
    return any(found[1:column]), any(found[column + 1 :])


def closing_date(elements: Sequence[Element]) -> date | None:
    """Return the closing date that the opening of a document names most often (`Bilancio al 31/12/2019`); None without one."""
    days = Counter(day for element in elements[:60] for day in parse_dates(element.text[:400]) if day.day >= 28)
    return days.most_common(1)[0][0] if days else None


def dated_heads(rows: Rows, closing: date | None) -> Rows:
    """Return the rows with dates in place of `esercizio corrente` and `precedente` in the heads, when a date is known."""
    if closing is None or not any(_RELATIVE.search(cell) for row in rows[:4] for cell in row[1:]):
        return rows
    before = closing.replace(year=closing.year - 1, day=min(closing.day, 28) if closing.month == 2 else closing.day)
    heads = [[row[0], *(_dated(cell, closing, before) for cell in row[1:])] for row in rows[:4] if row]
    return [*heads, *rows[4:]]


def _dated(cell: str, closing: date, before: date) -> str:
    match = _RELATIVE.search(cell)
    if not match or parse_dates(cell):
        return cell
    return (closing if match["now"] else before).isoformat()


def line_grids(document: Document, mark: Mark, after: int) -> list[Grid]:
    """Return grids made of text lines, for a document whose tables hold no statement; their order goes on from `after`."""
    elements = document.parsed.elements
    grids: list[Grid] = []
    for number, (index, table) in enumerate(text_tables(elements), start=1):
        if not table.rows or not _FINANCIAL.search(table_text(row[:1] for row in table.rows)):
            continue
        known = grids[-1].periods if grids and table.page - grids[-1].page <= 1 else ()
        context = f"{context_of(elements, index)}\n{table.text[:300]}"
        grid = build_grid(
            table.rows,
            mark,
            pages=[table.page] * len(table.rows),
            sources=[Source(index, None)] * len(table.rows),
            order=after + number,
            context=context,
            section=table.section,
            known=known,
        )
        if grid:
            grids.append(grid)
    return grids


def document_mark(elements: Sequence[Element], language: str) -> Mark:
    """Return the decimal sign, from all table cells of the document (10,000 are enough)."""
    cells = [cell for element in elements if element.rows for row in element.rows for cell in row if cell]
    if not cells:
        cells = [element.text for element in elements]
    return decimal_mark(cells[:10_000], "," if language == "it" else ".")


def context_of(elements: Sequence[Element], index: int) -> str:
    """Return the lines above a table, back to the table before it or to the start of its page.

    Of the page before come the lines at its end that only a statement has: titles, heads, years over columns.
    """
    page, lines, length = elements[index].page, list[str](), 0
    near = page
    for element in reversed(elements[max(0, index - 25) : index]):
        if element.kind in ("footer", "header") and element.page < page:
            continue
        if element.kind == "table" or element.page < near - 1 or (element.page < page and not _over_a_table(element)):
            break
        near = element.page
        if element.kind == "footer":
            continue
        lines.append(element.text)
        length += len(element.text)
        if length > _CONTEXT:
            break
    return "\n".join(reversed(lines))[-_CONTEXT:]


def _over_a_table(element: Element) -> bool:
    """Tell whether a text at the end of a page may stand over a table on the next one."""
    return element.kind == "title" or is_head_line(element.text) or opens_part(element.text)


def page_top(elements: Sequence[Element], page: int, lines: int = 8) -> str:
    """Return the first lines of a page, where the scale of a whole page is stated."""
    texts = [element.text for element in elements if element.page == page and element.kind != "table"]
    return "\n".join(texts[:lines])


def has_words(elements: Sequence[Element]) -> bool:
    """Tell whether there is any text to read at all (a scan without text recognition has none)."""
    return sum(len(plain(element.text)) for element in elements[:200]) > 40
