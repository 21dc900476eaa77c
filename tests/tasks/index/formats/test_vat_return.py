"""Quarterly VAT settlements (LIPE)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from infra.errors import DocumentError
from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.office.records import VatReturn, from_data

HEAD = (
    '<iv:Fornitura xmlns:iv="urn:www.agenziaentrate.gov.it:specificheTecniche:sco:ivp"><iv:Comunicazione><iv:Frontespizio>'
    "<iv:AnnoImposta>2026</iv:AnnoImposta><iv:PartitaIVA>98000039994</iv:PartitaIVA></iv:Frontespizio><iv:DatiContabili>"
)
TAIL = "</iv:DatiContabili></iv:Comunicazione></iv:Fornitura>"


def test_months_and_quarters_with_tax_due_or_in_favour() -> None:
    modules = (
        "<iv:Modulo><iv:Mese>1</iv:Mese><iv:IvaEsigibile>100,00</iv:IvaEsigibile><iv:IvaDovuta>54,50</iv:IvaDovuta></iv:Modulo>"
        "<iv:Modulo><iv:Trimestre>2</iv:Trimestre><iv:IvaCredito>10,00</iv:IvaCredito></iv:Modulo>"
    )
    parsed = read((HEAD + modules + TAIL).encode(), Context("lipe.xml", Limits()))
    (found,) = from_data(parsed.records)
    assert isinstance(found, VatReturn)
    assert [(p.year, p.month, p.quarter, p.due) for p in found.periods] == [
        (2026, 1, None, Decimal("54.50")),
        (2026, None, 2, Decimal("-10.00")),
    ]
    assert "gennaio 2026" in parsed.elements[2].text


def test_a_form_without_a_settlement_is_corrupt() -> None:
    with pytest.raises(DocumentError, match="no settlement"):
        read((HEAD + TAIL).encode(), Context("lipe.xml", Limits()))
