"""Statements written down as text, one row a line and cells between bars, made into documents."""

from __future__ import annotations

from collections.abc import Iterable

from tasks.records import Document, Element, Parsed


def table(text: str, page: int = 1, section: str = "") -> Element:
    """A table element from rows of cells separated by ` | `."""
    rows = [[cell.strip() for cell in line.split("|")] for line in text.strip("\n").split("\n")]
    width = max(len(row) for row in rows)
    cells = tuple(tuple(row + [""] * (width - len(row))) for row in rows)
    return Element("table", text, page, rows=cells, section=section)


def document(elements: Iterable[Element], language: str = "en", path: str = "/in/report.pdf") -> Document:
    return Document("0" * 32, "test", path, "hash", Parsed("pdf", "", language, 3, tuple(elements)))


INCOME = """
 | Year ended December 31, | Year ended December 31,
(In millions, except per share) | 2019 | 2018
Revenue: | |
Products | $ 700 | $ 600
Services | 300 | 200
Total revenue | 1,000 | 800
Cost of sales | 600 | 500
Gross profit | 400 | 300
Research and development | 50 | 40
Selling, general and administrative | 150 | 130
Operating income | 200 | 130
Interest expense | (20) | (10)
Income before income taxes | 180 | 120
Income tax (expense) benefit | (45) | (30)
Net income | 135 | 90
Less: Net income attributable to noncontrolling interests | 5 | —
Net income attributable to Acme Corporation | $ 130 | $ 90
Net income per share, diluted | $ 1.30 | $ 0.90
"""

BALANCE = """
(In millions) | December 31, 2019 | December 31, 2018
Current assets: | |
Cash and cash equivalents | $ 120 | $ 100
Accounts receivable, net of allowances of $3 and $2 | 200 | 180
Inventories | 150 | 130
Total current assets | 470 | 410
Property, plant and equipment | 500 | 450
Less: accumulated depreciation | (200) | (180)
 | 300 | 270
Goodwill | 80 | 80
Total assets | $ 850 | $ 760
Current liabilities: | |
Short-term borrowings | $ 30 | $ 20
Current portion of long-term debt | 10 | 10
Accounts payable | 160 | 140
Total current liabilities | 200 | 170
Long-term debt | 250 | 260
Total Acme Corporation shareholders' equity | 390 | 320
Noncontrolling interests | 10 | 10
Total equity | 400 | 330
Total liabilities and equity | $ 850 | $ 760
"""

CASH = """
(In millions) | 2019 | 2018 | 2017
Operating activities | | |
Net income | $ 135 | $ 90 | $ 70
Depreciation and amortization | 60 | 55 | 50
Net cash provided by operating activities | 210 | 160 | 140
Investing activities | | |
Purchases of property, plant and equipment | (90) | (80) | (70)
Net cash used in investing activities | (90) | (80) | (70)
Financing activities | | |
Dividends paid | (40) | (30) | (25)
Repurchases of common stock | (60) | (20) | —
Net cash used in financing activities | (100) | (50) | (45)
Net increase in cash and cash equivalents | 20 | 30 | 25
Cash and cash equivalents, end of year | $ 120 | $ 100 | $ 70
"""

CIVIL_ASSETS = """
 | 31-12-2019 | 31-12-2018
B) Immobilizzazioni | |
I - Immobilizzazioni immateriali | |
5) avviamento | 55.000 | 60.000
Totale immobilizzazioni immateriali | 60.000 | 67.000
II - Immobilizzazioni materiali | |
1) terreni e fabbricati | 1.600.000 | 1.700.000
Totale immobilizzazioni materiali | 1.600.000 | 1.700.000
III - Immobilizzazioni finanziarie | |
2) crediti | |
d-bis) verso altri | |
esigibili oltre l'esercizio successivo | 10.000 | 10.000
Totale immobilizzazioni (B) | 1.670.000 | 1.777.000
C) Attivo circolante | |
I - Rimanenze | |
Totale rimanenze | 300.000 | 300.000
II - Crediti | |
1) verso clienti | |
esigibili entro l'esercizio successivo | 800.000 | 700.000
esigibili oltre l'esercizio successivo | 20.000 | 10.000
5-bis) crediti tributari | |
esigibili entro l'esercizio successivo | 30.000 | 40.000
Totale crediti | 850.000 | 750.000
IV - Disponibilità liquide | |
1) depositi bancari e postali | 149.000 | 119.000
Totale disponibilità liquide | 150.000 | 120.000
Totale attivo circolante (C) | 1.300.000 | 1.170.000
D) Ratei e risconti | 30.000 | 53.000
Totale attivo | 3.000.000 | 3.000.000
"""

CIVIL_LIABILITIES = """
Passivo | |
A) Patrimonio netto | |
I - Capitale | 500.000 | 500.000
IV - Riserva legale | 350.000 | 300.000
IX - Utile (perdita) dell'esercizio | 50.000 | 60.000
Totale patrimonio netto | 900.000 | 860.000
B) Fondi per rischi e oneri | |
4) altri | 100.000 | 100.000
C) Trattamento di fine rapporto di lavoro subordinato | 300.000 | 290.000
D) Debiti | |
4) debiti verso banche | |
esigibili entro l'esercizio successivo | 400.000 | 450.000
esigibili oltre l'esercizio successivo | 500.000 | 550.000
Totale debiti verso banche | 900.000 | 1.000.000
7) debiti verso fornitori | |
esigibili entro l'esercizio successivo | 600.000 | 550.000
Totale debiti verso fornitori | 600.000 | 550.000
14) altri debiti | |
esigibili entro l'esercizio successivo | 150.000 | 150.000
Totale altri debiti | 150.000 | 150.000
Totale debiti | 1.650.000 | 1.700.000
E) Ratei e risconti | 50.000 | 50.000
Totale passivo | 3.000.000 | 3.000.000
"""

CIVIL_INCOME = """
 | 31-12-2019 | 31-12-2018
A) Valore della produzione | |
1) ricavi delle vendite e delle prestazioni | 301.000 | 280.000
5) altri ricavi e proventi | |
altri | 2.000 | 1.000
Totale altri ricavi e proventi | 2.000 | 1.000
Totale valore della produzione | 303.000 | 281.000
B) Costi della produzione | |
9) per il personale | |
a) salari e stipendi | 60.000 | 58.000
Totale costi per il personale | 82.500 | 79.000
10) ammortamenti e svalutazioni | |
b) ammortamento delle immobilizzazioni materiali | 8.700 | 8.700
Totale ammortamenti e svalutazioni | 9.000 | 9.000
Totale costi della produzione | 240.000 | 235.500
Differenza tra valore e costi della produzione (A - B) | 63.000 | 45.500
C) Proventi e oneri finanziari | |
17) interessi e altri oneri finanziari | |
altri | 4.500 | 1.500
Totale interessi e altri oneri finanziari | 4.500 | 1.500
Risultato prima delle imposte (A - B + - C + - D) | 58.500 | 44.000
20) Imposte sul reddito dell'esercizio, correnti, differite e anticipate | |
imposte correnti | 8.500 | -
Totale delle imposte sul reddito dell'esercizio, correnti, differite e anticipate | 8.500 | -
21) Utile (perdita) dell'esercizio | 50.000 | 44.000
"""
