"""CSV and TSV: one table, whatever the separator and the encoding.

The separator is the one with which most lines have the same number of fields: Italian spreadsheets write ";" because
their decimal mark is the comma. Cells stay as written ("1.234,56"): how to read them is the analysis' affair, which
knows the language.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tasks.index.decode import decode
from tasks.index.formats.base import Context, clean, corrupt, load, title_of, with_sections
from tasks.index.formats.sheets import CellCount, Row, sheet_elements
from tasks.index.look import HEAD
from tasks.records import Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("csv", "tsv")
VERSION = "2"
EXTENSIONS = {"csv": "csv", "tsv": "tsv", "tab": "tsv"}
SAMPLES = {"csv": b"a;b;c\n1;2;3\n4;5;6\n", "tsv": b"a\tb\n1\t2\n3\t4\n"}

_SEPARATORS = ",;\t|"
_SAMPLE_LINES = 200
csv.field_size_limit(16 << 20)  # a cell of a long text; the default of 128 KiB is an error, not a limit on harm


def guess(look: Look) -> str:
    """Take for a table what has as many fields in each line as in the others, in at least three lines."""
    lines = [line for line in look.text.split("\n")[:_SAMPLE_LINES] if line.strip()]
    lines = lines[:-1] if len(look.text) >= HEAD else lines
    if len(lines) < 3:
        return ""
    for separator, fewest in (("\t", 1), (";", 1), ("|", 2), (",", 2)):
        counts = Counter(re.sub(r'"[^"]*"', "", line).count(separator) for line in lines)
        usual, times = counts.most_common(1)[0]
        if usual >= fewest and times == len(lines) and not (separator == "|" and lines[1].startswith("|")):
            return "tsv" if separator == "\t" else "csv"
    return ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a delimited file.

    Raises:
        DocumentError: CORRUPT, or TOO_LARGE above `limits.cells` cells.
    """
    text = decode(load(source)).replace("\0", "")
    separator = _separator(text, "\t" if PurePosixPath(context.name).suffix.lower() in {".tsv", ".tab"} else ",")
    elements = tuple(sheet_elements("", _rows(text, separator), 1, CellCount(context.limits.cells)))
    name = "tsv" if separator == "\t" else "csv"
    return Parsed(name, title_of(elements), "", 1, with_sections(elements), {"separator": separator})


def _rows(text: str, separator: str) -> Iterator[Row]:
    """Yield the rows; a line `sep=;` at the top is Excel's way to name the separator."""
    lines = text.lstrip("\ufeff").split("\n")
    if lines and lines[0].lower().startswith("sep="):
        lines = lines[1:]
    try:
        for row in csv.reader((line + "\n" for line in lines), delimiter=separator, skipinitialspace=True):
            yield [clean(cell) for cell in row]
    except csv.Error as error:
        raise corrupt(f"the rows cannot be told apart: {error}") from None


def _separator(text: str, default: str) -> str:
    """Return the separator by which most is separated: lines that agree on the number of fields, times these fields.

    So the lines above a bank's table, `Saldo: 1.346,50`, do not make a separator of the decimal comma.
    """
    lines = text.lstrip("\ufeff").split("\n", _SAMPLE_LINES)[:_SAMPLE_LINES]
    if lines[0].lower().startswith("sep=") and len(lines[0]) > 4:
        return lines[0][4]
    scores = {}
    for separator in _SEPARATORS:
        try:
            widths = Counter(len(row) for row in csv.reader(lines, delimiter=separator) if any(row))
        except csv.Error:
            continue
        width, times = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]), default=(1, 0))
        scores[separator] = (width - 1) * times / max(1, widths.total())
    best = max(scores, key=lambda s: (round(scores[s], 2), s == default), default=default)
    return best if scores.get(best, 0.0) > 0 else default
