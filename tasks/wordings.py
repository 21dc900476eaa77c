"""Load wordings: tables of labels, phrases and codes that stand beside the code as CSV files.

An accountant can read such a table, and a diff shows which wording changed. A file has a head row; every row has as
many cells as the head; a cell is text without blanks at its ends. Errors name the file and the line.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from importlib.resources import files


class WordingError(ValueError):
    """A table of wordings is not as its reader needs it; the message names file and line.

    Not of the tree: a fault of the program, and none of a user, a service or a document.
    """


def load_table(package: str, name: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a CSV table of a package.

    Args:
        package: the package whose folder `wordings` holds the file.
        name: the file's name, `items.csv`.
        columns: the columns that the head must name, in this order.

    Raises:
        WordingError: the head or a row is of another shape, or the table is empty.
    """
    text = files(package).joinpath("wordings", name).read_text(encoding="utf-8")
    head, *rows = list(csv.reader(text.splitlines()))
    if head != list(columns):
        raise WordingError(f"{package}/wordings/{name}: the columns are {head}, not {list(columns)}")
    seen: set[tuple[str, ...]] = set()
    for number, row in enumerate(rows, start=2):
        if len(row) != len(head) or any(cell != cell.strip() for cell in row):
            raise WordingError(
                f"{package}/wordings/{name}, line {number}: {len(head)} cells without outer blanks wanted"
            )
        if tuple(row) in seen:
            raise WordingError(f"{package}/wordings/{name}, line {number}: the row stands there twice")
        seen.add(tuple(row))
    if not rows:
        raise WordingError(f"{package}/wordings/{name}: the table is empty")
    return [dict(zip(head, row, strict=True)) for row in rows]


def load_patterns(package: str, name: str, columns: Sequence[str], pattern: str = "pattern") -> list[dict[str, str]]:
    """Read a table with a column of regular expressions, each of which compiles.

    Raises:
        WordingError: as `load_table`, or an expression is broken.
    """
    rows = load_table(package, name, columns)
    for number, row in enumerate(rows, start=2):
        try:
            re.compile(row[pattern])
        except re.error as error:
            raise WordingError(f"{package}/wordings/{name}, line {number}: {row[pattern]!r}: {error}") from error
    return rows
