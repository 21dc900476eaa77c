"""Word, PowerPoint and Excel files (DOCX, PPTX, XLSX, XLS)."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from samples.make import american, civil, firms, ifrs, texts
from samples.make.statement import Statement, italian, written

STAMP = datetime.datetime(2025, 3, 28, 9, 0, 0)


def freeze(path: Path) -> None:
    """Write a zip archive again with fixed times, in the same order (EPUB and ODT want `mimetype` first and stored)."""
    with zipfile.ZipFile(path) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for old, data in members:
            info = zipfile.ZipInfo(old.filename, (1980, 1, 1, 0, 0, 0))
            info.compress_type = old.compress_type
            archive.writestr(info, data)


def _word(title: str, author: str) -> Any:
    from docx import Document
    from docx.shared import Pt

    document = Document()
    document.styles["Normal"].font.name = "Times New Roman"
    document.styles["Normal"].font.size = Pt(11)
    properties = document.core_properties
    properties.title, properties.author, properties.created, properties.modified = title, author, STAMP, STAMP
    properties.last_modified_by = author
    return document


def clauses(path: Path, title: str, parts: Sequence[tuple[str, str]], table: Sequence[Sequence[str]] = ()) -> None:
    """A contract: a title, headed clauses, an annex with a table, signatures."""
    document = _word(title, "Ufficio legale")
    document.add_heading(title, 0)
    for heading, text in parts:
        document.add_heading(heading, 2)
        document.add_paragraph(text)
    if table:
        document.add_page_break()
        document.add_heading("Allegato A – Prodotti e prezzi", 1)
        _word_table(document, table)
    document.save(str(path))
    freeze(path)


def _word_table(document: Any, rows: Sequence[Sequence[str]]) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    table = document.add_table(rows=0, cols=len(rows[0]), style="Light Grid Accent 1")
    for row in rows:
        for column, (cell, text) in enumerate(zip(table.add_row().cells, row, strict=True)):
            cell.text = text
            if column:
                cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT


def press_release(path: Path) -> None:
    """The listed group's results as a Word press release with its three statements as tables."""
    years = firms.listed()
    now = years[-1]
    document = _word("Comunicato stampa: risultati 2024", "Relazioni esterne")
    document.add_heading("Gruppo Aurenga: il consiglio approva i risultati 2024", 0)
    document.add_paragraph(
        f"Aurenga, 13 marzo 2025 – Il consiglio di amministrazione ha approvato il progetto di bilancio. I ricavi "
        f"consolidati sono pari a {italian(now.revenue / 1000, 1)} milioni di euro; il risultato netto di pertinenza "
        f"degli azionisti a {italian(now.group_result / 1000, 1)} milioni. Sarà proposto un dividendo di 0,95 euro per "
        "azione. «L'automazione medicale è stata il nostro motore», ha detto l'amministratrice delegata "
        "Norma Bisceglia."
    )
    for statement in ifrs.consolidated(years):
        document.add_heading(f"{statement.title} {statement.caption}", 2)
        _word_table(document, _rows(statement))
    document.save(str(path))
    freeze(path)


def _rows(statement: Statement) -> list[list[str]]:
    return [["", *statement.columns], *([line.label, *written(statement, line)] for line in statement.lines)]


def slides(path: Path) -> None:
    """The board's slides: titles, bullets, a table and speaker notes."""
    from pptx import Presentation
    from pptx.util import Inches, Pt

    now, before = firms.group()[-1], firms.group()[-2]
    deck = Presentation()
    properties = deck.core_properties
    properties.title, properties.author = "Piano industriale 2025-2027", "Direzione generale"
    properties.created, properties.modified, properties.last_modified_by = STAMP, STAMP, "Direzione generale"
    first = deck.slides.add_slide(deck.slide_layouts[0])
    first.shapes.title.text = "Piano industriale 2025–2027"
    first.placeholders[1].text = "Gruppo Montescaro\nConsiglio di amministrazione, 28 marzo 2025"
    for title, bullets, notes in (
        (
            "Mercato e posizionamento",
            [
                "Abbigliamento formale in calo del 6% in Europa",
                "Tessuti tecnici in crescita del 9% l'anno fino al 2028",
                "Tre concorrenti hanno chiuso: spazio per la linea Lanaviva",
            ],
            "Dire che la quota nei tessuti ignifughi è passata dal 3% al 5%.",
        ),
        (
            "Obiettivi al 2027",
            [
                "Ricavi oltre 100 milioni di euro",
                "EBITDA al 17% dei ricavi",
                "Fibre rigenerate al 25% dei volumi",
                "Emissioni di CO2 dimezzate rispetto al 2019",
            ],
            "Gli obiettivi sono a parità di perimetro.",
        ),
        (
            "Investimenti",
            [
                "Telai a getto d'aria: 4,2 milioni",
                "Recupero di calore in tintoria: 1,9 milioni",
                "Nuovo gestionale: 0,8 milioni",
                "Totale nel triennio: 6,9 milioni",
            ],
            "Contributo regionale non incluso.",
        ),
        (
            "Rischi e contromisure",
            [
                "Prezzo dell'energia: fotovoltaico e contratti a termine",
                "Dazi verso il Nord America: deposito doganale a Rotterdam",
                "Ricambio generazionale: accademia interna per tessitori",
            ],
            "",
        ),
    ):
        _slide(deck, title, bullets, notes)
    sheet = deck.slides.add_slide(deck.slide_layouts[5])
    sheet.shapes.title.text = "Risultati consolidati (milioni di euro)"
    rows = [["", "2024", "2023"]] + [
        [label, *(italian(getattr(year, field) / 1_000_000, 1) for year in (now, before))]
        for label, field in (
            ("Ricavi", "revenue"),
            ("Valore della produzione", "value"),
            ("EBIT", "ebit"),
            ("Utile di gruppo", "group_result"),
            ("Disponibilità liquide", "cash"),
        )
    ]
    table = sheet.shapes.add_table(len(rows), 3, Inches(1), Inches(1.8), Inches(8), Inches(3.2)).table
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            table.cell(number, column).text = text
            table.cell(number, column).text_frame.paragraphs[0].font.size = Pt(18)
    deck.save(str(path))
    freeze(path)


