"""Bank statements as tables: a date, a text, and an amount or two columns for what goes out and comes in.

A table of several accounts or currencies is a statement of each. Running balances, where the table has them, say which way round the rows
stand and whether an amount is money in or out. A row with too many cells or too few stands under the wrong heads: what is plainly a text
with the separator in it is put together again, any other such row is left out and counted, never read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

from tasks.office.recognise.bank_columns import CLOSING, IN, OPENING, OUT, UNBOOKED, Columns, columns, headless, may_be
from tasks.office.recognise.cells import Mark, amount, day, decimal_mark, month_first
from tasks.office.recognise.heads import DEPTH
from tasks.office.records import Movement, Statement
from tasks.records import Element, Parsed

ABOVE = 8
"""Elements at the top of a document among which balances are looked for."""

_TOTAL = re.compile(r"^\s*(?:total[eis]?|totali|turnover|riepilogo|summe|gesamt)\b", re.IGNORECASE)
MONEY = re.compile(r"[-−]?\d{1,3}(?:[.,'’]\d{3})*[.,]\d{2}(?!\d)|[-−]?\d+[.,]\d{2}(?!\d)")
_WORD = re.compile(r"[^\W\d_]{4}")
_TWO_DIGITS = re.compile(r"\d\d")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_NUMBERED = re.compile(
    r"(?:account|conto|konto|rekening|compte)\b(?: (?:corrente|number|no\.?|n\.|nr\.?|nummer))?\s*[:#|]?\s*(\d[\d \-]{4,30}\d)",
    re.IGNORECASE,
)
_DAY = re.compile(r"\d{1,2}[/.\-]\d{1,2}[/.\-]\d{2,4}|\d{4}-\d\d-\d\d")
_SUFFIX = re.compile(r"\d\s*(D|DR|DB|C|CR|A)\.?$", re.IGNORECASE)


def find(parsed: Parsed) -> Iterator[Statement]:
    """Yield the statements of a document, one for each account and currency of a table."""
    for element in parsed.elements:
        if element.kind == "table" and element.rows and (table := _table(element, parsed)):
            yield from _statements(table, parsed)


@dataclass(frozen=True, slots=True)
class _Table:
    """A bank's table: its columns, the rows under the head, and how it writes amounts and dates."""

    columns: Columns
    rows: tuple[tuple[str, ...], ...]
    first: int
    mark: Mark
    american: bool
    before: str
    width: int  # columns that the head names; what stands behind them in few rows makes these rows too long

    def cell(self, row: Sequence[str], column: int | None) -> str:
        return row[column].strip() if column is not None and column < len(row) else ""

    def money(self, row: Sequence[str], column: int | None) -> Decimal | None:
        return amount(self.cell(row, column), self.mark)

    def day(self, row: Sequence[str], column: int | None) -> date | None:
        return day(self.cell(row, column), self.american)

    def joined(self, row: Sequence[str], places: Sequence[int]) -> str:
        return " · ".join(dict.fromkeys(text for c in places if (text := self.cell(row, c))))


def _table(element: Element, parsed: Parsed) -> _Table | None:
    rows = element.rows or ()
    if found := headless(rows):
        return _with_habits(found, rows, 1, "")
    above = " ".join(e.text for e in parsed.elements[:ABOVE] if e.kind != "table")
    for number, head in enumerate(rows[:DEPTH]):
        if not may_be(head):
            continue
        before = " ".join(cell for row in rows[:number] for cell in row if cell)
        body = tuple(rows[number + 1 :])
        width = max(c for c, cell in enumerate(head, 1) if cell)
        sound = [row for row in body if not any(row[width:])]  # too long a row says nothing of what a column holds
        if found := columns(head, sound if 2 * len(sound) > len(body) else body, f"{parsed.title} {above} {before}"):
            return _with_habits(found, body, number + 2, before, width)
    return None


def _with_habits(
    found: Columns, rows: tuple[tuple[str, ...], ...], first: int, before: str, width: int = sys.maxsize
) -> _Table:
    """Return the table with what its cells together say about the order of day and month and the decimal sign."""
    dates = [r[c].strip() for r in rows for c in (found.date, found.value_date) if c is not None and c < len(r)]
    mark = decimal_mark(r[c] for r in rows for c in found.money if c < len(r))
    unnamed = 2 * sum(any(row[width:]) for row in rows) > len(rows) and not _cut_at_commas(found, rows)
    return _Table(found, rows, first, mark, month_first(dates), before, sys.maxsize if unnamed else width)


