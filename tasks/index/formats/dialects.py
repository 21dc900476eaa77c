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
    "BkToCstmrStmt": "camt",
    "CBIPaymentRequest": "pain",
    "CBIBdyPaymentRequest": "pain",
    "CBIEnvelPaymentRequest": "pain",
    "CBISDDReqLogMsg": "pain",
    "CBIDlyStmtReqLogMsg": "camt",
    "CBIPrdStmtReqLogMsg": "camt",
    "CBIDlyStmtReqPhyMsg": "camt",
    "CBIPaymentRequestPhyMsg": "pain",
}
"""Root element → format, whatever its namespace: real files write it wrong, and the exchange system takes them."""

NAMESPACES: tuple[tuple[Callable[[str], object], str], ...] = (
    (re.compile(r"urn:oasis:names:specification:ubl:schema:xsd:(?:Invoice|CreditNote)-2$").match, "ubl"),
    (re.compile(r"urn:un:unece:uncefact:data:standard:CBFBUY:").match, "cii"),  # ZUGFeRD before its version 1
    (re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.05[234]\.").match, "camt"),
    (re.compile(r"urn:iso:std:iso:20022:tech:xsd:pain\.00[18]\.").match, "pain"),
    (re.compile(r"urn:www\.agenziaentrate\.gov\.it:specificheTecniche:sco:ivp").match, "lipe"),
)
"""For roots whose name alone says nothing (`Invoice`, `Document`): a test of the namespace → format."""


def dialect(root: str, namespace: str) -> str:
    """Return the format of an XML file by its root element, "" when no reader knows it."""
    return ROOTS.get(root) or next((name for test, name in NAMESPACES if test(namespace)), "")
