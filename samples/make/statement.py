"""A financial statement as lines that know their canonical item, and how each tradition writes a number.

Every writer (PDF, HTML, XLSX, CSV, XBRL) prints the same lines, and `figures` reads the known figures off them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Style = Literal["head", "plain", "sum", "total"]


@dataclass(frozen=True)
class Line:
    """One row. `values` follow the statement's columns, None where the row has no amounts (a heading).

    `item` is the canonical figure that the row states, negated where `flip` is set (a cost printed in parentheses);
    `tag` its XBRL element; `note` a footnote mark or the number of a note.
    """

    label: str
    values: tuple[int | None, ...] = ()
    level: int = 0
    style: Style = "plain"
    item: str = ""
    flip: bool = False
    tag: str = ""
    note: str = ""
    per_share: bool = False


@dataclass(frozen=True)
class Statement:
    """A primary statement: `scale` is what one printed unit is worth (1, 1,000 or 1,000,000)."""

    title: str
    kind: Literal["balance", "income", "cash_flow"]
    columns: tuple[str, ...]
    years: tuple[int, ...]
    lines: tuple[Line, ...]
    scale: int = 1
    caption: str = ""
    language: Literal["it", "en"] = "it"


def italian(value: int | float | None, decimals: int = 0) -> str:
    """1.234.567, (1.234) below zero, a dash for zero."""
    if value is None:
        return ""
    if value == 0:
        return "-"
    text = f"{abs(value):,.{decimals}f}".translate(str.maketrans(",.", ".,"))
    return f"({text})" if value < 0 else text


def english(value: int | float | None, decimals: int = 0) -> str:
    """1,234, (1,234) below zero, an em dash for zero."""
    if value is None:
        return ""
    if value == 0:
        return "—"
    text = f"{abs(value):,.{decimals}f}"
    return f"({text})" if value < 0 else text


def written(statement: Statement, line: Line) -> list[str]:
    """The cells of a row, as that statement prints them."""
    if line.per_share:
        return [f"{value / 100:.2f}" if value is not None else "" for value in line.values]
    write = italian if statement.language == "it" else english
    return [write(value) for value in line.values] or [""] * len(statement.columns)


def figures(statements: Iterable[Statement]) -> dict[str, dict[str, float]]:
    """The canonical figures that the statements state, by period, in whole currency units.

    Raises:
        ValueError: two rows state different amounts for one item.
    """
    found: dict[str, dict[str, float]] = {}
    for statement in statements:
        for line in statement.lines:
            for year, value in zip(statement.years, line.values, strict=False):
                if line.item and value is not None:
                    amount = float((-value if line.flip else value) * statement.scale)
                    if found.setdefault(f"FY{year}", {}).setdefault(line.item, amount) != amount:
                        raise ValueError(f"{statement.title}, {line.label}: {line.item} is stated twice, unequally")
    return {period: dict(sorted(items.items())) for period, items in sorted(found.items(), reverse=True)}


def pick(years: Sequence[object], *names: str) -> tuple[int, ...]:
    """The sum of the named fields in each year, newest first."""
    return tuple(sum(int(getattr(year, name)) for name in names) for year in reversed(years))
