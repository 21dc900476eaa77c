"""The order of the lines in the Italian civil code's statements (articles 2424 and 2425), from `civil_scheme.csv`.

The scheme is fixed by law, so it tells what no layout tells: whether a table at the top of a page goes on with the
statement of the page before, and which debts make up the total of debts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from tasks.analyse.statements.wordings import StatementKind
from tasks.wordings import load_patterns

CIVIL_KINDS: tuple[StatementKind, ...] = ("balance_sheet", "income_statement")
LENDERS = frozenset({"1", "2", "3", "4", "5"})
"""The numbers of the debts to lenders in part D: bonds, convertible bonds, shareholders' loans, banks, others."""

_COLUMNS = ("statement", "order", "number", "role", "pattern")


@dataclass(frozen=True, slots=True)
class SchemeLine:
    """A line of the scheme: its place in the order, its number in the law, and its role.

    `role` is `head`, `total`, `debt` (a line of part D of the liabilities) or `end` (the last line of a statement).
    """

    order: int
    number: str
    role: str
    pattern: re.Pattern[str]


@cache
def scheme(kind: StatementKind) -> tuple[SchemeLine, ...]:
    """Return the lines of a statement in their order; none for a cash flow statement."""
    rows = load_patterns("tasks.analyse.statements", "civil_scheme.csv", _COLUMNS)
    return tuple(
        SchemeLine(int(row["order"]), row["number"], row["role"], re.compile(f"(?:{row['pattern']})$"))
        for row in rows
        if row["statement"] == kind
    )


@lru_cache(maxsize=16_384)
def places(norm: str, kind: StatementKind) -> tuple[SchemeLine, ...]:
    """Return the places of the scheme that a canonical label may have: «ratei e risconti» stands on both sides."""
    return tuple(line for line in scheme(kind) if line.pattern.match(norm))


def last_place(norms: Iterable[str], kind: StatementKind) -> int:
    """Return how far labels in reading order have come in the scheme: the order of the last known one, 0 for none.

    «Crediti» is not in the table: it stands among the fixed assets and again among the current ones, so it tells nothing.
    """
    reached = 0
    for norm in norms:
        after = [line.order for line in places(norm, kind) if line.order >= reached]
        reached = min(after, default=reached)
    return reached


def goes_on(norms: Iterable[str], reached: int, kind: StatementKind) -> bool:
    """Tell whether labels may go on from a place of the scheme: the first known one, if any, does not stand before it."""
    first = next((found for norm in norms if (found := places(norm, kind))), ())
    return not first or any(line.order >= reached for line in first)


def is_end(norm: str, kind: StatementKind) -> bool:
    """Tell whether a label is the last line of a statement."""
    return any(line.role == "end" for line in places(norm, kind))
