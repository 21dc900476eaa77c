"""A comprehensive reading: language, summary, key phrases, entities, sentiment, figures, tables and counts at once.

Sentences are embedded once and serve summary, key phrases and sentiment. Everything in it is taken from the document
word for word or computed by rules, but for the optional `generated_summary`, which a language model writes and which
says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.settings import Settings
from tasks.analyse import financial, sentiment, tables
from tasks.analyse.entities import entities
from tasks.analyse.generate import generate_summary, generator_fingerprint
from tasks.analyse.keyphrases import keyphrases
from tasks.analyse.numeric_tables import numeric_tables
from tasks.analyse.reading import Reading
from tasks.analyse.sentences import FORMS
from tasks.analyse.statements.prepare_tables import document_mark
from tasks.analyse.statistics import statistics
from tasks.analyse.summary import summarise
from tasks.records import Document

NAME = "comprehensive"
VERSION = "3"

PASSAGES = 5  # strongest passages of either tone; the analysis `sentiment` gives all


def analyse(
    document: Document,
    settings: Settings,
    model: str | None = None,
    generator: str | None = None,
    companions: Sequence[Document] = (),
) -> dict[str, Any]:
    """Return the comprehensive RESULT.

    Args:
        model: for sentiment; see there.
        generator: a text-generation model by folder or Hugging Face id, for a summary in its own words.
        companions: the document's attachments, whose XBRL facts win over read figures.
    """
    reading = Reading(document, settings)
    parsed, sentences = document.parsed, reading.sentences
    prose = any(sentence.prose for sentence in sentences)
    summary = summarise(sentences, reading.vectors, parsed.title) if prose else []
    titles = [element.text for element in parsed.elements if element.kind == "title"]
    phrases = keyphrases(sentences, reading.vectors if prose else None, reading.encoder, parsed.language, titles)
    found, totals = entities(parsed)
    result: dict[str, Any] = {
        "document_id": document.document_id,
        "path": document.path,
        "title": parsed.title,
        "language": parsed.language,
        "summary": [sentence.as_json() for sentence in summary],
        "keyphrases": [phrase.as_json() for phrase in phrases],
        "entities": [entity.as_json() for entity in found],
        "entity_counts": totals,
        "sentiment": sentiment.judge(reading, settings, model, PASSAGES),
        "financial": financial_part(document, companions),
        "tables": tables_part(document),
        "statistics": statistics(parsed, sentences),
    }
    if generator:
        result["generated_summary"] = generate_summary(reading, settings, generator)
    return result


def fingerprint(settings: Settings, model: str | None = None, generator: str | None = None) -> str:
    """Return what the results depend on: the models, and the versions of the analyses that are part of this one."""
    parts = [financial.VERSION, sentiment.VERSION, tables.VERSION, sentiment.fingerprint(settings, model)]
    return ":".join([*parts, generator_fingerprint(generator)])


def financial_part(document: Document, companions: Sequence[Document]) -> dict[str, Any] | None:
    """Return the financial RESULT, or None when the document has no figures: an invoice or a bank statement is no annual account."""
    if document.parsed.format in FORMS:
        return None
    result = financial.analyse(document, companions)
    return result if result["figures"] else None


def tables_part(document: Document) -> list[dict[str, Any]]:
    """Return where the numeric tables are, and their columns; the analysis `tables` gives the numbers, changes and shares."""
    elements = document.parsed.elements
    mark = document_mark(elements, document.parsed.language)
    found = [table for element in elements if element.kind == "table" for table in numeric_tables(element, mark)]
    return [
        {"page": table.page, "section": table.section, "columns": list(table.columns), "rows": len(table.labels)}
        for table in found
    ]