def _cut_at_commas(found: Columns, rows: Sequence[Sequence[str]]) -> bool:
    """Tell a table whose decimal commas were taken for separators: behind each amount stands a column of its cents."""
    column = min(found.money)
    cents = sum(column + 1 < len(row) and bool(_TWO_DIGITS.fullmatch(row[column + 1].strip())) for row in rows)
    return 2 * cents > len(rows)


@dataclass(slots=True)
class _Part:
    """The rows of one account and currency."""

    movements: list[Movement]
    balances: list[Decimal | None]


def _statements(table: _Table, parsed: Parsed) -> Iterator[Statement]:
    parts: dict[tuple[str, str], _Part] = {}
    left_out = 0
    for number, stated in enumerate(table.rows, table.first):
        row = _realigned(table, stated)
        movement = _movement(table, row, number) if row else None
        if row is None or movement is None:
            left_out += row is None or _has_amount(table, row)
            continue
        key = (
            table.cell(row, table.columns.account),
            table.cell(row, table.columns.currency).upper() or table.columns.coin,
        )
        part = parts.setdefault(key, _Part([], []))
        part.movements.append(movement)
        part.balances.append(table.money(row, table.columns.balance))
    opening, closing = _stated(table, parsed) if len(parts) == 1 else (None, None)
    for (account, currency), part in parts.items():
        first, last, movements = _by_balance(part)
        yield Statement(
            kind="statement",
            format=parsed.format.upper(),
            account=account.replace(" ", "") if _IBAN.fullmatch(account) else account or _account(table, parsed),
            currency=currency or "EUR",
            opening=opening[0] if opening else first,
            opening_day=opening[1] if opening else None,
            closing=closing[0] if closing else last,
            closing_day=closing[1] if closing else max((m.day for m in movements if m.day), default=None),
            movements=movements,
            left_out=left_out,
        )
        left_out = 0  # said once


def _realigned(table: _Table, row: Sequence[str]) -> Sequence[str] | None:
    """Return a row with its cells under their heads; None where they are not, and nothing tells where each belongs."""
    surplus = max((c for c, cell in enumerate(row, 1) if cell), default=0) - table.width
    if surplus <= 0:
        return None if _is_shifted(table, row) else row
    places = table.columns
    found = []
    for at in (*places.texts, *places.parties):
        joined, rest = row[at : at + surplus + 1], row[at + surplus + 1 :]
        whole = [*row[:at], ", ".join(cell for cell in joined if cell), *rest]
        plain = not any(amount(cell, table.mark) for cell in joined[1:])
        if plain and table.day(whole, places.date) and _amount(table, whole) and not _is_shifted(table, whole):
            found.append(whole)
    return found[0] if len(found) == 1 else None


def _is_shifted(table: _Table, row: Sequence[str]) -> bool:
    """Tell a dated row whose cells stand under other heads: a word for a day or an amount, money for a text, or money in and out at once."""
    places = table.columns
    if table.day(row, places.date) is None or OPENING.search(joined := " ".join(row)) or CLOSING.search(joined):
        return False
    value_day = table.cell(row, places.value_date)
    words = any(_WORD.search(table.cell(row, c)) and table.money(row, c) is None for c in places.money)
    texts = [text for c in (*places.texts, *places.parties) if (text := table.cell(row, c))]
    no_text = bool(texts) and all(MONEY.fullmatch(text) for text in texts)
    both = bool(table.money(row, places.debit) and table.money(row, places.credit))
    # the last cells are wanting, and with them the amount, which stands in another column
    wanting = _amount(table, row) is None and any(MONEY.fullmatch(cell.strip()) for cell in row)
    return (bool(value_day) and table.day(row, places.value_date) is None) or words or no_text or both or wanting


def _movement(table: _Table, row: Sequence[str], line: int) -> Movement | None:
    places = table.columns
    when, value = table.day(row, places.date), _amount(table, row)
    joined = " ".join(row)
    if when is None or value is None or OPENING.search(joined) or CLOSING.search(joined):
        return None
    if UNBOOKED.search(table.cell(row, places.status).casefold()):
        return None
    return Movement(
        line=line,
        day=when,
        value_day=table.day(row, places.value_date),
        amount=value,
        text=table.joined(row, places.texts),
        counterpart=table.joined(row, places.parties),
        iban=table.cell(row, places.iban).replace(" ", ""),
        reference=table.cell(row, places.reference),
    )


