"""Charts and diagrams: what their programs stored is what stands there, and python-pptx reads the same."""

import datetime as dt
import io
from collections import Counter

import pptx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from infra.settings import Limits
from office import docx, p, parsed, part, relations, texts
from tasks.index.formats.base import Context
from tasks.index.read import read
from tasks.records import Parsed

DRAWN = "<w:r><w:drawing><a:graphic><a:graphicData>{}</a:graphicData></a:graphic></w:drawing></w:r>"
NEW_CHARTS = 'xmlns:cx="http://schemas.microsoft.com/office/drawing/2014/chartex"'


def deck(data: CategoryChartData | XyChartData, kind: XL_CHART_TYPE = XL_CHART_TYPE.COLUMN_CLUSTERED) -> bytes:
    show, target = pptx.Presentation(), io.BytesIO()
    place = (Inches(1), Inches(1), Inches(6), Inches(4))
    show.slides.add_slide(show.slide_layouts[6]).shapes.add_chart(kind, *place, data)
    show.save(target)
    return target.getvalue()


def tables(data: bytes) -> list[tuple[tuple[str, ...], ...]]:
    return [element.rows for element in read(data, Context("x.pptx", Limits())).elements if element.rows]


def with_chart(chart: str, more: dict[str, str | bytes] | None = None) -> Parsed:
    parts = {"word/charts/chart1.xml": chart, **(more or {})}
    return parsed(docx(p("Prima") + p(DRAWN.format('<c:chart r:id="c"/>')), parts, c="chart charts/chart1.xml"))


NAMES = st.sampled_from(["Lodi", "007", "1e3", "1_000", "nan", "Infinity", "00184", "12345678901234567890", "3,5"])
NUMBERS = st.one_of(st.integers(-(10**9), 10**9), st.decimals(-1000, 1000, places=2).map(float))
SERIES = st.tuples(NUMBERS, st.none() | NUMBERS, st.none() | NUMBERS)


@settings(max_examples=8, deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=3, unique=True), st.lists(SERIES, min_size=1, max_size=3))
def test_names_stay_to_the_letter_and_numbers_keep_their_value(
    names: list[str], series: list[tuple[float | None, ...]]
) -> None:
    chart = CategoryChartData()
    chart.categories = names
    for number, values in enumerate(series):
        chart.add_series(f"Serie {number}", values[: len(names)])
    data = deck(chart)
    plot = pptx.Presentation(io.BytesIO(data)).slides[0].shapes[0].chart.plots[0]
    [(head, *lines)] = tables(data)
    assert head == ("", *(one.name for one in plot.series))
    assert [line[0] for line in lines] == list(plot.categories) == names
    ours = [
        [float(cell) if cell else None for cell in column] for column in zip(*(line[1:] for line in lines), strict=True)
    ]
    assert ours == [list(one.values) for one in plot.series]


def test_names_on_several_levels_are_joined_from_outside() -> None:
    chart = CategoryChartData()
    for region, towns in (("Lombardia", ("Lodi", "Como")), ("Lazio", ("Rieti",))):
        outer = chart.add_category(region)
        for town in towns:
            outer.add_sub_category(town)
    chart.add_series("Quota", (3, 1, 2))
    data = deck(chart)
    flat = pptx.Presentation(io.BytesIO(data)).slides[0].shapes[0].chart.plots[0].categories.flattened_labels
    assert tables(data) == [
        (("", "Quota"), *((" ".join(levels), value) for levels, value in zip(flat, ("3", "1", "2"), strict=True)))
    ]


def test_dates_times_and_shares_stand_as_they_are_shown() -> None:
    chart = CategoryChartData(number_format="0%")
    chart.categories = [dt.date(2025, 3, 31), dt.date(2025, 6, 30)]
    chart.add_series("Quota", (0.25, 0.5))
    assert tables(deck(chart)) == [(("", "Quota"), ("2025-03-31", "25%"), ("2025-06-30", "50%"))]


@pytest.mark.parametrize(
    ("stored", "code", "shown"),
    [
        ("0.5", "hh:mm", "12:00"),
        ("45747.25", "dd/mm/yyyy hh:mm", "2025-03-31 06:00:00"),
        ("0", "dd/mm/yyyy", "0"),
        ("1e12", "dd/mm/yyyy", "1e12"),
        ("nan", "0", ""),
        ("n.d.", "0", "n.d."),
        ("7", "", "7"),
    ],
)
def test_a_stored_number_by_its_format(stored: str, code: str, shown: str) -> None:
    cache = f'<c:numCache><c:formatCode>{code}</c:formatCode><c:pt idx="0"><c:v>{stored}</c:v></c:pt></c:numCache>'
    name = '<c:cat><c:strCache><c:pt idx="0"><c:v>a</c:v></c:pt><c:pt idx="x"><c:v>b</c:v></c:pt></c:strCache></c:cat>'
    chart = part(
        "c:chartSpace", f"<c:ser><c:tx><c:v>S</c:v></c:tx>{name}<c:val><c:numRef>{cache}</c:numRef></c:val></c:ser>"
    )
    [found] = [e for e in with_chart(chart).elements if e.rows]
    assert found.rows[1:] == (("a", shown),)


