"""Electronic invoices (FatturaPA, UBL, CII) and the exchange system's messages: typed records, shown as a person reads them.

Objects inside an invoice (base64) become documents of their own. Several bodies in one file are several records, each under a title.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError, FailureKind
from tasks.index.decode import decode
from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, clean, load, too_large, with_sections
from tasks.index.formats.dialects import dialect
from tasks.index.formats.invoices import cii, exchange, fatturapa, rendering, ubl
from tasks.index.formats.markup import root_and_namespace
from tasks.index.formats.tree import Node, local_name
from tasks.index.formats.xml import root_of
from tasks.office import wording
from tasks.office.codes import in_words, with_words
from tasks.office.invoice import Invoice
from tasks.office.records import ExchangeReceipt, as_data
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

WRAPPER = "StandardBusinessDocument"
_INSIDE = (
    ("urn:oasis:names:specification:ubl:schema:xsd:Invoice-2", "ubl"),
    ("urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2", "ubl"),
    ("CrossIndustryInvoice", "cii"),
)
NAMES = ("fatturapa", "ubl", "cii", "sdi")
VERSION = "4"
SAMPLES = {
    "fatturapa": b'<p:FatturaElettronica xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2"/>',
    "ubl": b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>',
    "cii": b'<a:CrossIndustryInvoice xmlns:a="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"/>',
    "sdi": b"<RicevutaConsegna/>",
}

_READERS: dict[str, Callable[[Node], list[Invoice]]] = {
    "fatturapa": fatturapa.invoices,
    "ubl": ubl.invoices,
    "cii": cii.invoices,
}


def sniff(look: Look) -> str:
    """Know an invoice by its root element, and UBL's common names by their namespace."""
    root, namespace = root_and_namespace(look.text)
    found = dialect(root, namespace)
    if root == WRAPPER:  # Peppol's envelope: what is inside decides
        found = next((name for mark, name in _INSIDE if mark in look.text), "")
    return found if found in NAMES else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read an invoice file or a message about one.

    Raises:
        DocumentError: CORRUPT (not well formed, or no invoice in it), TOO_LARGE (an entity bomb, or more elements than `limits.cells`).
    """
    element, warnings = root_of(decode(load(source), declared=True))
    if (
        count := int(element.xpath("count(//*)"))
    ) > context.limits.cells:  # as many lines or instalments as no invoice has
        raise too_large(f"an invoice of {count:,} elements; the limit is {context.limits.cells:,} (limits.cells)")
    element = _unwrapped(element)
    root = Node(element)
    kind = _dialect_of(element)
    if kind not in NAMES:
        raise DocumentError(FailureKind.CORRUPT, "the envelope (StandardBusinessDocument) holds no invoice")
    if kind == "sdi":
        return _message(root, warnings)
    found = [_in_language(invoice) for invoice in _READERS[kind](root)]
    if not any(i.number or i.lines or i.vat for i in found):
        raise DocumentError(
            FailureKind.CORRUPT, "the file says that it is an electronic invoice, and has no number, line or total"
        )
    attachments, left_out = held(_embedded(kind, root), context.limits)
    elements = with_sections(e for invoice in found for e in rendering.elements(invoice))
    return Parsed(
        kind,
        _title(found),
        found[0].language,
        1,
        elements,
        {"syntax": found[0].syntax, "profile": found[0].format, "kind": "invoice"},
        attachments,
        (*warnings, *root.problems, *left_out),
        as_data(found),
    )


def _unwrapped(element: Any) -> Any:
    """Return the invoice in a StandardBusinessDocument, and anything else as it is."""
    if local_name(element) != WRAPPER:
        return element
    return next((child for child in element if isinstance(child.tag, str) and _dialect_of(child) in NAMES), element)


def _dialect_of(element: Any) -> str:
    return dialect(local_name(element), str(element.tag).rpartition("}")[0].lstrip("{"))


def _in_language(invoice: Invoice) -> Invoice:
    """Choose the language: Italian where a party is Italian, else English."""
    italian = invoice.syntax == fatturapa.SYNTAX or any(
        p.vat.startswith("IT") or p.country == "IT" for p in (invoice.supplier, invoice.customer)
    )
    return replace(invoice, language="it" if italian else "en")


def _title(found: Sequence[Invoice]) -> str:
    if len(found) == 1:
        return clean(rendering.title(found[0]))
    numbers = ", ".join(invoice.number for invoice in found[:5]) + (" …" if len(found) > 5 else "")
    parties = rendering.title(found[0]).partition(" · ")[2]
    return clean(f"Lotto di {len(found)} fatture: {numbers} · {parties}")


def _embedded(kind: str, root: Node) -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of what is inside; what is not base64 is reported, not dropped."""
    for name, text in _encoded(kind, root):
        try:
            yield name, base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            root.problems.append(f"attachment {name} was left out: its content is no base64")


def _encoded(kind: str, root: Node) -> list[tuple[str, str]]:
    if kind == "ubl":
        return ubl.embedded(root)
    if kind == "cii":
        return cii.embedded(root)
    nodes = root.all("FatturaElettronicaBody/Allegati")
    return [(_attachment_name(n), (n.first("Attachment") or n).element.text or "") for n in nodes]


def _attachment_name(node: Node) -> str:
    """Return the stated name, with the format as its ending where it has none."""
    name, form = node.text("NomeAttachment") or "allegato", node.text("FormatoAttachment").lower()
    packed = node.text("AlgoritmoCompressione").lower()
    ending = packed if packed in {"zip"} else form
    return name if "." in name or not ending.isalnum() else f"{name}.{ending}"


# ---- messages of the exchange system -----------------------------------------------------------------------------------


def _message(root: Node, warnings: Sequence[str]) -> Parsed:
    receipt = exchange.receipt(root)
    title = f"{_sentence(in_words('exchange', receipt.kind))} {receipt.kind} · {receipt.file or receipt.number} · SdI {receipt.sdi_id}"
    body = Element("text", clean("\n".join(_lines(receipt))))
    elements = with_sections([Element("title", clean(title), level=1), body])
    metadata = {"kind": "receipt", "sdi_id": receipt.sdi_id, "sdi_state": receipt.state}
    return Parsed("sdi", clean(title), "it", 1, elements, metadata, (), (*warnings, *root.problems), as_data([receipt]))


def _lines(receipt: ExchangeReceipt) -> Iterator[str]:
    yield f"Messaggio del Sistema di Interscambio: {with_words('exchange', receipt.kind)}"
    if receipt.state:
        yield f"Stato della fattura: {in_words('state', receipt.state)}"
    yield f"File: {receipt.file}"
    yield f"Identificativo SdI: {receipt.sdi_id}"
    if receipt.number:
        yield f"Fattura n. {receipt.number}"
    for label, moment in (("Ricevuta dal SdI il", receipt.received_at), ("Consegnata il", receipt.delivered_at)):
        if moment:
            yield f"{label} {wording.day(moment.date())} alle {moment:%H:%M}"
    for code, text in receipt.errors:
        yield f"Errore {code}: {text}"
    if receipt.text:
        yield receipt.text


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