def _slide(deck: Any, title: str, bullets: Sequence[str], notes: str) -> None:
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = title
    slide.placeholders[1].text = "\n".join(bullets)
    if notes:
        slide.notes_slide.notes_text_frame.text = notes


def accounts_workbook(path: Path) -> None:
    """The parent's accounts as a workbook, one sheet a statement, amounts as numbers."""
    import xlsxwriter  # type: ignore[import-untyped]

    book = xlsxwriter.Workbook(str(path))
    book.set_properties({"title": "Bilancio 2024", "author": firms.MONTESCARO.name, "created": STAMP})
    bold, amount = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0;(#,##0);-"})
    strong = book.add_format({"bold": True, "num_format": "#,##0;(#,##0);-", "top": 1})
    for statement in civil.ordinary(firms.parent()):
        sheet = book.add_worksheet(statement.title)
        sheet.set_column(0, 0, 78)
        sheet.set_column(1, 2, 16)
        sheet.write(0, 0, f"{firms.MONTESCARO.name} – {statement.title} (valori in euro)", bold)
        sheet.write_row(2, 1, statement.columns, bold)
        for number, line in enumerate(statement.lines, 3):
            style = bold if line.style != "plain" else book.add_format({"indent": line.level})
            sheet.write(number, 0, line.label, style)
            for column, value in enumerate(line.values, 1):
                sheet.write_number(number, column, value or 0, amount if line.style == "plain" else strong)
        sheet.freeze_panes(3, 1)
    book.close()


def price_list(path: Path) -> None:
    """An old-style XLS price list with two sheets."""
    import xlwt  # type: ignore[import-untyped]

    book = xlwt.Workbook()
    bold, money = xlwt.easyxf("font: bold on"), xlwt.easyxf(num_format_str="#,##0.00")
    sheet = book.add_sheet("Listino 2025")
    sheet.write(0, 0, "Tessitura Montescaro S.p.A. – Listino tessuti 2025 (euro al metro, IVA esclusa)", bold)
    for column, name in enumerate(("Articolo", "Descrizione", "Composizione", "Altezza cm", "Peso g/m", "Prezzo")):
        sheet.write(2, column, name, bold)
    kinds = (
        ("Flanella", "100% lana", 290, 31.4),
        ("Gabardina", "98% lana 2% elastan", 260, 34.9),
        ("Lanaviva", "70% lana rigenerata 30% poliammide", 320, 22.6),
        ("Grisaglia", "100% lana", 240, 33.2),
        ("Ignifugo treno", "85% lana 15% aramide", 410, 47.8),
    )
    row = 3
    for kind, mix, weight, price in kinds:
        for number, colour in enumerate(("blu notte", "antracite", "tabacco", "verde bosco")):
            cells = (f"{kind[:3].upper()}-{101 + number}", f"{kind} {colour}", mix, 150, weight + 5 * number)
            for column, value in enumerate(cells):
                sheet.write(row, column, value)
            sheet.write(row, 5, price + 0.4 * number, money)
            row += 1
    terms = book.add_sheet("Condizioni")
    for number, text in enumerate(
        (
            "Ordine minimo: 60 metri per colore.",
            "Sconto quantità: 5% oltre 500 metri, 8% oltre 1.500 metri.",
            "Resa: franco fabbrica Montescaro.",
            "Campionature: 9,00 euro l'una, rimborsate al primo ordine.",
        )
    ):
        terms.write(number, 0, text)
    book.save(str(path))


def english_workbook(path: Path) -> None:
    """The annual statements in a workbook, in millions, all on one sheet as finance departments send them."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path))
    book.set_properties({"title": "Financial statements 2024", "author": firms.QUILLMERE.name, "created": STAMP})
    sheet, bold = book.add_worksheet("Financial statements"), book.add_format({"bold": True})
    amount = book.add_format({"num_format": "#,##0;(#,##0);—"})
    sheet.set_column(0, 0, 52)
    row = 0
    for statement in american.annual():
        sheet.write(row, 0, f"{firms.QUILLMERE.name} – {statement.title} {statement.caption}", bold)
        sheet.write_row(row + 1, 1, [int(name) for name in statement.columns], bold)
        for number, line in enumerate(statement.lines, row + 2):
            sheet.write(number, 0, line.label, bold if line.style != "plain" else None)
            for column, value in enumerate(line.values, 1):
                sheet.write_number(number, column, (value or 0) / (100 if line.per_share else 1), amount)
        row += len(statement.lines) + 4
    book.close()


def contract(path: Path) -> None:
    clauses(path, "Contratto di fornitura", texts.CONTRACT, texts.PRICES)


def disclosure_agreement(path: Path) -> None:
    """A DOCX whatever its name says."""
    clauses(path, "Mutual Non-Disclosure Agreement", texts.NDA)


FILES: dict[str, Callable[[Path], None]] = {
    "montescaro-contratto-fornitura.docx": contract,
    "aurenga-comunicato-risultati-2024.docx": press_release,
    "montescaro-piano-industriale.pptx": slides,
    "montescaro-bilancio-2024.xlsx": accounts_workbook,
    "quillmere-statements-2024.xlsx": english_workbook,
    "montescaro-listino-2025.xls": price_list,
    "quillmere-nda.pdf": disclosure_agreement,
}
