"""LIPE, the quarterly communication of VAT settlements to the Italian tax office: a module for each month or quarter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tasks.index.decode import decode
from tasks.index.formats.base import Context, clean, corrupt, load, table, with_sections
from tasks.index.formats.dialects import dialect
from tasks.index.formats.markup import root_and_namespace
from tasks.index.formats.tree import Node
from tasks.index.formats.xml import root_of
from tasks.office import wording
from tasks.office.records import VatPeriod, VatReturn, as_data
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("lipe",)
VERSION = "1"
SAMPLES = {"lipe": b'<iv:Fornitura xmlns:iv="urn:www.agenziaentrate.gov.it:specificheTecniche:sco:ivp"/>'}


def sniff(look: Look) -> str:
    """Know the form by its namespace; its root has a common name."""
    found = dialect(*root_and_namespace(look.text))
    return found if found in NAMES else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a LIPE file.

    Raises:
        DocumentError: CORRUPT, not well formed or without a settlement.
    """
    element, warnings = root_of(decode(load(source), declared=True))
    root = Node(element)
    found = _returns(root)
    if not any(one.periods for one in found):
        raise corrupt("the file says that it is a VAT communication (LIPE), and has no settlement")
    title = clean(f"Comunicazione liquidazioni periodiche IVA (LIPE) {found[0].periods[0].year} · P.IVA {found[0].vat}")
    rows = [_HEAD, *(_row(period) for one in found for period in one.periods)]
    text = "Comunicazione delle liquidazioni periodiche IVA: IVA esigibile, detratta e dovuta per mese o trimestre"
    parts = [Element("title", title, level=1), Element("text", text), table(rows)]
    elements = with_sections(part for part in parts if part is not None)
    return Parsed(
        "lipe", title, "it", 1, elements, {"kind": "vat_return"}, (), (*warnings, *root.problems), as_data(found)
    )


def _returns(root: Node) -> list[VatReturn]:
    return [
        VatReturn(
            _vat(one.text("Frontespizio/PartitaIVA")),
            tuple(_periods(one, int(one.number("Frontespizio/AnnoImposta") or 0))),
        )
        for one in root.all("Comunicazione")
    ]


def _vat(number: str) -> str:
    return f"IT{number}" if number.isdigit() else number


def _periods(node: Node, year: int) -> list[VatPeriod]:
    found = []
    for module in node.all("DatiContabili/Modulo"):
        month, quarter = module.number("Mese"), module.number("Trimestre")
        due, credit = module.number("IvaDovuta"), module.number("IvaCredito")
        found.append(
            VatPeriod(
                year=year,
                month=int(month) if month is not None else None,
                quarter=int(quarter) if quarter is not None else None,
                sales=module.number("TotaleOperazioniAttive"),
                purchases=module.number("TotaleOperazioniPassive"),
                output_tax=module.number("IvaEsigibile"),
                input_tax=module.number("IvaDetratta"),
                due=due if due is not None or credit is None else -credit,
                to_pay=module.number("ImportoDaVersare"),
            )
        )
    return found


_HEAD = [
    "Periodo",
    "Operazioni attive",
    "Operazioni passive",
    "IVA esigibile",
    "IVA detratta",
    "IVA dovuta",
    "Da versare",
]


def _row(period: VatPeriod) -> list[str]:
    month = (
        f"{wording.MONTHS['it'][period.month - 1]} {period.year}" if period.month and 1 <= period.month <= 12 else ""
    )
    name = month or f"trimestre {period.quarter} {period.year}"
    amounts = (period.sales, period.purchases, period.output_tax, period.input_tax, period.due, period.to_pay)
    return [name, *(wording.amount(value) for value in amounts)]
