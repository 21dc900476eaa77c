"""Which column of a bank's table is what: its head says what it may be, its cells whether it is.

Banks name their columns in many words and languages, and one word means two things (`Valuta` is a value date in Italy and a currency in
the Netherlands), so neither the head nor the cells decide alone. What a list of bills or a day book would have too is no proof of a bank
statement: `columns` counts what speaks for one, and returns nothing below `ENOUGH`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tasks.office.recognise.cells import CURRENCIES, amount, day, decimal_mark
from tasks.office.recognise.heads import fold

ENOUGH = 3
SAMPLE = 200
"""Rows that decide what a column holds."""

OUT = frozenset(
    "d dr db debit debito debet debetor dare addebito s soll af uscita uscite out outflow expense lastschrift -".split()
)
IN = frozenset(
    "a c cr credit credito avere accredito h haben bij entrata entrate in inflow income gutschrift +".split()
)
"""Words of a column that says which side an amount is on."""

UNBOOKED = re.compile(
    r"\b(?:pending|declined|failed|reverted|rejected|denied|cancelled|canceled|annullat[oa]|rifiutat[oa]|in attesa|in sospeso|"
    r"autorizzat[oa]|non contabilizzat[oa]|vorgemerkt|storniert|geweigerd)\b"
)

OPENING = re.compile(
    r"saldo\s+(?:iniziale|precedente|di apertura)|opening balance|balance brought forward|beginning balance|anfangssaldo|beginsaldo",
    re.IGNORECASE,
)
CLOSING = re.compile(
    r"saldo\s+(?:finale|di chiusura|contabile finale|attuale)|closing balance|balance carried forward|ending balance|endsaldo|eindsaldo|"
    r"balance at end of period",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"dat[aeio]?\b|dat(?:um|um[a-z]*|e?time)|\bdate|fecha|tag\b|\bcreated|\btime\b|nap\b|idopont|giorno|\bjour"
)
_VALUE = re.compile(
    r"valuta|\bvalore\b|\bvalue\b|wertstellung|rentedatum|valeur|fecha valor|ertek|\bval\b|started|interest date|tax date"
)
_BOOKED = re.compile(
    r"operaz|contab|registr|booking|posting|posted|completed|buchung|boek|konyvel|transaction|process|executi|\bop\b"
)
_DEBIT = re.compile(
    r"\bdare\b|addebit|uscit|\bdebits?\b|\bdebet\b|withdraw|paid out|money out|outflow|\bsoll\b|belastung|\bcargos?\b|payments?\b"
)
_CREDIT = re.compile(
    r"\bavere\b|accredit|entrat|\bcredits?\b|deposit|paid in|money in|inflow|\bhaben\b|gutschrift|\babonos?\b|receipts?\b"
)
_BALANCE = re.compile(r"\bsaldo|balance|kontostand|\bsolde\b|egyenleg|kontosaldo")
_AMOUNT = re.compile(
    r"import[oe]\b|amount|betrag|montant|bedrag|\bsumme\b|movimento|osszeg|\bkwota\b|castka|\bnet(?:to)?\b"
)
_NOT_AMOUNT = re.compile(
    r"\bfees?\b|commission|\btax|exchange|kurs|original|fremd|foreign|local|\blimit|disponibil|available|convert|valuta estera|"
    r"amount currency|costi|kosten|spese"
)
_CURRENCY = re.compile(r"currency|valuta|divisa|wahrung|waehrung|devise|munt|penznem|devizanem|moneda")
_TEXT = re.compile(
    r"descri|causale|operazione|dettagli|detail|narrative|memo|text|verwendungszweck|libelle|label|omschrijving|mededeling|concept|"
    r"\bnotes?\b|kozlemeny|message|purpose|remittance|particulars|reference text|payment reference|transaktion"
)
_PARTY = re.compile(
    r"controparte|beneficiar|ordinante|payee|counter|partner|begunstigt|beguenstigt|empfang|auftraggebername|zahlungsbeteiligt|"
    r"^naam|^name|merchant|tegenpartij|handelaar|debitore|creditore|^from$|^to$"
)
_ACCOUNT = re.compile(
    r"^(?:n |numero |num )?(?:conto|account|konto|rekening|compte|cuenta)(?: (?:n|no|number|iban|name|key))?$|kontonummer|rekeningnummer|"
    r"auftrag(?:geber)?s?konto|^umsatz getatigt von|^iban(?: bban)?$|^szamlaszam$|numero (?:di )?(?:conto|carta)|card number|kredietkaart"
)
_BOOK_ACCOUNT = re.compile(r"^(?:codice )?(?:conto|sottoconto|account)(?: code)?$")
_IBAN_HEAD = re.compile(r"iban|tegenrekening|kontonummer|account|\bbank account")
_REFERENCE = re.compile(r"riferiment|\brif\b|\bcro\b|\btrn\b|referen[cz]|\bid\b|numero operazione|transactiereferentie")
_STATUS = re.compile(r"^stat[oeu]|\bstate$|\bstatus$")
_OTHER_KIND = re.compile(r"tipo|type|categor|kategori|subcategory|\bcode\b|codice|art\b")
_OTHER_PAPER = re.compile(
    r"fattur|invoice|imponibil|aliquota|\biva\b|\bvat\b|quantit|\bqty\b|\bprice|prezzo|\bshares?\b|^symbol$|\bisin\b|scadenza|due date|"
    r"imposta|ticker|security|stipendio|matricola"
)
_HEADING = re.compile(
    r"estratto|moviment|statement|\baccount|transactions|umsatz|umsaetze|\bkonto|\bconto\b|rekening|szamla",
    re.IGNORECASE,
)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}")
_CENTS = re.compile(r"[-+]?\d[\d.,'’]*[.,]\d\d")
_LETTERS = re.compile(r"[^\W\d_]{4}")
_ISO_CURRENCY = re.compile(r"[A-Za-z]{3}")


@dataclass(frozen=True, slots=True)
class Columns:
    """Places of the columns; None where the table has none. `texts` and `parties` may be several; `coin` is a currency in a head."""

    date: int
    value_date: int | None = None
    amount: int | None = None
    debit: int | None = None
    credit: int | None = None
    balance: int | None = None
    side: int | None = None
    currency: int | None = None
    account: int | None = None
    iban: int | None = None
    reference: int | None = None
    status: int | None = None
    texts: tuple[int, ...] = ()
    parties: tuple[int, ...] = ()
    coin: str = ""

    @property
    def money(self) -> list[int]:
        return [c for c in (self.amount, self.debit, self.credit, self.balance) if c is not None]


class _Table:
    """A head and the cells under it, and which columns are taken."""

    def __init__(self, head: Sequence[str], body: Sequence[Sequence[str]]) -> None:
        self.heads = [fold(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", cell)) for cell in head]
        self.cells = [[row[c].strip() for row in body if c < len(row) and row[c].strip()] for c in range(len(head))]
        self.rows = len(body)
        self.free = {c for c, name in enumerate(self.heads) if name and self.cells[c]}
        self.mark = decimal_mark(cell for cells in self.cells for cell in cells)

    def share(self, column: int, test: Callable[[str], bool]) -> float:
        cells = self.cells[column]
        return sum(map(test, cells)) / len(cells) if cells else 0.0

    def like(self, pattern: re.Pattern[str], least: float, test: Callable[[str], bool]) -> Iterator[int]:
        """Yield the free columns whose head fits a pattern and whose cells mostly pass a test."""
        for c in sorted(self.free):
            if pattern.search(self.heads[c]) and self.share(c, test) >= least:
                yield c

    def take(self, column: int | None) -> int | None:
        self.free.discard(-1 if column is None else column)
        return column

    def first(self, pattern: re.Pattern[str], least: float = 0.0, test: Callable[[str], bool] = bool) -> int | None:
        return self.take(next(self.like(pattern, least, test), None))

    def is_money(self, cell: str) -> bool:
        return amount(cell, self.mark) is not None


def may_be(head: Sequence[str]) -> bool:
    """Tell cheaply whether a row could be the head of a bank's table."""
    names = [fold(cell) for cell in head if cell and len(cell) < 60]
    money = any(p.search(n) for n in names for p in (_AMOUNT, _DEBIT, _CREDIT))
    return money and any(_DATE.search(n) or _VALUE.search(n) for n in names)


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], before: str) -> Columns | None:
    """Return the columns of a bank's table under a head; None for any other table.

    Args:
        head: the cells that may be its head.
        rows: what is below.
        before: the text above the table, which may name an account.
    """
    table = _Table(head, rows[:SAMPLE])
    dates = list(table.like(re.compile(""), 0.5, _is_date))
    dated = [c for c in dates if _DATE.search(table.heads[c]) or _VALUE.search(table.heads[c])]
    if not dated:
        return None
    table = _Table(head, [row for row in rows[:SAMPLE] if _is_movement(row, dated[0])])
    value_date = next((c for c in dated if _VALUE.search(table.heads[c]) and len(dated) > 1), None)
    others = [c for c in dated if c != value_date]
    date = next((c for c in others if _BOOKED.search(table.heads[c])), others[0])
    table.free -= set(dates)
    balance = _balance(table)
    debit, credit = _sides(table)
    value = _amount(table)
    if value is None and (debit is None or credit is None):
        return None
    if debit is None or credit is None:
        debit = credit = None
    found = _rest(table, Columns(date, value_date, value, debit, credit, balance))
    if _is_book(table, found) or not (found.texts or found.parties):
        return None
    return found if _evidence(table, found, before) >= ENOUGH else None


