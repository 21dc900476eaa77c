"""Papers about each other: what agrees is silent, what does not is a finding with both values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

import pytest

from tasks.query.crosschecks import cross_findings
from tasks.query.office import Office

Row = dict[str, Any]
OURS, SUPPLIER = "IT00000000001", "IT00000000002"


@dataclass
class Papers:
    """The part of an office's papers that the checks read."""

    tables: dict[str, list[Row]] = field(default_factory=dict)
    invoices: list[Row] = field(default_factory=list)
    dues: list[Row] = field(default_factory=list)
    figures: list[Row] = field(default_factory=list)
    office: Sequence[str] = (OURS,)

    def stored(self, name: str) -> list[Row]:
        return self.tables.get(name, [])

    def document(self, path: str) -> str:
        return f"id of {path}"


def findings(papers: Papers) -> list[tuple[str, str, float | None, dict[str, str]]]:
    found = cross_findings(cast(Office, papers))
    return [(row["rule"], row["level"], row["difference"], json.loads(row["values"])) for row in found]


def paper(**values: Any) -> Row:
    return {"document_id": "d", "path": "/papers/d", "body": 0, "number": ""} | values


def invoice(number: str = "12/26", **values: Any) -> Row:
    plain = {
        "number": number,
        "date": date(2026, 3, 12),
        "signed_total": 122.0,
        "taxable": 100.0,
        "tax": 22.0,
        "withheld": 0.0,
        "supplier": "Tassello",
        "supplier_vat": SUPPLIER,
        "supplier_cf": "",
        "customer": "Studio",
        "customer_vat": OURS,
        "customer_cf": "",
        "copies": "",
        "same_bytes": None,
        "duplicate_of": "",
        "sdi_state": "",
        "sdi_id": "",
        "sdi_errors": "",
        "refers_to": "",
        "credits": "",
        "direction": "purchase",
        "self_billed": False,
    }
    return paper(**(plain | {"document_id": f"i{number}"} | values))


def registered(number: str = "12/26", **values: Any) -> Row:
    plain = {"side": "purchase", "vat": SUPPLIER, "party": "Tassello", "protocol": "7", "taxable": 100.0, "tax": 22.0}
    days = {"date": date(2026, 3, 12), "registered": date(2026, 3, 31)}
    return paper(number=number, **(plain | days | values))


def test_a_register_that_agrees_with_its_invoices_is_silent() -> None:
    rows = [registered(taxable=60.0, tax=13.2), registered(taxable=40.0, tax=8.8)]  # a line a rate
    assert findings(Papers({"register": rows}, [invoice()])) == []


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (registered(taxable=90.0), [("registered_taxable", -10.0)]),
        (registered(tax=22.01), [("registered_tax", 0.01)]),
        (registered(tax=22.004), []),  # less than half a cent
        (registered("0012/26"), []),  # written with zeros
        (registered("13/26"), [("registered_without_invoice", None), ("invoice_not_registered", None)]),
        (registered(vat=""), []),  # a register without VAT numbers, and a number of one party alone
        (registered(vat="IT00000000009"), [("registered_without_invoice", None), ("invoice_not_registered", None)]),
        (registered(registered=date(2026, 4, 30)), []),
    ],
)
def test_each_way_between_register_and_invoice(row: Row, found: list[tuple[str, float | None]]) -> None:
    assert [
        (rule, difference) for rule, _, difference, _ in findings(Papers({"register": [row]}, [invoice()]))
    ] == found


def test_a_number_of_two_suppliers_is_nobodys_without_the_vat_number() -> None:
    two = [invoice(), invoice(document_id="other", supplier_vat="IT00000000003")]
    rules = [rule for rule, *_ in findings(Papers({"register": [registered(vat="")]}, two))]
    assert rules.count("registered_without_invoice") == 1


def test_a_credit_note_is_registered_with_its_sign() -> None:
    note = invoice("NC/1", signed_total=-122.0, refers_to="12/26", credits="i12/26")
    assert findings(Papers({"register": [registered("NC/1", taxable=-100.0, tax=-22.0)]}, [note])) == []
    [(rule, level, difference, values)] = findings(Papers({"register": [registered("NC/1", tax=-22.0)]}, [note]))
    assert (rule, level, difference) == ("registered_taxable", "error", 200.0)
    assert values == {"register": "100.00", "invoice": "-100.00"}


