"""The typed records of business papers: one frozen dataclass a kind of paper, made of plain values.

Amounts are Decimal in units of the record's currency, as the paper states them and with its own signs: a credit note's total is
positive here, `Invoice.sign` says what it does to an account. An absent figure is None, never zero. A record crosses process and file
borders as JSON data (`as_data`, `from_data`): decimals and dates become strings, so nothing is rounded and no code travels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

from tasks.office.invoice import ZERO, Invoice


@dataclass(frozen=True, slots=True)
class ExchangeReceipt:
    """A message of the exchange system about a file: `kind` (RC, NS, …), the state that it gives the invoice, its errors."""

    kind: str
    state: str
    sdi_id: str = ""
    file: str = ""
    received_at: datetime | None = None
    delivered_at: datetime | None = None
    errors: tuple[tuple[str, str], ...] = ()
    text: str = ""
    number: str = ""
    record: Literal["receipt"] = "receipt"


@dataclass(frozen=True, slots=True)
class Movement:
    """A movement of an account: positive when money comes in. `line` is its place in the file, from 1."""

    line: int
    day: date | None = None
    value_day: date | None = None
    amount: Decimal = ZERO
    text: str = ""
    counterpart: str = ""
    iban: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """Movements of an account between two balances, or payments that are ordered.

    `kind`: `statement`, `orders` (pain.001, to be paid), `receivables` (RiBa, to be collected), `advice` (CAMT.054).
    `left_out`: rows with an amount that are no movements: not booked yet, cancelled, or without a readable date.
    """

    kind: Literal["statement", "orders", "receivables", "advice"]
    format: str
    account: str = ""
    holder: str = ""
    currency: str = "EUR"
    opening: Decimal | None = None
    opening_day: date | None = None
    closing: Decimal | None = None
    closing_day: date | None = None
    stated_sum: Decimal | None = None
    stated_count: int | None = None
    movements: tuple[Movement, ...] = ()
    number: str = ""
    left_out: int = 0
    record: Literal["statement"] = "statement"


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """A row of a VAT register: one rate of one document."""

    line: int
    protocol: str = ""
    registered: date | None = None
    number: str = ""
    day: date | None = None
    party: str = ""
    vat: str = ""
    rate: Decimal | None = None
    nature: str = ""
    taxable: Decimal | None = None
    tax: Decimal | None = None
    total: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VatRegister:
    """A register of purchases or sales, with the sums of its rows and those that it states."""

    side: Literal["purchase", "sale", ""]
    rows: tuple[RegisterRow, ...] = ()
    stated_taxable: Decimal | None = None
    stated_tax: Decimal | None = None
    record: Literal["vat_register"] = "vat_register"


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a trial balance or a row of a day book; debit and credit are positive."""

    line: int
    code: str = ""
    name: str = ""
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    day: date | None = None
    text: str = ""
    page: int = 1

    @property
    def balance(self) -> Decimal:
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class Book:
    """A trial balance, a day book, or assets and liabilities side by side, with the totals that it states."""

    kind: Literal["trial_balance", "day_book", "two_sided"]
    accounts: tuple[Account, ...] = ()
    day: date | None = None
    stated_debit: Decimal | None = None
    stated_credit: Decimal | None = None
    stated_result: Decimal | None = None
    record: Literal["book"] = "book"

    @property
    def debit(self) -> Decimal:
        return sum((account.debit for account in self.accounts), ZERO)

    @property
    def credit(self) -> Decimal:
        return sum((account.credit for account in self.accounts), ZERO)


@dataclass(frozen=True, slots=True)
class TaxItem:
    """A tax of a payment form: code, period, year; what is paid is positive, what is set off negative."""

    code: str
    amount: Decimal
    period: str = ""
    year: str = ""
    section: str = ""


@dataclass(frozen=True, slots=True)
class TaxPayment:
    """An F24: taxes paid and set off, its balance and the day of payment."""

    items: tuple[TaxItem, ...]
    tax_code: str = ""
    name: str = ""
    balance: Decimal | None = None
    day: date | None = None
    iban: str = ""
    record: Literal["tax_payment"] = "tax_payment"


@dataclass(frozen=True, slots=True)
class VatPeriod:
    """A month or quarter of a VAT return; `due` is the tax owed, negative when it is in the office's favour."""

    year: int
    month: int | None = None
    quarter: int | None = None
    sales: Decimal | None = None
    purchases: Decimal | None = None
    output_tax: Decimal | None = None
    input_tax: Decimal | None = None
    due: Decimal | None = None
    to_pay: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VatReturn:
    """A quarterly communication of VAT settlements (LIPE)."""

    vat: str
    periods: tuple[VatPeriod, ...] = ()
    record: Literal["vat_return"] = "vat_return"


@dataclass(frozen=True, slots=True)
class Expiry:
    """A day on which a paper ends or something must have been done: `notice` is the last day to give notice."""

    kind: str
    day: date
    text: str = ""
    party: str = ""
    notice: date | None = None
    page: int = 1
    record: Literal["expiry"] = "expiry"


Record = Invoice | ExchangeReceipt | Statement | VatRegister | Book | TaxPayment | VatReturn | Expiry


def as_data(records: Iterable[Record]) -> tuple[Mapping[str, Any], ...]:
    """Return the records as JSON data, absent and default values left out."""
    made = list(records)
    if not made:
        return ()
    adapter = _adapter()
    return tuple(
        adapter.dump_python(record, mode="json", exclude_defaults=True) | {"record": record.record} for record in made
    )


def from_data(data: Iterable[Mapping[str, Any]]) -> list[Record]:
    """Return the records of JSON data.

    Raises:
        ValueError: the data is of no known record.
    """
    items = list(data)
    return [_adapter().validate_python(item) for item in items] if items else []


@lru_cache(maxsize=1)
def _adapter() -> Any:
    """Return made on first use: building it takes a process 50 ms, and most documents have no record."""
    from typing import Annotated

    from pydantic import Field, TypeAdapter

    return TypeAdapter(Annotated[Record, Field(discriminator="record")])
