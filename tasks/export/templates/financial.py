"""Template `financial`: for each company its figures over the years, its metrics with their lights, charts and checks.

Every figure carries the page it was read from, as a link, and every metric its formula and inputs: a reader can check
the report against the documents. Intake financial analyses; without any it says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.platypus import Flowable, PageBreak

from tasks.export import finance
from tasks.export.companies import Company, companies
from tasks.export.crops import Crops
from tasks.export.layout import Heading, Prose, Tile, Tiles
from tasks.export.parts import finish, left_out, nothing, source, source_line
from tasks.export.records import CHAPTERS, Analysed, Material
from tasks.export.report import Report
from tasks.export.table import Column, Row, Table
from tasks.export.templates.financial_charts import charts
from tasks.export.templates.financial_checks import checks, formulas, sources
from tasks.export.templates.financial_crops import crops
from tasks.export.templates.financial_figures import key_figures, metrics
from tasks.export.templates.financial_units import change, unit_of
from tasks.export.words import Words

NAME = "financial"
DESCRIPTION = "figures over the years, metrics with traffic lights, charts and checks, company by company"
INTAKE = CHAPTERS

Story = list[Flowable]


def compose(material: Material, words: Words) -> Report:
    """Return the story of all companies of a collection, then the documents in which no figure was found."""
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
        story += _chapter(firm, material.crops, words)
    if silent:
        story += _without(silent, words)
    return finish(words("financial_title"), material, [*left_out(material, words), *story], words)


def _chapter(firm: Company, pictures: Crops, words: Words) -> Story:
    unit = unit_of(firm, words)
    story: Story = [Heading(firm.name)]
    story += [source_line(entry, words) for entry in firm.entries]
    story += _opening(firm, words)
    story += key_figures(firm, unit, words)
    story += charts(firm, unit, words)
    story += metrics(firm, unit, words)
    story += checks(firm, unit, words)
    story += sources(firm, words)
    story += crops(firm, pictures, unit, words)
    story += formulas(firm, words)
    return story


# -- the beginning ----------------------------------------------------------------------------------------------------
def _overview(firms: Sequence[Company], words: Words) -> Story:
    show = words.format
    columns = [
        Column(words("company"), least=110),
        Column(words("latest_year"), "number"),
        Column(finance.item_name("revenue", words.language), "number"),
        Column(finance.metric_name("revenue_growth", words.language), "number"),
        Column(finance.metric_name("operating_margin", words.language), "number"),
        Column(finance.item_name("net_income", words.language), "number"),
    ]
    rows = []
    for firm in firms:
        year = firm.years[-1]
        rows.append(
            Row(
                (
                    firm.name,
                    year,
                    show.money(_revenue(firm, year), firm.currency),
                    show.percent(firm.measured("revenue_growth", year), sign=True),
                    show.percent(firm.measured("operating_margin", year)),
                    show.money(firm.value("net_income", year), firm.currency),
                )
            )
        )
    return [Heading(words("overview")), Table(columns, rows, most=2)]


def _revenue(firm: Company, year: str) -> float | None:
    revenue = firm.value("revenue", year)
    return revenue if revenue is not None else firm.value("value_of_production", year)


def _opening(firm: Company, words: Words) -> Story:
    year = firm.years[-1]
    tiles = [
        Tile(
            words.format.money(firm.value(item, year), firm.currency),
            finance.item_name(item, words.language),
            _since(firm, item, words),
        )
        for item in (
            "revenue",
            "value_of_production",
            "operating_income",
            "net_income",
            "total_assets",
            "operating_cash_flow",
            "shareholders_equity",
        )
        if firm.value(item, year) is not None
    ][:4]
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


def _without(silent: Sequence[Analysed], words: Words) -> Story:
    rows = [
        Row((source(one.entry), (one.financial.reason if one.financial else "") or words("no_figures")))
        for one in silent
    ]
    columns = [Column(words("document"), least=120), Column(words("reason"), least=160)]
    return [Heading(words("without_figures")), Table(columns, rows)]
