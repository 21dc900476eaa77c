"""The words by which statements and their lines are known, English and Italian, loaded from the tables in `wordings/`.

| table | a row |
| --- | --- |
| `items.csv` | a label of an item; rank 0 is the surest wording, `without` forbids labels with other words |
| `anchors.csv` | a line that only one kind of statement has |
| `titles.csv` | a title of a statement, or words of a look-alike |
| `concepts.csv` | an XBRL concept (us-gaap, ifrs-full, itcc-ci by local name) of an item, of a sum or of a total |
| `civil_scheme.csv` | a line of the civil code's scheme, see `civil_scheme` |
| `metrics.csv` | a formula of a metric, see `compute_metrics` |

Patterns are regular expressions over canonical labels (`match_labels.canonical`): lower case, no accents, no parentheses,
no punctuation. To teach a new wording add a row and a case to the tests of the labels; nothing may name a company.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tasks.wordings import load_patterns

StatementKind = Literal["income_statement", "balance_sheet", "cash_flow_statement"]
STATEMENTS: tuple[StatementKind, ...] = ("income_statement", "balance_sheet", "cash_flow_statement")

_PACKAGE = "tasks.analyse.statements"


@dataclass(frozen=True, slots=True)
class Rule:
    """A wording: `pattern` must fit the canonical label, `without` must not be found in it."""

    pattern: re.Pattern[str]
    without: re.Pattern[str] | None = None


def _any(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


def _whole(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile(f"^(?:{'|'.join(patterns)})$")


def _items() -> dict[StatementKind, dict[str, tuple[Rule, ...]]]:
    """Return for each item its rules, the surest first; rows of one rank are alternatives."""
    columns = ("statement", "item", "rank", "language", "pattern", "without")
    grouped: dict[tuple[str, str, int], list[dict[str, str]]] = {}
    for row in load_patterns(_PACKAGE, "items.csv", columns):
        grouped.setdefault((row["statement"], row["item"], int(row["rank"])), []).append(row)
    items: dict[StatementKind, dict[str, tuple[Rule, ...]]] = {kind: {} for kind in STATEMENTS}
    for kind in STATEMENTS:
        for (statement, item, _), rows in grouped.items():
            if statement == kind:
                without = rows[0]["without"]
                rule = Rule(_whole(row["pattern"] for row in rows), re.compile(without) if without else None)
                items[kind][item] = (*items[kind].get(item, ()), rule)
    return items


def _anchors() -> dict[StatementKind, dict[str, re.Pattern[str]]]:
    rows = load_patterns(_PACKAGE, "anchors.csv", ("statement", "anchor", "language", "pattern"))
    names = {kind: dict.fromkeys(row["anchor"] for row in rows if row["statement"] == kind) for kind in STATEMENTS}
    return {
        kind: {
            name: _any(row["pattern"] for row in rows if (row["statement"], row["anchor"]) == (kind, name))
            for name in names[kind]
        }
        for kind in STATEMENTS
    }


def _titles() -> dict[str, re.Pattern[str]]:
    rows = load_patterns(_PACKAGE, "titles.csv", ("meaning", "language", "pattern"))
    meanings = dict.fromkeys(row["meaning"] for row in rows)
    return {name: _any(row["pattern"] for row in rows if row["meaning"] == name) for name in meanings}


ITEMS = _items()
ANCHORS = _anchors()
_TITLES = _titles()
TITLES: dict[StatementKind, re.Pattern[str]] = {kind: _TITLES[kind] for kind in STATEMENTS}
NOT_PRIMARY, PARENT_ONLY, CONSOLIDATED = _TITLES["not_primary"], _TITLES["parent_only"], _TITLES["consolidated"]
OTHER_SCOPE = _TITLES["other_scope"]
"""Words near a table about a part of the group or under other rules: its values may differ without a conflict."""

ESSENTIAL: dict[StatementKind, tuple[frozenset[str], ...]] = {
    "income_statement": (
        frozenset({"top", "bottom", "tax"}),
        frozenset({"top", "bottom", "pretax"}),
        frozenset({"top", "bottom", "operating"}),
    ),
    "balance_sheet": (
        frozenset({"total", "both"}),
        frozenset({"total", "equity", "current"}),
        frozenset({"both", "equity", "items"}),
    ),
    "cash_flow_statement": (
        frozenset({"operating", "investing", "financing"}),
        frozenset({"operating", "investing", "change"}),
        frozenset({"operating", "financing", "change"}),
        frozenset({"operating", "change", "ends"}),
    ),
}
"""The sets of anchors of which a table must hold one to be taken for the statement."""
