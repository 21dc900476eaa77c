"""Tables that go on over pages, made one again.

A page break cuts a statement anywhere: between a head and its lines, before the last line, twice in a row. What a
reader of files makes of it are two tables, the second without years over its columns, with lone lines between them
that do not belong to a table (`4) debiti verso banche` at the foot of a page, `Totale passivo 4.277.000 4.184.000` at the top of
one). Here such pieces become one table again, with the page of each row.

A piece goes on with the table before it when it has as many columns of amounts, no years of its own or the same ones,
and nothing between them opens something new. Years of its own are allowed only where the civil code's scheme proves by
its order that the piece belongs: elsewhere two tables of notes under the same years are two tables.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.analyse.statements.civil_scheme import CIVIL_KINDS, goes_on, is_end, last_place, places
from tasks.analyse.statements.match_labels import canonical, mark_of, match_anchors, plain
from tasks.analyse.statements.read_grids import Rows, Source, body_start, head_dates, is_year_cell, table_columns
from tasks.analyse.statements.read_lines import amounts_of, is_head_line
from tasks.analyse.statements.read_numbers import Mark
from tasks.analyse.statements.read_periods import parse_dates, years_in
from tasks.analyse.statements.wordings import STATEMENTS, TITLES, StatementKind
from tasks.records import Element

FACTS = "XBRL facts"
_LONGEST = 130  # characters of a line of a statement
_MOST_PAGES = 4  # between two pieces, each with lines of the statement
_STRANGE = 3  # texts of unknown purpose (a running header that is printed once) that may stand at a page break
_HEAD = re.compile(
    r"^(?:attivo|passivo|(?:total )?(?:current |non ?current |long term )?(?:assets|liabilities)(?: and .*equity)?|"
    r"(?:share|stock)(?:holders|owners)'? equity|equity|patrimonio netto(?: e passivo)?|"
    r"(?:operating|investing|financing) activities|cash flows? (?:from|used in) .*activities)$"
)
_CIVIL_TOTAL = re.compile(
    r"^totale (?:immobilizzazioni|attivo|rimanenze|crediti|debiti|patrimonio netto|passivo|valore)"
)


@dataclass(frozen=True, slots=True)
class WholeTable:
    """A table of one page or several: its cells, the source and the page of each row, and its first element."""

    index: int
    rows: tuple[tuple[str, ...], ...]
    sources: tuple[Source, ...]
    pages: tuple[int, ...]
    section: str

    @property
    def norms(self) -> list[str]:
        """The canonical labels, in order."""
        return [canonical(label_of(row)) for row in self.rows]


def label_of(row: Sequence[str]) -> str:
    """Return the first cell with words."""
    return next((cell for cell in row if re.search(r"[^\W\d_]{2}", cell)), "")


def whole_tables(elements: Sequence[Element], mark: Mark) -> list[WholeTable]:
    """Return the tables of a document in reading order, those that go on over pages as one."""
    running = _running(elements)
    tables: list[WholeTable] = []
    indexes = [index for index, element in enumerate(elements) if _is_table(element)]
    for position, index in enumerate(indexes):
        piece = _piece(elements, index, mark)
        before = tables[-1] if tables else None
        joined = _joined(before, piece, elements, mark, running) if before else None
        if joined:
            tables[-1] = joined
        else:
            start = indexes[position - 1] + 1 if position else 0
            tables.append(_with_lines_before(piece, elements, start, mark, running))
    return [_with_lines_after(table, elements, _next_table(elements, table), mark, running) for table in tables]


def _next_table(elements: Sequence[Element], table: WholeTable) -> int:
    """Return the index of the table after this one; the number of elements when it is the last."""
    last = table.sources[-1].element
    return next((i for i in range(last + 1, len(elements)) if _is_table(elements[i])), len(elements))


def _is_table(element: Element) -> bool:
    return element.kind == "table" and bool(element.rows) and element.section != FACTS


def _piece(elements: Sequence[Element], index: int, mark: Mark) -> WholeTable:
    element = elements[index]
    rows = element.rows or ()
    sources = tuple(Source(index, row) for row in range(len(rows)))
    pages = tuple(element.page_of(row) for row in range(len(rows)))
    return _with_lost_rows(WholeTable(index, rows, sources, pages, element.section), elements, mark)


def _with_lost_rows(table: WholeTable, elements: Sequence[Element], mark: Mark) -> WholeTable:
    """Return a table of several pages with the rows at their tops that passed for running headers (a due date on each)."""
    columns = table_columns(table.rows, mark) if table.pages[0] != table.pages[-1] else []
    for index in range(table.index + 1, len(elements)) if columns else ():
        element = elements[index]
        if element.page > table.pages[-1] or element.kind == "table":
            break
        label, amounts = amounts_of(element.text)
        if element.kind == "header" and len(columns) > 1 and len(amounts) == len(columns):
            at = next((row for row, page in enumerate(table.pages) if page >= element.page), len(table.rows))
            above = replace(table, rows=table.rows[:at], sources=table.sources[:at], pages=table.pages[:at])
            line = _Line(Source(index, None), element.page, label, amounts)
            table = _appended(
                _with_lines(above, [line], columns), table.rows[at:], table.sources[at:], table.pages[at:]
            )
    return table


def _running(elements: Sequence[Element]) -> frozenset[str]:
    """Return lines that stand on several pages but for their digits: running headers that the reader took for text."""
    pages: dict[str, set[int]] = {}
    for element in elements:
        if element.kind != "table" and len(element.text) <= 250:
            pages.setdefault(_masked(element.text), set()).add(element.page)
    return frozenset(text for text, found in pages.items() if len(found) > 1)


def _masked(text: str) -> str:
    return re.sub(r"\d+", "#", plain(text))


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of text between two pieces: a head without amounts, or a label with its amounts."""

    source: Source
    page: int
    label: str
    amounts: tuple[str, ...]


