"""Template `executive`: one page: how many documents there are, how the companies do, what needs attention.

It must stay on one page whatever the collection holds, so each part has a fixed share of rows and every cell one line;
what does not fit is counted, and a last check drops the least important parts until the rest fits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reportlab.graphics.shapes import Drawing
from reportlab.platypus import Flowable

from tasks.export import finance, style
from tasks.export.charts import Chart, Series, bars, beside, columns, half
from tasks.export.companies import Company, one_by_one
from tasks.export.layout import Heading, Prose, Space, Tile, Tiles, total_height
from tasks.export.parts import counts, finish, nothing
from tasks.export.records import Analysed, Intake, Material, leading_figures
from tasks.export.report import Report, TitleBlock
from tasks.export.table import Cell, Column, Row, Table
from tasks.export.templates.analysis import SIGNS
from tasks.export.text import clean, shorten
from tasks.export.words import Words

ITEMS = frozenset({"revenue", "value_of_production", "net_income"})
METRICS = frozenset({"revenue_growth", "operating_margin", *finance.LEADING})
NAME = "executive"
DESCRIPTION = "one page: documents, companies, tone, and what needs attention"
INTAKE = Intake(lean=lambda one: leading_figures(one, ITEMS, METRICS))
FIRMS = 8
NEEDS = 6

Story = list[Flowable]


def compose(material: Material, words: Words) -> Report:
    """Return one page on the collection."""
    title = words("executive_title")
    if not material.entries:
        return finish(title, material, nothing(words, "none_indexed"), words, contents=False)
    firms, count, unsound = _survey(material.analysed, words)
    parts = [
        [Tiles(_tiles(material, words))],
        _attention(material, unsound, words),
        _firms(firms, count, words),
        _charts(material, firms, words),
    ]
    report = finish(title, material, (), words, contents=False)
    room = style.HEIGHT - total_height([TitleBlock(report.title, report.subtitle)], style.WIDTH)
    kept: list[Story] = []
    for part in parts:  # in order of importance
        height = total_height(part, style.WIDTH)
        if part and height <= room:
            kept.append(part)
            room -= height
    shown = [part for part in (parts[0], parts[2], parts[3], parts[1]) if any(part is one for one in kept)]
    return finish(title, material, [piece for part in shown for piece in part], words, contents=False)


def _tiles(material: Material, words: Words) -> list[Tile]:
    show, entries = words.format, material.entries
    failed = sum(entry.state == "quarantined" for entry in entries)
    analysed = sum(bool(one.financial or one.sentiment or one.reading or one.classes) for one in material.analysed)
    return [
        Tile(show.integer(len(entries)), words("documents")),
        Tile(show.integer(sum(entry.pages for entry in entries)), words("pages")),
        Tile(show.integer(analysed), words("analysed"), words("of_total", total=show.integer(len(entries)))),
        Tile(
            show.integer(failed),
            words("quarantined"),
            words("need_attention" if failed else "all_well"),
            "poor" if failed else "good",
        ),
    ]


def _survey(analysed: Sequence[Analysed], words: Words) -> tuple[list[Company], int, list[str]]:
    """Return the largest companies, how many there are, and what is wrong with which; only the largest are held at a time."""
    largest: list[Company] = []
    lines: list[str] = []
    count = 0
    for firm in one_by_one(analysed):
        count += 1
        largest.append(firm)
        if len(largest) >= 10 * FIRMS:
            largest = _ranked(largest)[:FIRMS]
        lines += _unsound(firm, words)
    return _ranked(largest)[:FIRMS], count, lines


def _firms(firms: Sequence[Company], count: int, words: Words) -> Story:
    if not firms:
        return []
    name = finance.item_name
    columns_ = [
        Column(words("company"), least=110),
        Column(words("period"), "number"),
        Column(name("revenue", words.language), "number"),
        Column(words("growth"), "number"),
        Column(finance.metric_name("operating_margin", words.language), "number"),
        Column(name("net_income", words.language), "number"),
        Column(words("assessment"), least=60),
    ]
    story: Story = [Heading(words("companies"), 2), Table(columns_, [_firm(firm, words) for firm in firms], most=1)]
    if count > len(firms):
        story.append(Prose(words("more_rows", count=words.format.integer(count - len(firms))), style.SMALL, "muted"))
    return story


def _ranked(firms: Sequence[Company]) -> list[Company]:
    return sorted(firms, key=lambda firm: -(firm.value("revenue", firm.years[-1]) or 0.0))


def _firm(firm: Company, words: Words) -> Row:
    show, year = words.format, firm.years[-1]
    revenue = firm.value("revenue", year)
    revenue = firm.value("value_of_production", year) if revenue is None else revenue
    verdict = _verdict(firm, year)
    return Row(
        (
            firm.name,
            year,
            show.money(revenue, firm.currency),
            show.percent(firm.measured("revenue_growth", year), sign=True),
            show.percent(firm.measured("operating_margin", year)),
            show.money(firm.value("net_income", year), firm.currency),
            Cell(words(verdict), mark=verdict) if verdict else "–",
        )
    )


def _lights(firm: Company, year: str) -> dict[str, str]:
    """Return the lights of the leading metrics of a year."""
    found = {name: firm.measured(name, year) for name in finance.LEADING}
    lights = {name: finance.light(name, value) for name, value in found.items() if value is not None}
    return {name: light for name, light in lights.items() if light}


def _verdict(firm: Company, year: str) -> str:
    """Return one light for a company: weak when a third of its leading metrics are, sound when most are and none is weak."""
    lights = list(_lights(firm, year).values())
    if not lights:
        return ""
    if lights.count("poor") * 3 >= len(lights):
        return "poor"
    return "good" if "poor" not in lights and lights.count("good") * 2 > len(lights) else "fair"


def _charts(material: Material, firms: Sequence[Company], words: Words) -> Story:
    width, show = half(style.WIDTH), words.format
    types = counts([entry.format.upper() for entry in material.entries], words)
    left = bars(words("by_type"), types, width, show.integer, 6, words("other"))
    tones = Counter(one.sentiment.label for one in material.analysed if one.sentiment and not one.sentiment.reason)
    right = bars(
        words("tone_of_documents"), [(words(label), float(tones[label])) for label in SIGNS], width, show.integer
    )
    if right is None and firms:
        right = _trend(firms[0], width, words)
    chart = beside(left, right, style.WIDTH)
    return [Space(6), chart, Space(6)] if chart is not None else []


def _trend(firm: Company, width: float, words: Words) -> Drawing | None:
    years = firm.years[-6:]
    series = [
        Series(finance.item_name(item, words.language), [firm.value(item, year) for year in years])
        for item in ("revenue", "net_income")
    ]
    return columns(Chart(shorten(firm.name, 60), years, series, width, words.format.money, 120))


def _attention(material: Material, unsound: Sequence[str], words: Words) -> Story:
    lines = [*_failing(material, words), *unsound]
    errors = sum(len(one.failures) for one in material.analysed)
    if errors:
        lines.append(words("attention_analyses", count=words.format.integer(errors)))
    story: Story = [Heading(words("attention"), 2)]
    if not lines:
        return [*story, Prose(words("nothing_needed"))]
    rows = [Row((Cell(line, mark="poor"),)) for line in lines[:NEEDS]]
    story.append(Table([Column("")], rows, most=2))
    if len(lines) > NEEDS:
        story.append(Prose(words("more_rows", count=words.format.integer(len(lines) - NEEDS)), style.SMALL, "muted"))
    return story


def _failing(material: Material, words: Words) -> list[str]:
    failed = [entry for entry in material.entries if entry.state == "quarantined"]
    lines = []
    for kind, count in Counter(entry.kind for entry in failed).most_common(3):
        message = next(entry.message for entry in failed if entry.kind == kind)
        lines.append(
            words(
                "attention_failures",
                count=words.format.integer(count),
                kind=words.kind(kind),
                message=shorten(clean(message), 160),
            )
        )
    return lines


def _unsound(firm: Company, words: Words) -> list[str]:
    lines = []
    broken = sum(not check.passed for check in firm.checks)
    name = shorten(firm.name, 60)
    if broken:
        lines.append(words("attention_checks", company=name, count=words.format.integer(broken)))
    weak = [metric for metric, light in _lights(firm, firm.years[-1]).items() if light == "poor"]
    if weak:
        names = ", ".join(finance.metric_name(metric, words.language) for metric in weak[:4])
        lines.append(words("attention_weak", company=name, metrics=names))
    return lines
