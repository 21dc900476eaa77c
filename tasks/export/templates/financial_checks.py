"""The tables of the financial template by which a reader checks it: checks, contradictions, pages, formulas."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reportlab.platypus import Flowable

from tasks.export import finance, style
from tasks.export.companies import Company, order
from tasks.export.layout import Heading, Prose
from tasks.export.parts import page_cell, source
from tasks.export.table import Cell, Column, Row, Table
from tasks.export.templates.financial_figures import chunks, metric_groups, statements
from tasks.export.templates.financial_units import Unit
from tasks.export.text import name
from tasks.export.words import Words
from tasks.figures import Check, Metric

_OF = re.compile(r"^(avg|prior)\((\w+)\)$")

Story = list[Flowable]


def checks(firm: Company, unit: Unit, words: Words) -> Story:
    """Return the checks of the statements against themselves, and figures that two places give differently."""
    story: Story = [Heading(words("checks"), 2)]
    if firm.checks:
        story += [_check_table(firm, periods, unit, words) for periods in chunks(_checked(firm))]
    else:
        story.append(Prose(words("no_checks")))
    if firm.conflicts:
        story += [Heading(words("conflicts"), 3), _conflicts(firm, unit, words)]
    return story


def _checked(firm: Company) -> list[str]:
    return sorted({check.period for check in firm.checks}, key=order)


def _check_table(firm: Company, periods: Sequence[str], unit: Unit, words: Words) -> Table:
    """Return a check a line, a period a column: it holds, or by how much it does not."""
    results = {(check.message or words.kind(check.name), check.period): check for check in firm.checks}
    columns = [Column(words("check"), least=150), *(Column(period, least=58) for period in periods)]
    rows = [
        Row((name, *(_check(results.get((name, period)), unit, words) for period in periods)))
        for name in dict.fromkeys(name for name, _ in results)
    ]
    return Table(columns, rows, most=3)


def _check(check: Check | None, unit: Unit, words: Words) -> str | Cell:
    if check is None:
        return "–"
    if check.passed:
        return Cell(words("holds"), mark="good")
    return Cell(words("fails_by", value=unit.show(check.difference, words)), mark="poor")


def _conflicts(firm: Company, unit: Unit, words: Words) -> Table:
    """Return the value that the report uses and the one that stands elsewhere, each with its page."""
    columns = [
        Column(words("item"), least=110),
        Column(words("period")),
        Column(words("used"), "number"),
        Column(words("page"), "number"),
        Column(words("elsewhere"), "number"),
        Column(words("page"), "number"),
        Column(words("document"), least=80),
    ]
    rows = []
    for conflict, entry in firm.conflicts:
        other = next((one for one in firm.entries if one.path == conflict.other_path), entry)
        rows.append(
            Row(
                (
                    finance.item_name(conflict.item, words.language),
                    conflict.period,
                    unit.show(float(conflict.reported.value), words),
                    page_cell(entry, conflict.reported.page),
                    unit.show(float(conflict.other.value), words),
                    page_cell(other, conflict.other.page),
                    source(other),
                )
            )
        )
    return Table(columns, rows, most=2)


def sources(firm: Company, words: Words) -> Story:
    """Return for each figure the page it stands on, as a link; letters tell the documents apart where there are several."""
    letters = (
        {entry.path: _letter(number) for number, entry in enumerate(firm.entries)} if len(firm.entries) > 1 else {}
    )
    legend = " · ".join(f"{letter} = {name(path)}" for path, letter in letters.items())
    story: Story = [
        Heading(words("where_figures"), 2),
        Prose(words("where_note", documents=legend), style.SMALL, "muted"),
    ]
    for periods in (*chunks(firm.years), *chunks(firm.quarters)):
        columns = [Column(words("item"), least=90), Column(words("label_in_document"), least=110)]
        columns += [Column(period, "number") for period in periods]
        rows = [
            _source_row(firm, item, periods, letters, words)
            for _, items in statements(firm)
            for item in items
            if any((item, period) in firm.figures for period in periods)
        ]
        story.append(Table(columns, rows, most=3))
    return story


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"A{number}"


def _source_row(firm: Company, item: str, periods: Sequence[str], letters: dict[str, str], words: Words) -> Row:
    found = [firm.figures.get((item, period)) for period in periods]
    label = next((one.figure.label for one in reversed(found) if one and one.figure.label), "–")
    cells: list[str | Cell] = []
    for one in found:
        page = words.format.integer(one.figure.page or None) if one else ""
        place = f"{letters.get(one.entry.path, '')} {page}".strip() if one else ""
        cells.append(source(one.entry, one.figure.page, place) if one and place else "")
    return Row((finance.item_name(item, words.language), label, *cells))


def formulas(firm: Company, words: Words) -> Story:
    """Return the formula and inputs of each metric in its latest year."""
    latest: dict[str, Metric] = {}
    for period in firm.years:
        latest.update({name: metric for (name, at), metric in firm.metrics.items() if at == period})
    if not latest:
        return []
    columns = [
        Column(words("metric"), least=95),
        Column(words("period")),
        Column(words("formula"), least=120),
        Column(words("inputs"), least=130),
    ]
    rows = [
        Row(
            (
                finance.metric_name(name, words.language),
                latest[name].period,
                latest[name].formula or "–",
                "; ".join(f"{_input(item, words)} {words.format.money(value)}" for item, value in latest[name].inputs)
                or "–",
            )
        )
        for _, names in metric_groups(firm)
        for name in names
        if name in latest
    ]
    return [Heading(words("how_computed"), 2), Table(columns, rows)]


def _input(name: str, words: Words) -> str:
    """Return an input of a formula in words, `avg(inventory)` and `prior(revenue)` included."""
    match = _OF.match(name)
    if not match:
        return finance.item_name(name, words.language)
    key = "prior" if match[1] == "prior" else "average"
    return words(key, item=finance.item_name(match[2], words.language))
