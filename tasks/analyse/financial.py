"""Financial analysis: the figures of the primary statements, and the metrics that follow from them.

The steps, each in a module of `statements`: tables to grids, grids to statements, statements to figures (labels, signs,
scale, periods), XBRL facts over read text where they are at hand, then checks and metrics. Nothing is guessed: what
cannot be read leaves a reason. No language model takes part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.analyse.find_company import company_of
from tasks.analyse.statements.check_figures import check_figures
from tasks.analyse.statements.compute_metrics import compute_metrics
from tasks.analyse.statements.extract_figures import Extraction, extract
from tasks.analyse.statements.read_xbrl import merge_facts
from tasks.records import Document

NAME = "financial"
VERSION = "3"


def analyse(document: Document, companions: Sequence[Document] = ()) -> dict[str, Any]:
    """Return the financial RESULT of a document.

    Args:
        document: the parsed document.
        companions: documents that belong to it (attachments: an XBRL instance); their facts win over read text.

    Returns:
        A dictionary for JSON: `company` (the firm's name, "" where none is stated), `scope` ("consolidated" or ""),
        `currency` (ISO code or None), `fiscal_periods` newest first, `figures` (each with page and, where known, box),
        `metrics`, `statements` (where each was found), `checks`, `conflicts`, `not_computed` (metrics without a value
        and why) and `reasons` (in plain words, when something could not be read).
    """
    extraction = merge_facts(extract(document), document, companions)
    metrics, missing = compute_metrics(extraction.figures, extraction.unread)
    return {
        "document_id": document.document_id,
        "path": document.path,
        "company": next(filter(None, map(company_of, (*companions, document))), ""),
        "scope": "consolidated" if extraction.consolidated else "",
        "currency": extraction.currency,
        "fiscal_periods": fiscal_periods(extraction),
        "figures": [figure.as_json() for figure in extraction.figures],
        "metrics": metrics,
        "statements": [found.as_json() for found in extraction.statements],
        "checks": check_figures(extraction.figures, extraction.totals),
        "conflicts": [conflict.as_json() for conflict in extraction.conflicts],
        "not_computed": missing,
        "reasons": list(extraction.reasons),
    }


def fiscal_periods(extraction: Extraction) -> list[str]:
    """Return the periods that have figures, fiscal years first, newest first."""
    periods = {figure.period for figure in extraction.figures}
    return sorted(periods, key=lambda period: (period.startswith("FY"), period.removeprefix("FY")), reverse=True)
