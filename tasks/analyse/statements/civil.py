"""The layout of the Italian civil code (articles 2424 and 2425), ordinary, abbreviated and micro.

Its labels repeat (`esigibili entro l'esercizio successivo` stands under every credit and debt, `altri` under many
heads), so lines are read as a tree: a due-date line belongs to the line above it. Where a line has only due-date lines
and no total of its own, the value is their sum, which is what the scheme says the line is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.analyse.statements.grid import Line
from tasks.analyse.statements.labels import canonical, match_items
from tasks.analyse.statements.pick import Pick, combine, pick_of
from tasks.analyse.statements.rules import StatementKind

_CIVIL = {
    "income_statement": re.compile(
        r"^totale (?:del )?valore della produzione|^differenza (?:tra|fra)|"
        r"^totale (?:dei )?costi della produzione|^valore della produzione$"
    ),
    "balance_sheet": re.compile(
        r"^totale immobilizzazioni|^totale attivo circolante|^attivo circolante$|"
        r"^immobilizzazioni (?:im)?materiali$|^trattamento di fine rapporto di lavoro"
    ),
    "cash_flow_statement": re.compile(r"^flusso finanziario (?:dell|dopo|prima)"),
}
_WITHIN = re.compile(
    r"^(?:di cui )?(?:importi )?(?:esigibili )?entro (?:l'esercizio|l esercizio|l'anno|"
    r"i?l? ?12 mesi|12 mesi|i 12 mesi|esercizio)"
)
_BEYOND = re.compile(
    r"^(?:di cui )?(?:importi )?(?:esigibili )?oltre (?:l'esercizio|l esercizio|l'anno|"
    r"i?l? ?12 mesi|12 mesi|i 12 mesi|esercizio)"
)
_FINANCIAL_DEBT = re.compile(
    r"^(?:obbligazioni(?: convertibili)?|(?:debiti )?(?:verso|v) (?:banche|altri finanziatori|"
    r"soci per finanziamenti))$"
)
_EQUITY = re.compile(r"^(?:totale )?patrimonio netto")
_ALL_DEBT = re.compile(r"^(?:debiti|totale debiti)$")
_SUM = "sum of the amounts due within and after the next year"


@dataclass(frozen=True, slots=True)
class Due:
    """A credit or debt with its due-date lines."""

    head: str
    label: str
    within: Line | None
    beyond: Line | None


def is_civil(lines: Sequence[Line], kind: StatementKind) -> bool:
    """Whether a statement follows the civil code's scheme."""
    return sum(1 for line in lines if _CIVIL[kind].search(line.norm)) >= (1 if kind == "cash_flow_statement" else 2)


def civil_picks(lines: Sequence[Line], kind: StatementKind, picks: dict[str, Pick]) -> dict[str, Pick]:
    """The items that the tree of the scheme gives beyond what the labels alone give."""
    if kind == "cash_flow_statement":
        return _investments(lines)
    if kind == "income_statement":
        return {}
    found: dict[str, Pick] = {}
    dues = due_lines(lines)
    for due in dues:
        for item, rank in match_items(due.head, kind):
            if item in ("accounts_receivable", "accounts_payable") and item not in picks and item not in found:
                found[item] = _sum_of(item, due, rank)
    return found | _debts(lines, dues)


def due_lines(lines: Sequence[Line]) -> list[Due]:
    """The due-date lines under the line or head that they belong to."""
    dues: list[Due] = []
    head, label = "", ""
    for line in lines:
        within, beyond = bool(_WITHIN.search(line.norm)), bool(_BEYOND.search(line.norm))
        if not within and not beyond:
            head, label = line.norm, line.label
            continue
        section = canonical(line.section)
        if (
            section
            and not _WITHIN.search(section)
            and not _BEYOND.search(section)
            and not _is_after(lines, line, head, section)
        ):
            head, label = section, line.section
        if dues and dues[-1].label == label and dues[-1].beyond is None and beyond:
            dues[-1] = Due(head, label, dues[-1].within, line)
        else:
            dues.append(Due(head, label, line if within else None, line if beyond else None))
    return dues


def _is_after(lines: Sequence[Line], line: Line, head: str, section: str) -> bool:
    """Whether the valued line `head` stands between the section head and this line (so it owns the due dates)."""
    own = [other for other in lines if other.section == line.section and other.norm == head]
    return bool(own) and head != section


def _sum_of(item: str, due: Due, rank: int) -> Pick:
    parts = [line for line in (due.within, due.beyond) if line]
    whole = combine(item, parts, rank, _SUM if len(parts) > 1 else "")
    return Pick(item, whole.values, f"{due.label}: {whole.label}", whole.page, rank, whole.derived)


def _debts(lines: Sequence[Line], dues: Sequence[Due]) -> dict[str, Pick]:
    """Debt to lenders by due date, and what falls due within the year when the scheme or an identity gives it."""
    found: dict[str, Pick] = {}
    lenders = [due for due in dues if _FINANCIAL_DEBT.match(due.head)]
    within = [due.within for due in lenders if due.within]
    beyond = [due.beyond for due in lenders if due.beyond]
    if within:
        found["short_term_debt"] = _named("short_term_debt", lenders, within, "entro l'esercizio")
    if beyond:
        found["long_term_debt"] = _named("long_term_debt", lenders, beyond, "oltre l'esercizio")
    if (whole := _within_the_year(lines, dues)) is not None:
        found["current_liabilities"] = whole
    abbreviated = next((due for due in dues if _ALL_DEBT.match(due.head) and due.within), None)
    if abbreviated and abbreviated.within:
        found["current_liabilities"] = pick_of(
            "current_liabilities", abbreviated.within, 1, f"Debiti: {abbreviated.within.label}"
        )
    return found


def _within_the_year(lines: Sequence[Line], dues: Sequence[Due]) -> Pick | None:
    """All debts due within the year in the ordinary layout, when the due-date lines add up to the total of debts."""
    total = next((line for line in lines if line.norm == "totale debiti"), None)
    start = next((index for index, line in enumerate(lines) if _EQUITY.search(line.norm)), 0)
    after = {id(line) for line in lines[start:]}
    owed = [due for due in dues if id(due.within or due.beyond) in after and not _ALL_DEBT.match(due.head)]
    if total is None or len(owed) < 2:
        return None
    within = [due.within for due in owed if due.within]
    parts = [line for due in owed for line in (due.within, due.beyond) if line]
    if not within or not all(
        one == two for one, two in zip(combine("", parts, 0).values, total.values, strict=False) if two is not None
    ):
        return None
    whole = combine("current_liabilities", within, 2)
    label = "Debiti esigibili entro l'esercizio successivo"
    return Pick("current_liabilities", whole.values, label, total.page, 2, "sum of the debts due within the year")


def _named(item: str, lenders: Sequence[Due], lines: Sequence[Line], when: str) -> Pick:
    whole = combine(item, lines, 1)
    heads = " + ".join(due.label for due in lenders)
    return Pick(item, whole.values, f"{heads}: {when}", whole.page, 1)


def _investments(lines: Sequence[Line]) -> dict[str, Pick]:
    """`(Investimenti)` under the head `Immobilizzazioni materiali` of the investing part."""
    for line in lines:
        if line.norm == "investimenti" and canonical(line.section) == "immobilizzazioni materiali":
            return {"capital_expenditure": pick_of("capital_expenditure", line, 0, f"{line.section}: {line.label}")}
    return {}
