"""Trial balances: the result that they amount to, and their main items, by the words of the accounts.

An account's class is the first part of its code. A class belongs to the income statement or to the balance sheet by the words of its
accounts together; where the words of a class do not tell, there is no result: none is better than a wrong one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

_INCOME = re.compile(
    r"\b(ricavi|vendite|c/vendite|c/acquisti|acquisti|costi|consulenze|compensi|salari|stipendi|oneri|amm\.?to|ammortament\w+|"
    r"accantonament\w+|interessi|imposte (?:dell|sul|corrent)|canoni|locazion\w+|energia|spese|proventi|variazion\w+|prestazioni|"
    r"manutenzion\w+|utenze|assicurazion\w+|trasporti|provvigioni|sopravvenienze|plusvalenze|minusvalenze|abbuoni|sconti|svalutazion\w+|"
    r"sales|revenue|purchases|wages|salaries|expenses?|rent|depreciation|interest (?:expense|income))\b",
    re.IGNORECASE,
)
_BALANCE = re.compile(
    r"\b(f\.?do|fond[oi]|impiant\w+|macchinar\w+|attrezzatur\w+|fabbricat\w+|terren\w+|software|brevetti|partecipazion\w+|cassa|banc\w+|"
    r"client\w+|fornitor\w+|capitale|riserv\w+|mutu\w+|erario|inps|inail|debiti|crediti|rate[oi]|riscont\w+|rimanenze finali|depositi|"
    r"c/retribuzioni|t\.?f\.?r|effetti|titoli|anticipi|utile d|utili|perdite portate|finanziament\w+|iva\b|"
    r"cash|bank|receivables?|payables?|equity|capital|reserves?|inventory|loans?|accumulated)",
    re.IGNORECASE,
)

ITEMS: tuple[tuple[str, re.Pattern[str], int], ...] = (
    ("cash_and_equivalents", re.compile(r"\b(cassa|banc\w+|depositi bancari|cash|bank)\b", re.IGNORECASE), 1),
    ("inventory", re.compile(r"\brimanenze finali|\bgiacenz\w+|\binventory", re.IGNORECASE), 1),
    (
        "revenue",
        re.compile(
            r"c/vendite|ricavi (?:delle |per |di )?(?:vendit|prestazion)\w*|\bvendite\b|\bsales\b", re.IGNORECASE
        ),
        -1,
    ),
)
"""Item, the words of its accounts, and the side on which it stands: 1 debit, -1 credit."""


def result(rows: Sequence[Row]) -> float | None:
    """Return the profit (negative: loss) of a book; None where it does not balance or its classes cannot be told apart."""
    kinds = {row["book"] for row in rows}
    debit, credit = (round(sum(row[side] for row in rows), 2) for side in ("debit", "credit"))
    if kinds == {"two_sided"}:
        return float(round(debit - credit, 2))
    if kinds != {"trial_balance"} or debit != credit or not rows:
        return None
    income = _income_rows(rows)
    return None if income is None else float(round(-sum(row["balance"] for row in income), 2))


def items(rows: Sequence[Row]) -> dict[str, float]:
    """Return the main items of a trial balance by the canonical names of annual accounts; only those with an account of their words."""
    income = _income_rows(rows)
    if income is None:
        return {}
    own = {id(row) for row in income}
    found: dict[str, float] = {}
    for item, words, side in ITEMS:
        part = [row for row in rows if words.search(row["name"]) and (id(row) in own) == (item == "revenue")]
        part = [row for row in part if row["balance"] * side > 0]
        if part:
            found[item] = round(sum(row["balance"] for row in part) * side, 2)
    profit = result(rows)
    if profit is not None:
        found["net_income"] = profit
    return found


def _income_rows(rows: Sequence[Row]) -> list[Row] | None:
    """Return the accounts of the income statement; None where the words of a class do not tell, or tell both ways."""
    classes: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        classes[re.split(r"[./\-\s]", row["code"])[0]].append(row)
    income: list[Row] = []
    for part in classes.values():
        votes = [vote for row in part if (vote := _vote(row["name"]))]
        if abs(sum(votes)) * 3 <= len(votes):  # none tells, or a third says the contrary
            return None
        if sum(votes) > 0:
            income += part
    return income or None


def _vote(name: str) -> int:
    """Return 1 for a word of the income statement, -1 for one of the balance sheet; the word that comes first counts."""
    income, balance = _INCOME.search(name), _BALANCE.search(name)
    if income and balance:
        return 1 if income.start() < balance.start() else -1
    return 1 if income else -1 if balance else 0
