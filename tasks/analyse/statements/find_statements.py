"""Which tables of a document are its primary statements.

Every table is scored on the lines that only one kind of statement has (anchors), on how many items it names, on the
title near it, and against the look-alikes of an annual report: selected data, quarterly results, segments, parent-only
and pro-forma statements. A statement may lie in several tables (assets and liabilities, a continuation on the next
page), so runs of neighbouring tables compete with single ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.analyse.statements.match_labels import canonical, match_anchors, match_items, plain
from tasks.analyse.statements.read_grids import Grid, Line
from tasks.analyse.statements.read_periods import Period
from tasks.analyse.statements.wordings import (
    CONSOLIDATED,
    ESSENTIAL,
    NOT_PRIMARY,
    PARENT_ONLY,
    STATEMENTS,
    TITLES,
    StatementKind,
)

LONGEST_RUN = 4
"""Most tables that one statement is put together from."""

_SQUEEZED = {kind: re.compile(TITLES[kind].pattern.replace(" ?", "").replace(" ", "")) for kind in STATEMENTS}


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that was found: its tables in order and how sure it is (`score`)."""

    kind: StatementKind
    grids: tuple[Grid, ...]
    score: float

    @property
    def pages(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(page for grid in self.grids for page in grid.pages))

    @property
    def lines(self) -> list[Line]:
        return [line for grid in self.grids for line in grid.lines]


@dataclass(frozen=True, slots=True)
class _Hits:
    anchors: frozenset[str]
    items: frozenset[str]


def find_statements(grids: Sequence[Grid]) -> dict[StatementKind, list[Statement]]:
    """Return all runs of tables that may be each statement, best first; an absent kind has an empty list."""
    found: dict[StatementKind, list[Statement]] = {}
    for kind in STATEMENTS:
        hits = [_hits(grid, kind) for grid in grids]
        candidates = [run for start in range(len(grids)) for run in _runs(grids, hits, start, kind)]
        found[kind] = _distinct(sorted(candidates, key=lambda statement: (-statement.score, statement.grids[0].order)))
    return _together(found)


def _hits(grid: Grid, kind: StatementKind) -> _Hits:
    anchors = {anchor for norm in grid.norms for anchor in match_anchors(norm, kind)}
    anchors |= {
        anchor for line in grid.lines if line.joined != line.norm for anchor in match_anchors(line.joined, kind)
    }
    if kind == "income_statement":  # `Revenue:` over its parts, with a total that has no label
        sections = {canonical(line.section) for line in grid.lines}
        anchors |= {anchor for norm in sections for anchor in match_anchors(norm, kind) if anchor == "top"}
    items = {item for norm in grid.norms for item, _ in match_items(norm, kind)}
    return _Hits(frozenset(anchors), frozenset(items))


def _runs(grids: Sequence[Grid], hits: Sequence[_Hits], start: int, kind: StatementKind) -> list[Statement]:
    """Return the runs that begin at one table and hold what the statement must have."""
    if len(hits[start].anchors) + len(hits[start].items) < 2:
        return []
    runs, anchors, items, repeats = [], set[str](), set[str](), 0
    pieces: list[Grid] = []
    for end in range(start, min(start + LONGEST_RUN, len(grids))):
        if end > start and not _continues(grids[end - 1], grids[end], hits[end]):
            break
        pieces.append(_aligned(grids[end], grids[start].periods))
        fresh = len(hits[end].items - items) + len(hits[end].anchors - anchors)
        repeats += len(items & hits[end].items) + (2 if end > start and fresh < 2 else 0)
        anchors |= hits[end].anchors
        items |= hits[end].items
        if any(essential <= anchors for essential in ESSENTIAL[kind]):
            run = tuple(pieces)
            score = 3 * len(anchors) + len(items) - 2.5 * repeats - 0.75 * (end - start) + _setting(run, kind)
            runs.append(Statement(kind, run, score))
    return runs


