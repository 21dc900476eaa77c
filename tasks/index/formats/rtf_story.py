"""The paragraphs and tables of a stretch of RTF (the body, a head, a note, a text box), as they are said word by word.

Rows name the right edges of their cells, so a table's columns are all the edges of its rows, and a cell covers those up
to its own edge.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.index.formats.base import clean, raised, without_bullet
from tasks.index.formats.grid import MOST_COLUMNS, Place, table_of_grid
from tasks.records import Element

_BULLETS = "•▪·○●■◦‣-–*o§"
_NEAR = 60
"""Twips; edges of two rows that are nearer than this are one."""
_LONGEST_TITLE = 500
_LONG_CELL = 1_500
_UNDECIDED = 25  # the result of a field that nobody touched


@dataclass(frozen=True, slots=True)
class Paragraph:
    """What is set for a paragraph: its level as a title (0 for none), whether it is in a table or a list."""

    level: int = 0
    in_table: bool = False
    listed: bool = False


@dataclass(slots=True)
class _Edge:
    """The definition of a cell: its right edge in twips; whether it belongs to the cell left of it or above."""

    right: int = 0
    to_left: bool = False
    to_above: bool = False


@dataclass(slots=True)
class _Row:
    edges: list[_Edge]
    cells: list[list[Element]]


@dataclass(slots=True)
class FormField:
    """A field of a form: `kind` is 0 for a text, 1 for a box, 2 for a list; results are numbers."""

    kind: int = 0
    result: int = _UNDECIDED
    default: int = 0
    choices: list[str] = field(default_factory=list)

    def act(self, word: str, number: int) -> None:
        """Take what a control word says of the field; they come in any order."""
        name = {"fftype": "kind", "ffres": "result", "ffdefres": "default"}.get(word)
        if name:
            setattr(self, name, number)

    def shown(self) -> str:
        """Return the box as it is ticked, or what was chosen; the words of a text field stand beside it."""
        result = self.default if self.result == _UNDECIDED else self.result
        if self.kind == 1:
            return "☒" if result == 1 else "☐"
        return self.choices[result] if self.kind == 2 and 0 <= result < len(self.choices) else ""


@dataclass(slots=True)
class Story:
    """Gathers elements. `anchored` are those of text boxes, which follow the paragraph that they hang on."""

    elements: list[Element] = field(default_factory=list)
    anchored: list[Element] = field(default_factory=list)
    paragraph: Paragraph = field(default_factory=Paragraph)
    label: str = ""
    page: int = 1
    _pieces: list[str] = field(default_factory=list)
    _cell: list[Element] = field(default_factory=list)
    _cells: list[list[Element]] = field(default_factory=list)
    _rows: list[_Row] = field(default_factory=list)
    _edges: list[_Edge] = field(default_factory=list)
    _next: _Edge = field(default_factory=_Edge)
    _in_row: bool = False

    def add(self, text: str, up: bool = False) -> None:
        """Add text to the paragraph; figures raised behind a figure stay raised: 1.250 with a note 2 is not 1.2502."""
        before = self._pieces[-1] if self._pieces else ""
        self._pieces.append(raised(before, text) if up else text)

    def act(self, word: str, number: int | None) -> None:
        """Act on a control word that ends a paragraph, a cell, a row or a page, or defines a row."""
        if word in {"par", "sect"}:
            self._end_paragraph()
        elif word == "page":
            self._end_paragraph()
            self.page += 1
        elif word == "cell":
            self._end_cell()
        elif word == "row":
            self._end_row()
        elif word == "trowd":
            self._edges, self._next, self._in_row = [], _Edge(), True
        elif word == "clmrg":
            self._next.to_left = True
        elif word == "clvmrg":
            self._next.to_above = True
        elif word == "cellx":
            self._next.right = number or 0
            self._edges.append(self._next)
            self._next = _Edge()

    def finish(self) -> None:
        """Close what is still open at the end."""
        self._end_paragraph()
        if self._cells or self._cell:
            self._end_row()
        self._end_table()

    def _end_paragraph(self) -> None:
        text, label = clean("".join(self._pieces)), self.label
        self._pieces, self.label = [], ""
        inside = self.paragraph.in_table or self._in_row
        if not inside and self._rows and (text or self.anchored):
            self._end_table()
        target = self._cell if inside else self.elements
        if text:
            level = self.paragraph.level if len(text) <= _LONGEST_TITLE else 0
            bare = without_bullet(text)
            listed = self.paragraph.listed or bool(label) or bare != text
            shown = f"{label} {bare}" if label.strip(_BULLETS + " ") else bare
            target.append(Element("title" if level else "list" if listed else "text", shown, self.page, level))
        target += [Element(e.kind, e.text, self.page, e.level, e.rows) for e in self.anchored]
        self.anchored = []

    def _end_cell(self) -> None:
        inside = self.paragraph
        self.paragraph = Paragraph(inside.level, True, inside.listed)
        self._end_paragraph()
        self.paragraph = inside
        self._cells.append(self._cell)
        self._cell = []

    def _end_row(self) -> None:
        if self._pieces or self._cell:
            self._end_cell()
        if self._cells:
            self._rows.append(_Row(list(self._edges), self._cells))
        self._cells, self._in_row = [], False

    def _end_table(self) -> None:
        """Make a table of the rows so far; one that only arranges the page gives its cells' elements as they are."""
        rows, self._rows = self._rows, []
        filled = [cell for row in rows for cell in row.cells if cell]
        if len(filled) <= 1 or any(sum(len(e.text) for e in cell) > _LONG_CELL for cell in filled):
            self.elements += [element for cell in filled for element in cell]
        elif found := table_of_grid(_grid(rows), self.page):
            self.elements.append(found)


def _grid(rows: list[_Row]) -> list[list[Place]]:
    """Return every place with the text and number of the cell that covers it."""
    columns = _columns(rows)
    grid: list[list[Place]] = []
    number = 0
    for row in rows:
        line: list[Place] = []
        for index, cell in enumerate(row.cells):
            number += 1
            place = (" ".join(element.text for element in cell), number)
            edge = row.edges[index] if index < len(row.edges) else _Edge()
            if edge.to_left and line and not place[0]:
                place = line[-1]
            elif edge.to_above and not place[0] and grid and len(line) < len(grid[-1]):
                place = grid[-1][len(line)]
            reach = sum(1 for right in columns if right <= edge.right + _NEAR) if edge.right else 0
            line += [place] * max(1, reach - len(line))
        grid.append(line[:MOST_COLUMNS])
    return grid


def _columns(rows: list[_Row]) -> list[int]:
    """Return the right edges of a table's columns, those that nearly coincide once."""
    edges = sorted({edge.right for row in rows for edge in row.edges[: len(row.cells)] if edge.right > 0})
    columns: list[int] = []
    for right in edges:
        if not columns or right - columns[-1] > _NEAR:
            columns.append(right)
    return columns[:MOST_COLUMNS]
