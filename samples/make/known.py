"""What is known about the samples: the figures that each statement states, and questions with their answers' pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from samples.make import american, civil, firms, ifrs
from samples.make.ledger import Year
from samples.make.statement import Statement, figures


def _derived(years: tuple[Year, ...]) -> dict[str, dict[str, float]]:
    """Civil-code items that no single row states: right when reported, but nobody has to report them."""
    return {
        f"FY{year.year}": {
            "current_liabilities": float(year.debts_short),
            "total_liabilities": float(year.liabilities),
            "short_term_debt": float(year.banks_short),
            "long_term_debt": float(year.banks_long),
        }
        for year in reversed(years[1:])
    }


def known_figures() -> dict[str, dict[str, object]]:
    """Path → currency, figures by period, and for civil-code layouts `optional` figures."""
    group = civil.ordinary(firms.group(), consolidated=True)
    parent, mill = civil.ordinary(firms.parent()), civil.abbreviated(firms.mill())
    listed, annual = ifrs.consolidated(firms.listed()), american.annual()
    sources: tuple[tuple[str, str, Iterable[Statement], tuple[Year, ...]], ...] = (
        ("montescaro-bilancio-2024.pdf", "EUR", parent, firms.parent()),
        ("montescaro-bilancio-2024.xlsx", "EUR", parent, firms.parent()),
        ("montescaro-consolidato-2024.pdf", "EUR", group, firms.group()),
        ("montescaro-consolidato-2024.html", "EUR", group, firms.group()),
        ("trebbio-bilancio-abbreviato-2024.pdf", "EUR", mill, firms.mill()),
        ("trebbio-fascicolo-2024.pdf", "EUR", mill, firms.mill()),
        ("trebbio-bilancio-2024.xbrl", "EUR", mill, firms.mill()),
        ("aurenga-relazione-finanziaria-2024.pdf", "EUR", listed, ()),
        ("aurenga-risultati-2024.html", "EUR", listed, ()),
        ("aurenga-comunicato-risultati-2024.docx", "EUR", listed, ()),
        ("quillmere-annual-report-2024.pdf", "USD", annual, ()),
        ("quillmere-10k-2024-inline-xbrl.html", "USD", annual, ()),
        ("quillmere-statements-2024.xlsx", "USD", annual, ()),
        ("quillmere-statements-2024.csv", "USD", annual, ()),
    )
    known: dict[str, dict[str, object]] = {}
    for name, currency, statements, books in sources:
        entry: dict[str, object] = {"currency": currency, "figures": figures(statements)}
        if books:
            entry["optional"] = _derived(books)
        known[f"documents/{name}"] = entry
    return known


QUESTIONS: tuple[tuple[str, str, int | str], ...] = (
    ("Quanto dura l'autorizzazione allo scarico delle acque di tintoria?", "montescaro-autorizzazione-scarico.pdf", 1),
    (
        "Qual è la penale per il ritardo nella consegna prevista dal contratto di fornitura?",
        "montescaro-contratto-fornitura.docx",
        1,
    ),
    ("Con quanto preavviso si può recedere dal contratto con il frantoio?", "montescaro-contratto-fornitura.docx", 1),
    (
        "Quanto ha investito la tessitura in telai e depurazione?",
        "montescaro-bilancio-2024.pdf",
        "dodici telai a getto d'aria",
    ),
    ("Qual è il covenant sul mutuo ipotecario dello stabilimento?", "montescaro-bilancio-2024.pdf", "covenant"),
    ("Quanti operai impiega in media la Tessitura Montescaro?", "montescaro-bilancio-2024.pdf", "Dirigenti"),
    (
        "A quanto ammontano i compensi degli amministratori e dei sindaci?",
        "montescaro-bilancio-2024.pdf",
        "compensi spettanti",
    ),
    (
        "Quali società rientrano nell'area di consolidamento?",
        "montescaro-consolidato-2024.pdf",
        "Filatura Rialto S.r.l.",
    ),
    ("Perché è diminuita la produzione propria di olive?", "trebbio-bilancio-abbreviato-2024.pdf", "siccità"),
    (
        "Quale contributo pubblico ha ricevuto il frantoio per il separatore centrifugo?",
        "trebbio-bilancio-abbreviato-2024.pdf",
        "separatore",
    ),
    (
        "Quale tasso di attualizzazione si usa per la verifica dell'avviamento?",
        "aurenga-relazione-finanziaria-2024.pdf",
        "WACC",
    ),
    (
        "Operazioni con parti correlate: canone di locazione dello stabilimento",
        "aurenga-relazione-finanziaria-2024.pdf",
        "parti correlate riguardano",
    ),
    ("Chi è stato nominato nel collegio sindacale?", "montescaro-verbale-assemblea.odt", 1),
    ("Che cosa ha deciso il consiglio sull'autenticazione a più fattori?", "aurenga-verbale-cda.rtf", 1),
    ("Rimborso chilometrico e massimale dell'albergo", "montescaro-note-spese.md", 1),
    ("A che ora apre il frantoio per il conferimento e da che giorno?", "trebbio-promemoria.txt", 1),
    ("Quanto costa la degustazione di oli?", "trebbio-chi-siamo.html", 1),
    ("Quali sono gli obiettivi di emissioni al 2027?", "montescaro-piano-industriale.pptx", 3),
    ("Sconto per ordini oltre 500 metri di tessuto", "montescaro-listino-2025.xls", 2),
    (
        "How would a stronger dollar affect operating income?",
        "quillmere-annual-report-2024.pdf",
        "strengthening of the dollar",
    ),
    (
        "Why was the Lowmarsh plant closed and how many employees were affected?",
        "quillmere-annual-report-2024.pdf",
        "affected 214 employees",
    ),
    ("Net sales of the Life Sciences segment", "quillmere-annual-report-2024.pdf", "Applied Markets 1"),
    ("When does the revolving credit facility mature?", "quillmere-annual-report-2024.pdf", "revolving credit"),
    ("How soon must a supplier report nonconforming parts?", "quillmere-supplier-handbook.epub", 4),
    ("How long does the duty of confidence survive the agreement?", "quillmere-nda.pdf", 1),
    ("What throughput must the sample-handling cell reach?", "quillmere-call-notes.txt", 1),
    ("When is the last lot of gripper assemblies delivered?", "aurenga-order-confirmation.msg", 1),
    ("Serial number of the mass spectrometer shipped to the university", "quillmere-delivery-note.tiff", 1),
)


TWINS = {"trebbio-bilancio-abbreviato-2024.pdf": ("trebbio-fascicolo-2024.pdf",)}
"""Documents with the same pages: an answer from either is right."""


def questions(documents: Path) -> list[dict[str, object]]:
    """The retrieval questions; a page given as a phrase is looked up in the PDF that was made.

    Raises:
        ValueError: the phrase is on no page.
    """
    rows: list[dict[str, object]] = []
    for number, (query, name, where) in enumerate(QUESTIONS, 1):
        page = where if isinstance(where, int) else _page(documents / name, where)
        rows.append({"id": f"q{number:02}", "query": query, "documents": [name, *TWINS.get(name, ())], "pages": [page]})
    return rows


def _page(path: Path, phrase: str) -> int:
    import pypdfium2

    for number, page in enumerate(pypdfium2.PdfDocument(path), 1):
        if phrase in re.sub(r"\s+", " ", page.get_textpage().get_text_bounded()):
            return number
    raise ValueError(f"{path.name}: no page has «{phrase}»")