def _is_movement(row: Sequence[str], date: int) -> bool:
    """Tell a row that has a date and states no balance: these alone say what a column holds."""
    joined = " ".join(row)
    return date < len(row) and _is_date(row[date]) and not OPENING.search(joined) and not CLOSING.search(joined)


def headless(rows: Sequence[Sequence[str]]) -> Columns | None:
    """Return the columns of a bank's table without a head; None for what could be another table.

    Nothing names its columns, so all must be there in every row: two dates near each other, one column of signed amounts with cents, a
    currency, and a text.
    """
    width = len(rows[0]) if rows else 0
    day_at = next((c for c in range(width) if _is_date(rows[0][c])), None)
    if width < 5 or len(rows) < 2 or day_at is None:
        return None
    sample = [row for row in rows[:SAMPLE] if len(row) >= width and _is_date(row[day_at])]
    if len(sample) < 0.9 * len(rows[:SAMPLE]):  # a line of words among them is no other table yet
        return None
    cells = [[row[c].strip() for row in sample] for c in range(width)]
    dates = [c for c in range(width) if all(map(_is_date, cells[c]))]
    money = [c for c in range(width) if c not in dates and all(map(_CENTS.fullmatch, cells[c]))]
    coins = [c for c in range(width) if all(cell in CURRENCIES for cell in cells[c])]
    texts = sorted(
        (c for c in range(width) if any(_LETTERS.search(cell) for cell in cells[c])), key=lambda c: -_length(cells[c])
    )
    if len(dates) < 2 or len(money) != 1 or not coins or not texts or not any("-" in cell for cell in cells[money[0]]):
        return None
    accounts = [
        c for c in range(width) if len(set(cells[c])) == 1 and _is_account(cells[c][0]) and c not in (*dates, *money)
    ]
    return Columns(
        date=dates[0],
        value_date=dates[1],
        amount=money[0],
        currency=coins[0],
        account=accounts[0] if accounts else None,
        texts=(texts[0],),
    )


