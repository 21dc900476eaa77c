"""Annual accounts in the civil code's layout as PDFs, with a page break after any line: what a registry hands out."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise

from reportlab.pdfgen.canvas import Canvas

NOW, BEFORE = "31-12-2024", "31-12-2023"

ASSETS = """
Attivo
B) Immobilizzazioni
I - Immobilizzazioni immateriali
5) avviamento | 40.000 | 50.000
Totale immobilizzazioni immateriali | 40.000 | 50.000
II - Immobilizzazioni materiali
1) terreni e fabbricati | 2.150.000 | 2.200.000
4) altri beni | 110.000 | 100.000
Totale immobilizzazioni materiali | 2.260.000 | 2.300.000
III - Immobilizzazioni finanziarie
2) crediti
d-bis) verso altri
esigibili oltre l'esercizio successivo | 15.000 | 15.000
Totale crediti verso altri | 15.000 | 15.000
Totale immobilizzazioni finanziarie | 15.000 | 15.000
Totale immobilizzazioni (B) | 2.315.000 | 2.365.000
C) Attivo circolante
I - Rimanenze
4) prodotti finiti e merci | 640.000 | 600.000
Totale rimanenze | 640.000 | 600.000
II - Crediti
1) verso clienti
esigibili entro l'esercizio successivo | 930.000 | 880.000
esigibili oltre l'esercizio successivo | 25.000 | 30.000
Totale crediti verso clienti | 955.000 | 910.000
5-bis) crediti tributari
esigibili entro l'esercizio successivo | 45.000 | 35.000
Totale crediti tributari | 45.000 | 35.000
Totale crediti | 1.000.000 | 945.000
IV - Disponibilità liquide
1) depositi bancari e postali | 310.000 | 260.000
Totale disponibilità liquide | 310.000 | 260.000
Totale attivo circolante (C) | 1.950.000 | 1.805.000
D) Ratei e risconti | 12.000 | 14.000
Totale attivo | 4.277.000 | 4.184.000
"""

LIABILITIES = """
Passivo
A) Patrimonio netto
I - Capitale | 500.000 | 500.000
IV - Riserva legale | 70.000 | 65.000
VI - Altre riserve, distintamente indicate
Riserva straordinaria | 610.000 | 560.000
Totale altre riserve | 610.000 | 560.000
IX - Utile (perdita) dell'esercizio | 95.000 | 55.000
Totale patrimonio netto | 1.275.000 | 1.180.000
C) Trattamento di fine rapporto di lavoro subordinato | 210.000 | 200.000
D) Debiti
1) obbligazioni
esigibili entro l'esercizio successivo | 0 | -
esigibili oltre l'esercizio successivo | 0 | -
Totale obbligazioni | 0 | 0
4) debiti verso banche
esigibili entro l'esercizio successivo | 430.000 | 410.000
esigibili oltre l'esercizio successivo | 1.260.000 | 1.390.000
Totale debiti verso banche | 1.690.000 | 1.800.000
5) debiti verso altri finanziatori
esigibili oltre l'esercizio successivo | 70.000 | 90.000
Totale debiti verso altri finanziatori | 70.000 | 90.000
7) debiti verso fornitori
esigibili entro l'esercizio successivo | 760.000 | 690.000
Totale debiti verso fornitori | 760.000 | 690.000
12) debiti tributari
esigibili entro l'esercizio successivo | 120.000 | 95.000
Totale debiti tributari | 120.000 | 95.000
14) altri debiti
esigibili entro l'esercizio successivo | 134.000 | 116.000
Totale altri debiti | 134.000 | 116.000
Totale debiti | 2.774.000 | 2.791.000
E) Ratei e risconti | 18.000 | 13.000
Totale passivo | 4.277.000 | 4.184.000
"""

INCOME = """
A) Valore della produzione
1) ricavi delle vendite e delle prestazioni | 5.300.000 | 4.950.000
5) altri ricavi e proventi
altri | 40.000 | 35.000
Totale altri ricavi e proventi | 40.000 | 35.000
Totale valore della produzione | 5.340.000 | 4.985.000
B) Costi della produzione
6) per materie prime, sussidiarie, di consumo e di merci | 2.900.000 | 2.760.000
7) per servizi | 1.150.000 | 1.090.000
9) per il personale
a) salari e stipendi | 640.000 | 610.000
b) oneri sociali | 190.000 | 180.000
Totale costi per il personale | 830.000 | 790.000
10) ammortamenti e svalutazioni
b) ammortamento delle immobilizzazioni materiali | 210.000 | 205.000
Totale ammortamenti e svalutazioni | 210.000 | 205.000
Totale costi della produzione | 5.090.000 | 4.845.000
Differenza tra valore e costi della produzione (A - B) | 250.000 | 140.000
C) Proventi e oneri finanziari
17) interessi e altri oneri finanziari
altri | 98.000 | 60.000
Totale interessi e altri oneri finanziari | 98.000 | 60.000
Totale proventi e oneri finanziari (15 + 16 - 17 + - 17-bis) | (98.000) | (60.000)
Risultato prima delle imposte (A - B + - C + - D) | 152.000 | 80.000
20) Imposte sul reddito dell'esercizio, correnti, differite e anticipate
imposte correnti | 57.000 | 25.000
Totale delle imposte sul reddito dell'esercizio, correnti, differite e anticipate | 57.000 | 25.000
21) Utile (perdita) dell'esercizio | 95.000 | 55.000
"""

EXPECTED = {
    "short_term_debt": (430_000, 410_000),
    "long_term_debt": (1_330_000, 1_480_000),
    "accounts_payable": (760_000, 690_000),
    "current_liabilities": (1_444_000, 1_311_000),
    "total_liabilities": (3_002_000, 3_004_000),
    "shareholders_equity": (1_275_000, 1_180_000),
    "total_assets": (4_277_000, 4_184_000),
    "current_assets": (1_950_000, 1_805_000),
    "receivables_due_after_year": (25_000, 30_000),
    "accounts_receivable": (955_000, 910_000),
    "inventory": (640_000, 600_000),
    "cash_and_equivalents": (310_000, 260_000),
    "property_plant_equipment": (2_260_000, 2_300_000),
    "intangible_assets": (40_000, 50_000),
    "goodwill": (40_000, 50_000),
    "revenue": (5_300_000, 4_950_000),
    "value_of_production": (5_340_000, 4_985_000),
    "personnel_cost": (830_000, 790_000),
    "depreciation_amortization": (210_000, 205_000),
    "operating_income": (250_000, 140_000),
    "interest_expense": (98_000, 60_000),
    "pretax_income": (152_000, 80_000),
    "income_tax": (57_000, 25_000),
    "net_income": (95_000, 55_000),
}
"""Item: its value at the end of each of the two years."""


def rows(*texts: str) -> list[list[str]]:
    """The lines of statements, each a label and perhaps its amounts."""
    return [[cell.strip() for cell in line.split("|")] for text in texts for line in text.strip().split("\n")]


def balance_lines() -> list[list[str]]:
    return rows(ASSETS, LIABILITIES)


def pdf(breaks: Sequence[int], repeat_head: bool = False, running: bool = True) -> bytes:
    """The accounts as a PDF whose balance sheet goes on to a new page after each line number in `breaks`.

    Args:
        repeat_head: whether every page prints the dates over its columns again.
        running: whether pages have a running header and a footer.
    """
    lines = balance_lines()
    edges = [0, *sorted(set(breaks)), len(lines)]
    pages = [lines[start:end] for start, end in pairwise(edges) if start < end]
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=(595, 842), invariant=True)
    for number, page in enumerate(pages):
        title = "Stato patrimoniale" if number == 0 else ""
        _page(canvas, title, page, head=number == 0 or repeat_head, running=running, number=number + 1)
    _page(canvas, "Conto economico", rows(INCOME), head=True, running=running, number=len(pages) + 1)
    canvas.save()
    return stream.getvalue()


def _page(canvas: Canvas, title: str, lines: list[list[str]], *, head: bool, running: bool, number: int) -> None:
    canvas.setFont("Helvetica", 8)
    if running:
        canvas.drawRightString(560, 815, "v.2.14.2    TESSITURA DELL'ORTICA S.P.A.")
        canvas.drawString(40, 30, f"Bilancio di esercizio al {NOW}")
        canvas.drawRightString(560, 30, f"Pag. {number}")
        canvas.drawString(40, 20, "Generato automaticamente - Conforme alla tassonomia itcc-ci-2018-11-04")
    y = 785.0
    if title:
        canvas.setFont("Helvetica-Bold", 13)
        canvas.drawString(40, y, title)
        y -= 18
    canvas.setFont("Helvetica-Bold", 8)
    if head:
        canvas.drawRightString(470, y, NOW)
        canvas.drawRightString(560, y, BEFORE)
        y -= 14
    for label, *amounts in lines:
        canvas.setFont("Helvetica" if amounts else "Helvetica-Bold", 8)
        canvas.drawString(40, y, label)
        for right, amount in zip((470, 560), amounts, strict=False):
            canvas.drawRightString(right, y, amount)
        y -= 10.5
    canvas.showPage()
