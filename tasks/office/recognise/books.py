"""Day books and trial balances as tables: accounts with debit and credit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from tasks.office.invoice import ZERO
from tasks.office.recognise.cells import day
from tasks.office.recognise.heads import Grid, fold, grids, words
from tasks.office.records import Account, Book
from tasks.records import Parsed

ROLES = words(
    date="data|data registrazione|data reg|data operazione|date|data movimento|data contabile",
    code="conto|codice|codice conto|cod conto|sottoconto|account|account code|cod|n conto|codice sottoconto",
    text="causale|descrizione causale|operazione|descrizione operazione|memo",
    name="descrizione|descrizione conto|denominazione|account name|descrizione sottoconto|conto descrizione|nome conto|description",
    debit="dare|saldo dare|totale dare|progr dare|progressivo dare|debit|importo dare|movimenti dare|dare eur",
    credit="avere|saldo avere|totale avere|progr avere|progressivo avere|credit|importo avere|movimenti avere|avere eur",
    balance="saldo|balance|saldo finale",
)
_TOTAL = re.compile(r"(?:tot|totale|totali|total|totals)\b")
CLOSING_DAY = re.compile(r"\b(?:al|as of|as at|chiuso al)\s+(\d{1,2}[/.\-]\d{1,2}[/.\-]\d{4})", re.IGNORECASE)


def find(parsed: Parsed) -> Iterator[Book]:
    """Yield the books of a document: a table with dates is a day book, one without is a trial balance."""
    for table in grids(parsed, ROLES, (("code",), ("debit",), ("credit",))):
        dated = "date" in table.columns
        if not dated and "name" not in table.columns:
            continue
        accounts = [a for number, row in enumerate(table.rows, table.first) if (a := _account(table, row, number))]
        if not accounts or (dated and not any(a.day for a in accounts)):
            continue
        total = next((row for row in reversed(table.rows) if _is_total(table, row)), ())
        debit, credit = table.amount(total, "debit"), table.amount(total, "credit")
        yield Book("day_book" if dated else "trial_balance", tuple(accounts), _date(parsed, table), debit, credit)


def _is_total(table: Grid, row: Sequence[str]) -> bool:
    return any(_TOTAL.match(fold(cell)) for cell in row if cell) and not re.search(r"\d", table.cell(row, "code"))


def _account(table: Grid, row: Sequence[str], line: int) -> Account | None:
    debit, credit = table.amount(row, "debit"), table.amount(row, "credit")
    code = table.cell(row, "code")
    if (debit is None and credit is None) or _is_total(table, row) or not (code or table.cell(row, "name")):
        return None
    return Account(
        line=line,
        code=code,
        name=table.cell(row, "name"),
        debit=debit or ZERO,
        credit=credit or ZERO,
        day=table.day(row, "date"),
        text=table.cell(row, "text"),
        page=table.page,
    )


def _date(parsed: Parsed, table: Grid) -> date | None:
    """Return the day that the heading names: `al 31/12/2025`."""
    heading = " ".join((parsed.title, table.before, *(e.text for e in parsed.elements[:6] if e.kind != "table")))
    found = CLOSING_DAY.findall(heading)
    return day(found[-1]) if found else None