def _length(cells: Sequence[str]) -> int:
    return sum(map(len, cells))


def _is_date(cell: str) -> bool:
    return day(cell) is not None or day(cell, american=True) is not None


def _balance(table: _Table) -> int | None:
    found = [c for c in table.like(_BALANCE, 0.8, table.is_money) if not _NOT_AMOUNT.search(table.heads[c])]
    return table.take(found[0] if found else None)


def _sides(table: _Table) -> tuple[int | None, int | None]:
    debits = [c for c in table.like(_DEBIT, 0.8, table.is_money) if not _AMOUNT.fullmatch(table.heads[c])]
    credits_ = [c for c in table.like(_CREDIT, 0.8, table.is_money) if c not in debits]
    if debits and not credits_:  # a column in which nothing came in is empty
        credits_ = [c for c, name in enumerate(table.heads) if _CREDIT.search(name) and not table.cells[c]]
    if credits_ and not debits:
        debits = [c for c, name in enumerate(table.heads) if _DEBIT.search(name) and not table.cells[c]]
    if not debits or not credits_:
        return None, None
    return table.take(debits[0]), table.take(credits_[0])


def _amount(table: _Table) -> int | None:
    found = [c for c in table.like(_AMOUNT, 0.8, table.is_money) if not _NOT_AMOUNT.search(table.heads[c])]
    return table.take(found[0] if found else None)


