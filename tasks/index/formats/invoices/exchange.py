"""Messages of the exchange system (SdI) about an invoice file: delivery, rejection, outcome.

Root names of both vocabularies count: that of invoices to firms (`RicevutaConsegna`) and that of invoices to the public administration
(`NotificaEsito`, `NotificaDecorrenzaTermini`).
"""

from __future__ import annotations

from tasks.index.formats.tree import Node
from tasks.office.records import ExchangeReceipt

KINDS = {
    "RicevutaConsegna": ("RC", "delivered"),
    "RicevutaScarto": ("NS", "rejected"),
    "NotificaScarto": ("NS", "rejected"),
    "RicevutaImpossibilitaRecapito": ("MC", "not delivered"),
    "NotificaMancataConsegna": ("MC", "not delivered"),
    "NotificaEsito": ("NE", ""),
    "NotificaEsitoCommittente": ("EC", ""),
    "ScartoEsitoCommittente": ("SE", ""),
    "NotificaDecorrenzaTermini": ("DT", "term lapsed"),
    "AttestazioneTrasmissioneFattura": ("AT", "not deliverable"),
    "MetadatiInvioFile": ("MT", "received"),
    "FileMetadati": ("MT", "received"),
}
_OUTCOMES = {"EC01": "accepted", "EC02": "refused"}


def receipt(root: Node) -> ExchangeReceipt:
    """Return what a message says; the outcome of the customer counts where there is one."""
    kind, state = KINDS[root.name]
    outcome = root.text("Esito", "EsitoCommittente/Esito")
    reference = root.first("RiferimentoFattura", "EsitoCommittente/RiferimentoFattura")
    errors = [(node.text("Codice"), node.text("Descrizione")) for node in root.all("ListaErrori/Errore")]
    return ExchangeReceipt(
        kind=kind,
        state=state or _OUTCOMES.get(outcome, ""),
        sdi_id=root.text("IdentificativoSdI", "EsitoCommittente/IdentificativoSdI"),
        file=root.text("NomeFile"),
        received_at=root.moment("DataOraRicezione"),
        delivered_at=root.moment("DataOraConsegna"),
        errors=tuple(errors) or tuple(("", text) for text in [root.text("Scarto")] if text),
        text=root.text("Descrizione", "Note", "EsitoCommittente/Descrizione"),
        number=reference.text("NumeroFattura") if reference else "",
    )
