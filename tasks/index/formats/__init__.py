"""The registry of formats: which modules of this folder read files, in the order in which they are asked.

The order matters only where one kind of file is also another: signed files before PDF, a binary workbook before a
workbook, mails before the HTML in them, HTML before XML, plain text last. The modules are light, because they import
their libraries inside functions (a test holds them to it); so the registry loads them all once a process to ask for
names, signatures and versions. To add a format: write the module (see `base.py` for its body), add its line here, give
it a row in `docs/formats.md` and a test file; tests name whichever was forgotten.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from infra.errors import DocumentError, FailureKind
from tasks.index.formats.base import Context
from tasks.records import Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

MODULES: tuple[str, ...] = (
    "signed",
    "pdf",
    "image",
    "rtf",
    "opendocument",
    "epub",
    "word",
    "excel_old",
    "excel",
    "slides",
    "archive",
    "office_old",
    "outlook",
    "tnef",
    "mbox",
    "mail",
    "calendar",
    "office_xml",
    "html",
    "invoice",
    "statement",
    "vat_return",
    "xml",
    "delimited",
    "markdown",
    "text",
)

Parser = Callable[[Path | bytes, Context], Parsed]


@dataclass(frozen=True, slots=True)
class Reader:
    """What a module of this folder says of itself; what is optional there has a neutral value here."""

    module: str
    names: tuple[str, ...]
    version: str
    parse: Parser
    signatures: Mapping[bytes, str]
    extensions: Mapping[str, str]
    sniff: Callable[[Look], str]
    guess: Callable[[Look], str]


@cache
def readers(modules: tuple[str, ...] = MODULES) -> tuple[Reader, ...]:
    """Return the readers in the order of the registry.

    Raises:
        ValueError: a module lacks something, or two claim one format.
    """
    found = tuple(_reader(importlib.import_module(f"tasks.index.formats.{module}"), module) for module in modules)
    check_claims([(reader.module, reader.names) for reader in found])
    return found


def check_claims(claims: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Make sure that each format has one reader.

    Raises:
        ValueError: two modules claim one format.
    """
    taken: dict[str, str] = {}
    for module, names in claims:
        for name in names:
            if name in taken:
                raise ValueError(f"format {name} is claimed by {taken[name]} and by {module}")
            taken[name] = module


def _reader(loaded: ModuleType, module: str) -> Reader:
    missing = [name for name in ("NAMES", "VERSION", "SAMPLES", "parse") if not hasattr(loaded, name)]
    if missing:
        raise ValueError(f"tasks/index/formats/{module}.py lacks {', '.join(missing)}: see formats/base.py")
    return Reader(
        module=module,
        names=loaded.NAMES,
        version=loaded.VERSION,
        parse=loaded.parse,
        signatures=getattr(loaded, "SIGNATURES", {}),
        extensions=getattr(loaded, "EXTENSIONS", {}),
        sniff=getattr(loaded, "sniff", _unknown),
        guess=getattr(loaded, "guess", _unknown),
    )


def _unknown(_: Look) -> str:
    return ""


@cache
def formats() -> dict[str, Reader]:
    """Return each format with its reader."""
    return {name: reader for reader in readers() for name in reader.names}


def parser(name: str) -> Parser:
    """Return the `parse` function of the module that reads the format `name`.

    Raises:
        DocumentError: UNSUPPORTED, no module reads it.
    """
    if name not in formats():
        raise DocumentError(FailureKind.UNSUPPORTED, f"files of type {name} are not supported")
    return formats()[name].parse
