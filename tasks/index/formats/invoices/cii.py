"""UN/CEFACT Cross Industry Invoice (Factur-X, ZUGFeRD 2, XRechnung CII) and its forerunner ZUGFeRD 1.

The three trade blocks (agreement, delivery, settlement) have the prefix `Applicable` and, in ZUGFeRD 1, another word order; both names are
tried. Names of the business terms are those of EN 16931.
"""

from __future__ import annotations

from datetime import date

from tasks.index.formats.invoices.ubl import split_accounts
from tasks.index.formats.tree import Node
from tasks.office.invoice import ZERO, Instalment, Invoice, Line, Party, Reference, Vat

SYNTAX = "CII"


def invoices(root: Node) -> list[Invoice]:
    """Return the one invoice of a CII file."""
    head = root.first("ExchangedDocument", "HeaderExchangedDocument") or root
    trade = root.first("SupplyChainTradeTransaction", "SpecifiedSupplyChainTradeTransaction") or root
    agreement = _block(trade, "Agreement")
    settlement = _block(trade, "Settlement")
    totals = (
        settlement.first("SpecifiedTradeSettlementHeaderMonetarySummation", "SpecifiedTradeSettlementMonetarySummation")
        or settlement
    )
    charges, allowances = totals.number("ChargeTotalAmount") or ZERO, totals.number("AllowanceTotalAmount") or ZERO
    lines = trade.all("IncludedSupplyChainTradeLineItem")
    return [
        Invoice(
            syntax=SYNTAX,
            format=_profile(root),
            type=head.text("TypeCode"),
            number=head.text("ID"),
            day=_day(head.first("IssueDateTime")),
            currency=settlement.text("InvoiceCurrencyCode") or "EUR",
            supplier=_party(agreement.first("SellerTradeParty")),
            customer=_party(agreement.first("BuyerTradeParty")),
            lines=tuple(line for row in lines if (line := _line(row)).number or line.text),
            vat=tuple(_vat(row) for row in settlement.all("ApplicableTradeTax")),
            total=totals.number("GrandTotalAmount"),
            rounding=totals.number("RoundingAmount"),
            adjustment=charges - allowances if charges or allowances else None,
            prepaid=totals.number("TotalPrepaidAmount"),
            payable=totals.number("DuePayableAmount"),
            instalments=_instalments(settlement, totals),
            terms=settlement.text("SpecifiedTradePaymentTerms/Description"),
            references=_references(agreement, settlement),
            notes=" ".join(head.texts("IncludedNote/Content")),
            attachments=tuple(name for name, _ in embedded(root)),
        )
    ]


def embedded(root: Node) -> list[tuple[str, str]]:
    """Return (file name, base64) of each object inside (BG-24)."""
    trade = root.first("SupplyChainTradeTransaction", "SpecifiedSupplyChainTradeTransaction") or root
    nodes = _block(trade, "Agreement").all("AdditionalReferencedDocument/AttachmentBinaryObject")
    return [(n.attribute("filename") or f"attachment-{i}", n.element.text or "") for i, n in enumerate(nodes, 1)]


def _block(trade: Node, word: str) -> Node:
    return trade.first(f"ApplicableHeaderTrade{word}", f"ApplicableSupplyChainTrade{word}") or trade


def _profile(root: Node) -> str:
    guideline = root.text(
        "ExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID",
        "SpecifiedExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID",
    ).lower()
    names = (("xrechnung", "XRechnung"), ("zugferd", "ZUGFeRD"), ("ferd:", "ZUGFeRD 1"), ("factur-x", "Factur-X"))
    return next((name for mark, name in names if mark in guideline), "EN 16931" if "en16931" in guideline else "")


def _day(node: Node | None) -> date | None:
    return node.day("DateTimeString", "DateString", "") if node else None


