"""Scanned pages: a page is printed, rendered, turned a little, given noise and kept as a picture only."""

from __future__ import annotations

import io
import random
from pathlib import Path

from PIL import Image, ImageChops, ImageFilter
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from samples.make.paper import Paper


def render(paper: Paper, dpi: int) -> Image.Image:
    """The first page as a grey picture."""
    import pypdfium2

    buffer = io.BytesIO()
    paper.save(buffer, "", "")
    picture: Image.Image = pypdfium2.PdfDocument(buffer.getvalue())[0].render(scale=dpi / 72).to_pil()
    return picture.convert("L")


def scanned(picture: Image.Image, degrees: float, seed: int) -> Image.Image:
    """As a cheap scanner leaves it: crooked, a little soft, grey and speckled."""
    dice = random.Random(seed)
    turned = picture.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=255).filter(ImageFilter.GaussianBlur(0.6))
    small = (picture.width // 2, picture.height // 2)
    grain = Image.frombytes("L", small, bytes(dice.choices(range(15), k=small[0] * small[1])))
    return ImageChops.subtract(turned, grain.resize(picture.size, Image.Resampling.NEAREST))


def letter(path: Path) -> None:
    """A signed letter as an image-only PDF, 200 dots an inch, JPEG."""
    paper = Paper("Lettera", "Comune")
    paper.heading("COMUNE DI MONTESCARO")
    paper.heading("Ufficio Tecnico – Settore Ambiente", 2)
    paper.story.extend(
        _big(
            paper,
            "Protocollo n. 4417 del 12 novembre 2024",
            "Spettabile Tessitura Montescaro S.p.A., Via delle Filande 18",
            "Oggetto: autorizzazione allo scarico delle acque reflue industriali",
            "Vista la domanda presentata il 3 settembre 2024 e il parere favorevole dell'agenzia regionale, si autorizza "
            "lo scarico nel torrente Scaro delle acque depurate provenienti dal reparto di tintoria, per una portata "
            "massima di 320 metri cubi al giorno.",
            "L'autorizzazione è valida quattro anni. Il titolare deve trasmettere ogni sei mesi le analisi dei parametri "
            "COD, cromo totale e tensioattivi, e mantenere accessibile il pozzetto di campionamento.",
            "In caso di guasto dell'impianto di depurazione lo scarico è sospeso e ne va data notizia entro dodici ore.",
            "Il responsabile del procedimento, geom. Adelmo Trivero",
        )
    )
    picture = scanned(render(paper, 200), 0.6, 12)
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=38)
    canvas = Canvas(str(path), pagesize=A4, invariant=1)
    canvas.setTitle("Scansione")
    canvas.drawImage(ImageReader(jpeg), 0, 0, *A4)
    canvas.save()


def _big(paper: Paper, *paragraphs: str) -> list[object]:
    from reportlab.platypus import Paragraph

    return [Paragraph(text, paper.style(12.5, spaceAfter=14)) for text in paragraphs]


def receipt(path: Path) -> None:
    """A goods receipt as a PNG with sixteen greys."""
    paper = Paper("Bolla", "Trebbio", serif=False)
    paper.heading("FRANTOIO DEL TREBBIO S.R.L.")
    paper.heading("Bolla di conferimento n. 318 del 24 ottobre 2024", 2)
    paper.story.extend(
        _big(paper, "Conferente: Azienda agricola Poggio ai Merli", "Varietà: Moraiolo e Frantoio, raccolta a mano")
    )
    paper.grid(
        [
            ["Cassone", "Lordo kg", "Tara kg", "Netto kg"],
            ["A12", "312", "38", "274"],
            ["A13", "298", "38", "260"],
            ["B07", "341", "40", "301"],
            ["Totale", "951", "116", "835"],
        ],
        (40, 35, 35, 35),
        size=12,
    )
    paper.story.extend(_big(paper, "Resa concordata: 13,5%. Molitura prevista alle ore 18.30."))
    picture = scanned(render(paper, 150), -0.4, 5)
    picture.crop((0, 0, picture.width, picture.height // 2)).quantize(8).save(path, dpi=(150, 150), optimize=True)


def delivery_note(path: Path) -> None:
    """An English delivery note as a fax: black and white TIFF, group 4."""
    paper = Paper("Delivery note", "Quillmere", serif=False)
    paper.heading("QUILLMERE INSTRUMENTS, INC.")
    paper.heading("Delivery note DN-20931", 2)
    paper.story.extend(
        _big(
            paper,
            "Ship to: University of Carrowmore, Department of Chemistry, Loading Dock 4",
            "One Merlin 9 mass spectrometer, serial number M9-004417",
            "Two roughing pumps, one nitrogen generator, one installation kit",
            "Gross weight 412 kilograms in three crates. Keep upright and above five degrees Celsius.",
            "Received in good order by: P. Abernethy, 22 May 2024",
        )
    )
    picture = render(paper, 200).rotate(0.3, fillcolor=255)
    page = picture.crop((0, 0, picture.width, picture.height // 2))
    page.point(lambda grey: 255 if grey > 150 else 0).convert("1").save(path, compression="group4", dpi=(200, 200))


FILES = {
    "montescaro-autorizzazione-scarico.pdf": letter,
    "trebbio-bolla-conferimento.png": receipt,
    "quillmere-delivery-note.tiff": delivery_note,
}
