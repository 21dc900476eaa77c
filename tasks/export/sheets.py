"""A report as plain tables, from which both the PDF and the workbook are made: one set of numbers, two ways to show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO
from typing import Any, Literal

from reportlab.platypus import Flowable

from tasks.export.layout import Heading, Prose, Tile, Tiles
from tasks.export.parts import finish
from tasks.export.records import Material
from tasks.export.report import Report
from tasks.export.table import Cell, Column, Row, Table
from tasks.export.text import link
from tasks.export.words import Words

Kind = Literal["text", "money", "date", "count", "percent"]


@dataclass(frozen=True, slots=True)
class Head:
    """A column: its head and the kind of its values."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Line:
    """A row: values as they are (numbers, dates, text, None). `group` is a heading, `total` a sum; `path` opens the paper."""

    values: tuple[Any, ...]
    role: Literal["", "group", "total"] = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table under a heading; `name` is the workbook's sheet, `empty` what is said where it has no row."""

    name: str
    heads: tuple[Head, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Tables:
    """A whole report: its title, a few figures at a glance, sheets, and notes on what was left out or assumed."""

    title: str
    tiles: tuple[Tile, ...] = ()
    sheets: tuple[Sheet, ...] = field(default=())
    notes: tuple[str, ...] = ()


def as_pdf(tables: Tables, material: Material, words: Words) -> Report:
    """Return the tables as a report."""
    story: list[Flowable] = [Tiles(tables.tiles)] if tables.tiles else []
    story += [Prose(note, tone="muted") for note in tables.notes]
    for sheet in tables.sheets:
        story.append(Heading(sheet.name))
        story += [Prose(note) for note in sheet.notes]
        story.append(_table(sheet, words) if sheet.lines else Prose(sheet.empty or words("nothing_here")))
    return finish(tables.title, material, story, words)


def _table(sheet: Sheet, words: Words) -> Table:
    columns = [Column(head.name, "text" if head.kind == "text" else "number") for head in sheet.heads]
    return Table(columns, [_row(line, sheet, words) for line in sheet.lines], most=3)


def _row(line: Line, sheet: Sheet, words: Words) -> Row:
    if line.role == "group":
        return Row((str(line.values[0]),), strong=True, group=True)
    cells: list[str | Cell] = [shown(v, h.kind, words) for v, h in zip(line.values, sheet.heads, strict=True)]
    if line.path:
        first = next((i for i, head in enumerate(sheet.heads) if head.kind == "text" and line.values[i]), 0)
        cells[first] = Cell(str(cells[first]), link=link(line.path))
    return Row(tuple(cells), strong=line.role == "total")


def shown(value: Any, kind: Kind, words: Words) -> str:
    """Return a value as a reader of the report's language writes it; nothing for None."""
    if value is None or value == "":
        return ""
    if kind == "money":
        return words.format.decimal(value)
    if kind == "percent":
        return words.format.percent(value, sign=True)
    if kind == "date":
        return words.format.short_date(value)
    if kind == "count":
        return words.format.integer(value)
    return str(value)


def as_workbook(tables: Tables) -> bytes:
    """Return the tables as XLSX: a sheet each, numbers and dates as such, and one with the notes."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for sheet in tables.sheets:
        _fill(book.create_sheet(_sheet_name(sheet.name, book.sheetnames)), sheet.heads, sheet.lines)
    notes = [Line((note,)) for s in tables.sheets for note in s.notes] + [Line((note,)) for note in tables.notes]
    figures = [Line((f"{tile.label}: {tile.value} {tile.note}".strip(),)) for tile in tables.tiles]
    _fill(book.create_sheet(_sheet_name("Notes", book.sheetnames)), (Head(tables.title),), [*figures, *notes])
    sink = BytesIO()
    book.save(sink)
    return sink.getvalue()


def _sheet_name(name: str, taken: Sequence[str]) -> str:
    """Return at most 31 characters without the signs that Excel refuses, and not taken yet."""
    plain = "".join(c for c in name if c not in "[]:*?/\\")[:28] or "Sheet"
    number = sum(one.startswith(plain) for one in taken)
    return f"{plain} {number + 1}" if number else plain


def _fill(page: Any, heads: Sequence[Head], lines: Sequence[Line]) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    bold = Font(bold=True)
    page.append([head.name for head in heads])
    for cell in page[1]:
        cell.font = bold
    for line in lines:
        page.append([None] * len(heads))
        row = page[page.max_row] if page.max_row > 1 else page[1]
        for cell, value, head in zip(row, line.values, heads, strict=False):
            cell.value = _plain(value)
            if isinstance(cell.value, str):
                cell.data_type = "s"  # never a formula
            if head.kind == "money":
                cell.number_format = "#,##0.00"
            if line.role:
                cell.font = bold
    for number, head in enumerate(heads, 1):
        widest = max(
            (len(str(line.values[number - 1] or "")) for line in lines if len(line.values) >= number), default=0
        )
        page.column_dimensions[get_column_letter(number)].width = min(60, max(len(head.name), widest) + 2)
    page.freeze_panes = "A2"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, str):
        return "".join(c for c in value if c >= " " or c in "\n\t")[:32_767]
    return value if isinstance(value, int | float | date | None) else str(value)
