"""XBRL concepts that stand for canonical items, by local name, from `wordings/concepts.csv`.

The names of an item are in order of preference: the first that a period has wins. The taxonomies us-gaap, ifrs-full and
itcc-ci do not share local names with other meanings, so prefixes are not needed.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from tasks.analyse.statements.wordings import STATEMENTS, StatementKind
from tasks.wordings import load_patterns

ABSOLUTE = frozenset({"capital_expenditure", "dividends_paid", "share_repurchases"})
"""Items that are payments: positive whatever sign the fact has."""


@cache
def _patterns(role: str) -> dict[tuple[StatementKind, str], tuple[re.Pattern[str], ...]]:
    """Return for each (statement, item) a pattern for each rank, the preferred first."""
    columns = ("role", "statement", "item", "rank", "concept")
    rows = load_patterns("tasks.analyse.statements", "concepts.csv", columns, "concept")
    found: dict[tuple[StatementKind, str], dict[int, list[str]]] = {}
    for row in rows:
        if row["role"] == role:
            kind = next(kind for kind in STATEMENTS if kind == row["statement"])
            found.setdefault((kind, row["item"]), {}).setdefault(int(row["rank"]), []).append(row["concept"])
    return {
        key: tuple(re.compile(f"(?:{'|'.join(ranks[rank])})$") for rank in sorted(ranks))
        for key, ranks in found.items()
    }


@lru_cache(maxsize=8192)
def items_of_concept(concept: str) -> tuple[tuple[StatementKind, str, int], ...]:
    """Return the items that a local concept name may stand for, with the order of preference."""
    found = []
    for (kind, item), patterns in _patterns("item").items():
        rank = next((index for index, pattern in enumerate(patterns) if pattern.match(concept)), None)
        if rank is not None:
            found.append((kind, item, rank))
    return tuple(found)


def sums_of_concept(concept: str) -> list[str]:
    """Return the items of which a concept is one of several parts, where no single concept gives them."""
    return [item for (_, item), patterns in _patterns("sum").items() if any(p.match(concept) for p in patterns)]


def totals_of_concept(concept: str) -> list[str]:
    """Return the sums that only the checks and the identity of total liabilities need."""
    return [name for (_, name), patterns in _patterns("total").items() if any(p.match(concept) for p in patterns)]
