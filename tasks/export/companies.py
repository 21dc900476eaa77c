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
from functools import lru_cache
from itertools import chain

import numpy as np
import numpy.typing as npt

from tasks.export.parts import title_of
from tasks.export.records import MARK_BITS, Analysed, Entry, marks_of
from tasks.export.text import clean
from tasks.export.text import name as file_name
from tasks.figures import Check, Conflict, Figure, Financial, Metric

NEAR = 50  # documents with one mark that are all compared with each other
AT_ONCE = 10_000  # marks whose pairs are counted in one go: with NEAR pairs each some 20 MB
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
    return list(one_by_one(analysed))


def one_by_one(analysed: Sequence[Analysed]) -> Iterator[Company]:
    """Yield the same as `companies`, made when it is asked for: of very many nobody holds them all."""
    groups = _groups([one for one in analysed if one.financial and one.financial.figures])
    ordered = [sorted(group, key=lambda one: (*_reach(one), one.entry.pages), reverse=True) for group in groups]
    del groups
    ordered.sort(key=lambda group: _name(group).casefold())
    names = Counter(map(_name, ordered))
    for group in ordered:
        name = _name(group)
        if names[name] > 1:
            name = f"{name} · {clean(file_name(group[0].entry.path))}"
        yield _company(group, name)


def _name(group: Sequence[Analysed]) -> str:
    return next((one.financial.company for one in group if one.financial and one.financial.company), "") or title_of(
        group[0].entry
    )


def _groups(analysed: Sequence[Analysed]) -> list[list[Analysed]]:
    """Return documents of one firm together: same name in the same currency, or at least SHARED figures in common."""
    groups = {index: _Group.of(index, one) for index, one in enumerate(analysed)}
    group_of = list(groups)
    for first, second in chain(_namesakes(analysed), _sharing(analysed)):  # of very many, millions of pairs
        keep, leave = group_of[first], group_of[second]
        if keep != leave and groups[keep].agrees(groups[leave]):
            joined = groups.pop(leave)
            groups[keep].join(joined)
            for member in joined.members:
                group_of[member] = keep
    return [[analysed[member] for member in group.members] for group in groups.values()]


@dataclass(slots=True)
class _Group:
    """Documents of one firm, by number, and what they name; None where none of them names it, which agrees with any."""

    members: list[int]
    currency: str | None
    scope: str | None
    name: str | None

    @classmethod
    def of(cls, number: int, one: Analysed) -> _Group:
        part = one.financial or Financial()
        named = bool(part.company)
        return cls([number], part.currency or None, part.scope if named else None, _folded(part.company) or None)

    def agrees(self, other: _Group) -> bool:
        """Tell whether no two documents name different companies, currencies or scopes.

        Accounts of a group and of its parent alone are two sets, whatever name stands over them.
        """
        pairs = ((self.currency, other.currency), (self.scope, other.scope), (self.name, other.name))
        return all(ours is None or theirs is None or ours == theirs for ours, theirs in pairs)

    def join(self, other: _Group) -> None:
        """Take in a group that agrees."""
        self.members += other.members
        self.currency = other.currency if self.currency is None else self.currency
        self.scope = other.scope if self.scope is None else self.scope
        self.name = other.name if self.name is None else self.name


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
    marks = [marks_of(one.financial or Financial()) if one.marks is None else one.marks for one in analysed]
    owner = np.repeat(np.arange(len(marks)), [len(each) for each in marks])
    every = np.concatenate([*marks, np.empty(0, np.int64)])
    for period in np.unique(every >> MARK_BITS):
        there = every >> MARK_BITS == period
        yield from _sharing_a_period(every[there], owner[there], len(marks))


def _sharing_a_period(
    marks: npt.NDArray[np.int64], owner: npt.NDArray[np.int64], documents: int
) -> Iterator[tuple[int, int]]:
    """Yield pairs of documents that have SHARED marks in common; of very many with one mark, the others are only compared with the first.

    By chance two documents of many thousands have a mark in common, and so the pairs are counted some documents at a time.
    """
    order_ = np.lexsort((owner, marks))
    marks, owner = marks[order_], owner[order_]
    begins = np.flatnonzero(np.concatenate([[True], marks[1:] != marks[:-1]]))
    begin = np.repeat(begins, np.diff([*begins, len(marks)]))  # of the run of equal marks, for each place
    place = np.arange(len(marks)) - begin
    far = np.flatnonzero(place >= NEAR)
    parts = 1 + len(marks) // AT_ONCE
    for part in range(parts):
        chosen = np.flatnonzero(owner % parts == part)
        others = far[owner[begin[far]] % parts == part]
        pairs = [owner[begin[others]] * documents + owner[others]]
        for step in range(1, NEAR):
            left = chosen[: np.searchsorted(chosen, len(marks) - step)]
            left = left[(begin[left] == begin[left + step]) & (place[left + step] < NEAR)]
            pairs.append(owner[left] * documents + owner[left + step])
        found, count = np.unique(np.concatenate(pairs), return_counts=True)
        yield from (divmod(int(pair), documents) for pair in found[count >= SHARED])


def _company(group: Sequence[Analysed], name: str) -> Company:
    """Make a company of its documents, the one that reaches furthest first."""
    currencies = [one.financial.currency for one in group if one.financial and one.financial.currency]
    firm = Company(name, (currencies or [""])[0])
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
            firm.metrics.setdefault(_key(metric.metric, metric.period), metric)
    return firm


def _reach(one: Analysed) -> tuple[int, int, int, str]:
    periods = one.financial.periods if one.financial else ()
    return max((order(period) for period in periods), default=(0, 0, 0, ""))


@lru_cache(maxsize=10_000)
def _key(name: str, period: str) -> tuple[str, str]:
    """Return one pair for all companies that have a figure of this name."""
    return name, period


def _enter(firm: Company, figure: Figure, entry: Entry) -> None:
    known = firm.figures.setdefault(_key(figure.item, figure.period), Sourced(figure, entry))
    used, other = float(known.figure.value), float(figure.value)
    if known.entry is not entry and abs(used - other) > ROUNDING * abs(used):
        conflict = Conflict(figure.item, figure.period, known.figure, figure, entry.path)
        firm.conflicts.append((conflict, known.entry))
