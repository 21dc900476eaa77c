"""The registry of formats: which module of this folder reads which format.

The modules are named here and loaded only when a file asks for one, because a parser child that reads a text file
should not pay for the imports of ten other readers. To add a format: write the module (see `base.py` for its body),
add its line here, teach `tasks/index/detect.py` its signature, and give it a row in `docs/formats.md`; tests name
whichever of these was forgotten.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from infra.errors import DocumentError, FailureKind
from tasks.index.formats.base import Context
from tasks.records import Parsed

MODULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("pdf", ("pdf",)),
    ("word", ("docx",)),
    ("slides", ("pptx",)),
    ("excel", ("xlsx",)),
    ("excel_old", ("xls", "xlsb")),
    ("office_old", ("doc", "ppt")),
    ("delimited", ("csv", "tsv")),
    ("html", ("html",)),
    ("xml", ("xml", "xbrl")),
    ("markdown", ("md",)),
    ("text", ("txt",)),
    ("pandoc", ("rtf", "odt")),
    ("epub", ("epub",)),
    ("opendocument", ("ods", "odp")),
    ("mail", ("eml",)),
    ("outlook", ("msg",)),
    ("image", ("png", "jpg", "tiff", "bmp", "gif", "webp")),
)
"""(module, formats it reads). The formats are names by usual extension, as `Parsed.format` has them."""

Parser = Callable[[Path | bytes, Context], Parsed]


def table_of_formats(modules: tuple[tuple[str, tuple[str, ...]], ...] = MODULES) -> dict[str, str]:
    """Format → module.

    Raises:
        ValueError: two modules claim one format.
    """
    table: dict[str, str] = {}
    for module, names in modules:
        for name in names:
            if name in table:
                raise ValueError(f"format {name} is claimed by {table[name]} and by {module}")
            table[name] = module
    return table


FORMATS = table_of_formats()


def parser(name: str) -> Parser:
    """The `parse` function of the module that reads the format `name`.

    Raises:
        DocumentError: UNSUPPORTED, no module reads it.
    """
    if name not in FORMATS:
        raise DocumentError(FailureKind.UNSUPPORTED, f"files of type {name} are not supported")
    parse: Parser = importlib.import_module(f"tasks.index.formats.{FORMATS[name]}").parse
    return parse


VERSIONS = {module: "1" for module, _ in MODULES}
"""Module → version. Raise a module's version when its elements come out otherwise: its documents are read again."""
