"""The words over the columns of a table: which column is what."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache

from tasks.office.recognise.cells import Mark, amount, day, decimal_mark, month_first
from tasks.records import Element, Parsed

DEPTH = 20
"""Rows of a table among which its head is looked for."""

MONEY = frozenset({"amount", "balance", "credit", "debit", "tax", "taxable", "total"})
"""Roles of columns that hold amounts: these alone say how a table writes them, a code such as `60.03` does not."""

Words = Mapping[str, frozenset[str]]


def words(**roles: str) -> dict[str, frozenset[str]]:
    """Return role → the heads that mean it, written with `|` between them."""
    return {role: frozenset(head.strip() for head in heads.split("|")) for role, heads in roles.items()}


@lru_cache(maxsize=4096)  # a table is asked once a kind of paper, and its heads recur
@lru_cache(maxsize=4_096)
def fold(text: str) -> str:
    """Return a head as it is compared: small letters without accents, signs and double blanks.

    Each kind of table asks it of the same cells again.
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^a-z0-9%]+", " ", plain).split())


@dataclass(frozen=True, slots=True)
class Grid:
    """A table whose head is known: the columns by role, and the rows below the head."""

    columns: Mapping[str, int]
    rows: tuple[tuple[str, ...], ...]
    first: int
    page: int
    mark: Mark
    american: bool
    before: str = field(default="")

    def amount(self, row: Sequence[str], role: str) -> Decimal | None:
        """Return the amount in a row's cell; None where it has none."""
        return amount(self.cell(row, role), self.mark)

    def day(self, row: Sequence[str], role: str) -> date | None:
        """Return the date in a row's cell; None where it has none."""
        return day(self.cell(row, role), self.american)

    def cell(self, row: Sequence[str], role: str) -> str:
        """Return the text in a row's cell; "" where the table has no such column."""
        column = self.columns.get(role)
        return row[column].strip() if column is not None and column < len(row) else ""


def grid(element: Element, roles: Words, needed: Sequence[Sequence[str]]) -> Grid | None:
    """Return the table with its columns named; None where a head of it lacks one of each group in `needed`.

    Args:
        roles: what each column may be; the first role that a head fits counts, and each role once.
        needed: groups of roles; of each group at least one must be there.
    """
    rows = element.rows or ()
    for number, row in enumerate(rows[:DEPTH]):
        columns = _columns(row, roles)
        if all(any(role in columns for role in group) for group in needed):
            body = tuple(rows[number + 1 :])
            amounts = [r[c] for r in body for role, c in columns.items() if role in MONEY and c < len(r)]
            dates = [r[c].strip() for r in body for role, c in columns.items() if "date" in role and c < len(r)]
            before = " ".join(cell for r in rows[:number] for cell in r if cell)
            return Grid(columns, body, number + 2, element.page, decimal_mark(amounts), month_first(dates), before)
    return None


_CURRENCY = re.compile(r" (?:in )?(?:eur|euro|usd|gbp|chf)$")


def _columns(row: Sequence[str], roles: Words) -> dict[str, int]:
    found: dict[str, int] = {}
    for column, cell in enumerate(row):
        head = fold(cell)
        bare = _CURRENCY.sub("", head)  # `Addebiti (euro)`
        role = next((role for role, heads in roles.items() if heads & {head, bare} and role not in found), "")
        if role:
            found[role] = column
    return found


def grids(parsed: Parsed, roles: Words, needed: Sequence[Sequence[str]]) -> list[Grid]:
    """Return every table of a document that is of a kind."""
    return [found for e in parsed.elements if e.kind == "table" and (found := grid(e, roles, needed))]