@dataclass(slots=True)
class _Between:
    """The lines between two pieces; `broken` when something new begins there, `years` when years are printed."""

    lines: list[_Line]
    broken: bool = False
    years: str = ""
    strange: int = 0


def _between(
    elements: Sequence[Element],
    start: int,
    end: int,
    columns: int,
    kinds: frozenset[StatementKind],
    running: frozenset[str],
) -> _Between:
    """Sort what stands between two elements, up to where something new begins."""
    found = _Between([])
    for index in range(start, end):
        element = elements[index]
        furniture = element.kind in ("header", "footer") or _masked(element.text) in running
        if furniture and not _is_row(element.text, columns):
            continue
        for text in element.text.split("\n"):
            _sort(found, text.strip(), element, index, columns, kinds)
        if found.broken or found.strange > _STRANGE:
            found.broken = True
            break
    return found


def _is_row(text: str, columns: int) -> bool:
    """Tell whether a line that is printed on several pages is not a running header: a due date, the years over the columns."""
    return columns > 1 and (len(amounts_of(text)[1]) == columns or _are_years(text, columns))


def _are_years(text: str, columns: int) -> bool:
    return is_head_line(text) and len(parse_dates(text) or years_in(text)) == columns


def _sort(
    found: _Between, text: str, element: Element, index: int, columns: int, kinds: frozenset[StatementKind]
) -> None:
    label, amounts = amounts_of(text)
    titled = {kind for kind in STATEMENTS if TITLES[kind].search(plain(text))}
    source = Source(index, None)
    if _are_years(text, columns):
        found.years = text
    elif titled and len(text) <= _LONGEST and not amounts:
        found.broken = not titled & kinds
    elif len(text) <= _LONGEST and len(amounts) == columns:
        found.lines.append(_Line(source, element.page, label, amounts))
    elif not amounts and opens_part(text):
        found.lines.append(_Line(source, element.page, text, ()))
    elif element.kind == "title":
        found.broken = True
    elif text:
        found.strange += 1 if len(text) <= 250 else _STRANGE + 1


