"""Template `financial`: for each company its figures over the years, its metrics with their lights, charts and checks.

Every figure carries the page it was read from, as a link, and every metric its formula and inputs: a reader can check
the report against the documents. Needs financial analyses; without any it says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reportlab.platypus import Flowable, PageBreak

from tasks.export import finance, style
from tasks.export.companies import Company, companies, order
from tasks.export.layout import Heading, Prose, Tile, Tiles
from tasks.export.parts import finish, nothing, page_cell, source, source_line
from tasks.export.records import Analysed, Check, Material, Metric
from tasks.export.report import Report
from tasks.export.table import Cell, Column, Row, Table
from tasks.export.templates.financial_charts import charts
from tasks.export.templates.financial_units import Unit, change, shown, unit_of
from tasks.export.text import link, name
from tasks.export.words import Words

NAME = "financial"
DESCRIPTION = "figures over the years, metrics with traffic lights, charts and checks, company by company"
ACROSS = 6  # periods side by side in a table

_OF = re.compile(r"^(avg|prior)\((\w+)\)$")

Story = list[Flowable]


def compose(material: Material, words: Words) -> Report:
    """The story of all companies of a collection, then the documents in which no figure was found."""
    firms = companies(material.analysed)
    silent = [one for one in material.analysed if one.financial and not one.financial.figures]
    story: Story = []
    if not firms and not silent:
        story = nothing(words, "no_financial" if material.entries else "none_indexed")
    if len(firms) > 1:
        story += _overview(firms, words)
    for number, firm in enumerate(firms):
        if number or len(firms) > 1:
            story.append(PageBreak())
        story += _chapter(firm, words)
    if silent:
        story += _without(silent, words)
    return finish(words("financial_title"), material, story, words)


def _chapter(firm: Company, words: Words) -> Story:
    unit = unit_of(firm, words)
    story: Story = [Heading(firm.name)]
    story += [source_line(entry, words) for entry in firm.entries]
    story += _opening(firm, words)
    story += _key_figures(firm, unit, words)
    story += charts(firm, unit, words)
    story += _metrics(firm, unit, words)
    story += _checks(firm, unit, words)
    story += _sources(firm, words)
    story += _formulas(firm, words)
    return story


# -- the beginning ----------------------------------------------------------------------------------------------------
def _overview(firms: Sequence[Company], words: Words) -> Story:
    show = words.format
    columns = [
        Column(words("company"), least=110), Column(words("latest_year"), "number"),
        Column(finance.item_name("revenue", words.language), "number"),
        Column(finance.metric_name("revenue_growth", words.language), "number"),
        Column(finance.metric_name("operating_margin", words.language), "number"),
        Column(finance.item_name("net_income", words.language), "number"),
    ]  # fmt: skip
    rows = []
    for firm in firms:
        year = firm.years[-1]
        rows.append(Row((
            firm.name, year, show.money(_revenue(firm, year), firm.currency),
            show.percent(firm.measured("revenue_growth", year), sign=True),
            show.percent(firm.measured("operating_margin", year)),
            show.money(firm.value("net_income", year), firm.currency),
        )))  # fmt: skip
    return [Heading(words("overview")), Table(columns, rows, most=2)]


def _revenue(firm: Company, year: str) -> float | None:
    revenue = firm.value("revenue", year)
    return revenue if revenue is not None else firm.value("value_of_production", year)


def _opening(firm: Company, words: Words) -> Story:
    year = firm.years[-1]
    tiles = [
        Tile(words.format.money(firm.value(item, year), firm.currency), finance.item_name(item, words.language),
             _since(firm, item, words))
        for item in ("revenue", "value_of_production", "operating_income", "net_income", "total_assets",
                     "operating_cash_flow", "shareholders_equity")
        if firm.value(item, year) is not None
    ][:4]  # fmt: skip
    story: Story = [Tiles(tiles)] if tiles else []
    sentences = _sentences(firm, year, words)
    return story + ([Prose(" ".join(sentences))] if sentences else [])


def _since(firm: Company, item: str, words: Words) -> str:
    years = firm.years
    if len(years) < 2:
        return years[-1]
    moved = change(firm.value(item, years[-1]), firm.value(item, years[-2]))
    return years[-1] if moved is None else f"{years[-1]} · {words.format.percent(moved, sign=True)}"


def _sentences(firm: Company, year: str, words: Words) -> list[str]:
    show, sentences = words.format, []
    revenue, net = firm.value("revenue", year), firm.value("net_income", year)
    if revenue is not None:
        before = firm.years[-2] if len(firm.years) > 1 else ""
        moved = change(revenue, firm.value("revenue", before)) if before else None
        tail = (
            words("sentence_change", change=show.percent(moved, sign=True), before=before) if moved is not None else ""
        )
        sentences.append(words("sentence_revenue", period=year, value=show.money(revenue, firm.currency), change=tail))
    if net is not None:
        key = "sentence_loss" if net < 0 else "sentence_net"
        sentences.append(words(key, value=show.money(abs(net), firm.currency)))
    lights = [finance.light(name, metric.value) for (name, period), metric in firm.metrics.items() if period == year]
    lights = [light for light in lights if light]
    if lights:
        tally = {light: show.integer(lights.count(light)) for light in ("good", "fair", "poor")}
        sentences.append(words("sentence_lights", period=year, total=show.integer(len(lights)), **tally))
    return sentences


# -- figures ----------------------------------------------------------------------------------------------------------
def _key_figures(firm: Company, unit: Unit, words: Words) -> Story:
    story: Story = [Heading(words("key_figures"), 2), Prose(words("amounts_in", unit=unit.name), style.SMALL, "muted")]
    for periods in (*_chunks(firm.years), *_chunks(firm.quarters)):
        story.append(_figure_table(firm, periods, unit, words))
    return story


def _chunks(periods: Sequence[str]) -> list[Sequence[str]]:
    """Periods in tables of at most ACROSS and of about equal width, the latest first."""
    tables = -(-len(periods) // ACROSS)
    size = -(-len(periods) // tables) if tables else 1
    return [periods[max(0, stop - size) : stop] for stop in range(len(periods), 0, -size)]


def _figure_table(firm: Company, periods: Sequence[str], unit: Unit, words: Words) -> Table:
    columns = [Column(words("item"), least=105), *(Column(period, "number") for period in periods)]
    bases = [periods[-2]] if len(periods) > 1 else []
    bases += [periods[0]] if len(periods) > 2 else []
    columns += [Column(words("since", period=base), "number") for base in bases]
    rows: list[Row] = []
    for statement, items in _statements(firm):
        present = [item for item in items if any((item, period) in firm.figures for period in periods)]
        if present:
            rows.append(Row((words(statement), *[""] * (len(columns) - 1)), group=True))
            rows += [_figure_row(firm, item, periods, bases, unit, words) for item in present]
    return Table(columns, rows, most=2)


def _statements(firm: Company) -> list[tuple[str, Sequence[str]]]:
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
    """A figure that opens its document at its page, set as plain text: a table of blue numbers reads badly."""
    found = firm.figures.get((item, period))
    if found is None:
        return words.format.decimal(None)
    text = unit.show(found.figure.value, words)
    return Cell(text, link(found.entry.path, found.figure.page), tone="plain")


# -- metrics ----------------------------------------------------------------------------------------------------------
def _metrics(firm: Company, unit: Unit, words: Words) -> Story:
    periods = sorted({period for _, period in firm.metrics} & set(firm.years), key=firm.years.index)[-3:]
    if not periods:
        return []
    columns = [
        Column(words("metric"), least=100), *(Column(period, "number") for period in periods),
        Column(words("assessment"), least=56), Column(words("what_it_says"), least=120),
    ]  # fmt: skip
    rows: list[Row] = []
    for group, names in _metric_groups(firm):
        present = [name for name in names if any((name, period) in firm.metrics for period in periods)]
        if present:
            rows.append(Row((words(group), *[""] * (len(columns) - 1)), group=True))
            rows += [_metric_row(firm, name, periods, unit, words) for name in present]
    return [
        Heading(words("metrics"), 2),
        Table(columns, rows, most=4),
        Prose(words("lights_note"), style.SMALL, "muted"),
    ]


def _metric_groups(firm: Company) -> list[tuple[str, Sequence[str]]]:
    rest = tuple(sorted({name for name, _ in firm.metrics} - set(finance.BY_NAME)))
    return [*((group, tuple(names)) for group, names in finance.MEASURES.items()), ("other_metrics", rest)]


def _metric_row(firm: Company, name: str, periods: Sequence[str], unit: Unit, words: Words) -> Row:
    found = [firm.metrics.get((name, period)) for period in periods]
    latest = next((metric for metric in reversed(found) if metric), None)
    light = finance.light(name, latest.value) if latest else ""
    return Row((
        finance.metric_name(name, words.language),
        *(shown(metric, unit, words) for metric in found),
        Cell(words(light), mark=light) if light else "",
        Cell(finance.meaning(name, words.language), tone="muted"),
    ))  # fmt: skip


# -- checks and sources -----------------------------------------------------------------------------------------------
def _checks(firm: Company, unit: Unit, words: Words) -> Story:
    story: Story = [Heading(words("checks"), 2)]
    if firm.checks:
        story += [_check_table(firm, periods, unit, words) for periods in _chunks(_checked(firm))]
    else:
        story.append(Prose(words("no_checks")))
    if firm.conflicts:
        story += [Heading(words("conflicts"), 3), _conflicts(firm, unit, words)]
    return story


def _checked(firm: Company) -> list[str]:
    return sorted({check.period for check in firm.checks}, key=order)


def _check_table(firm: Company, periods: Sequence[str], unit: Unit, words: Words) -> Table:
    """A check a line, a period a column: it holds, or by how much it does not."""
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
    """The value that the report uses and the one that stands elsewhere, each with its page."""
    columns = [
        Column(words("item"), least=110), Column(words("period")), Column(words("used"), "number"),
        Column(words("page"), "number"), Column(words("elsewhere"), "number"), Column(words("page"), "number"),
        Column(words("document"), least=80),
    ]  # fmt: skip
    rows = []
    for conflict, entry in firm.conflicts:
        other = next((one for one in firm.entries if one.path == conflict.other_path), entry)
        rows.append(Row((
            finance.item_name(conflict.item, words.language), conflict.period, unit.show(conflict.used, words),
            page_cell(entry, conflict.used_page), unit.show(conflict.other, words),
            page_cell(other, conflict.other_page), source(other),
        )))  # fmt: skip
    return Table(columns, rows, most=2)


def _sources(firm: Company, words: Words) -> Story:
    """For each figure the page it stands on, as a link; letters tell the documents apart where there are several."""
    letters = (
        {entry.path: _letter(number) for number, entry in enumerate(firm.entries)} if len(firm.entries) > 1 else {}
    )
    legend = " · ".join(f"{letter} = {name(path)}" for path, letter in letters.items())
    story: Story = [Heading(words("where_figures"), 2),
                    Prose(words("where_note", documents=legend), style.SMALL, "muted")]  # fmt: skip
    for periods in (*_chunks(firm.years), *_chunks(firm.quarters)):
        columns = [Column(words("item"), least=90), Column(words("label_in_document"), least=110)]
        columns += [Column(period, "number") for period in periods]
        rows = [
            _source_row(firm, item, periods, letters, words)
            for _, items in _statements(firm)
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


def _formulas(firm: Company, words: Words) -> Story:
    latest: dict[str, Metric] = {}
    for period in firm.years:
        latest.update({name: metric for (name, at), metric in firm.metrics.items() if at == period})
    if not latest:
        return []
    columns = [Column(words("metric"), least=95), Column(words("period")), Column(words("formula"), least=120),
               Column(words("inputs"), least=130)]  # fmt: skip
    rows = [
        Row((finance.metric_name(name, words.language), latest[name].period, latest[name].formula or "–",
             "; ".join(f"{_input(item, words)} {words.format.money(value)}"
                       for item, value in latest[name].inputs) or "–"))
        for _, names in _metric_groups(firm) for name in names if name in latest
    ]  # fmt: skip
    return [Heading(words("how_computed"), 2), Table(columns, rows)]


def _input(name: str, words: Words) -> str:
    """An input of a formula in words, `avg(inventory)` and `prior(revenue)` included."""
    match = _OF.match(name)
    if not match:
        return finance.item_name(name, words.language)
    key = "prior" if match[1] == "prior" else "average"
    return words(key, item=finance.item_name(match[2], words.language))


def _without(silent: Sequence[Analysed], words: Words) -> Story:
    rows = [
        Row((source(one.entry), (one.financial.reason if one.financial else "") or words("no_figures")))
        for one in silent
    ]
    columns = [Column(words("document"), least=120), Column(words("reason"), least=160)]
    return [Heading(words("without_figures")), Table(columns, rows)]