def _rest(table: _Table, known: Columns) -> Columns:
    """Return the columns with those beside date and money; each is given away once."""
    side = next((c for c in sorted(table.free) if _says_side(table.cells[c]) and known.amount is not None), None)
    table.take(side)
    coins = table.like(_CURRENCY, 0.9, lambda cell: bool(_ISO_CURRENCY.fullmatch(cell)))
    currency = table.take(next((c for c in coins if not _NOT_AMOUNT.search(table.heads[c])), None))
    status = table.first(_STATUS)
    parties = list(table.like(_PARTY, 0.5, lambda cell: not _is_iban(cell) and not table.is_money(cell)))
    account = _own_account(table, parties)
    iban = table.take(next((c for c in table.like(_IBAN_HEAD, 0.5, _is_account) if c not in parties), None))
    table.free -= set(parties)
    texts = list(table.like(_TEXT, 0.5, lambda cell: not table.is_money(cell)))
    table.free -= set(texts)
    reference = table.first(_REFERENCE)
    if not texts:  # the kind of movement is better than no text
        texts = list(table.like(_OTHER_KIND, 0.5, lambda cell: not table.is_money(cell)))[:1]
    return Columns(
        date=known.date,
        value_date=known.value_date,
        amount=known.amount,
        debit=known.debit,
        credit=known.credit,
        balance=known.balance,
        side=side,
        currency=currency,
        account=account,
        iban=iban,
        reference=reference,
        status=status,
        texts=tuple(texts),
        parties=tuple(parties),
        coin=_coin(table.heads[c] for c in known.money),
    )


def _coin(heads: Iterable[str]) -> str:
    """Return the currency that stands in a head, as in `Amount (SGD)`."""
    return next((word.upper() for head in heads for word in head.split() if word.upper() in CURRENCIES), "")


def _says_side(cells: Sequence[str]) -> bool:
    """Tell a column of nothing but sides; `K` is one only beside `D` (the Baltic countries)."""
    said = {cell.lower().rstrip(".") for cell in cells}
    return bool(said) and (said <= OUT | IN or said == {"d", "k"}) and bool(said - {"-", "+"} or len(said) == 2)


def _own_account(table: _Table, parties: Sequence[int]) -> int | None:
    """Return the column of the account itself, which recurs; one that changes from row to row is another's."""
    for c in table.like(_ACCOUNT, 0.0, bool):
        cells = table.cells[c]
        few = len(set(cells)) <= max(1, len(cells) // 3)
        if c not in parties and len(cells) >= 0.8 * table.rows and (few or not _is_account(cells[0])):
            return table.take(c)
    return None


def _is_iban(cell: str) -> bool:
    return bool(_IBAN.fullmatch(cell.replace(" ", "").upper()))


def _is_account(cell: str) -> bool:
    return _is_iban(cell) or "*" in cell or sum(c.isdigit() for c in cell) >= 6


def _is_book(table: _Table, found: Columns) -> bool:
    """Tell a day book or a trial balance: accounts of a chart with debit and credit."""
    charted = [c for c, name in enumerate(table.heads) if _BOOK_ACCOUNT.search(name) and table.cells[c]]
    return found.debit is not None and any(not _is_account(table.cells[c][0]) for c in charted)


def _evidence(table: _Table, found: Columns, before: str) -> int:
    signed = (
        [value for cell in table.cells[found.amount] if (value := amount(cell, table.mark))]
        if found.amount is not None
        else []
    )
    strong = (found.balance, found.side)
    good = (found.value_date, found.debit)
    fair = (found.currency, found.iban, found.reference, found.status, found.parties or None)
    points = (
        3 * sum(c is not None for c in strong) + 2 * sum(c is not None for c in good) + sum(c is not None for c in fair)
    )
    points += 2 * (found.account is not None and _is_account(table.cells[found.account][0]))
    points += any(value < 0 for value in signed)
    points += any(_OTHER_KIND.search(table.heads[c]) for c in table.free)
    points += bool(_HEADING.search(before))
    return points - 3 * any(_OTHER_PAPER.search(name) for name in table.heads)