def opens_part(text: str) -> bool:
    """Tell whether a line without amounts is a head inside a statement: numbered, named as one, or ending in a colon."""
    if len(text) > _LONGEST:
        return False
    return bool(mark_of(text)) or text.endswith(":") or bool(_HEAD.match(canonical(text)))


def _joined(
    before: WholeTable, piece: WholeTable, elements: Sequence[Element], mark: Mark, running: frozenset[str]
) -> WholeTable | None:
    """Return both as one table when the second goes on with the first; None when it does not."""
    end = before.sources[-1].element
    same_page = piece.pages[0] == before.pages[-1]
    if not 0 <= piece.pages[0] - before.pages[-1] <= _MOST_PAGES:
        return None
    columns, own = table_columns(before.rows, mark), table_columns(piece.rows, mark)
    if not columns or len(columns) != len(own):
        return None
    between = _between(elements, end + 1, piece.index, len(columns), _kinds(before, elements), running)
    gap = set(range(before.pages[-1] + 1, piece.pages[0]))
    if between.broken or not gap <= {line.page for line in between.lines}:
        return None
    if same_page and (between.strange or not between.lines or not _civil(before)):
        return None
    if not _same_years(before, piece, between, mark) or _ended(before):
        return None
    return _extended(before, between.lines, columns, piece, own, mark)


def _kinds(table: WholeTable, elements: Sequence[Element]) -> frozenset[StatementKind]:
    """Return the statements that the words above a table name."""
    above = [element for element in elements[max(0, table.index - 8) : table.index] if element.page == table.pages[0]]
    near = plain(" ".join(element.text for element in above) + f" {table.section}")
    return frozenset(kind for kind in STATEMENTS if TITLES[kind].search(near))


def _civil(table: WholeTable) -> bool:
    return sum(bool(_CIVIL_TOTAL.match(norm)) for norm in table.norms) >= 1


def _same_years(before: WholeTable, piece: WholeTable, between: _Between, mark: Mark) -> bool:
    """Tell whether the second piece has no years, or repeats those of the first and goes on in the civil code's order."""
    own = head_dates(piece.rows, mark) or head_dates([("", between.years)], mark)
    known = head_dates(before.rows, mark)
    if not own:
        return True
    kind = _civil_kind(before)
    return kind is not None and (not known or own == known) and goes_on(piece.norms, _reached(before, kind), kind)


def _civil_kind(table: WholeTable) -> StatementKind | None:
    """Return the civil code's statement whose lines a table names last; None for another layout."""
    for norm in reversed(table.norms):
        found = [kind for kind in CIVIL_KINDS if places(norm, kind)]
        if len(found) == 1:
            return found[0] if _civil(table) else None
    return None


def _reached(table: WholeTable, kind: StatementKind) -> int:
    return last_place(table.norms, kind)


def _ended(table: WholeTable) -> bool:
    """Tell whether the last row is the last line of a statement."""
    norm = canonical(label_of(table.rows[-1]))
    if any(is_end(norm, kind) for kind in CIVIL_KINDS) and mark_of(label_of(table.rows[-1])) not in ("IX", "VIII"):
        return True
    return "both" in match_anchors(norm, "balance_sheet")


def _extended(
    before: WholeTable,
    lines: Sequence[_Line],
    columns: Sequence[int],
    piece: WholeTable,
    own: Sequence[int],
    mark: Mark,
) -> WholeTable:
    """Return the first table, the lines between, and the rows of the second under the columns of the first."""
    start = _after_dates(piece.rows, mark)
    longer = _with_lines(before, lines, columns)
    rows = [_under(row, own, columns) for row in piece.rows[start:]]
    return _appended(longer, rows, piece.sources[start:], piece.pages[start:])


def _after_dates(rows: Rows, mark: Mark) -> int:
    """Return the first row below the dates of a table; heads of the statement that follow them are rows of it."""
    heads = range(body_start(rows, mark))
    return max((i + 1 for i in heads if any(is_year_cell(cell) for cell in rows[i])), default=0)


