"""Bank statements and payment files as typed records: MT940, CAMT, OFX, QIF, CBI records, SEPA payments.

They are shown as a person reads them: account, balances, and the movements as a table. Bank statements that are tables (CSV, XLSX) are
read by those readers, and recognised by their head words (`tasks/office/recognise`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from infra.errors import DocumentError, FailureKind
from tasks.index.decode import decode
from tasks.index.formats.bank import cbi, iso20022, mt940, ofx, qif
from tasks.index.formats.base import Context, clean, load, table, with_sections
from tasks.index.formats.dialects import dialect
from tasks.index.formats.markup import root_and_namespace
from tasks.index.formats.tree import Node
from tasks.index.formats.xml import root_of
from tasks.office import wording
from tasks.office.invoice import ZERO
from tasks.office.records import Statement, as_data
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("mt940", "camt", "pain", "ofx", "qif", "cbi")
VERSION = "3"
SAMPLES = {
    "mt940": b":20:A\n:25:IT86Y9990112300000000654321\n:28C:1/1\n:60F:C260401EUR1,00\n:62F:C260430EUR1,00\n-\n",
    "camt": b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt/></Document>',
    "pain": b'<CBIPaymentRequest xmlns="urn:CBI:xsd:CBIPaymentRequest.00.04.01"/>',
    "ofx": b"OFXHEADER:100\nDATA:OFXSGML\n\n<OFX></OFX>",
    "qif": b"!Type:Bank\nD31/01/2026\nT-1.00\n^\n",
    "cbi": b" IBABCDE99901300426RIBA\n 140000001            310526300000000000100000-9990112300000000123456\n",
}

_TITLES = {
    "statement": "Estratto conto",
    "advice": "Avviso di movimenti",
    "orders": "Disposizioni di pagamento",
    "receivables": "Disposizioni di incasso",
}


def sniff(look: Look) -> str:
    """Know XML by root and namespace, texts by the records with which they begin."""
    if look.text.startswith("<") and (found := dialect(*root_and_namespace(look.text))) in NAMES:
        return found
    tests = (("ofx", ofx.is_ofx), ("qif", qif.is_qif), ("mt940", mt940.is_mt940), ("cbi", cbi.is_cbi))
    return next((name for name, test in tests if test(look.text)), "")


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a statement or payment file.

    Raises:
        DocumentError: CORRUPT (not well formed, a field that does not fit its format, or nothing in it).
    """
    text = decode(load(source), declared=True)
    kind = _kind(text)
    problems: list[str] = []
    try:
        found = _READERS[kind](text, problems)
    except ValueError as error:
        raise DocumentError(FailureKind.CORRUPT, f"the {kind.upper()} file cannot be read: {error}") from None
    if not found and kind in {"ofx", "qif"}:
        problems.append(f"the {kind.upper()} file holds no statement of an account")
    elif not found:
        raise DocumentError(FailureKind.CORRUPT, f"the {kind.upper()} file holds no statement and no payment")
    parts = [element for statement in found for element in _elements(statement)]
    if kind == "ofx" and problems:
        parts.append(Element("text", clean(ofx.as_lines(text))))
    elif kind == "qif" and problems:  # what was not read as a movement is found all the same
        parts.append(Element("text", clean(text)))
    title, metadata = (_title(found[0]), {"kind": found[0].kind}) if found else ("", {})
    return Parsed(kind, title, "it", 1, with_sections(parts), metadata, (), tuple(problems), as_data(found))


def _kind(text: str) -> str:
    plain = text.lstrip("\ufeff \n\t")
    if plain.startswith("<") and (found := dialect(*root_and_namespace(plain[:65_536]))) in NAMES:
        return found
    if ofx.is_ofx(plain) or qif.is_qif(plain):
        return "ofx" if ofx.is_ofx(plain) else "qif"
    return "mt940" if mt940.is_mt940(plain[:65_536]) else "cbi"


def _tree(read: Callable[[Node], list[Statement]]) -> Callable[[str, list[str]], list[Statement]]:
    def reader(text: str, problems: list[str]) -> list[Statement]:
        root, warnings = root_of(text)
        node = Node(root)
        found = read(node)
        problems += [*warnings, *node.problems]
        return found

    return reader


_READERS: dict[str, Callable[[str, list[str]], list[Statement]]] = {
    "mt940": mt940.statements,
    "ofx": ofx.statements,
    "qif": qif.statements,
    "cbi": cbi.statements,
    "camt": _tree(iso20022.statements),
    "pain": _tree(iso20022.orders),
}


def _title(statement: Statement) -> str:
    parts = [f"{_TITLES[statement.kind]} {statement.account}".strip()]
    if statement.closing_day:
        parts.append(f"al {wording.day(statement.closing_day)}")
    elif days := [m.day for m in statement.movements if m.day]:
        parts.append(f"dal {wording.day(min(days))} al {wording.day(max(days))}")
    if statement.holder:
        parts.append(f"· {statement.holder}")
    return clean(" ".join(parts))


def _elements(statement: Statement) -> Iterator[Element]:
    yield Element("title", _title(statement), level=1)
    yield Element("text", clean("\n".join(_sums(statement))))
    if statement.movements and (found := table(_rows(statement))):
        yield found


def _sums(statement: Statement) -> Iterator[str]:
    money = statement.currency
    yield f"Formato {statement.format}" + (f" · n. {statement.number}" if statement.number else "")
    if statement.account:
        yield f"Conto {statement.account}"
    for label, value, day in (
        ("Saldo iniziale", statement.opening, statement.opening_day),
        ("Saldo finale", statement.closing, statement.closing_day),
    ):
        if value is not None:
            yield f"{label} al {wording.day(day)}: {wording.amount(value, money)}"
    moved = sum((m.amount for m in statement.movements), ZERO)
    yield f"{len(statement.movements)} movimenti, somma {wording.amount(moved, money)}"


def _rows(statement: Statement) -> Sequence[Sequence[str]]:
    head = ["Data", "Valuta", "Importo", "Descrizione", "Controparte", "IBAN"]
    return [
        head,
        *(
            [wording.day(m.day), wording.day(m.value_day), wording.amount(m.amount), m.text, m.counterpart, m.iban]
            for m in statement.movements
        ),
    ]
