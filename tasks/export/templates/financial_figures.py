"""The main tables of the financial template: figures over the years, and metrics with their lights."""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.platypus import Flowable

from tasks.export import finance, style
from tasks.export.companies import Company
from tasks.export.layout import Heading, Prose
from tasks.export.table import Cell, Column, Row, Table
from tasks.export.templates.financial_units import Unit, change, shown
from tasks.export.text import link
from tasks.export.words import Words

ACROSS = 6  # periods side by side in a table

Story = list[Flowable]


def key_figures(firm: Company, unit: Unit, words: Words) -> Story:
    """Return every figure by statement and period, with its change from the period before and since the first."""
    story: Story = [Heading(words("key_figures"), 2), Prose(words("amounts_in", unit=unit.name), style.SMALL, "muted")]
    for periods in (*chunks(firm.years), *chunks(firm.quarters)):
        story.append(_figure_table(firm, periods, unit, words))
    return story


def chunks(periods: Sequence[str]) -> list[Sequence[str]]:
    """Return periods in tables of at most ACROSS and of about equal width, the latest first."""
    tables = -(-len(periods) // ACROSS)
    size = -(-len(periods) // tables) if tables else 1
    return [periods[max(0, stop - size) : stop] for stop in range(len(periods), 0, -size)]


def _figure_table(firm: Company, periods: Sequence[str], unit: Unit, words: Words) -> Table:
    columns = [Column(words("item"), least=105), *(Column(period, "number") for period in periods)]
    bases = [periods[-2]] if len(periods) > 1 else []
    bases += [periods[0]] if len(periods) > 2 else []
    columns += [Column(words("since", period=base), "number") for base in bases]
    rows: list[Row] = []
    for statement, items in statements(firm):
        present = [item for item in items if any((item, period) in firm.figures for period in periods)]
        if present:
            rows.append(Row((words(statement), *[""] * (len(columns) - 1)), group=True))
            rows += [_figure_row(firm, item, periods, bases, unit, words) for item in present]
    return Table(columns, rows, most=2)


def statements(firm: Company) -> list[tuple[str, Sequence[str]]]:
    """Return items by statement in their usual order; those that are not canonical come last."""
    known = {item for items in finance.STATEMENTS.values() for item in items}
    rest = tuple(sorted({item for item, _ in firm.figures} - known))
    return [*finance.STATEMENTS.items(), ("other_figures", rest)]


def _figure_row(
    firm: Company, item: str, periods: Sequence[str], bases: Sequence[str], unit: Unit, words: Words
) -> Row:
    values = [firm.value(item, period) for period in periods]
    cells: list[str | Cell] = [finance.item_name(item, words.language)]
    cells += [_linked(firm, item, period, unit, words) for period in periods]
    for base in bases:
        moved = change(values[-1], firm.value(item, base))
        cells.append(Cell(words.format.percent(moved, sign=True), tone="muted"))
    return Row(tuple(cells), strong=item in finance.TOTALS)


def _linked(firm: Company, item: str, period: str, unit: Unit, words: Words) -> str | Cell:
    """Return a figure that opens its document at its page, set as plain text: a table of blue numbers reads badly."""
    found = firm.figures.get((item, period))
    if found is None:
        return words.format.decimal(None)
    text = unit.show(float(found.figure.value), words)
    return Cell(text, link(found.entry.path, found.figure.page), tone="plain")


def metrics(firm: Company, unit: Unit, words: Words) -> Story:
    """Return the metrics of the latest three years, with a light for the latest and what each says."""
    periods = sorted({period for _, period in firm.metrics} & set(firm.years), key=firm.years.index)[-3:]
    if not periods:
        return []
    columns = [
        Column(words("metric"), least=100),
        *(Column(period, "number") for period in periods),
        Column(words("assessment"), least=56),
        Column(words("what_it_says"), least=120),
    ]
    rows: list[Row] = []
    for group, names in metric_groups(firm):
        present = [name for name in names if any((name, period) in firm.metrics for period in periods)]
        if present:
            rows.append(Row((words(group), *[""] * (len(columns) - 1)), group=True))
            rows += [_metric_row(firm, name, periods, unit, words) for name in present]
    return [
        Heading(words("metrics"), 2),
        Table(columns, rows, most=4),
        Prose(words("lights_note"), style.SMALL, "muted"),
    ]


def metric_groups(firm: Company) -> list[tuple[str, Sequence[str]]]:
    """Return metrics by what they speak of; those that are not canonical come last."""
    rest = tuple(sorted({name for name, _ in firm.metrics} - set(finance.BY_NAME)))
    return [*((group, tuple(names)) for group, names in finance.MEASURES.items()), ("other_metrics", rest)]


def _metric_row(firm: Company, name: str, periods: Sequence[str], unit: Unit, words: Words) -> Row:
    found = [firm.metrics.get((name, period)) for period in periods]
    latest = next((metric for metric in reversed(found) if metric), None)
    light = finance.light(name, latest.value) if latest else ""
    return Row(
        (
            finance.metric_name(name, words.language),
            *(shown(metric, unit, words) for metric in found),
            Cell(words(light), mark=light) if light else "",
            Cell(finance.meaning(name, words.language), tone="muted"),
        )
    )
