"""The layout of the Italian civil code (articles 2424 and 2425), ordinary, abbreviated and micro.

Its labels repeat (`esigibili entro l'esercizio successivo` stands under every credit and debt, `altri` under many
heads), so lines are read as a tree: a due-date line belongs to the line above it. Where a line has only due-date lines
and no total of its own, the value is their sum, which is what the scheme says the line is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from tasks.analyse.statements.civil_scheme import LENDERS, places
from tasks.analyse.statements.match_labels import canonical, match_items
from tasks.analyse.statements.picks import Pick, Values, combine, pick_of, sum_of
from tasks.analyse.statements.read_grids import Line
from tasks.analyse.statements.wordings import StatementKind

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
_EQUITY = re.compile(r"^(?:totale )?patrimonio netto")
_AFTER_DEBT = re.compile(r"^(?:ratei e risconti|totale (?:del )?passivo)")
_BEFORE_C2 = re.compile(r"^(?:totale )?(?:delle )?rimanenze$|^totale (?:delle )?immobilizzazioni$")
_ALL_DEBT = re.compile(r"^(?:debiti|totale debiti)$")
_SUM = "sum of the amounts due within and after the next year"


@dataclass(frozen=True, slots=True)
class Debts:
    """What part D gives: items, the sum of its lines (for the check), and why items are left out, a text a column."""

    picks: dict[str, Pick]
    by_line: Pick | None
    unread: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Due:
    """A credit or debt with its due-date lines."""

    head: str
    label: str
    within: Line | None
    beyond: Line | None


def is_civil(lines: Sequence[Line], kind: StatementKind) -> bool:
    """Tell whether a statement follows the civil code's scheme."""
    return sum(1 for line in lines if _CIVIL[kind].search(line.norm)) >= (1 if kind == "cash_flow_statement" else 2)


def civil_picks(lines: Sequence[Line], kind: StatementKind, picks: dict[str, Pick]) -> dict[str, Pick]:
    """Return the items that the tree of the scheme gives beyond what the labels alone give."""
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
    if late := _late_receivables(lines):
        found["receivables_due_after_year"] = late
    return found


def _late_receivables(lines: Sequence[Line]) -> Pick | None:
    """Return what of the receivables of current assets (C.II) falls due after the next year, where their lines add up."""
    part, total = _part_c2(lines)
    dues = due_lines(part)
    late = [due.beyond for due in dues if due.beyond]
    if not late or total is None:
        return None
    dated = {id(line) for due in dues for line in (due.within, due.beyond) if line}
    parts = [line for line in part if id(line) in dated or not line.norm.startswith("totale ")]
    pick = combine("receivables_due_after_year", late, 0)
    sums = combine("", parts, 0).values
    stated = total.norm == "crediti" and len(dated) == 1  # `II - Crediti 100` / `di cui oltre l'esercizio 5`
    values = tuple(
        late_value if stated or (whole is not None and added is not None and abs(added - whole) <= len(parts)) else None
        for late_value, added, whole in zip(pick.values, sums, total.values, strict=True)
    )
    return replace(pick, values=values, label=f"Crediti: {late[0].label}") if any(values) else None


def _part_c2(lines: Sequence[Line]) -> tuple[list[Line], Line | None]:
    """Return the lines of the receivables of current assets, without their total, and the total."""
    before = [index for index, line in enumerate(lines) if _BEFORE_C2.search(line.norm)]
    start = before[-1] + 1 if before else 0
    total = next((line for line in lines[start:] if line.norm in ("totale crediti", "crediti")), None)
    if total is None or (not before and any("immobilizzazioni" in canonical(line.section) for line in lines)):
        return [], None
    if total.norm == "crediti":
        start = next(index for index, line in enumerate(lines) if line is total) + 1
        dues = []
        for line in lines[start:]:
            if not (_WITHIN.search(line.norm) or _BEYOND.search(line.norm)):
                break
            dues.append(line)
        return dues, total
    return list(lines[start : next(index for index, line in enumerate(lines) if line is total)]), total


def due_lines(lines: Sequence[Line]) -> list[Due]:
    """Return the due-date lines under the line or head that they belong to."""
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
    """Tell whether the valued line `head` stands between the section head and this line (so it owns the due dates)."""
    own = [other for other in lines if other.section == line.section and other.norm == head]
    return bool(own) and head != section


def _sum_of(item: str, due: Due, rank: int) -> Pick:
    parts = [line for line in (due.within, due.beyond) if line]
    whole = combine(item, parts, rank, _SUM if len(parts) > 1 else "")
    return replace(whole, label=f"{due.label}: {whole.label}")


def read_debts(lines: Sequence[Line], picks: dict[str, Pick]) -> Debts | None:
    """Return the debts of part D and what the due dates give, proved line by line against the total of debts.

    Items whose lines do not add up are left out for the columns concerned, with the reason: a sum of some of its lines
    is not the item. None when the statement has no part D.
    """
    part = _part_d(lines)
    if not part:
        return None
    width = len(part[0].values)
    dues = [due for due in due_lines(part) if _debt_number(due.head)]
    whole = next((due for due in due_lines(part) if _ALL_DEBT.match(due.head)), None)
    total = next((line for line in part if _ALL_DEBT.match(line.norm)), None)
    if whole and not dues:
        return _abbreviated(whole, total, picks)
    amounts = _amounts(part, dues)
    if not amounts:
        return None
    by_line = tuple(sum_of([values[column] for values in amounts.values()]) for column in range(width))
    faults = [_fault(by_line[column], total.values[column] if total else None, len(amounts)) for column in range(width)]
    found, unread = _lent(dues, amounts, faults)
    if dues and total and any(due.within for due in dues):
        due_now = combine("current_liabilities", [due.within for due in dues if due.within], 2)
        proved = [fault or _undated(dues, amounts, column, frozenset(amounts)) for column, fault in enumerate(faults)]
        values = tuple(None if fault else value for value, fault in zip(due_now.values, proved, strict=True))
        label = "Debiti esigibili entro l'esercizio successivo"
        found["current_liabilities"] = replace(
            due_now, values=values, label=label, derived="sum of the debts due within the year"
        )
        unread["current_liabilities"] = tuple(proved)
    return Debts(found, Pick("debts_by_line", by_line, "D1 to D14", part[0].page), unread)


