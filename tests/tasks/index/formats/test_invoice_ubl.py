"""UBL beyond the sample: who the parties are, other profiles, several dates and currencies, and what is left out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.settings import Limits
from samples.make import einvoices as make
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.office.invoice import Instalment, Invoice, Party
from tasks.office.records import from_data

SELLER = "<cac:AccountingSupplierParty>"
SUBTOTAL = (
    '<cac:TaxSubtotal><cbc:TaxableAmount currencyID="{currency}">{base}</cbc:TaxableAmount><cbc:TaxAmount>{tax}</cbc:TaxAmount>'
    "<cac:TaxCategory><cbc:ID>{code}</cbc:ID><cbc:Percent>{rate}</cbc:Percent></cac:TaxCategory></cac:TaxSubtotal>"
)


def opened(*changes: tuple[str, str]) -> Invoice:
    """The sample with pieces of its markup replaced, each of which must be there."""
    text = make.ubl().decode()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    [found] = from_data(read(text.encode(), Context("x.xml", Limits())).records)
    assert isinstance(found, Invoice)
    return found


def cut(first: str, last: str, new: str = "") -> tuple[str, str]:
    """A change of what stands from one piece of markup to another, both included."""
    text = make.ubl().decode()
    start = text.index(first)
    return text[start : text.index(last, start) + len(last)], new


def seller(inside: str) -> Party:
    return opened(
        cut(SELLER, "</cac:AccountingSupplierParty>", f"{SELLER}{inside}</cac:AccountingSupplierParty>")
    ).supplier


@pytest.mark.parametrize(
    ("customization", "profile"),
    [
        ("urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0", "Peppol BIS Billing 3"),
        ("urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0", "XRechnung"),
        ("urn:cen.eu:en16931:2017#compliant#urn:xoev-de:kosit:standard:XRechnung_1.2", "XRechnung"),
        ("urn:cen.eu:en16931:2017", ""),
    ],
)
def test_the_profile_is_told_by_its_name(customization: str, profile: str) -> None:
    old = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
    assert opened((f">{old}<", f">{customization}<")).format == profile


@pytest.mark.parametrize(
    ("scheme", "vat"),
    [
        (
            "<cbc:CompanyID>it 0123 4567 890</cbc:CompanyID><cac:TaxScheme><cbc:ID>vat</cbc:ID></cac:TaxScheme>",
            "IT01234567890",
        ),
        ("<cbc:CompanyID>IT01234567890</cbc:CompanyID>", "IT01234567890"),
        ("<cbc:CompanyID>12/345</cbc:CompanyID><cac:TaxScheme><cbc:ID>FC</cbc:ID></cac:TaxScheme>", ""),
        ("<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>", ""),
    ],
)
def test_a_number_is_for_vat_only_where_it_says_so_or_nothing_else(scheme: str, vat: str) -> None:
    assert seller(f"<cac:Party><cac:PartyTaxScheme>{scheme}</cac:PartyTaxScheme></cac:Party>").vat == vat


@pytest.mark.parametrize(
    ("identifier", "code"),
    [
        ('<cbc:ID schemeID="0210">rssmra80a01f205x</cbc:ID>', "RSSMRA80A01F205X"),
        ("<cbc:ID>CF:01234567890</cbc:ID>", "01234567890"),
        ('<cbc:ID schemeID="0211">IT01234567890</cbc:ID>', ""),
    ],
)
def test_the_italian_tax_code_by_its_scheme(identifier: str, code: str) -> None:
    inside = f"<cac:Party><cac:PartyIdentification><cbc:ID>7</cbc:ID></cac:PartyIdentification><cac:PartyIdentification>{identifier}"
    assert seller(f"{inside}</cac:PartyIdentification></cac:Party>").tax_code == code


def test_a_person_with_an_address_and_a_party_that_is_not_there() -> None:
    person = (
        "<cac:Party><cac:PostalAddress><cbc:StreetName>Via Roma 1</cbc:StreetName><cbc:CityName>Lodi</cbc:CityName>"
        "<cbc:PostalZone>26900</cbc:PostalZone><cac:Country><cbc:IdentificationCode>IT</cbc:IdentificationCode></cac:Country>"
        "</cac:PostalAddress><cac:Contact><cbc:ElectronicMail>a@b.it</cbc:ElectronicMail></cac:Contact>"
        "<cac:Person><cbc:FirstName>Anna</cbc:FirstName><cbc:FamilyName>Verdi</cbc:FamilyName></cac:Person></cac:Party>"
    )
    found = seller(person)
    assert (found.name, found.address, found.country, found.email) == (
        "Anna Verdi",
        "Via Roma 1, 26900 Lodi, IT",
        "IT",
        "a@b.it",
    )
    assert seller("") == Party()


@given(
    st.lists(
        st.tuples(st.sampled_from(["EUR", "PLN"]), st.integers(1, 900), st.sampled_from(["S", "AE", "B"])), max_size=4
    )
)
def test_only_the_breakdown_in_the_invoices_currency_counts(rows: list[tuple[str, int, str]]) -> None:
    markup = "".join(
        SUBTOTAL.format(currency=currency, base=base, tax=base // 5, code=code, rate=22)
        for currency, base, code in rows
    )
    found = opened(cut("<cac:TaxSubtotal>", "</cac:TaxSubtotal>", markup)).vat
    wanted = [(Decimal(base), "" if code == "S" else code) for currency, base, code in rows if currency == "EUR"]
    assert [(row.taxable, row.nature) for row in found] == wanted
    assert [row.due for row in found] == ["S" if code == "B" else "" for _, code in wanted]


PLAN = "<cac:PaymentTerms><cbc:PaymentDueDate>{}</cbc:PaymentDueDate><cbc:Amount>{}</cbc:Amount></cac:PaymentTerms>"
MEANS = "<cac:PaymentMeans>"
DUE = "<cbc:DueDate>2026-04-19</cbc:DueDate>"


def test_several_terms_with_amounts_are_instalments_in_their_order() -> None:
    plan = PLAN.format("2026-05-31", "500.00") + PLAN.format("2026-06-30", "1000.00")
    found = opened(("<cac:TaxTotal>", f"{plan}<cac:TaxTotal>")).instalments
    assert [(one.due, one.amount) for one in found] == [(date(2026, 5, 31), 500), (date(2026, 6, 30), 1000)]
    assert {one.iban for one in found} == {"DE89370400440532013000"}


def test_terms_by_percentage_and_dates_of_which_no_amount_is_told() -> None:
    due = cut("<cbc:DueDate>", "</cbc:DueDate>")
    term = "<cac:PaymentTerms><cbc:PaymentDueDate>{}</cbc:PaymentDueDate>{}</cac:PaymentTerms>"
    days = ("2026-04-30", "2026-05-31")
    shares = "".join(
        term.format(day, f"<cbc:PaymentPercent>{percent}</cbc:PaymentPercent>")
        for day, percent in zip(days, (30, 70), strict=True)
    )
    found = opened(due, ("<cac:TaxTotal>", f"{shares}<cac:TaxTotal>"))
    assert found.payable is not None
    assert [(str(i.due), i.amount) for i in found.instalments] == [
        (days[0], found.payable * 30 / 100),
        (days[1], found.payable * 70 / 100),
    ]
    open_ = opened(due, ("<cac:TaxTotal>", f"{''.join(term.format(day, '') for day in days)}<cac:TaxTotal>"))
    assert [(str(i.due), i.amount) for i in open_.instalments] == [(day, None) for day in days]


def test_without_a_date_and_an_account_there_is_no_instalment() -> None:
    means = cut(MEANS, "</cac:PaymentMeans>")
    assert opened((DUE, ""), means).instalments == ()
    assert [one.due for one in opened((DUE, "")).instalments] == [None]
    assert [(one.due, one.iban) for one in opened(means).instalments] == [(date(2026, 4, 19), "")]
    dated = f"{MEANS}<cbc:PaymentDueDate>2026-07-01</cbc:PaymentDueDate>"
    assert [one.due for one in opened((DUE, ""), (MEANS, dated)).instalments] == [date(2026, 7, 1)]
    assert all(isinstance(one, Instalment) for one in opened().instalments)


def test_charges_and_allowances_of_the_whole_and_references() -> None:
    totals = (
        "<cbc:AllowanceTotalAmount>30</cbc:AllowanceTotalAmount><cbc:ChargeTotalAmount>12.50</cbc:ChargeTotalAmount>"
    )
    references = (
        "<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>F-1</cbc:ID><cbc:IssueDate>2026-01-02</cbc:IssueDate>"
        "</cac:InvoiceDocumentReference></cac:BillingReference><cac:OrderReference><cbc:ID>O-2</cbc:ID></cac:OrderReference>"
    )
    total = "<cac:LegalMonetaryTotal>"
    found = opened((total, total + totals), (SELLER, references + SELLER))
    assert found.adjustment == Decimal("-17.50")
    assert [(r.kind, r.number, r.day) for r in found.references] == [
        ("invoice", "F-1", date(2026, 1, 2)),
        ("order", "O-2", None),
    ]
