"""A pick: the line, or the lines put together, that stand for an item in a statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from tasks.analyse.statements.match_labels import match_items
from tasks.analyse.statements.read_grids import Line
from tasks.analyse.statements.wordings import StatementKind

Values = tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True)
class Pick:
    """An item with one value a column.

    `rank` says how sure the wording is (0 surest), `derived` names an identity; `line` is where a person looks first:
    of several lines put together the one that weighs most.
    """

    item: str
    values: Values
    label: str
    page: int
    rank: int = 0
    derived: str = ""
    line: Line | None = None

    def with_values(self, values: Values) -> Pick:
        return replace(self, values=values)

    def negated(self) -> Pick:
        return self.with_values(tuple(-value if value is not None else None for value in self.values))


def pick_of(item: str, line: Line, rank: int, label: str = "") -> Pick:
    return Pick(item, line.values, label or line.label, line.page, rank, line=line)


def combine(item: str, lines: Sequence[Line], rank: int, derived: str = "") -> Pick:
    """Return the sum of several lines; a column without any value stays without one. The label names them all."""
    width = max(len(line.values) for line in lines)
    columns = [[line.values[index] for line in lines if index < len(line.values)] for index in range(width)]
    values = tuple(sum_of(column) for column in columns)
    first = max(lines, key=lambda line: sum(abs(value) for value in line.values if value is not None))
    return Pick(item, values, " + ".join(line.label for line in lines), first.page, rank, derived, first)


def sum_of(values: Sequence[Decimal | None]) -> Decimal | None:
    """Return the sum of what is there; None when nothing is."""
    present = [value for value in values if value is not None]
    return sum(present, Decimal(0)) if present else None


def add(first: Values, second: Values, sign: int = 1) -> Values:
    """Add column by column; None where one of the two has no value."""
    return tuple(
        one + sign * two if one is not None and two is not None else None
        for one, two in zip(first, second, strict=False)
    )


def best_picks(lines: Sequence[Line], kind: StatementKind) -> dict[str, Pick]:
    """Return for each item the line with the surest wording, the first among equals; lines without a value do not count."""
    best: dict[str, Pick] = {}
    for line in lines:
        matches = match_items(line.norm, kind) or (match_items(line.joined, kind) if line.joined != line.norm else ())
        for item, rank in matches:
            if item not in best or rank < best[item].rank:
                best[item] = pick_of(item, line, rank)
    return best