def _part_d(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of the liabilities after equity, up to the total of debts or the next part."""
    start = next((index + 1 for index, line in enumerate(lines) if _EQUITY.search(line.norm)), 0)
    start = max(
        (index + 1 for index, line in enumerate(lines) if index >= start and _EQUITY.search(line.norm)), default=start
    )
    part: list[Line] = []
    for line in lines[start:]:
        if part and _AFTER_DEBT.search(line.norm):
            break
        part.append(line)
        if line.norm == "totale debiti":
            break
    return (
        part
        if any(
            _debt_number(line.norm)
            or _debt_number(canonical(line.section))
            or _ALL_DEBT.match(canonical(line.section))
            or _ALL_DEBT.match(line.norm)
            for line in part
        )
        else []
    )


def _debt_number(norm: str) -> str:
    """Return the number of a debt in part D by its label, "" for another line."""
    return next((line.number for line in places(norm, "balance_sheet") if line.role == "debt"), "")


def _amounts(part: Sequence[Line], dues: Sequence[Due]) -> dict[str, Values]:
    """Return the amount of each debt: its total where one is printed, else its own amount, else that of its due-date lines."""
    amounts: dict[str, Values] = {}
    for due in dues:
        amounts[_debt_number(due.head)] = combine("", [line for line in (due.within, due.beyond) if line], 0).values
    for line in part:
        if number := _debt_number(line.norm):
            amounts[number] = line.values
    for line in part:
        if line.norm.startswith("totale ") and (number := _debt_number(line.norm.removeprefix("totale "))):
            amounts[number] = line.values
    return amounts


def _fault(by_line: Decimal | None, total: Decimal | None, count: int) -> str:
    """Say why the debts of a column are not proved, "" when their lines add up (but for the rounding of each line)."""
    if total is None:
        return "the total of the debts (D) was not read"
    if by_line is None or abs(by_line - total) > count:
        return f"the debts D1 to D14 that were read come to {by_line or 0:,}, their total is {total:,}"
    return ""


def _undated(dues: Sequence[Due], amounts: dict[str, Values], column: int, numbers: frozenset[str]) -> str:
    """Return which of these debts has an amount that its due-date lines do not explain, in words; "" for none."""
    dated = {_debt_number(due.head): due for due in dues}
    for number in sorted(numbers & amounts.keys()):
        amount = amounts[number][column] or Decimal(0)
        due = dated.get(number)
        parts = [line.values[column] for line in (due.within, due.beyond) if line] if due else []
        if abs(amount - (sum_of(parts) or Decimal(0))) > 2:
            return f"the due dates of debt D{number} were not read whole"
    return ""


def _lent(
    dues: Sequence[Due], amounts: dict[str, Values], faults: Sequence[str]
) -> tuple[dict[str, Pick], dict[str, tuple[str, ...]]]:
    """Return debt to lenders within and after the year, for the columns in which it is proved."""
    lenders = [due for due in dues if _debt_number(due.head) in LENDERS]
    proved = tuple(fault or _undated(dues, amounts, column, LENDERS) for column, fault in enumerate(faults))
    found: dict[str, Pick] = {}
    unread: dict[str, tuple[str, ...]] = {"short_term_debt": proved, "long_term_debt": proved}
    for item, when, lines in (
        ("short_term_debt", "entro l'esercizio", [due.within for due in lenders if due.within]),
        ("long_term_debt", "oltre l'esercizio", [due.beyond for due in lenders if due.beyond]),
    ):
        if lines:
            pick = _named(item, lenders, lines, when)
            values = tuple(None if fault else value for value, fault in zip(pick.values, proved, strict=True))
            found[item] = replace(pick, values=values)
    return found, unread


def _abbreviated(whole: Due, total: Line | None, picks: dict[str, Pick]) -> Debts | None:
    """Read abbreviated accounts, which print no single debts: what is due within the year stands under the head itself."""
    parts = [line for line in (whole.within, whole.beyond) if line]
    by_line = Pick("debts_by_line", combine("", parts, 0).values, "Debiti", parts[0].page)
    found = {}
    if whole.within and "current_liabilities" not in picks:
        label = f"Debiti: {whole.within.label}"
        found["current_liabilities"] = pick_of("current_liabilities", whole.within, 1, label)
    return Debts(found, by_line if total else None, {})


def _named(item: str, lenders: Sequence[Due], lines: Sequence[Line], when: str) -> Pick:
    whole = combine(item, lines, 1)
    heads = " + ".join(due.label for due in lenders)
    return replace(whole, label=f"{heads}: {when}")


def _investments(lines: Sequence[Line]) -> dict[str, Pick]:
    """Return `(Investimenti)` under the head `Immobilizzazioni materiali` of the investing part."""
    for line in lines:
        if line.norm == "investimenti" and canonical(line.section) == "immobilizzazioni materiali":
            return {"capital_expenditure": pick_of("capital_expenditure", line, 0, f"{line.section}: {line.label}")}
    return {}
