"""Certified mail (PEC, the Italian registered mail): what a receipt or a transport envelope says, as metadata.

The provider wraps a message (`X-Trasporto`) or answers one (`X-Ricevuta`) and states who, when and what in `daticert.xml`
(D.M. 2 November 2005, annex). Such an envelope is not prose: its fields are what people filter by.
"""

from __future__ import annotations

from datetime import datetime
from email.message import Message

from tasks.index.decode import decode
from tasks.index.formats.base import clean
from tasks.index.formats.mail_text import head

CERTIFICATE = "daticert.xml"
MESSAGE = "postacert.eml"
_MOMENT = "%d/%m/%Y %H:%M:%S %z"


def is_transport(fields: dict[str, str]) -> bool:
    """Tell an envelope around a message from a receipt: its own text is the provider's standard words."""
    return fields.get("pec_kind") == "posta-certificata"


def certified(mail: Message, certificate: bytes) -> dict[str, str]:
    """Return the fields of a certified mail; none for any other.

    Args:
        certificate: the bytes of `daticert.xml`, or nothing.

    Returns:
        `pec_kind` (posta-certificata, accettazione, avvenuta-consegna, errore-consegna …), `pec_error` where there is one,
        `certified_at` in ISO 8601, `pec_id` (the provider's), `pec_answers` (the message that it answers or wraps),
        `pec_subject`, `pec_provider`, `sender` and `recipients`.
    """
    kind = head(mail, "X-Ricevuta") or head(mail, "X-Trasporto")
    if not kind:
        return {}
    found = {"pec_kind": kind.lower(), "pec_answers": head(mail, "X-Riferimento-Message-ID")}
    if certificate:
        found |= _stated(certificate)
    return {name: value for name, value in found.items() if value}


def _stated(certificate: bytes) -> dict[str, str]:
    from lxml import etree

    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, remove_comments=True)
    root = etree.fromstring(decode(certificate, declared=True).partition("?>")[2].encode() or certificate, parser)
    if root is None:
        return {}

    def text(path: str) -> str:
        return clean(root.findtext(f".//{path}") or "")

    return {
        "pec_kind": clean(root.get("tipo") or ""),
        "pec_error": clean(root.get("errore") or "").replace("nessuno", ""),
        "certified_at": _moment(text("data/giorno"), text("data/ora"), _zone(root)),
        "pec_id": text("identificativo"),
        "pec_answers": text("msgid").strip("<>"),
        "pec_subject": text("oggetto"),
        "pec_provider": text("gestore-emittente"),
        "sender": text("mittente"),
        "recipients": ", ".join(clean(one.text or "") for one in root.iter("destinatari") if one.text),
        "pec_delivered_to": text("consegna"),
    }


def _zone(root: object) -> str:
    node = root.find(".//data")  # type: ignore[attr-defined]
    return (node.get("zona") or "") if node is not None else ""


def _moment(day: str, time: str, zone: str) -> str:
    """Return day, time and zone in ISO 8601; as written when they are not a moment."""
    try:
        return datetime.strptime(f"{day} {time} {zone}", _MOMENT).isoformat()
    except ValueError:
        return " ".join(part for part in (day, time, zone) if part)
