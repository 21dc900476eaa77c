"""How the words of a statement item are written down: a rule is a wording, an item has several in order of sureness.

Rules are tried in order and the first that fits gives the rank: the surer wording first (`total net revenue` before
`sales`). They are matched against canonical labels (see `labels.canonical`): lower case, no accents, no parentheses, no
punctuation. To teach a new wording add an alternative in `items_….py` and a case to the tests of the labels; nothing
may name a company.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

StatementKind = Literal["income_statement", "balance_sheet", "cash_flow_statement"]
STATEMENTS: tuple[StatementKind, ...] = ("income_statement", "balance_sheet", "cash_flow_statement")

MINORITY = r"non ?controlling|minorit|non ?redeemable|redeemable|preferred|participating|discontinued|terzi"
"""Words of a line about others than the shareholders of the parent."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A wording: `pattern` must fit the canonical label, `without` must not be found in it."""

    pattern: re.Pattern[str]
    without: re.Pattern[str] | None = None


def rule(pattern: str, without: str = "") -> Rule:
    """A rule from the whole label's pattern and, perhaps, words that forbid it."""
    return Rule(re.compile(f"^(?:{pattern})$"), re.compile(without) if without else None)
