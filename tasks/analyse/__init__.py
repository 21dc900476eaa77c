"""Analyses of indexed documents: one module each, and the registry of them.

A new analysis is one file here with `NAME`, `VERSION` and `analyse(document, …) -> dict`, its name in tasks/names.py,
and an entry in docs/analyses.md; a test names what was forgotten. `VERSION` is to be raised whenever the result would
change, so that documents are analysed again. An analysis that applies a model also has `fingerprint(settings,
model)`. Both functions are given the fields of `Context` that they have parameters for.

Modules are imported when they are first used: nothing here imports a heavy library.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, get_args

from infra.errors import UsageError
from infra.settings import Settings
from tasks.names import AnalysisName
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

    def arguments(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Return those fields that a function has parameters for, as its keyword arguments."""
        names = inspect.signature(function).parameters
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name in names}


@dataclass(frozen=True, slots=True)
class Analysis:
    """An analysis by name, with its module."""

    name: str
    module: str

    def run(self, document: Document, context: Context) -> dict[str, Any]:
        """Return the RESULT of a document."""
        analyse = importlib.import_module(self.module).analyse
        result: dict[str, Any] = analyse(document, **context.arguments(analyse))
        return result

    def fingerprint(self, context: Context) -> str:
        """Return what the results depend on besides the document: the analysis' version, and its models' where it has any.

        Raises:
            UsageError: a model is not there, or is needed and not named.
        """
        module = importlib.import_module(self.module)
        parts = [self.name, str(module.VERSION)]
        if hasattr(module, "fingerprint"):
            parts.append(module.fingerprint(**context.arguments(module.fingerprint)))
        return ":".join(parts)


REGISTRY = {name: Analysis(name, f"{__name__}.{name}") for name in get_args(AnalysisName)}


def get(name: str) -> Analysis:
    """Return an analysis by its name.

    Raises:
        UsageError: there is none.
    """
    if name not in REGISTRY:
        raise UsageError(f"there is no analysis {name!r}: choose among {', '.join(REGISTRY)}")
    return REGISTRY[name]
