"""What an invoice alone contradicts itself in: sums, taxes, instalments, identifiers.

A finding has a rule, the values that it compares and their difference. Findings are calm: real invoices round, leave the total out and
charge stamp duty beside the summary, so a difference that something on the paper explains is a note (or nothing), never an error.
Nothing here changes a figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from itertools import combinations
from typing import Literal

from tasks.office import identifiers
from tasks.office.codes import known
from tasks.office.invoice import WHOLE, ZERO, Invoice, Party
from tasks.office.records import Statement

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a paper breaks (`error`) or that deserves a word (`note`); `values` are what was compared, as text."""

    rule: str
    values: Mapping[str, str] = field(default_factory=dict)
    difference: Decimal | None = None
    level: Literal["error", "note"] = "error"


def check(invoice: Invoice) -> list[Finding]:
    """Return every finding about one invoice, in the order in which it is read."""
    checks = (_required, _identifiers, _lines, _taxes, _natures, _total, _instalments)
    return [finding for step in checks for finding in step(invoice)]


def _required(invoice: Invoice) -> Iterator[Finding]:
    missing = [name for name in ("number", "day") if not getattr(invoice, name)]
    if missing:
        yield Finding("missing", {"fields": ", ".join(missing)})
    if invoice.type and not known("type", invoice.type):
        yield Finding("unknown_type", {"type": invoice.type})


def _identifiers(invoice: Invoice) -> Iterator[Finding]:
    for role, party in (("supplier", invoice.supplier), ("customer", invoice.customer)):
        yield from _party(role, party)
    named = [
        value
        for i in invoice.instalments
        for value in (i.iban, *filter(identifiers.looks_like_iban, i.accounts))
        if value
    ]
    for value in dict.fromkeys(named):
        verdict = identifiers.iban(value)
        if verdict != "right":
            yield Finding(f"iban_{verdict}", {"iban": value})


def _party(role: str, party: Party) -> Iterator[Finding]:
    if party.vat and identifiers.vat_number(party.vat) == "wrong":
        yield Finding("vat_number", {"role": role, "value": party.vat})
    if party.tax_code and identifiers.tax_code(party.tax_code) == "wrong":
        yield Finding("tax_code", {"role": role, "value": party.tax_code})


def _lines(invoice: Invoice) -> Iterator[Finding]:
    """Yield lines, funds and roundings against the taxable amounts: by rate in FatturaPA, as a whole where discounts have no rate."""
    charged = [line for line in invoice.lines if (line.amount, line.price, line.quantity) != (None, None, None)]
    if (
        not charged or not invoice.vat or any(line.amount is None for line in charged)
    ):  # the others are words between them
        return
    if invoice.gross is not None:
        return
    by_rate = invoice.syntax == "FatturaPA"
    found, stated, counts = _by_rate(invoice) if by_rate else _as_a_whole(invoice)
    for key in stated:
        difference = stated[key] - found.get(key, ZERO)
        tolerance = CENT * max(1, counts.get(key, 1))
        if (
            abs(difference) > tolerance
            and not _equal(difference, invoice.stamp)
            and not _equal(difference, invoice.adjustment)
        ):
            values = {"rate": key, "lines": str(found.get(key, ZERO)), "taxable": str(stated[key])}
            yield Finding("lines_and_summary", values, difference)


_Sums = dict[str, Decimal]


def _by_rate(invoice: Invoice) -> tuple[_Sums, _Sums, dict[str, int]]:
    found: _Sums = {}
    counts: dict[str, int] = {}
    parts = [(line.rate, line.nature, line.amount) for line in invoice.lines]
    parts += [(fund.vat_rate, fund.nature, fund.amount) for fund in invoice.funds]
    parts += [(row.rate, row.nature, row.rounding) for row in invoice.vat]
    for rate, nature, amount in parts:
        key = _rate(rate, nature)
        found[key] = found.get(key, ZERO) + (amount or ZERO)
        counts[key] = counts.get(key, 0) + 1
    stated: _Sums = {}
    for row in invoice.vat:
        key = _rate(row.rate, row.nature)
        stated[key] = stated.get(key, ZERO) + (row.taxable or ZERO)
    return found, stated, counts


def _as_a_whole(invoice: Invoice) -> tuple[_Sums, _Sums, dict[str, int]]:
    lines = sum((line.amount for line in invoice.lines if line.amount is not None), invoice.adjustment or ZERO)
    return {"": lines}, {"": invoice.taxable}, {"": len(invoice.lines)}


def _rate(rate: Decimal | None, nature: str) -> str:
    return nature or (f"{rate.normalize():f}" if rate is not None else "0")


