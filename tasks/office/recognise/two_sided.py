"""Accounts set out in two columns, assets beside liabilities (`sezioni contrapposte`), with their totals and the result."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from tasks.office.invoice import ZERO
from tasks.office.recognise.books import CLOSING_DAY
from tasks.office.recognise.cells import Mark, amount, day, decimal_mark
from tasks.office.recognise.heads import fold
from tasks.office.records import Account, Book
from tasks.records import Element, Parsed

_HEADS = (("attivita", "passivita"), ("attivo", "passivo"), ("costi", "ricavi"), ("assets", "liabilities"))
_ACCOUNT = re.compile(r"(\d{1,4}(?:[./]\d{1,6}){1,4}|\d{4,10})\s+(.+)")
_RESULT = re.compile(r"(utile|perdita)\b|(?:net )?(profit|loss)\b")


def find(parsed: Parsed) -> Iterator[Book]:
    """Yield the book of a document whose tables have two sides."""
    for element in parsed.elements:
        if element.kind == "table" and _sides(element) and (book := _book(element, parsed)):
            yield book


def _sides(element: Element) -> bool:
    heads = [{fold(cell) for cell in row if cell} for row in (element.rows or ())[:3]]
    return any(
        any(h.startswith(a) for h in row) and any(h.startswith(b) for h in row) for row in heads for a, b in _HEADS
    )


def _book(element: Element, parsed: Parsed) -> Book | None:
    rows = element.rows or ()
    mark = decimal_mark(cell for row in rows for cell in row)
    middle = _middle(rows, mark)
    accounts: list[Account] = []
    stated: dict[str, Decimal] = {}
    for number, row in enumerate(rows, 1):
        for side, cells in (("debit", row[:middle]), ("credit", row[middle:])):
            _read(side, cells, number, mark, element, accounts, stated)
    if not accounts:
        return None
    found = CLOSING_DAY.findall(" ".join((parsed.title, *(e.text for e in parsed.elements[:6] if e.kind != "table"))))
    return Book(
        "two_sided",
        tuple(accounts),
        day(found[-1]) if found else None,
        stated.get("debit"),
        stated.get("credit"),
        stated.get("result"),
    )


def _middle(rows: Sequence[Sequence[str]], mark: Mark) -> int:
    """Return the column where the right side begins: behind the first column of amounts."""
    width = max(len(row) for row in rows)
    counts = [sum(len(row) > c and _money(row[c], mark) is not None for row in rows) for c in range(width)]
    filled = [column for column, count in enumerate(counts) if count >= max(1, max(counts) // 3)]
    return filled[0] + 1 if filled else width // 2


def _money(cell: str, mark: Mark) -> Decimal | None:
    return amount(cell, mark) if re.search(rf"{re.escape(mark)}\d\d\b", cell) else None


def _read(
    side: str,
    cells: Sequence[str],
    line: int,
    mark: Mark,
    element: Element,
    accounts: list[Account],
    stated: dict[str, Decimal],
) -> None:
    """Take one side of a row: an account, a total or the result."""
    values = [value for cell in cells if (value := _money(cell, mark)) is not None]
    words = " ".join(cell for cell in cells if cell and _money(cell, mark) is None)
    if not values or not words:
        return
    if fold(words).startswith("total"):
        stated.setdefault(side, values[-1])
    elif match := _RESULT.match(fold(words)):
        loss = (match.group(1) or match.group(2)) in ("perdita", "loss")
        stated["result"] = -values[-1] if loss else values[-1]
    else:
        account = _ACCOUNT.match(words)
        code, name = account.groups() if account else ("", words)
        debit, credit = (values[-1], ZERO) if side == "debit" else (ZERO, values[-1])
        page = element.page_of(line - 1)
        accounts.append(Account(line, code, name, debit, credit, page=page))
