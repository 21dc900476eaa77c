"""ODT, ODS, ODP and ODG: texts, spreadsheets, slides and drawings of LibreOffice, in packages or as one flat XML file.

Texts are walked by `odf_text.py`. Cells of sheets come from the stored value (numbers plain, dates ISO), percentages and codes as
shown. Rows and cells that are repeated are repeated, except at the edge of a sheet, where a million empty ones stand for
"the rest".
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, clean, load, title_of, with_sections
from tasks.index.formats.odf import OpenDocument
from tasks.index.formats.odf_text import TextWalker, plain_text, repeated, table_rows
from tasks.index.formats.ooxml import attribute, local
from tasks.index.formats.sheets import CellCount, Row, duration_text, sheet_elements, spread, value_text
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("odt", "ods", "odp", "odg")
VERSION = "3"
_TYPE = "application/vnd.oasis.opendocument."
_KINDS = {"text": "odt", "spreadsheet": "ods", "presentation": "odp", "graphics": "odg"}
_FLAT = re.compile(rf'<office:document\b[^>]*?office:mimetype="{re.escape(_TYPE)}(\w+)')
SAMPLES = {name: {"mimetype": f"{_TYPE}{kind}".encode()} for kind, name in _KINDS.items()}

_MOST_REPEATED = 1_000
_TIME = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")
_PADDED = re.compile(r"0\d+")


def sniff(look: Look) -> str:
    """Know a package by the type that it declares (templates add a word to it), a flat file by its root."""
    declared = re.match(r"\w+", look.mimetype.removeprefix(_TYPE)) if look.mimetype.startswith(_TYPE) else None
    if declared is not None:
        return _KINDS.get(declared[0], "")
    flat = _FLAT.search(look.text) if look.text.startswith("<") else None
    return _KINDS.get(flat[1], "") if flat is not None else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a document; a sheet, a slide or a drawing's page is a page, in a text what its page breaks end.

    Raises:
        DocumentError: CORRUPT, or TOO_LARGE above `limits.cells` cells.
    """
    document = OpenDocument(load(source))
    body = document.body
    walker = TextWalker(document, context)
    kind = local(body)
    if kind == "spreadsheet":
        count = CellCount(context.limits.cells)
        sheets = list(body.iterchildren("{*}table"))
        elements = [e for page, sheet in enumerate(sheets, 1) for e in _sheet(document, walker, sheet, page, count)]
        elements = [*walker.sheet_margins("header"), *elements, *walker.sheet_margins("footer")]
        name, pages = "ods", max(1, len(sheets))
    elif kind in {"presentation", "drawing"}:
        slides = list(body.iter("{*}page"))
        elements = [e for page, slide in enumerate(slides, 1) for e in _slide(walker, slide, page)]
        name, pages = "odp" if kind == "presentation" else "odg", max(1, len(slides))
    else:
        elements = list(walker.read())
        name, pages = "odt", max((element.page for element in elements), default=1)
    elements = elements or list(walker.pictures.left())
    walker.pictures.told()
    attachments, left_out = held(walker.files, context.limits)
    title = title_of((), document.metadata.pop("title", None)) or title_of(elements)
    placed = with_sections(elements, by_page=name != "odt")
    warnings = (*dict.fromkeys(document.warnings), *left_out)
    return Parsed(name, title, "", pages, placed, document.metadata, attachments, warnings)


def _sheet(document: OpenDocument, walker: TextWalker, sheet: Any, page: int, count: CellCount) -> Iterator[Element]:
    """Yield the blocks of a sheet, then what lies on it: comments, text boxes, charts."""
    yield from sheet_elements(attribute(sheet, "name"), _rows(document, sheet), page, count)
    for node in sheet.iter("{*}annotation", "{*}frame", "{*}custom-shape"):
        if not any(local(above) in {"frame", "g", "annotation"} for above in node.iterancestors()):
            yield from walker.blocks([node], page)
    yield from (replace(element, section="") for element in walker.take_aside())


def _rows(document: OpenDocument, sheet: Any) -> Iterator[Row]:
    """Yield the rows of a sheet as text, heads merged over columns repeated in each."""
    for row in table_rows(sheet):
        cells: list[str] = []
        spans: list[tuple[int, int]] = []
        for cell in row:
            if local(cell) in {"table-cell", "covered-table-cell"}:
                text = _cell(document, cell)
                times = min(repeated(cell, "number-columns-repeated"), _MOST_REPEATED)
                spans.append((len(cells), len(cells) + repeated(cell, "number-columns-spanned") - 1))
                cells += [text] * (times if text or times < _MOST_REPEATED else 1)
        for first, last in spans:
            spread(cells, first, last)
        times = min(repeated(row, "number-rows-repeated"), _MOST_REPEATED)
        for _ in range(times if any(cells) else min(times, 2)):
            yield cells


def _cell(document: OpenDocument, cell: Any) -> str:
    """Return a cell's value as text; codes and times as shown, a formula without a value as itself."""
    shown = clean("\n".join(map(plain_text, cell.iterchildren("{*}p"))))
    kind = attribute(cell, "value-type")
    if kind in {"float", "currency"} and (value := attribute(cell, "value")):
        if _PADDED.fullmatch(shown):
            return shown
        try:
            number = float(value)
        except ValueError:
            return shown
        return value_text(int(number) if number.is_integer() and abs(number) < 1e15 else number)
    if kind == "date":
        return attribute(cell, "date-value").replace("T00:00:00", "").replace("T", " ") or shown
    if not shown and kind:  # some programs store the value alone
        return _stored(cell, kind)
    if not shown and (formula := attribute(cell, "formula")):
        document.warnings.append("the workbook stores no values for some of its formulas: the formulas are shown")
        return formula.partition(":")[2] or formula
    return shown


def _stored(cell: Any, kind: str) -> str:
    """Return the value of a cell that has no text."""
    if kind == "percentage" and re.fullmatch(r"-?\d+(\.\d+)?", value := attribute(cell, "value")):
        return f"{float(value) * 100:.10g}%"
    if kind == "time" and (time := _TIME.fullmatch(attribute(cell, "time-value"))):
        hours, minutes, seconds = (int(float(part or 0)) for part in time.groups())
        return duration_text(dt.timedelta(hours=hours, minutes=minutes, seconds=seconds))
    value = attribute(cell, f"{kind}-value") or attribute(cell, "value")
    return value.upper() if kind == "boolean" else clean(value)


def _slide(walker: TextWalker, slide: Any, page: int) -> Iterator[Element]:
    """Yield the shapes of a slide: its title, lists, tables, charts and texts, then the speaker's notes and comments."""
    for shape in slide:
        if local(shape) != "notes":
            is_title = attribute(shape, "class") == "title"
            for element in walker.blocks([shape], page):
                yield replace(element, kind="title", level=1) if is_title and not element.rows else element
    for notes in slide.iterchildren("{*}notes"):
        yield from (e for e in walker.blocks(notes, page) if not _is_mere_number(e.text))
    yield from (replace(element, section="") for element in walker.take_aside())


def _is_mere_number(text: str) -> bool:
    return text.strip("<> ").isdigit() or text == "<number>"