@pytest.mark.parametrize(
    "other",
    [
        invoice("14/26", date=date(2026, 4, 2)),  # another month
        invoice("14/26", date=None),
        invoice("14/26", duplicate_of="i12/26"),
        invoice("14/26", customer_vat="IT00000000005"),  # not the office's
        invoice("14/26", self_billed=True),
    ],
    ids=["month", "no date", "duplicate", "customer", "self-billed"],
)
def test_what_a_register_of_purchases_need_not_hold(other: Row) -> None:
    assert findings(Papers({"register": [registered()]}, [invoice(), other])) == []


def test_copies_rejections_and_credit_notes() -> None:
    rows = [
        invoice("1", copies="i9", same_bytes=True),
        invoice("2", copies="i9", same_bytes=False),
        invoice("3", sdi_state="rejected", sdi_id="77", sdi_errors="00404"),
        invoice("4", sdi_state="accepted"),
        invoice("5", signed_total=-1.0),
        invoice("6", signed_total=-1.0, refers_to="99"),
        invoice("7", signed_total=-1.0, refers_to="1", credits="i1"),
    ]
    assert findings(Papers(invoices=rows)) == [
        ("duplicate", "note", None, {"of": "i9", "bytes": "same"}),
        ("duplicate", "error", None, {"of": "i9", "bytes": "other"}),
        ("rejected_but_kept", "error", None, {"sdi_id": "77", "errors": "00404"}),
        ("credit_note_without_reference", "note", None, {}),
        ("credited_invoice_absent", "note", None, {"refers_to": "99"}),
    ]


def tax(code: str, amount: float, period: str = "0003", year: str = "2026") -> Row:
    return paper(code=code, amount=amount, period=period, year=year)


def settlement(due: float | None, month: int | None = 3, quarter: int | None = None, year: int = 2026) -> Row:
    return paper(year=year, month=month, quarter=quarter, due=due)


@pytest.mark.parametrize(
    ("form", "found"),
    [
        (tax("6003", 1500.0), None),
        (tax("6003", 1500.004), None),
        (tax("6003", 1400.0), ("vat_paid_and_due", -100.0, {"code": "6003", "paid": "1400.00", "due": "1500.00"})),
        (
            tax("6003", 300.0),  # the amount of April under the code of March
            (
                "vat_code_of_another_period",
                None,
                {"code": "6003", "paid": "300.00", "due": "1500.00", "expected": "6004"},
            ),
        ),
        (
            tax("6004", 77.0),
            (
                "vat_code_of_another_period",
                None,
                {"code": "6004", "paid": "77.00", "due": "300.00", "expected": "6032"},
            ),
        ),
        (tax("6032", 77.0), None),
        (tax("6009", 5.0), None),  # no settlement of September to compare with
        (tax("6003", 5.0, year="2025"), None),
        (tax("1001", 5.0), None),  # not VAT
    ],
)
def test_vat_paid_and_due(form: Row, found: tuple[str, float | None, dict[str, str]] | None) -> None:
    returns = [settlement(1500.0), settlement(300.0, 4), settlement(77.0, None, 2), settlement(None, 5)]
    expected = [] if found is None else [(found[0], "error", found[1], found[2])]
    assert findings(Papers({"taxes": [form], "vat_periods": returns})) == expected
    assert findings(Papers({"taxes": [form]})) == []


