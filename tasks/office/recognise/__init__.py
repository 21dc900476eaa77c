"""Papers that have no format of their own but tables or texts: bank statements, VAT registers, day books and trial balances as CSV, XLSX
or PDF, payment forms, papers that expire.

They are recognised after a document is read, from its elements alone: by the words over the columns of a table, or by the headings of a
form. What is not sure is not made: a table that lacks a column of its kind stays a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tasks.office.recognise import bank, books, expiries, f24, register, two_sided
from tasks.office.records import Record
from tasks.records import Parsed

VERSION = "4"
"""Raise it when recognition changes: documents are then read again."""

_TABULAR = {"csv", "tsv", "xlsx", "xls", "xlsb", "ods", "html", "pdf", "txt", "docx", "odt"}


def recognise(parsed: Parsed) -> Iterator[Record]:
    """Yield the records that a document's tables and texts amount to; a document whose reader made records keeps those."""
    if parsed.records or parsed.format not in _TABULAR:
        return
    finders: tuple[Callable[[Parsed], Iterator[Record]], ...] = (
        f24.find,
        two_sided.find,
        bank.find,
        register.find,
        books.find,
    )
    for find in finders:
        found = list(find(parsed))
        if found:
            yield from found
            return
    yield from expiries.find(parsed)