def _party(node: Node | None) -> Party:
    if node is None:
        return Party()
    ids = {n.attribute("schemeID"): n.text("") for n in node.all("SpecifiedTaxRegistration/ID")}
    address = node.first("PostalTradeAddress")
    street = " ".join(address.text(name) for name in ("LineOne", "LineTwo")).strip() if address else ""
    place = " ".join(address.text(name) for name in ("PostcodeCode", "CityName")).strip() if address else ""
    country = address.text("CountryID") if address else ""
    return Party(
        name=node.text("Name", "SpecifiedLegalOrganization/TradingBusinessName"),
        vat=(ids.get("VA") or ids.get("VAT") or "").replace(" ", "").upper(),
        tax_code=ids.get("FC", "") if country == "IT" else "",
        country=country,
        address=", ".join(filter(None, (street, place, country))),
        email=node.text("DefinedTradeContact/EmailURIUniversalCommunication/URIID"),
    )


def _line(row: Node) -> Line:
    settlement = row.first("SpecifiedLineTradeSettlement", "SpecifiedSupplyChainTradeSettlement") or row
    delivery = row.first("SpecifiedLineTradeDelivery", "SpecifiedSupplyChainTradeDelivery") or row
    agreement = row.first("SpecifiedLineTradeAgreement", "SpecifiedSupplyChainTradeAgreement") or row
    product, tax = row.first("SpecifiedTradeProduct") or row, settlement.first("ApplicableTradeTax")
    quantity = delivery.first("BilledQuantity")
    notes = row.texts("AssociatedDocumentLineDocument/IncludedNote/Content")
    code = tax.text("CategoryCode") if tax else ""
    return Line(
        number=row.text("AssociatedDocumentLineDocument/LineID"),
        text=" · ".join(dict.fromkeys(filter(None, (product.text("Name"), product.text("Description"), *notes)))),
        quantity=quantity.number("") if quantity else None,
        unit=quantity.attribute("unitCode") if quantity else "",
        price=agreement.number("NetPriceProductTradePrice/ChargeAmount"),
        amount=settlement.number(
            "SpecifiedTradeSettlementLineMonetarySummation/LineTotalAmount",
            "SpecifiedTradeSettlementMonetarySummation/LineTotalAmount",
        ),
        rate=tax.number("RateApplicablePercent", "ApplicablePercent") if tax else None,
        nature=code if code != "S" else "",
    )


def _vat(row: Node) -> Vat:
    code = row.text("CategoryCode")
    return Vat(
        rate=row.number("RateApplicablePercent", "ApplicablePercent"),
        nature=code if code != "S" else "",
        taxable=row.number("BasisAmount"),
        tax=row.number("CalculatedAmount"),
        due="S" if code == "B" else "",
        law=row.text("ExemptionReason"),
    )


def _instalments(settlement: Node, totals: Node) -> tuple[Instalment, ...]:
    """Return one instalment for each payment term with a due date; an amount of its own only where the term states one."""
    means = settlement.first("SpecifiedTradeSettlementPaymentMeans") or settlement
    code = means.text("TypeCode")
    named = [
        value
        for account in settlement.all("SpecifiedTradeSettlementPaymentMeans/PayeePartyCreditorFinancialAccount")
        for value in (account.text("IBANID"), account.text("ProprietaryID"))
        if value
    ]
    iban, accounts = split_accounts(named)
    bank = means.text("PayeeSpecifiedCreditorFinancialInstitution/BICID")
    terms = [
        (t, due) for t in settlement.all("SpecifiedTradePaymentTerms") if (due := _day(t.first("DueDateDateTime")))
    ]
    if len(terms) == 1 or (not terms and named):
        due = terms[0][1] if terms else None
        return (Instalment(due, totals.number("DuePayableAmount", "GrandTotalAmount"), code, iban, bank, accounts),)
    return tuple(
        Instalment(due, term.number("PartialPaymentAmount"), code, iban, bank, accounts) for term, due in terms
    )


def _references(agreement: Node, settlement: Node) -> tuple[Reference, ...]:
    found = [
        Reference("invoice", n.text("IssuerAssignedID"), _day(n.first("FormattedIssueDateTime")))
        for n in settlement.all("InvoiceReferencedDocument")
    ]
    for kind, name in (("order", "BuyerOrderReferencedDocument"), ("contract", "ContractReferencedDocument")):
        found += [Reference(kind, number) for n in agreement.all(name) if (number := n.text("IssuerAssignedID", "ID"))]
    return tuple(found)
