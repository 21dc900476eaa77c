"""From financial analyses to companies: documents of one firm are read together, year beside year.

Documents belong together when their analysis names the same company in the same currency; otherwise each document
stands for itself. Where two documents give one figure differently, the one that reaches furthest in time wins (it may
restate earlier years) and the contradiction is listed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tasks.export.parts import title_of
from tasks.export.records import Analysed, Check, Conflict, Entry, Figure, Metric

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
        return found.figure.value if found else None

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
    """Sorts periods by year, a year after its quarters; what is not a period comes first."""
    match = _YEAR.match(period)
    if not match:
        return (0, 0, 0, period)
    return (1, int(match[1]), int(match[2]) if match[2] else 5, period)


def companies(analysed: Sequence[Analysed]) -> list[Company]:
    """One Company for each firm that has figures, in alphabetical order."""
    groups: dict[tuple[str, str], list[Analysed]] = {}
    for one in analysed:
        if one.financial and one.financial.figures:
            firm = " ".join(one.financial.company.casefold().split())
            key = (firm, one.financial.currency) if firm else (one.entry.document_id or one.entry.path, "")
            groups.setdefault(key, []).append(one)
    return sorted((_company(group) for group in groups.values()), key=lambda firm: firm.name.casefold())


def _company(group: list[Analysed]) -> Company:
    group = sorted(group, key=_reach, reverse=True)
    newest = group[0].financial
    assert newest is not None  # companies() takes no others
    firm = Company(newest.company or title_of(group[0].entry), newest.currency)
    for one in group:
        if one.financial is None:
            continue
        firm.entries.append(one.entry)
        firm.conflicts += [(conflict, one.entry) for conflict in one.financial.conflicts]
        firm.checks += one.financial.checks
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
    if known.entry is not entry and abs(known.figure.value - figure.value) > 1e-6 * abs(known.figure.value):
        conflict = Conflict(
            figure.item, figure.period, known.figure.value, figure.value, known.figure.page, figure.page, entry.path
        )
        firm.conflicts.append((conflict, known.entry))