def test_series_over_places_of_their_own_have_tables_of_their_own() -> None:
    chart = XyChartData()
    for name, points in (("Nord", ((1, 10), (2, 20))), ("Sud", ((5, 50),))):
        one = chart.add_series(name)
        for x, y in points:
            one.add_data_point(x, y)
    assert tables(deck(chart, XL_CHART_TYPE.XY_SCATTER)) == [
        (("", "Nord"), ("1", "10"), ("2", "20")),
        (("", "Sud"), ("5", "50")),
    ]


def new_chart(body: str) -> str:
    return f'<cx:chartSpace {NEW_CHARTS} xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">{body}</cx:chartSpace>'


def test_the_newer_charts_keep_their_data_beside_the_plot() -> None:
    def points(values: tuple[str, ...]) -> str:
        return "".join(f'<cx:pt idx="{index}">{value}</cx:pt>' for index, value in enumerate(values))

    data = (
        f'<cx:chartData><cx:data id="0"><cx:strDim type="cat"><cx:lvl>{points(("Ricavi", "007"))}</cx:lvl></cx:strDim>'
        f'<cx:numDim type="val"><cx:lvl formatCode="0%">{points(("0.4", "-0.1"))}</cx:lvl></cx:numDim></cx:data></cx:chartData>'
    )
    series = (
        '<cx:series><cx:tx><cx:txData><cx:v>Cascata</cx:v></cx:txData></cx:tx><cx:dataId val="0"/></cx:series>'
        '<cx:series><cx:dataId val="9"/></cx:series>'
    )
    found = with_chart(new_chart(f"{data}<cx:chart><cx:plotArea>{series}</cx:plotArea></cx:chart>"))
    assert [e.rows for e in found.elements if e.rows] == [(("", "Cascata"), ("Ricavi", "40%"), ("007", "-10%"))]
    assert found.warnings == ()


def test_a_chart_without_values_is_named_and_its_words_are_kept() -> None:
    words = "<a:p><a:r><a:t>{}</a:t></a:r></a:p>"
    label = f"<c:ser><c:dLbls><c:dLbl><c:tx><c:rich>{words.format('picco di maggio')}</c:rich></c:tx></c:dLbl></c:dLbls></c:ser>"
    more: dict[str, str | bytes] = {
        "word/charts/_rels/chart1.xml.rels": relations(
            u="chartUserShapes ../drawings/d1.xml", g="chartUserShapes gone.xml"
        ),
        "word/drawings/d1.xml": part("c:userShapes", f"<a:sp>{words.format('fonte: conti')}{words.format('')}</a:sp>"),
    }
    found = with_chart(part("c:chartSpace", f"<c:title>{words.format('')}</c:title>{label}"), more)
    assert [e.text for e in found.elements] == ["Prima", "picco di maggio", "fonte: conti"]
    assert any("no stored values" in warning for warning in found.warnings)


@pytest.mark.parametrize("markup", ['<c:chart r:id="c"/>', '<dgm:relIds r:dm="c"/>'])
def test_a_part_that_is_damaged_or_away_is_named(markup: str) -> None:
    kind = "chart" if "chart" in markup else "diagramData"
    away = parsed(docx(p("Prima") + p(DRAWN.format(markup)), {}, c=f"{kind} charts/gone.xml"))
    damaged = parsed(
        docx(p("Prima") + p(DRAWN.format(markup)), {"word/charts/x.xml": "<a><b>"}, c=f"{kind} charts/x.xml")
    )
    for found in (away, damaged):
        assert [e.text for e in found.elements] == ["Prima"]
        assert len(found.warnings) == 1, found.warnings


POINTS = [str(number) for number in range(5)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(POINTS), st.sampled_from([*POINTS, "gone"]), st.integers(0, 3)), max_size=8))
def test_each_text_of_a_diagram_stands_once_whatever_its_lines(lines: list[tuple[str, str, int]]) -> None:
    points = "".join(
        f'<dgm:pt modelId="{k}"><dgm:t><a:p><a:r><a:t>voce {k}</a:t></a:r></a:p></dgm:t></dgm:pt>' for k in POINTS
    )
    drawn = "".join(f'<dgm:cxn srcId="{a}" destId="{b}" srcOrd="{n if n else "x"}"/>' for a, b, n in lines)
    drawn += '<dgm:cxn type="presOf" srcId="0" destId="1"/>'
    model = part("dgm:dataModel", f"<dgm:ptLst>{points}</dgm:ptLst><dgm:cxnLst>{drawn}</dgm:cxnLst>")
    found = texts(docx(p(DRAWN.format('<dgm:relIds r:dm="d"/>')), {"word/d.xml": model}, d="diagramData d.xml"))
    assert Counter(found) == Counter(f"voce {key}" for key in POINTS)
