"""E-mails with attachments: EML (a PDF reminder and a CSV) and MSG (a CSV)."""

from __future__ import annotations

import datetime
import io
import struct
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from samples.make import compound
from samples.make.paper import Paper

ROWS = (
    "Numero;Data;Scadenza;Totale\r\n41/2024;02/03/2024;01/05/2024;18.420,66\r\n"
    "82/2024;25/04/2024;24/06/2024;7.310,20\r\n"
)


def reminder_pdf(path: Path) -> None:
    """A dunning letter."""
    paper = Paper("Sollecito di pagamento", "Tessitura Montescaro S.p.A.")
    paper.heading("Secondo sollecito di pagamento")
    paper.prose(
        "Spett.le Camiceria Portobuono S.n.c., Calata dei Velai 9, 16999 Portobuono (GE)",
        "dalle nostre scritture risultano ancora insolute le fatture indicate sotto. Vi invitiamo a provvedere entro "
        "quindici giorni con bonifico sul conto IT60 X054 2811 1010 0000 0123 456; trascorso il termine la pratica "
        "passerà al nostro legale, avv. Romualda Cossato, con addebito degli interessi di mora.",
    )
    paper.grid(
        [
            ["Fattura", "Data", "Scadenza", "Totale (euro)"],
            ["41/2024", "02/03/2024", "01/05/2024", "18.420,66"],
            ["82/2024", "25/04/2024", "24/06/2024", "7.310,20"],
            ["Totale", "", "", "25.730,86"],
        ]
    )
    paper.save(path, "Tessitura Montescaro S.p.A.", "Ufficio crediti")


def reminder(path: Path) -> None:
    """The reminder as an e-mail; boundary, date and id are fixed."""
    letter = path.with_suffix(".letter")
    reminder_pdf(letter)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Ufficio crediti <crediti@montescaro.example>"
    mail["To"] = "Amministrazione <amministrazione@portobuono.example>"
    mail["Subject"] = "Secondo sollecito: fatture 41/2024 e 82/2024 – è urgente"
    mail["Date"] = "Mon, 16 Sep 2024 09:41:00 +0200"
    mail["Message-ID"] = "<20240916094100.sollecito@montescaro.example>"
    mail.set_content(
        "Gentili signori,\n\nmalgrado la nostra del 22 luglio le fatture in oggetto, per complessivi 25.730,86 euro, "
        "risultano ancora aperte.\nIn allegato il sollecito formale e l'estratto conto. Se avete già pagato, non "
        "considerate questo messaggio e inviateci il CRO del bonifico.\n\nCordiali saluti\nFiammetta Occhieppo\n"
    )
    mail.add_attachment(letter.read_bytes(), maintype="application", subtype="pdf", filename="sollecito.pdf")
    mail.add_attachment(ROWS.encode(), maintype="text", subtype="csv", filename="estratto-conto.csv")
    mail.set_boundary("=_sollecito_41_82")
    letter.unlink()
    path.write_bytes(mail.as_bytes())


def _properties(header: bytes, fixed: dict[int, tuple[int, bytes]], texts: dict[int, int]) -> bytes:
    """The property stream: 16 bytes a property; `fixed` type and 8 bytes of value, `texts` the size of its stream."""
    rows = [struct.pack("<HHI", kind, tag, 6) + value.ljust(8, b"\0") for tag, (kind, value) in fixed.items()]
    for tag, size in texts.items():
        kind = 0x0102 if tag == 0x3701 else 0x001F
        rows.append(struct.pack("<HHIII", kind, tag, 6, size + (2 if kind == 0x1F else 0), 0))
    return header + b"".join(rows)


def _storage(header: bytes, fixed: dict[int, tuple[int, bytes]], texts: dict[int, str | bytes]) -> compound.Storage:
    raw = {tag: value.encode("utf-16-le") if isinstance(value, str) else value for tag, value in texts.items()}
    kinds = {tag: "001F" if isinstance(value, str) else "0102" for tag, value in texts.items()}
    entries: dict[str, bytes | compound.Storage] = {
        f"__substg1.0_{tag:04X}{kinds[tag]}": data for tag, data in raw.items()
    }
    sizes = {tag: len(data) for tag, data in raw.items()}
    entries["__properties_version1.0"] = _properties(header, fixed, sizes)
    return compound.Storage(entries)


def confirmation(path: Path) -> None:
    """An Outlook message ([MS-OXMSG]) that confirms an order, with the delivery schedule attached."""
    when = datetime.datetime(2025, 2, 11, 15, 20, tzinfo=datetime.UTC)
    since = when - datetime.datetime(1601, 1, 1, tzinfo=datetime.UTC)
    ticks = struct.pack("<Q", since.days * 864_000_000_000 + since.seconds * 10_000_000)
    schedule = io.StringIO("Lot,Quantity,Ship date\n1,12,2025-04-07\n2,12,2025-05-12\n3,16,2025-06-30\n").getvalue()
    top = _storage(
        bytes(8) + struct.pack("<4I", 1, 1, 1, 1) + bytes(8),
        {
            0x0039: (0x40, ticks),
            0x0E06: (0x40, ticks),
            0x340D: (3, struct.pack("<I", 0x40000)),
            0x0E07: (3, struct.pack("<I", 0x11)),
        },
        {
            0x001A: "IPM.Note",
            0x0037: "Order confirmation PO-77410: forty gripper assemblies",
            0x0C1A: "Dario Fontechiari",
            0x0C1F: "d.fontechiari@aurenga.example",
            0x0C1E: "SMTP",
            0x0E04: "Hester Lindqvist",
            0x1000: "Dear Hester,\r\n\r\nwe confirm your order PO-77410 for forty gripper assemblies at 2,150 euro each, "
            "86,000 euro in all.\r\nDelivery is in three lots, the last on 30 June 2025; the schedule is "
            "attached. The warranty is twenty-four months from the factory acceptance test."
            "\r\n\r\nKind regards\r\nDario",
        },
    )
    top.entries["__recip_version1.0_#00000000"] = _storage(
        bytes(8),
        {0x0C15: (3, struct.pack("<I", 1)), 0x3000: (3, bytes(4))},
        {
            0x3001: "Hester Lindqvist",
            0x3002: "SMTP",
            0x3003: "h.lindqvist@quillmere.example",
            0x39FE: "h.lindqvist@quillmere.example",
        },
    )
    top.entries["__attach_version1.0_#00000000"] = _storage(
        bytes(8),
        {0x3705: (3, struct.pack("<I", 1)), 0x0E21: (3, bytes(4)), 0x370B: (3, b"\xff\xff\xff\xff")},
        {
            0x3701: schedule.encode(),
            0x3703: ".csv",
            0x3704: "schedule.csv",
            0x3707: "delivery-schedule.csv",
            0x370E: "text/csv",
            0x3001: "delivery-schedule.csv",
        },
    )
    names = compound.Storage({f"__substg1.0_000{number}0102": b"" for number in (2, 3, 4)})
    top.entries["__nameid_version1.0"] = names
    path.write_bytes(compound.write(top))


FILES = {"montescaro-sollecito.eml": reminder, "aurenga-order-confirmation.msg": confirmation}
