"""UBL 2.1 invoices and credit notes (Peppol BIS Billing 3 and other profiles of EN 16931).

Names of the business terms (BT-…) are those of EN 16931. A credit note's amounts are positive in UBL too.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from tasks.index.formats.tree import Node
from tasks.office.identifiers import looks_like_iban
from tasks.office.invoice import CENT, ZERO, Instalment, Invoice, Line, Party, Reference, Vat

SYNTAX = "UBL 2.1"


def invoices(root: Node) -> list[Invoice]:
    """Return the one invoice of a UBL file."""
    credit = root.name == "CreditNote"
    totals = root.first("LegalMonetaryTotal", "RequestedMonetaryTotal") or root
    currency = root.text("DocumentCurrencyCode") or "EUR"
    charges = totals.number("ChargeTotalAmount") or ZERO
    allowances = totals.number("AllowanceTotalAmount") or ZERO
    return [
        Invoice(
            syntax=SYNTAX,
            format=_profile(root.text("CustomizationID")),
            type=root.text("InvoiceTypeCode", "CreditNoteTypeCode") or ("381" if credit else "380"),
            number=root.text("ID"),
            day=root.day("IssueDate"),
            currency=currency,
            supplier=_party(root.first("AccountingSupplierParty/Party")),
            customer=_party(root.first("AccountingCustomerParty/Party")),
            lines=tuple(_line(row) for row in root.all("CreditNoteLine" if credit else "InvoiceLine")),
            vat=_vat(root, currency),
            total=totals.number("TaxInclusiveAmount"),
            rounding=totals.number("PayableRoundingAmount"),
            adjustment=charges - allowances if charges or allowances else None,
            prepaid=totals.number("PrepaidAmount"),
            payable=totals.number("PayableAmount"),
            instalments=_instalments(root, totals),
            terms=root.text("PaymentTerms/Note"),
            references=_references(root),
            notes=" ".join(root.texts("Note")),
            attachments=tuple(name for name, _ in embedded(root)),
        )
    ]


def embedded(root: Node) -> list[tuple[str, str]]:
    """Return (file name, base64) of each object inside (BG-24)."""
    nodes = root.all("AdditionalDocumentReference/Attachment/EmbeddedDocumentBinaryObject")
    return [(n.attribute("filename") or f"attachment-{i}", n.element.text or "") for i, n in enumerate(nodes, 1)]


def _profile(customization: str) -> str:
    if "peppol" in customization:
        return "Peppol BIS Billing 3"
    return "XRechnung" if "xrechnung" in customization.lower() else ""


def _party(node: Node | None) -> Party:
    if node is None:
        return Party()
    address = node.first("PostalAddress")
    return Party(
        name=node.text("PartyLegalEntity/RegistrationName", "PartyName/Name")
        or " ".join(filter(None, (node.text("Person/FirstName"), node.text("Person/FamilyName")))),
        vat=_vat_number(node),
        tax_code=_tax_code(node),
        country=address.text("Country/IdentificationCode") if address else "",
        address=_address(address),
        email=node.text("Contact/ElectronicMail"),
    )


def _vat_number(node: Node) -> str:
    """Return BT-31 or BT-48: the company id under the scheme VAT."""
    schemes = node.all("PartyTaxScheme")
    named = [s for s in schemes if s.text("TaxScheme/ID").upper() == "VAT"]
    for scheme in named or [s for s in schemes if not s.text("TaxScheme/ID")]:
        if number := scheme.text("CompanyID"):
            return number.replace(" ", "").upper()
    return ""


def _tax_code(node: Node) -> str:
    """Return an Italian codice fiscale, which Peppol carries with the scheme 0210 or the prefix `CF:`."""
    for identifier in [*node.all("PartyIdentification/ID"), *node.all("PartyLegalEntity/CompanyID")]:
        value = identifier.text("")
        if identifier.attribute("schemeID") == "0210" or value.upper().startswith("CF:"):
            return value.upper().removeprefix("CF:")
    return ""


def _address(node: Node | None) -> str:
    if node is None:
        return ""
    street = " ".join(filter(None, (node.text("StreetName"), node.text("AdditionalStreetName"))))
    place = " ".join(filter(None, (node.text("PostalZone"), node.text("CityName"))))
    return ", ".join(filter(None, (street, place, node.text("Country/IdentificationCode"))))


def _line(row: Node) -> Line:
    quantity = row.first("InvoicedQuantity", "CreditedQuantity")
    item = row.first("Item") or row
    category = item.first("ClassifiedTaxCategory")
    rate = category.number("Percent") if category else None
    code = category.text("ID") if category else ""
    return Line(
        number=row.text("ID"),
        text=" · ".join(dict.fromkeys(filter(None, (item.text("Name"), item.text("Description"), *row.texts("Note"))))),
        quantity=quantity.number("") if quantity else None,
        unit=quantity.attribute("unitCode") if quantity else "",
        price=row.number("Price/PriceAmount"),
        amount=row.number("LineExtensionAmount"),
        rate=rate,
        nature=code if code and code != "S" else "",
    )


def _vat(root: Node, currency: str) -> tuple[Vat, ...]:
    """Return the VAT breakdown in the invoice's currency: a second tax total in the accounting currency has no rows."""
    rows = []
    for row in root.all("TaxTotal/TaxSubtotal"):
        stated = row.first("TaxableAmount")
        if stated and stated.attribute("currencyID") not in ("", currency):
            continue
        category = row.first("TaxCategory") or row
        code = category.text("ID")
        rows.append(
            Vat(
                rate=category.number("Percent"),
                nature=code if code != "S" else "",
                taxable=row.number("TaxableAmount"),
                tax=row.number("TaxAmount"),
                due="S" if code == "B" else "",
                law=category.text("TaxExemptionReason"),
            )
        )
    return tuple(rows)


