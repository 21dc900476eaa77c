"""Template `findings`: what papers contradict themselves or each other in, errors before notes, each with its values."""

from __future__ import annotations

import json
from collections import Counter

from tasks.export.layout import Tile
from tasks.export.papers import Row, office_notes
from tasks.export.parts import finish, nothing
from tasks.export.records import Intake, Material, Papers
from tasks.export.report import Report
from tasks.export.sheets import Head, Line, Sheet, Tables, as_pdf
from tasks.export.text import name
from tasks.export.words import Words
from tasks.office.rules import sentence

NAME = "findings"
DESCRIPTION = "what papers contradict themselves or each other in: sums, identifiers, duplicates, registers, returns"
INTAKE = Intake(most=0)


def compose(material: Material, words: Words) -> Report:
    """Return the findings as a report."""
    if material.papers is None or not (material.papers.invoices or material.papers.findings):
        return finish(words("findings_title"), material, nothing(words, "no_papers"), words)
    return as_pdf(tables(material.papers, words), material, words)


def tables(papers: Papers, words: Words) -> Tables:
    """Return the findings as tables."""
    levels = Counter(row["level"] for row in papers.findings)
    show = words.format.integer
    tiles = (
        Tile(show(levels["error"]), words("errors"), "", "poor" if levels["error"] else "good"),
        Tile(show(levels["note"]), words("finding_notes")),
        Tile(show(len({row["path"] for row in papers.findings})), words("documents")),
    )
    sheets = (_sheet(papers, "error", words("errors"), words), _sheet(papers, "note", words("finding_notes"), words))
    return Tables(words("findings_title"), tiles, sheets, tuple(office_notes(papers, words, left_out=False)))


def _sheet(papers: Papers, level: str, title: str, words: Words) -> Sheet:
    heads = (Head(words("paper")), Head(words("number")), Head(words("finding")), Head(words("difference"), "money"))
    rows = sorted((row for row in papers.findings if row["level"] == level), key=lambda row: (row["rule"], row["path"]))
    return Sheet(title, heads, tuple(_line(row, words) for row in rows), empty=words("no_findings"))


def _line(row: Row, words: Words) -> Line:
    text = sentence(row["rule"], json.loads(row["values"] or "{}"), words.language)
    return Line((name(row["path"]), row["number"], text, row["difference"]), path=row["path"])
