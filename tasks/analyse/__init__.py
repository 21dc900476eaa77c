"""Analyses of indexed documents: one module each, and this list of them.

A new analysis is one file here with `NAME`, `VERSION` and `analyse(document, …) -> dict`, one line in `ANALYSES`, and
an entry in docs/analyses.md; a test names what was forgotten. `VERSION` is to be raised whenever the result would
change, so that documents are analysed again. An analysis that applies a model also has `fingerprint(settings,
model)`.

Modules are imported when they are first used: nothing here imports a heavy library.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from infra.errors import UsageError
from infra.settings import Settings
from tasks.records import Document


@dataclass(frozen=True, slots=True)
class Context:
    """What an analysis may need besides the document.

    `model` is a classifier by name, folder or Hugging Face id; `generator` a text-generation model by folder or id,
    for a summary in its own words; `companions` are the document's attachments, as documents of their own.
    """

    settings: Settings
    model: str | None = None
    generator: str | None = None
    companions: Sequence[Document] = ()


@dataclass(frozen=True, slots=True)
class Analysis:
    """An analysis by name: its module, and which fields of the context its `analyse` takes as keyword arguments."""

    name: str
    module: str
    takes: tuple[str, ...] = ()

    def run(self, document: Document, context: Context) -> dict[str, Any]:
        """Return the RESULT of a document."""
        wanted = {name: getattr(context, name) for name in self.takes}
        result: dict[str, Any] = importlib.import_module(self.module).analyse(document, **wanted)
        return result

    def fingerprint(self, context: Context) -> str:
        """Return what the results depend on besides the document: the analysis' version, and its models' where it has any.

        Raises:
            UsageError: a model is not there, or is needed and not named.
        """
        module = importlib.import_module(self.module)
        parts = [self.name, str(module.VERSION)]
        if hasattr(module, "fingerprint"):
            parts.append(
                module.fingerprint(**{name: getattr(context, name) for name in self.takes if name != "companions"})
            )
        return ":".join(parts)


AnalysisName = Literal["comprehensive", "financial", "sentiment", "classify", "tables"]
"""For forms and type checkers; a test compares it with the list below."""

ANALYSES = (
    Analysis("comprehensive", "tasks.analyse.comprehensive", ("settings", "model", "generator", "companions")),
    Analysis("financial", "tasks.analyse.financial", ("companions",)),
    Analysis("sentiment", "tasks.analyse.sentiment", ("settings", "model")),
    Analysis("classify", "tasks.analyse.classify", ("settings", "model")),
    Analysis("tables", "tasks.analyse.tables"),
)


def by_name(analyses: Sequence[Analysis]) -> dict[str, Analysis]:
    """Return the analyses by name.

    Raises:
        ValueError: two have one name.
    """
    found: dict[str, Analysis] = {}
    for analysis in analyses:
        if analysis.name in found:
            raise ValueError(
                f"two analyses are called {analysis.name}: {found[analysis.name].module} and {analysis.module}"
            )
        found[analysis.name] = analysis
    return found


REGISTRY = by_name(ANALYSES)


def get(name: str) -> Analysis:
    """Return an analysis by its name.

    Raises:
        UsageError: there is none.
    """
    if name not in REGISTRY:
        raise UsageError(f"there is no analysis {name!r}: choose among {', '.join(REGISTRY)}")
    return REGISTRY[name]