def _under(row: Sequence[str], own: Sequence[int], columns: Sequence[int]) -> tuple[str, ...]:
    """Return a row with its amounts under other columns, and its label before them."""
    if tuple(own) == tuple(columns):
        return tuple(row)
    label = " ".join(cell for cell in row[: own[0]] if cell)
    return _row(label, [row[column] if column < len(row) else "" for column in own], columns)


def _row(label: str, amounts: Sequence[str], columns: Sequence[int]) -> tuple[str, ...]:
    cells = [""] * (columns[-1] + 1)
    cells[0] = label
    for column, amount in zip(columns, amounts, strict=False):
        cells[column] = amount
    return tuple(cells)


def _with_lines(table: WholeTable, lines: Sequence[_Line], columns: Sequence[int]) -> WholeTable:
    rows = [_row(line.label, line.amounts, columns) for line in lines]
    return _appended(table, rows, [line.source for line in lines], [line.page for line in lines])


def _appended(
    table: WholeTable, rows: Sequence[tuple[str, ...]], sources: Sequence[Source], pages: Sequence[int]
) -> WholeTable:
    width = max(len(row) for row in (*table.rows, *rows))
    padded = [(*row, *[""] * (width - len(row))) for row in (*table.rows, *rows)]
    return replace(table, rows=tuple(padded), sources=(*table.sources, *sources), pages=(*table.pages, *pages))


def _with_lines_after(
    table: WholeTable, elements: Sequence[Element], end: int, mark: Mark, running: frozenset[str]
) -> WholeTable:
    """Return the table with the lone lines at the top of the next page, where no table follows there."""
    columns = table_columns(table.rows, mark)
    if not columns or _ended(table):
        return table
    last = table.sources[-1].element
    between = _between(elements, last + 1, end, len(columns), _kinds(table, elements), running)
    last_page, filled = table.pages[-1], {line.page for line in between.lines if line.amounts}
    lines = [line for line in between.lines if set(range(last_page + 1, line.page + 1)) <= filled]
    lines = [line for line in lines if line.page > last_page]
    amounts = [number for number, line in enumerate(lines, start=1) if line.amounts]
    return _with_lines(table, lines[: amounts[-1]], columns) if amounts else table


def _with_lines_before(
    piece: WholeTable, elements: Sequence[Element], start: int, mark: Mark, running: frozenset[str]
) -> WholeTable:
    """Return the table with the lone lines of the page before, below the statement's title, where it has no years itself."""
    columns = table_columns(piece.rows, mark)
    page = piece.pages[0] - 1
    if not columns or not any(element.page == page for element in elements[start : piece.index]):
        return piece
    titles = [index for index in range(start, piece.index) if _names_statement(elements[index])]
    first = titles[-1] + 1 if titles else start
    between = _between(elements, first, piece.index, len(columns), frozenset(STATEMENTS), running)
    own = head_dates(piece.rows, mark)
    if between.broken or (own and own != head_dates([("", between.years)], mark)):
        return piece
    lines = [line for line in between.lines if _reach(between.lines, line, page + 1)]
    if not any(line.amounts and line.page <= page for line in lines):
        return piece
    top = _after_dates(piece.rows, mark)
    head = replace(piece, rows=piece.rows[:top], sources=piece.sources[:top], pages=piece.pages[:top])
    head = replace(head, index=lines[0].source.element)
    return _appended(_with_lines(head, lines, columns), piece.rows[top:], piece.sources[top:], piece.pages[top:])


def _reach(lines: Sequence[_Line], line: _Line, page: int) -> bool:
    """Tell whether no page without lines lies between a line and a page."""
    return set(range(line.page, page)) <= {other.page for other in lines}


def _names_statement(element: Element) -> bool:
    return len(element.text) <= _LONGEST and any(TITLES[kind].search(plain(element.text)) for kind in STATEMENTS)
