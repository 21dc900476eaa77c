"""XML vocabularies that have a reader of their own, by root element and namespace."""

from __future__ import annotations

import re
from collections.abc import Callable

ROOTS = {
    "FatturaElettronica": "fatturapa",
    "FatturaElettronicaSemplificata": "fatturapa",
    "CrossIndustryInvoice": "cii",
    "CrossIndustryDocument": "cii",
    "RicevutaConsegna": "sdi",
    "RicevutaScarto": "sdi",
    "NotificaScarto": "sdi",
    "RicevutaImpossibilitaRecapito": "sdi",
    "NotificaMancataConsegna": "sdi",
    "NotificaEsito": "sdi",
    "NotificaEsitoCommittente": "sdi",
    "ScartoEsitoCommittente": "sdi",
    "NotificaDecorrenzaTermini": "sdi",
    "AttestazioneTrasmissioneFattura": "sdi",
    "MetadatiInvioFile": "sdi",
    "FileMetadati": "sdi",
}
"""Root element → format, whatever its namespace: real files write it wrong, and the exchange system takes them."""

NAMESPACES: tuple[tuple[Callable[[str], object], str], ...] = (
    (re.compile(r"urn:oasis:names:specification:ubl:schema:xsd:(?:Invoice|CreditNote)-2$").match, "ubl"),
)
"""For roots whose name alone says nothing (`Invoice`, `Document`): a test of the namespace → format."""


def dialect(root: str, namespace: str) -> str:
    """The format of an XML file by its root element, "" when no reader knows it."""
    return ROOTS.get(root) or next((name for test, name in NAMESPACES if test(namespace)), "")