def _has_amount(table: _Table, row: Sequence[str]) -> bool:
    """Tell a row that moves money and was not read from a balance, a sum or an empty row."""
    joined = " ".join(row)
    if OPENING.search(joined) or CLOSING.search(joined) or any(_TOTAL.match(cell) for cell in row):
        return False
    return bool(_amount(table, row))


def _amount(table: _Table, row: Sequence[str]) -> Decimal | None:
    """Return the amount, positive for money in: a column of debits counts as money out however it is signed."""
    places = table.columns
    debit, credit = table.money(row, places.debit), table.money(row, places.credit)
    if debit or credit:
        return abs(credit or Decimal(0)) - abs(debit or Decimal(0))
    if places.amount is None:
        return debit if debit is not None else credit
    value = table.money(row, places.amount)
    if value is None:
        return None
    if places.side is not None:
        side = table.cell(row, places.side).lower().rstrip(".")
        return -abs(value) if side in OUT else abs(value) if side in IN or side == "k" else None
    if suffix := _SUFFIX.search(table.cell(row, places.amount)):
        return -abs(value) if suffix.group(1).upper().startswith("D") else abs(value)
    return value


def _account(table: _Table, parsed: Parsed) -> str:
    """Return the account that the lines above name, by its IBAN or a number behind a word for account."""
    above = "\n".join([table.before, parsed.title, *(e.text for e in parsed.elements[:5] if e.kind != "table")])
    if found := _IBAN.search(above):
        return found.group().replace(" ", "")
    numbered = _NUMBERED.search(_DAY.sub("", above))
    return numbered.group(1).strip() if numbered else ""


Balance = tuple[Decimal, date | None]


def _stated(table: _Table, parsed: Parsed) -> tuple[Balance | None, Balance | None]:
    """Return the balances that rows, or lines above the table, state: `SALDO FINALE AL 30/04/2026 EUR 48.210,33`."""
    found: list[Balance | None] = [None, None]
    above = [line for e in parsed.elements[:ABOVE] if e.kind != "table" for line in e.text.split("\n")]
    for text in [*above, *(" ".join(cell for cell in row if cell) for row in table.rows)]:
        for place, pattern in enumerate((OPENING, CLOSING)):
            if pattern.search(text) and (money := MONEY.findall(_DAY.sub(" ", text))):
                when = _DAY.search(text)
                value = amount(money[-1], decimal_mark(money[-1:]))
                if value is not None:
                    found[place] = (value, day(when.group(), table.american) if when else None)
    return found[0], found[1]


def _by_balance(part: _Part) -> tuple[Decimal | None, Decimal | None, tuple[Movement, ...]]:
    """Return opening, closing and the movements, with the signs that running balances prove.

    Each two neighbouring balances are tried four ways: rows in order or newest first, amounts as they stand or the other way about
    (credit cards write what was spent as positive). No balance at either end: no opening and closing.
    """
    moved, balances = part.movements, part.balances
    pairs = [(i, b) for i, b in enumerate(balances) if b is not None]
    tied = [0, 0, 0, 0]
    for (i, before), (j, after) in pairwise(pairs):
        if j == i + 1:
            tied[0] += after - before == moved[j].amount
            tied[1] += before - after == moved[i].amount
            tied[2] += after - before == -moved[j].amount
            tied[3] += before - after == -moved[i].amount
    best = max(range(4), key=lambda way: tied[way]) if any(tied) else _by_days(moved)
    if best >= 2 and tied[best] >= 2 and not (tied[0] or tied[1]):
        moved = [replace(one, amount=-one.amount) for one in moved]
    if not balances or balances[0] is None or balances[-1] is None:
        return None, None, tuple(moved)
    if best % 2:
        return balances[-1] - moved[-1].amount, balances[0], tuple(moved)
    return balances[0] - moved[0].amount, balances[-1], tuple(moved)


def _by_days(moved: Sequence[Movement]) -> int:
    """Return 1 where the days fall, else 0."""
    return int((moved[0].day or date.min) > (moved[-1].day or date.min)) if moved else 0
