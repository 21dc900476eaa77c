"""Totals that only checks and identities need, and the one figure that an identity of printed lines gives.

Total liabilities are total assets less total equity where the balance sheet prints both, its two sides agree, and
nothing stands between liabilities and equity. No other figure is derived.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from tasks.analyse.statements.find_statements import Statement
from tasks.analyse.statements.read_grids import Line
from tasks.figures import Figure

_BALANCE = {
    "assets": re.compile(r"^total assets$|^totale (?:dell'|delle )?(?:attivo|attivita)$"),
    "liabilities_and_equity": re.compile(
        r"^(?:total )?liabilities .*(?:equity|deficit|investment|capital)$|^totale (?:del )?passivo(?: e .*)?$"
        r"|^total equity and liabilities$|^totale passivita e patrimonio netto$|^totale patrimonio netto e passivita$"
    ),
    "total_equity": re.compile(
        r"^total (?:equity|deficit)$|^total (?:share|stock|shareo)\w*'? ?(?:equity|deficit|investment)(?: deficit)?$"
        r"|^totale (?:del )?patrimonio netto(?: consolidato)?$"
    ),
    "net_income_in_equity": re.compile(r"^(?:utile|perdita|utile perdita)(?: dell'esercizio| d'esercizio)$"),
    "debts_total": re.compile(r"^totale (?:dei )?debiti$"),
}
_INCOME = {
    "net_income_total": re.compile(
        r"^(?:consolidated )?net (?:income|earnings|loss)(?: loss)?(?: including .*)?$|^(?:profit|"
        r"loss) for the (?:financial )?(?:year|period)$"
        r"|^(?:utile|perdita|risultato|utile perdita)(?: netto)?(?: dell'esercizio| d'esercizio|"
        r" consolidato| del periodo)*$"
    ),
}
_CASH = {
    "closing_cash": re.compile(
        r"^cash and (?:cash )?equivalents(?: at)?(?: the)? end of (?:the )?(?:year|period)$|"
        r"^cash and (?:cash )?equivalents end of (?:year|period)$"
        r"|^disponibilita liquide(?: e mezzi equivalenti)? (?:a|alla) fine (?:dell'|del |"
        r"d')?(?:esercizio|periodo|anno)$"
        r"|^totale disponibilita liquide a fine esercizio$"
    )
}
_AFTER_TAX = re.compile(
    r"discontinued|equity (?:in|method)|equity earnings|affiliat|accounting change|"
    r"attivita (?:cessate|operative cessate)|dismission"
)
_MINORITIES = re.compile(r"\bterzi\b|\bminoranz")
_BETWEEN = re.compile(r"(?<!non)(?<!non )redeemable|mezzanine|temporary equity|preferred stock of subsidiar")


def totals_of(statement: Statement, names: Sequence[str], scale: int) -> list[Figure]:
    """Return the sums of a statement that are not items: both sides of the balance sheet, equity and net income in all."""
    patterns = {"balance_sheet": _BALANCE, "income_statement": _INCOME, "cash_flow_statement": _CASH}[statement.kind]
    found = []
    for item, pattern in patterns.items():
        line = _last(statement.lines, pattern)
        for name, value in zip(names, line.values if line else (), strict=False):
            if line and value is not None:
                found.append(Figure(item, name, value * scale, line.label, line.page, statement.kind))
    if statement.kind == "income_statement" and any(
        _AFTER_TAX.search(line.norm) and any(line.values) for line in statement.lines
    ):
        return []
    if any(_MINORITIES.search(line.norm) for line in statement.lines):
        found = [figure for figure in found if figure.item != "net_income_in_equity"]
    if statement.kind == "balance_sheet" and any(
        _BETWEEN.search(line.norm) and any(line.values) for line in statement.lines
    ):
        return [figure for figure in found if figure.item != "total_equity"]
    return found


def derived_figures(figures: Sequence[Figure], totals: Sequence[Figure]) -> list[Figure]:
    """Return total liabilities, for the periods where they are not printed and the balance sheet proves them."""
    have = {figure.period for figure in figures if figure.item == "total_liabilities"}
    return [figure for figure in _liabilities(totals) if figure.period not in have]


def opening_cash(figures: Sequence[Figure], totals: Sequence[Figure]) -> list[Figure]:
    """Return cash of the years that only the cash flow statement shows, when it agrees with the balance sheet elsewhere."""
    printed = {figure.period: figure.value for figure in figures if figure.item == "cash_and_equivalents"}
    closing = [figure for figure in totals if figure.item == "closing_cash"]
    common = [figure for figure in closing if figure.period in printed]
    if not common or any(printed[figure.period] != figure.value for figure in common):
        return []
    return [replace(figure, item="cash_and_equivalents") for figure in closing if figure.period not in printed]


def _liabilities(totals: Sequence[Figure]) -> Iterator[Figure]:
    by_period: dict[str, dict[str, Figure]] = {}
    for figure in totals:
        by_period.setdefault(figure.period, {})[figure.item] = figure
    for period, found in by_period.items():
        assets, both, equity = (found.get(name) for name in ("assets", "liabilities_and_equity", "total_equity"))
        if assets and both and equity and assets.value == both.value != Decimal(0):
            label, identity = f"{assets.label} less {equity.label}", "total assets less total equity"
            yield Figure(
                "total_liabilities", period, assets.value - equity.value, label, assets.page, "balance_sheet", identity
            )


def _last(lines: Sequence[Line], pattern: re.Pattern[str]) -> Line | None:
    """Return the last line of a wording: total equity comes after the group's share."""
    found = [line for line in lines if pattern.search(line.norm)]
    return found[-1] if found else None
