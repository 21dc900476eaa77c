"""The templates of the reports. A new one is a file here with NAME, DESCRIPTION, INTAKE and `compose`, and its name in tasks/names.py.

`compose(material, words)` is a plain function from records to a Report: it reads no table, no file and no clock.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, get_args

from infra.errors import UsageError
from tasks.export.records import Intake, Material, Papers
from tasks.export.report import Report
from tasks.export.sheets import Tables
from tasks.export.words import Words
from tasks.names import TemplateName

MODULES: Final[tuple[str, ...]] = get_args(TemplateName)


@dataclass(frozen=True, slots=True)
class Template:
    """A template by its name, with what it shows in one line.

    `intake` says what it takes of the analyses. `tables` makes the same report as plain tables, for a workbook; None where
    a report is more than tables.
    """

    name: str
    description: str
    compose: Callable[[Material, Words], Report]
    intake: Intake
    tables: Callable[[Papers, Words], Tables] | None = None


def template(name: str) -> Template:
    """Return the template of that name.

    Raises:
        UsageError: there is none; the message lists those that there are.
    """
    if name not in MODULES:
        raise UsageError(f"no template {name!r}: choose one of {', '.join(MODULES)}")
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    return Template(module.NAME, module.DESCRIPTION, module.compose, module.INTAKE, getattr(module, "tables", None))