def _continues(before: Grid, after: Grid, hits: _Hits) -> bool:
    """Tell whether a table may go on with the statement of the one before it: near, about it, over the same periods."""
    near = 0 <= after.page - before.pages[-1] <= 1 and after.order - before.order <= 2
    ends = {period.end or period.year for period in before.periods}
    same = bool(ends & {period.end or period.year for period in after.periods})
    lengths = {period.months for period in (*before.periods, *after.periods)} - {None}
    return near and same and len(lengths) <= 1 and len(hits.anchors) + len(hits.items) >= 1


def _aligned(grid: Grid, periods: Sequence[Period]) -> Grid:
    """Return a grid with its values in the order of these periods: a continuation may have its columns the other way round."""
    columns = [next((i for i, own in enumerate(grid.periods) if _same(own, wanted)), None) for wanted in periods]
    if columns == list(range(len(grid.periods))):
        return grid
    lines = tuple(
        replace(line, values=tuple(None if column is None else line.values[column] for column in columns))
        for line in grid.lines
    )
    own = (wanted if column is None else grid.periods[column] for column, wanted in zip(columns, periods, strict=True))
    return replace(grid, periods=tuple(own), lines=lines)


def _same(one: Period, other: Period) -> bool:
    """Tell whether two heads mean one period, as far as both say it."""
    same_end = one.end == other.end if one.end and other.end else one.year == other.year
    return same_end and (one.months == other.months or None in (one.months, other.months))


def _setting(run: Sequence[Grid], kind: StatementKind) -> float:
    """Return what the words around the tables say: the title of the statement speaks for it, a look-alike's against."""
    near = plain(" ".join(f"{grid.context[-500:]} {grid.head[:300]}" for grid in run[:1]))
    section = plain(run[0].section)
    score = 0.0
    score += 6 if _titled(near, kind) else 2 if _titled(section, kind) else 0
    score += 4 if CONSOLIDATED.search(near) else 2 if CONSOLIDATED.search(section) else 0
    score -= 9 if NOT_PRIMARY.search(near) else 5 if NOT_PRIMARY.search(section) else 0
    score -= 6 if PARENT_ONLY.search(near) or PARENT_ONLY.search(section) else 0
    return score + _shape(run, kind)


def _titled(text: str, kind: StatementKind) -> bool:
    """Find a title without regard to blanks: PDF text layers tear off letters (`Balance Shee t`)."""
    return bool(_SQUEEZED[kind].search(text.replace(" ", "")))


def _shape(run: Sequence[Grid], kind: StatementKind) -> float:
    """Judge the shape: primary statements show two or three yearly columns and many lines; selected data five years or quarters."""
    periods = run[0].periods
    years = {period.fiscal or period.year for period in periods}
    annual = any(period.months in (None, 12) for period in periods)
    score = 1.0 if annual else 0.0
    score += 1.0 if 2 <= len(periods) <= 3 else -4.0 if len(periods) >= 5 else 0.0
    if kind != "balance_sheet" and len(periods) > len(years) and len(periods) >= 4:
        score -= 6 if len(periods) > 4 else 0
    return score + min(sum(len(grid.lines) for grid in run), 30) / 10


def _distinct(candidates: list[Statement]) -> list[Statement]:
    """Choose runs that share no table with a better one."""
    kept: list[Statement] = []
    taken: set[int] = set()
    for candidate in candidates:
        orders = {grid.order for grid in candidate.grids}
        if not orders & taken:
            kept.append(candidate)
            taken |= orders
    return kept


def _together(found: dict[StatementKind, list[Statement]]) -> dict[StatementKind, list[Statement]]:
    """Judge nearness to the best of the other kinds: primary statements stand within a few pages of each other."""
    best = {kind: candidates[0] for kind, candidates in found.items() if candidates}
    ordered: dict[StatementKind, list[Statement]] = {}
    for kind, candidates in found.items():
        others = [statement.pages[0] for other, statement in best.items() if other != kind]
        rescored = [
            Statement(kind, item.grids, item.score + 1.5 * sum(abs(item.pages[0] - page) <= 4 for page in others))
            for item in candidates
        ]
        ordered[kind] = sorted(rescored, key=lambda statement: (-statement.score, statement.grids[0].order))
    return ordered
