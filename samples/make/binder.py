"""An office's papers: invoices with a copy, a credit note and a rejected one, messages about them, a bank statement, a register.

One small binder of an invented firm, Cartiera Lodolina, which buys: `faldone query`, the due-date report and their tests are shown with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from samples.make import einvoices as make

OWNER = f"IT{make.OFFICE.vat}"

STATEMENT = """Data operazione;Data valuta;Addebiti;Accrediti;Descrizione
07/04/2026;07/04/2026;61,00;;BONIFICO A FONDERIA TASSELLO FT 2026/9 PRIMA RATA
09/04/2026;09/04/2026;500,00;;BONIFICO A STUDIO GINEPRAIO E ASSOCIATI
11/04/2026;11/04/2026;99,00;;BONIFICO A FONDERIA TASSELLO
;;;;SALDO FINALE AL 30/04/2026 EUR 1.000,00
"""

REGISTER = f"""Prot.;Data reg.;N. doc;Data doc;Fornitore;P.IVA;Aliq.;Imponibile;Imposta;Totale
1;31/03/2026;2026/9;12/03/2026;FONDERIA TASSELLO SRL;{make.FORGE.vat};22;100,00;22,00;122,00
2;31/03/2026;7/P;10/03/2026;STUDIO GINEPRAIO;{make.STUDIO.vat};22;410,00;90,00;500,00
3;31/03/2026;771;29/03/2026;NESSUNO SRL;98000059992;22;800,00;176,00;976,00
"""


def contents() -> dict[str, bytes]:
    """File name → its bytes."""
    two = (("2026-04-30", "61.00"), ("2026-05-31", "61.00"))
    first = make.Body("2026/9", "2026-03-12", dues=two)
    return {
        f"IT{make.FORGE.vat}_00001.xml": make.fatturapa([first], progressive="00001"),
        "copia.xml": make.fatturapa([first], progressive="00077"),
        f"IT{make.FORGE.vat}_00002.xml": make.fatturapa(
            [
                make.Body(
                    "NC/1",
                    "2026-03-28",
                    (make.Row("Storno", price="10.00"),),
                    type="TD04",
                    linked=(("2026/9", "2026-03-12"),),
                )
            ],
            progressive="00002",
        ),
        "parcella.xml": make.fatturapa(
            [
                make.Body(
                    "7/P",
                    "2026-03-10",
                    (make.Row("Consulenza", price="409.84"),),
                    total="500.00",
                    dues=(("2026-03-31", "500.00"),),
                )
            ],
            make.STUDIO,
            progressive="00003",
        ),
        f"IT{make.FORGE.vat}_00004.xml": make.fatturapa(
            [make.Body("2026/11", "2026-04-20", dues=(("2026-06-30", "122.00"),))], progressive="00004"
        ),
        "autofattura.xml": make.fatturapa(
            [make.Body("AF/1", "2026-04-03", type="TD17", linked=(("BW-2026-77", "2026-03-20"),))],
            make.ABROAD,
            progressive="00005",
        ),
        "estera.xml": make.ubl(),
        "scarto.xml": make.receipt("NotificaScarto", f"IT{make.FORGE.vat}_00004.xml", "900"),
        "consegna.xml": make.receipt("RicevutaConsegna", f"IT{make.FORGE.vat}_00001.xml", "901"),
        "banca.csv": STATEMENT.encode(),
        "registro.csv": REGISTER.encode(),
        "lettera.txt": b"Gentile cliente, in allegato trova quanto richiesto per la pratica in corso.",
    }


def _write(data: bytes, path: Path) -> None:
    path.write_bytes(data)


FILES: dict[str, Callable[[Path], None]] = {name: partial(_write, data) for name, data in contents().items()}
"""File name → the function that writes it, as the other kinds of samples have it."""
