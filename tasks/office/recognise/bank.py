"""Bank statements as tables: a date, a text, and an amount or two columns for what goes out and comes in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from tasks.office.recognise.cells import amount, day, decimal_mark
from tasks.office.recognise.heads import Grid, grids, words
from tasks.office.records import Movement, Statement
from tasks.records import Parsed

ROLES = words(
    date="data operazione|data contabile|data|data mov|data movimento|data registrazione|data oper|data op|date|booking date|"
    "transaction date|posting date|buchungstag|buchungsdatum|date operation|completed date|data registraz|data di registrazione|data op ne",
    value_date="data valuta|valuta|value date|valuta data|wertstellung|valutadatum|date valeur|started date|val",
    debit="addebiti|addebito|dare|uscite|uscita|debit|debits|money out|paid out|importo addebito|dare eur|uscite eur|withdrawals|"
    "movimenti dare|addebiti eur",
    credit="accrediti|accredito|avere|entrate|entrata|credit|credits|money in|paid in|importo accredito|avere eur|entrate eur|deposits|"
    "movimenti avere|accrediti eur",
    amount="importo|amount|importo eur|importo euro|importo in euro|movimento|betrag|montant|importo operazione|amount eur",
    balance="saldo|saldo contabile|balance|running balance|saldo progressivo|kontostand",
    text="descrizione|causale|descrizione operazione|operazione|dettagli|descrizione movimento|description|details|narrative|"
    "descrizione operazioni|descrizione estesa|descrizione completa|payment reference|buchungstext|"
    "causale descrizione|verwendungszweck|libelle|descrizione causale|memo|reference text",
    counterpart="controparte|beneficiario|ordinante|beneficiario ordinante|payee|counterparty|ordinante beneficiario|"
    "partner name|beguenstigter zahlungspflichtiger|name zahlungsbeteiligter|empfanger|counter party",
    iban="iban|iban controparte|iban beneficiario|partner iban|kontonummer iban",
    reference="riferimento|rif|cro|trn|reference|id operazione|numero operazione",
    side="d a|dare avere|segno|d c|dc|da|soll haben|s h",
    account="conto|codice conto|sottoconto|account",
)
ABOVE = 8
"""Elements at the top of a document among which balances are looked for."""

OUT, IN = frozenset("DS-"), frozenset("ACH+")
"""First signs of a column that says which side an amount is on: dare, debit, Soll; avere, credit, Haben."""

_OPENING = re.compile(
    r"saldo\s+(?:iniziale|precedente|di apertura)|opening balance|balance brought forward", re.IGNORECASE
)
_CLOSING = re.compile(
    r"saldo\s+(?:finale|di chiusura|contabile finale|attuale)|closing balance|balance carried forward", re.IGNORECASE
)
_MONEY = re.compile(r"[-−]?\d{1,3}(?:[.,'’]\d{3})*[.,]\d{2}(?!\d)|[-−]?\d+[.,]\d{2}(?!\d)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_DAY = re.compile(r"\d{1,2}[/.\-]\d{1,2}[/.\-]\d{2,4}|\d{4}-\d\d-\d\d")


def find(parsed: Parsed) -> Iterator[Statement]:
    """Yield the statements of a document; a table with accounts is a day book and none of these."""
    for table in grids(parsed, ROLES, (("date",), ("text", "counterpart"), ("amount", "debit"), ("amount", "credit"))):
        sure = {"value_date", "balance", "side"} & table.columns.keys()
        if "account" in table.columns or not (sure or _closing_row(table)):
            continue
        if statement := _statement(table, parsed):
            yield statement


def _closing_row(table: Grid) -> bool:
    return any(_CLOSING.search(" ".join(row)) for row in table.rows)


def _statement(table: Grid, parsed: Parsed) -> Statement | None:
    movements: list[Movement] = []
    balances: list[Decimal | None] = []
    opening, closing = _stated(table, parsed)
    for number, row in enumerate(table.rows, table.first):
        when = table.day(row, "date")
        value = _amount(table, row)
        joined = " ".join(row)
        if when is None or value is None or _OPENING.search(joined) or _CLOSING.search(joined):
            continue
        movements.append(_movement(table, row, number, when, value))
        balances.append(table.amount(row, "balance"))
    if not movements:
        return None
    first, last = _by_balance(movements, balances)
    account = _IBAN.search(
        f"{table.before} {parsed.title} " + " ".join(e.text for e in parsed.elements[:5] if e.kind != "table")
    )
    return Statement(
        kind="statement",
        format=parsed.format.upper(),
        account=account.group().replace(" ", "") if account else "",
        opening=opening[0] if opening else first,
        opening_day=opening[1] if opening else None,
        closing=closing[0] if closing else last,
        closing_day=closing[1] if closing else max((m.day for m in movements if m.day), default=None),
        movements=tuple(movements),
    )


def _amount(table: Grid, row: Sequence[str]) -> Decimal | None:
    """Return the amount, positive for money in: a column of debits counts as money out however it is signed."""
    debit, credit = table.amount(row, "debit"), table.amount(row, "credit")
    if debit or credit:
        return abs(credit or Decimal(0)) - abs(debit or Decimal(0))
    if "amount" not in table.columns:
        return debit if debit is not None else credit
    value, side = table.amount(row, "amount"), table.cell(row, "side").upper()[:1]
    if value is None or "side" not in table.columns:
        return value
    return -abs(value) if side in OUT else abs(value) if side in IN else None


def _movement(table: Grid, row: Sequence[str], line: int, when: date, value: Decimal) -> Movement:
    return Movement(
        line=line,
        day=when,
        value_day=table.day(row, "value_date"),
        amount=value,
        text=table.cell(row, "text"),
        counterpart=table.cell(row, "counterpart"),
        iban=table.cell(row, "iban").replace(" ", ""),
        reference=table.cell(row, "reference"),
    )


Balance = tuple[Decimal, date | None]


def _stated(table: Grid, parsed: Parsed) -> tuple[Balance | None, Balance | None]:
    """Return the balances that rows, or lines above the table, state: `SALDO FINALE AL 30/04/2026 EUR 48.210,33`."""
    found: list[Balance | None] = [None, None]
    above = [line for e in parsed.elements[:ABOVE] if e.kind != "table" for line in e.text.split("\n")]
    for text in [*above, *(" ".join(cell for cell in row if cell) for row in table.rows)]:
        for place, pattern in enumerate((_OPENING, _CLOSING)):
            if pattern.search(text) and (money := _MONEY.findall(_DAY.sub(" ", text))):
                when = _DAY.search(text)
                value = amount(money[-1], decimal_mark(money[-1:]))
                if value is not None:
                    found[place] = (value, day(when.group(), table.american) if when else None)
    return found[0], found[1]


def _by_balance(
    movements: Sequence[Movement], balances: Sequence[Decimal | None]
) -> tuple[Decimal | None, Decimal | None]:
    """Return opening and closing by a column of running balances, whichever way round the rows stand; none where one is missing."""
    if not balances or balances[0] is None or balances[-1] is None:
        return None, None
    falling = (movements[0].day or date.min) > (movements[-1].day or date.min)
    if len(balances) > 1 and movements[0].day == movements[-1].day and balances[1] is not None:
        falling = balances[0] - movements[0].amount == balances[1]
    if falling:
        return balances[-1] - movements[-1].amount, balances[0]
    return balances[0] - movements[0].amount, balances[-1]
