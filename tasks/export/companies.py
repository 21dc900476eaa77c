"""From financial analyses to companies: documents of one firm are read together, year beside year.

Documents belong together when their analysis names the same company in the same currency, or when they state the same
figures for the same period: the accounts of a year come as PDF, workbook and web page, and next year's report repeats
this year's column. Five equal figures of four digits do not meet by chance. Any other document stands for itself.
Where two documents give one figure differently, the one that reaches furthest in time wins (it may restate earlier
years) and the contradiction is listed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tasks.export.parts import title_of
from tasks.export.records import Analysed, Entry
from tasks.export.text import clean
from tasks.export.text import name as file_name
from tasks.figures import Check, Conflict, Figure, Metric

SHARED = 5  # equal figures of one period that make two documents one firm's
ROUNDING = 5e-4  # relative difference between documents that is only rounding to thousands or millions
_YEAR = re.compile(r"^(?:FY)?(\d{4})(?:-?Q([1-4]))?$")


@dataclass(frozen=True, slots=True)
class Sourced:
    """A figure with the document that it comes from."""

    figure: Figure
    entry: Entry


@dataclass(slots=True)
class Company:
    """All that is known of a firm: figures by (item, period), metrics by (metric, period), where they come from."""

    name: str
    currency: str
    entries: list[Entry] = field(default_factory=list)
    figures: dict[tuple[str, str], Sourced] = field(default_factory=dict)
    metrics: dict[tuple[str, str], Metric] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    conflicts: list[tuple[Conflict, Entry]] = field(default_factory=list)

    def value(self, item: str, period: str) -> float | None:
        found = self.figures.get((item, period))
        return float(found.figure.value) if found else None

    def measured(self, metric: str, period: str) -> float | None:
        found = self.metrics.get((metric, period))
        return found.value if found else None

    @property
    def years(self) -> list[str]:
        """Fiscal years in order, without quarters; all periods when there are only quarters."""
        periods = sorted({period for _, period in (*self.figures, *self.metrics)}, key=order)
        years = [period for period in periods if order(period)[2] == 5]
        return years or periods

    @property
    def quarters(self) -> list[str]:
        years = set(self.years)
        return sorted({period for _, period in self.figures} - years, key=order)


def order(period: str) -> tuple[int, int, int, str]:
    """Return a key that sorts periods by year, a year after its quarters; what is not a period comes first."""
    match = _YEAR.match(period)
    if not match:
        return (0, 0, 0, period)
    return (1, int(match[1]), int(match[2]) if match[2] else 5, period)


def companies(analysed: Sequence[Analysed]) -> list[Company]:
    """Return one Company for each firm that has figures, in alphabetical order; equal names are told apart by their file."""
    with_figures = [one for one in analysed if one.financial and one.financial.figures]
    firms = sorted((_company(group) for group in _groups(with_figures)), key=lambda firm: firm.name.casefold())
    names = Counter(firm.name for firm in firms)
    for firm in firms:
        if names[firm.name] > 1:
            firm.name = f"{firm.name} · {clean(file_name(firm.entries[0].path))}"
    return firms


def _groups(analysed: Sequence[Analysed]) -> list[list[Analysed]]:
    """Return documents of one firm together: same name in the same currency, or at least SHARED figures in common."""
    groups = {index: [one] for index, one in enumerate(analysed)}
    group_of = list(groups)
    for first, second in (*_namesakes(analysed), *_sharing(analysed)):
        keep, leave = group_of[first], group_of[second]
        if keep != leave and _agree([*groups[keep], *groups[leave]]):
            groups[keep] += groups.pop(leave)
            group_of = [keep if group == leave else group for group in group_of]
    return list(groups.values())


def _agree(group: Sequence[Analysed]) -> bool:
    """Tell whether no two documents name different companies, currencies or scopes; one that names none agrees with any.

    Accounts of a group and of its parent alone are two sets, whatever name stands over them.
    """
    parts = [one.financial for one in group if one.financial]
    currencies = {part.currency for part in parts} - {""}
    scopes = {part.scope for part in parts if part.company}
    return len(currencies) <= 1 and len(scopes) <= 1 and len({_folded(part.company) for part in parts} - {""}) <= 1


def _namesakes(analysed: Sequence[Analysed]) -> Iterator[tuple[int, int]]:
    seen: dict[tuple[str, str, str], int] = {}
    for index, one in enumerate(analysed):
        if one.financial and one.financial.company:
            key = (_folded(one.financial.company), one.financial.currency, one.financial.scope)
            yield seen.setdefault(key, index), index


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _sharing(analysed: Sequence[Analysed]) -> Iterator[tuple[int, int]]:
    """Yield pairs that state the same figures of the same period, to four digits."""
    holders: dict[tuple[str, str, str], list[int]] = {}
    for index, one in enumerate(analysed):
        for figure in one.financial.figures if one.financial else ():
            if abs(figure.value) >= 1000:  # small numbers agree by chance
                holders.setdefault((figure.item, figure.period, f"{float(figure.value):.3e}"), []).append(index)
    common: Counter[tuple[int, int, str]] = Counter()
    for (_, period, _), indexes in holders.items():
        near = indexes[:50]  # of very many copies, the others are only compared with the first
        common.update((first, second, period) for place, first in enumerate(near) for second in near[place + 1 :])
        common.update((indexes[0], second, period) for second in indexes[50:])
    for (first, second, _), count in common.items():
        if count >= SHARED:
            yield first, second


def _company(group: list[Analysed]) -> Company:
    group = sorted(group, key=lambda one: (*_reach(one), one.entry.pages), reverse=True)
    named = [one.financial.company for one in group if one.financial and one.financial.company]
    currencies = [one.financial.currency for one in group if one.financial and one.financial.currency]
    firm = Company((named or [title_of(group[0].entry)])[0], (currencies or [""])[0])
    for one in group:
        if one.financial is None:
            continue
        firm.entries.append(one.entry)
        firm.conflicts += [(conflict, one.entry) for conflict in one.financial.conflicts]
        known = {(check.name, check.period) for check in firm.checks}
        firm.checks += [check for check in one.financial.checks if (check.name, check.period) not in known]
        for figure in one.financial.figures:
            _enter(firm, figure, one.entry)
        for metric in one.financial.metrics:
            firm.metrics.setdefault((metric.metric, metric.period), metric)
    return firm


def _reach(one: Analysed) -> tuple[int, int, int, str]:
    periods = one.financial.periods if one.financial else ()
    return max((order(period) for period in periods), default=(0, 0, 0, ""))


def _enter(firm: Company, figure: Figure, entry: Entry) -> None:
    known = firm.figures.setdefault((figure.item, figure.period), Sourced(figure, entry))
    used, other = float(known.figure.value), float(figure.value)
    if known.entry is not entry and abs(used - other) > ROUNDING * abs(used):
        conflict = Conflict(figure.item, figure.period, known.figure, figure, entry.path)
        firm.conflicts.append((conflict, known.entry))