def _taxes(invoice: Invoice) -> Iterator[Finding]:
    """Yield tax = taxable × rate, rounded to a cent, a cent of tolerance as the exchange system grants."""
    for row in invoice.vat:
        if row.taxable is None or row.tax is None or row.rate is None or invoice.gross is not None:
            continue
        right = (row.taxable * row.rate / 100).quantize(CENT, ROUND_HALF_UP)
        if abs(row.tax - right) > (1 if invoice.currency in WHOLE else CENT):
            values = {
                "rate": _rate(row.rate, ""),
                "taxable": str(row.taxable),
                "tax": str(row.tax),
                "right": str(right),
            }
            yield Finding("tax_of_taxable", values, row.tax - right)


def _natures(invoice: Invoice) -> Iterator[Finding]:
    if invoice.syntax != "FatturaPA":
        return
    for row in invoice.vat:
        if row.rate == 0 and not row.nature:
            yield Finding("nature_missing", {"taxable": str(row.taxable or ZERO)})


def _total(invoice: Invoice) -> Iterator[Finding]:
    """Yield the stated total against the VAT summary."""
    if invoice.total is None or not invoice.vat:
        return
    difference = invoice.total - invoice.taxable - invoice.tax
    reasons = _explained(
        difference,
        {
            "stamp": invoice.stamp,
            "rounding": invoice.rounding,
            "row_rounding": sum((row.rounding for row in invoice.vat if row.rounding is not None), ZERO),
            "adjustment": invoice.adjustment,
            "withholding": -invoice.withheld,
        },
        CENT,
    )
    values = {"total": str(invoice.total), "summary": str(invoice.taxable + invoice.tax)}
    if reasons is None:
        yield Finding("total_and_summary", values, difference)
    elif "stamp" in reasons or "withholding" in reasons:
        yield Finding("total_explained", values | {"by": ", ".join(reasons)}, difference, "note")


def _instalments(invoice: Invoice) -> Iterator[Finding]:
    """Yield the instalments against what is to be paid; an advance (TP03) is a part of it by its nature."""
    stated = invoice.stated_to_pay
    if stated is None or invoice.self_billed or invoice.terms == "TP03" or not (invoice.vat or invoice.total):
        return
    difference = stated - invoice.computed_to_pay
    explanations = {
        "stamp": invoice.stamp,
        "without stamp": -invoice.stamp if invoice.stamp else None,
        "rounding": invoice.rounding,
        "withholding": invoice.withheld,  # a total that was stated net of it
    }
    if _explained(difference, explanations, CENT * max(1, len(invoice.instalments))) is None:
        values = {"instalments": str(stated), "to_pay": str(invoice.computed_to_pay)}
        yield Finding("instalments", values, difference)


def _explained(
    difference: Decimal, reasons: Mapping[str, Decimal | None], tolerance: Decimal
) -> tuple[str, ...] | None:
    """Return the fewest reasons that sum to the difference; None when none do."""
    amounts = {name: value for name, value in reasons.items() if value}
    for count in range(len(amounts) + 1):
        for names in combinations(amounts, count):
            if abs(difference - sum((amounts[name] for name in names), ZERO)) <= tolerance:
                return names
    return None


def _equal(a: Decimal, b: Decimal | None) -> bool:
    return b is not None and abs(a - b) <= CENT


def check_statement(statement: Statement) -> list[Finding]:
    """Return opening + movements = closing; the stated number and sum of payments."""
    found = []
    moved = sum((m.amount for m in statement.movements), ZERO)
    if statement.opening is not None and statement.closing is not None:
        right = statement.opening + moved
        if right != statement.closing:
            values = {"opening": str(statement.opening), "movements": str(moved), "closing": str(statement.closing)}
            found.append(Finding("balances", values, statement.closing - right))
    if statement.stated_sum is not None and abs(moved) != statement.stated_sum:
        values = {"stated": str(statement.stated_sum), "summed": str(abs(moved))}
        found.append(Finding("control_sum", values, statement.stated_sum - abs(moved)))
    if statement.stated_count is not None and statement.stated_count != len(statement.movements):
        values = {"stated": str(statement.stated_count), "counted": str(len(statement.movements))}
        found.append(Finding("control_count", values))
    if statement.left_out:
        found.append(Finding("rows_left_out", {"rows": str(statement.left_out)}, level="note"))
    for value in _accounts(statement):
        verdict = identifiers.iban(value)
        if verdict != "right":
            found.append(Finding(f"iban_{verdict}", {"iban": value}))
    return found


def _accounts(statement: Statement) -> Iterable[str]:
    ibans = [statement.account, *(m.iban for m in statement.movements)]
    return dict.fromkeys(value for value in ibans if identifiers.looks_like_iban(value))