@pytest.mark.parametrize(("amount", "difference"), [(40.0, None), (50.0, 10.0), (39.99, -0.01)])
def test_tax_withheld_and_paid(amount: float, difference: float | None) -> None:
    """Once an invoice, in the month of its payment; what was not paid, or is a copy, or a sale, has withheld nothing yet."""
    rows = [
        invoice("1", withheld=30.0),
        invoice("2", withheld=10.0),
        invoice("3", withheld=500.0),
        invoice("4", withheld=500.0, duplicate_of="i1"),
        invoice("5", withheld=500.0, direction="sale"),
    ]
    days = {"1": date(2026, 3, 5), "2": date(2026, 3, 31), "3": None, "4": date(2026, 3, 5), "5": date(2026, 3, 5)}
    dues = [paper(document_id=f"i{number}", paid_on=day) for number, day in days.items()]
    papers = Papers({"taxes": [tax("1040", amount)]}, rows, [*dues, dues[0]])
    found = [one for one in findings(papers) if one[0] == "withholding_paid_and_kept"]
    values = {"month": "2026-03", "paid": f"{amount:.2f}", "withheld": "40.00"}
    expected = [] if difference is None else [("withholding_paid_and_kept", "note", difference, values)]
    assert found == expected


def account(name: str, debit: float, credit: float, **values: Any) -> Row:
    plain = {
        "book": "trial_balance",
        "date": date(2026, 12, 31),
        "code": name[:2],
        "name": name,
        "debit": debit,
        "credit": credit,
    }
    return paper(**(plain | {"balance": debit - credit} | values))


def test_debit_and_credit_of_a_book_and_of_each_day() -> None:
    days = [
        account("Cassa", 10.0, 0.0, book="day_book", date=date(2026, 1, 2)),
        account("Ricavi", 0.0, 10.0, book="day_book", date=date(2026, 1, 2)),
        account("Cassa", 5.0, 0.0, book="day_book", date=date(2026, 1, 3)),
        account("Cassa", 9.0, 0.0, book="two_sided"),
    ]
    [(rule, level, difference, values)] = findings(Papers({"accounts": days}))
    assert (rule, level, difference) == ("debit_and_credit", "error", 5.0)
    assert values == {"book": "day_book", "date": "2026-01-03", "debit": "5.00", "credit": "0.00"}


BALANCE = [
    account("10 Banca", 300.0, 0.0),
    account("20 Capitale", 0.0, 160.0),
    account("60 Acquisti", 610.0, 0.0),
    account("70 Ricavi vendite", 0.0, 750.0),
]


def figure(item: str, value: float, path: str = "/accounts.pdf", period: str = "FY2026") -> Row:
    return {"path": path, "period": period, "item": item, "value": value}


@pytest.mark.parametrize(
    ("revenue", "period", "found"),
    [
        (750.6, "FY2026", [("note", 0.0)]),  # to a unit
        (800.0, "FY2026", [("error", -50.0)]),
        (800.0, "FY2025", []),  # another year
    ],
)
def test_a_trial_balance_and_annual_accounts(revenue: float, period: str, found: list[tuple[str, float]]) -> None:
    values = {"cash_and_equivalents": 300.0, "net_income": 140.0, "revenue": revenue}
    figures = [figure(item, value, period=period) for item, value in values.items()]
    got = findings(Papers({"accounts": BALANCE}, figures=figures))
    assert [(level, difference) for rule, level, difference, _ in got if rule == "trial_balance_and_accounts"] == found


def test_accounts_of_another_firm_are_not_compared() -> None:
    figures = [figure("cash_and_equivalents", 300.0), figure("net_income", -7.0), figure("revenue", 9.0)]
    assert findings(Papers({"accounts": BALANCE}, figures=figures)) == []


def test_two_sets_of_accounts_of_one_year() -> None:
    items = ["revenue", "net_income", "total_assets", "equity", "inventory"]
    here = [figure(item, 100.0 + n) for n, item in enumerate(items)]
    there = [figure(item, 100.0 + n, "/accounts.xbrl") for n, item in enumerate(items)]
    [(rule, level, difference, values)] = findings(Papers(figures=here + there))
    assert (rule, level, difference) == ("accounts_and_accounts", "note", 0.0)
    assert values["accounts"] == "/accounts.xbrl"
    assert findings(Papers(figures=here + there[:4])) == [], "too few to know that they are of one firm"
    off = [*there, figure("ebitda", 1.0, "/accounts.xbrl")]
    here.append(figure("ebitda", 9.0))
    [(rule, level, difference, values)] = findings(Papers(figures=here + off))
    assert (rule, level, difference, values["item"]) == ("accounts_and_accounts", "error", 8.0, "ebitda")
