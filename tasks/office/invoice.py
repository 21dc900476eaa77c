"""The record of an invoice, of whatever syntax, and of what stands in it; how amounts are kept is said in `records.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

CREDIT_NOTES = frozenset({"TD04", "TD08", "381", "396", "81", "83", "261", "262", "296", "308", "420", "458", "532"})
SELF_BILLED = frozenset({"TD16", "TD17", "TD18", "TD19", "TD20", "TD21", "TD22", "TD23", "TD27", "TD28", "TD29"})
"""Documents that a customer makes for the tax office: they owe nobody anything, so they have no place in a due-date list."""
ZERO = Decimal(0)
CENT = Decimal("0.01")
WHOLE = frozenset({"HUF", "ISK", "JPY", "KRW", "CLP", "VND", "PYG", "UGX", "RWF", "XAF", "XOF", "XPF"})
"""Currencies without cents (ISO 4217; the forint has none in practice): tax is rounded to a whole unit."""


@dataclass(frozen=True, slots=True)
class Party:
    """A firm or person. `vat` carries its country's prefix (`IT91000019991`), `tax_code` is the Italian codice fiscale."""

    name: str = ""
    vat: str = ""
    tax_code: str = ""
    country: str = ""
    address: str = ""
    regime: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an invoice; `rate` is the VAT rate in percent, `nature` says why there is none."""

    number: str = ""
    text: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    price: Decimal | None = None
    amount: Decimal | None = None
    rate: Decimal | None = None
    nature: str = ""
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Vat:
    """A row of the VAT summary; `due` is I (at once), D (when paid) or S (the customer pays it to the state)."""

    rate: Decimal | None = None
    nature: str = ""
    taxable: Decimal | None = None
    tax: Decimal | None = None
    due: str = ""
    rounding: Decimal | None = None
    law: str = ""


@dataclass(frozen=True, slots=True)
class Instalment:
    """What is to be paid when, how and where to. `source` is `stated` by the paper or `computed` from its date and total.

    `iban` is the first account named; `accounts` are the others, and those that are no IBAN (a Swedish bankgiro, a sort code).
    """

    due: date | None = None
    amount: Decimal | None = None
    method: str = ""
    iban: str = ""
    bank: str = ""
    accounts: tuple[str, ...] = ()
    source: Literal["stated", "computed"] = "stated"


@dataclass(frozen=True, slots=True)
class Withholding:
    """Tax or contributions that the customer keeps back: type (RT02), percent, amount, reason of payment (A)."""

    type: str = ""
    rate: Decimal | None = None
    amount: Decimal | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Fund:
    """A contribution to a professional fund that the supplier charges on top: type (TC02), percent, amount, its VAT."""

    type: str = ""
    rate: Decimal | None = None
    amount: Decimal | None = None
    vat_rate: Decimal | None = None
    nature: str = ""
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """Another paper that is named: kind is order, contract, agreement, receipt, invoice or transport."""

    kind: str
    number: str = ""
    day: date | None = None
    cig: str = ""
    cup: str = ""


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice, credit or debit note of any syntax.

    `total` is what the paper states (None where it states none), `adjustment` the sum of its document-level surcharges less discounts,
    `prepaid` what was paid before, `payable` the amount due that UBL and CII state. `transmission` is the name under which the exchange
    system knows the file, without its ending.
    """

    syntax: str
    format: str = ""
    body: int = 1
    type: str = ""
    number: str = ""
    day: date | None = None
    currency: str = "EUR"
    supplier: Party = Party()
    customer: Party = Party()
    lines: tuple[Line, ...] = ()
    vat: tuple[Vat, ...] = ()
    total: Decimal | None = None
    rounding: Decimal | None = None
    adjustment: Decimal | None = None
    stamp: Decimal | None = None
    prepaid: Decimal | None = None
    payable: Decimal | None = None
    gross: Decimal | None = None
    withholdings: tuple[Withholding, ...] = ()
    funds: tuple[Fund, ...] = ()
    instalments: tuple[Instalment, ...] = ()
    terms: str = ""
    references: tuple[Reference, ...] = ()
    notes: str = ""
    language: str = "it"
    transmission: str = ""
    attachments: tuple[str, ...] = ()
    record: Literal["invoice"] = "invoice"

    @property
    def sign(self) -> int:
        """-1 for a credit note whose amounts are written as positive, else 1."""
        written = self.total if self.total is not None else self.summed
        return -1 if self.type in CREDIT_NOTES and written >= 0 else 1

    @property
    def self_billed(self) -> bool:
        return self.type in SELF_BILLED

    @property
    def split_payment(self) -> bool:
        """Whether the customer pays the VAT to the state (scissione dei pagamenti)."""
        return any(row.due == "S" for row in self.vat)

    @property
    def taxable(self) -> Decimal:
        return sum((row.taxable for row in self.vat if row.taxable is not None), ZERO)

    @property
    def tax(self) -> Decimal:
        return sum((row.tax for row in self.vat if row.tax is not None), ZERO)

    @property
    def summed(self) -> Decimal:
        """What the VAT summary sums to, without stamp duty."""
        return self.taxable + self.tax + (self.rounding or ZERO)

    @property
    def total_or_summed(self) -> Decimal:
        return self.total if self.total is not None else self.summed

    @property
    def withheld(self) -> Decimal:
        """What the customer keeps back; social contributions (RT03 to RT06) are kept back like tax."""
        return sum((w.amount for w in self.withholdings if w.amount is not None), ZERO)

    @property
    def computed_to_pay(self) -> Decimal:
        """The total less what is withheld, split and paid before; 0 for a self-billed document."""
        if self.self_billed:
            return ZERO
        if self.payable is not None:
            return self.payable
        return self.total_or_summed - self._still_in_total - (self.prepaid or ZERO)

    @property
    def _still_in_total(self) -> Decimal:
        """What of the tax withheld and the VAT that is split the total has not been reduced by: some suppliers state it net of them."""
        split = sum((row.tax for row in self.vat if row.due == "S" and row.tax is not None), ZERO)
        if self.total is not None and self.vat and (split or self.withheld):
            for gone in (ZERO, self.withheld, split, self.withheld + split):
                expected = self.summed - gone
                if any(abs(self.total - expected - stamp) <= CENT for stamp in (ZERO, self.stamp or ZERO)):
                    return self.withheld + split - gone
        return self.withheld + split

    @property
    def stated_to_pay(self) -> Decimal | None:
        """The sum of the instalments; None when there is none, or one has no amount."""
        amounts = [instalment.amount for instalment in self.instalments]
        return sum((a for a in amounts if a is not None), ZERO) if amounts and None not in amounts else None

    @property
    def to_pay(self) -> Decimal:
        """What the customer owes the supplier: as the instalments say, else computed."""
        stated = self.stated_to_pay
        return self.computed_to_pay if stated is None or self.self_billed else stated
