"""The analyses and the report templates by name: what the registries, the flows' forms and the command line offer.

Nothing else is imported here, so that a command which only offers the names starts at once. The module of `due-dates` is `due_dates.py`.
"""

from __future__ import annotations

from typing import Literal

AnalysisName = Literal["comprehensive", "financial", "sentiment", "classify", "tables"]
TemplateName = Literal[
    "financial", "analysis", "collection", "executive", "weekly", "due-dates", "vat", "spend", "findings"
]