def _instalments(root: Node, totals: Node) -> tuple[Instalment, ...]:
    """Return the instalments: EN 16931 knows one due date, profiles beyond it give several, each with an amount, a percentage or neither."""
    means = root.first("PaymentMeans") or root
    code = means.text("PaymentMeansCode")
    iban, accounts = split_accounts(root.texts("PaymentMeans/PayeeFinancialAccount/ID"))
    bank = means.text("PayeeFinancialAccount/FinancialInstitutionBranch/ID")
    terms = [(t, t.day("PaymentDueDate", "InstallmentDueDate")) for t in root.all("PaymentTerms")]
    shares = [(day, _share(term, totals)) for term, day in terms if day]
    if shares and all(amount is not None for _, amount in shares):
        return tuple(Instalment(day, amount, code, iban, bank, accounts) for day, amount in shares)
    days = dict.fromkeys([day for _, day in terms] + [m.day("PaymentDueDate") for m in root.all("PaymentMeans")])
    several = [day for day in days if day]
    if len(several) > 1 and not root.text("DueDate"):  # how the sum is split is not told
        return tuple(Instalment(day, None, code, iban, bank, accounts) for day in several)
    due = root.day("DueDate", "PaymentMeans/PaymentDueDate", "PaymentTerms/PaymentDueDate")
    if due is None and not iban and not accounts:
        return ()
    return (Instalment(due, totals.number("PayableAmount"), code, iban, bank, accounts),)


def _share(term: Node, totals: Node) -> Decimal | None:
    """Return what is due by a payment term: the amount that it states, or its percentage of what is to be paid."""
    stated, percent, whole = term.number("Amount"), term.number("PaymentPercent"), totals.number("PayableAmount")
    if stated is None and percent is not None and whole is not None:
        return (whole * percent / 100).quantize(CENT, ROUND_HALF_UP)
    return stated


def split_accounts(values: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the first IBAN, "" for none, and every other account; EN 16931 lets a supplier name several (BG-17)."""
    found = list(dict.fromkeys("".join(value.split()).upper() for value in values))
    iban = next(filter(looks_like_iban, found), "")
    return iban, tuple(value for value in found if value != iban)


def _references(root: Node) -> tuple[Reference, ...]:
    found = [
        Reference("invoice", n.text("ID"), n.day("IssueDate"))
        for n in root.all("BillingReference/InvoiceDocumentReference")
    ]
    for kind, path in (
        ("order", "OrderReference/ID"),
        ("contract", "ContractDocumentReference/ID"),
        ("transport", "DespatchDocumentReference/ID"),
        ("receipt", "ReceiptDocumentReference/ID"),
    ):
        found += [Reference(kind, value) for value in root.texts(path)]
    return tuple(found)
