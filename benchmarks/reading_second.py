"""What a second library reads of a file: words and rows to hold our own against.

Each format has a library that shares nothing with our reader: pandoc, python-docx, python-pptx, calamine, pypdf.
"""

from __future__ import annotations

import datetime as dt
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

Rows = list[list[str]]
WORD = re.compile(r"\w+")
_PANDOC = {"docx": "docx", "odt": "odt", "rtf": "rtf", "epub": "epub", "html": "html", "md": "markdown"}
_GLUED = 6


def words(text: str) -> Counter[str]:
    """The words of a text, in small letters."""
    return Counter(WORD.findall(text.lower()))


def recall(theirs: Counter[str], ours: Counter[str], text: str) -> tuple[float, list[str]]:
    """How much of their words we have, and which are missing.

    A long word of theirs that is found in our text without its blanks counts as found: some libraries glue lines together.
    """
    missing = theirs - ours
    squeezed = re.sub(r"\W+", "", text.lower()) if missing else ""
    lost = {w: n for w, n in missing.items() if len(w) < _GLUED or w.replace("_", "") not in squeezed.replace("_", "")}
    total = sum(theirs.values())
    return (1 - sum(lost.values()) / total if total else 1.0), sorted(lost, key=lambda w: -lost[w])


def row_recall(theirs: Rows, ours: Iterable[Iterable[str]]) -> float:
    """The part of their rows (of two cells and more) whose cells stand in one row of ours, in order."""
    have = [[_value(cell) for cell in row if cell.strip()] for row in ours]
    by_cell: dict[str, list[list[str]]] = {}
    for row in have:
        for cell in set(row):
            by_cell.setdefault(cell, []).append(row)
    wanted = [[_value(cell) for cell in row if cell.strip()] for row in theirs]
    wanted = [row for row in wanted if len(row) > 1]
    found = sum(any(_within(row, other) for other in by_cell.get(row[0], ())) for row in wanted)
    return found / len(wanted) if wanted else 1.0


def _within(wanted: list[str], row: list[str]) -> bool:
    places = iter(row)
    return all(any(cell == other for other in places) for cell in wanted)


def _value(cell: str) -> str:
    """A cell as both sides would write it: numbers plain and rounded, percentages as fractions, blanks gone."""
    text = re.sub(r"\s+", "", cell).lower()
    percent = text.endswith("%")
    try:
        number = float(text.rstrip("%"))
    except ValueError:
        return text.replace("t", " ", 1).replace(" ", "") if re.match(r"\d{4}-\d\d-\d\d", text) else text
    number = number / 100 if percent else number
    return f"{number:.2g}" if percent else f"{number:.10g}"


def second(path: Path, kind: str) -> tuple[str, Rows] | None:
    """Text and rows by the second library; None when there is none or it fails."""
    reader = _READERS.get(kind)
    if reader is None:
        return None
    try:
        return reader(path)
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, MemoryError)):
            raise
        return None


def _pandoc(path: Path) -> tuple[str, Rows]:
    import pypandoc

    kind = _PANDOC.get(path.suffix.lower().lstrip("."), "docx")
    command = [pypandoc.get_pandoc_path(), "--from", kind, "--to", "plain", "--wrap=none", "--sandbox", str(path)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    return re.sub(r"-{3,}|_{2,}", " ", done.stdout.decode("utf-8", "replace")), []


def _docx(path: Path) -> tuple[str, Rows]:
    import docx

    document = docx.Document(str(path))
    rows: Rows = []
    texts = [paragraph.text for paragraph in document.paragraphs]
    for table in document.tables:
        for row in table.rows:
            cells: list[str] = []
            last = None
            for cell in row.cells:  # a merged cell comes once a column
                if cell._tc is not last:
                    cells.append(cell.text)
                last = cell._tc
            rows.append(cells)
            texts += cells
    return "\n".join(texts), rows


def _pptx(path: Path) -> tuple[str, Rows]:
    import pptx

    texts: list[str] = []
    rows: Rows = []
    for slide in pptx.Presentation(str(path)).slides:
        for shape in _shapes(slide.shapes):
            if shape.has_text_frame:
                texts.append(shape.text_frame.text)
            if getattr(shape, "has_table", False) and shape.has_table:
                rows += [[cell.text for cell in row.cells if not cell.is_spanned] for row in shape.table.rows]
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            texts.append(slide.notes_slide.notes_text_frame.text)
    return "\n".join(texts + [" ".join(row) for row in rows]), rows


def _shapes(shapes: Iterable[object]) -> Iterator[object]:
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        else:
            yield shape


def _calamine(path: Path) -> tuple[str, Rows]:
    import python_calamine

    rows: Rows = []
    with python_calamine.CalamineWorkbook.from_path(str(path)) as book:
        for sheet in book.sheets_metadata:
            if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet:
                rows += [[_cell(value) for value in row] for row in book.get_sheet_by_name(sheet.name).iter_rows()]
    return "\n".join(" ".join(row) for row in rows), rows


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, dt.timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}"
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return "" if value is None else str(value)


def _pypdf(path: Path) -> tuple[str, Rows]:
    import pypdf

    return "\n".join(page.extract_text() for page in pypdf.PdfReader(str(path)).pages), []


_READERS: dict[str, Callable[[Path], tuple[str, Rows]]] = {
    "docx": _docx,
    "pptx": _pptx,
    "odt": _pandoc,
    "rtf": _pandoc,
    "epub": _pandoc,
    "html": _pandoc,
    "md": _pandoc,
    "xlsx": _calamine,
    "xls": _calamine,
    "xlsb": _calamine,
    "ods": _calamine,
    "pdf": _pypdf,
}
