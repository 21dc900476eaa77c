"""What stands in the drawings of Office files beside their pictures: charts as tables, SmartArt as lists, shapes' texts.

A chart keeps a copy of the values that it shows, which is what its readers saw; the workbook behind it is not opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tasks.index.formats.base import clean, raised, table
from tasks.index.formats.ooxml import Package, attribute, local, relation_id
from tasks.index.formats.sheets import value_text
from tasks.records import Element

_CATEGORIES = ("cat", "xVal")
_VALUES = ("val", "yVal", "bubbleSize")
_NUMBERS = frozenset({"numCache", "numLit", "numDim"})  # stored numbers; what else looks like one is a name (`007`)


@dataclass(slots=True)
class _Series:
    """A series: values by the position of their category."""

    name: str
    categories: dict[int, str] = field(default_factory=dict)
    values: dict[int, str] = field(default_factory=dict)


def chart_elements(package: Package, part: str, page: int) -> Iterator[Element]:
    """Yield a chart's titles as captions, its series as a table (categories down, series across), its own texts.

    Series that do not share their categories have a table each.
    """
    root = package.aside(part)
    if root is None:
        return
    for title in root.iter("{*}title"):
        if text := " ".join(paragraphs(title)):
            yield Element("caption", text, page)
    series = list(_series(root)) or list(_extended_series(root))
    for rows in _tables(series):
        if found := table(rows, page):
            yield found
    if not any(one.values for one in series):
        package.warnings.append(f"the chart {part} has no stored values: they were not read")
    yield from _labels(root, page)
    for name in package.related(part, "chartUserShapes"):
        if (shapes := package.aside(name)) is not None:
            yield from (Element("text", text, page) for text in paragraphs(shapes))


def _labels(root: Any, page: int) -> Iterator[Element]:
    """Yield what somebody wrote into data labels."""
    for label in root.iter("{*}dLbl"):
        yield from (Element("text", text, page) for text in paragraphs(label))


def _series(root: Any) -> Iterator[_Series]:
    for node in root.iter("{*}ser"):
        name = next((_first_text(child) for child in node if local(child) == "tx"), "")
        categories = {i: v for child in node if local(child) in _CATEGORIES for i, v in _points(child).items()}
        for child in node:
            if local(child) in _VALUES and (values := _points(child)):
                yield _Series(name, categories, values)


def _first_text(node: Any) -> str:
    return " ".join(clean(v.text or "") for v in node.iter("{*}v"))


def _points(node: Any) -> dict[int, str]:
    """Return position → text of the stored values; names on several levels are joined, outer ones first."""
    levels = list(node.iter("{*}lvl"))
    if levels:
        found: dict[int, str] = {}
        for level in levels:
            outer = _level_points(level)
            last = ""
            for index in sorted(found or outer):
                last = outer.get(index, last if found else "")
                found[index] = " ".join(filter(None, (last, found.get(index, ""))))
        return found
    return _level_points(node)


def _level_points(node: Any) -> dict[int, str]:
    code = next((c.text or "" for c in node.iter("{*}formatCode")), attribute(node, "formatCode"))
    found = {}
    for point in node.iter("{*}pt"):
        index = attribute(point, "idx")
        text = next((clean(v.text or "") for v in point.iter("{*}v")), clean(point.text or ""))
        if index.isdigit() and text:
            is_number = any(local(above) in _NUMBERS for above in point.iterancestors())
            found[int(index)] = _shown(text, attribute(point, "formatCode") or code) if is_number else text
    return found


def _shown(text: str, code: str) -> str:
    """Return a stored number as a spreadsheet would have it: dates ISO, percentages as shown."""
    from openpyxl.styles.numbers import is_date_format
    from openpyxl.utils.datetime import from_excel

    try:
        number = float(text)
    except ValueError:
        return text
    if code and code != "General" and is_date_format(code):
        try:
            return value_text(from_excel(number), code)
        except (ValueError, OverflowError):
            return text
    return value_text(int(number) if number.is_integer() and abs(number) < 1e15 else number, code)


def _extended_series(root: Any) -> Iterator[_Series]:
    """Yield the series of the newer charts (waterfall, treemap, funnel …): dimensions that stand beside the plot."""
    data = {attribute(node, "id"): node for node in root.iter("{*}data")}
    for node in root.iter("{*}series"):
        name = next((_first_text(child) for child in node if local(child) == "tx"), "")
        key = next((attribute(child, "val") for child in node.iter("{*}dataId")), "")
        if (source := data.get(key)) is not None:
            names = next((_points(d) for d in source if local(d) == "strDim"), {})
            for values in (_points(d) for d in source if local(d) == "numDim"):
                yield _Series(name, names, values)


def _tables(series: Sequence[_Series]) -> Iterator[list[list[str]]]:
    groups: list[list[_Series]] = []
    for one in series:
        group = next((g for g in groups if _together(g[0], one)), None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    for group in groups:
        places = sorted({index for one in group for index in (*one.values, *one.categories)})
        names = next((one.categories for one in group if one.categories), {})
        yield [["", *(one.name for one in group)]] + [
            [names.get(index, str(index + 1)), *(one.values.get(index, "") for one in group)] for index in places
        ]


def _together(first: _Series, other: _Series) -> bool:
    return first.categories == other.categories or not other.categories or not first.categories


def diagram_elements(package: Package, part: str, page: int) -> Iterator[Element]:
    """Yield the texts of a SmartArt diagram as a list, each below the one it belongs to."""
    root = package.aside(part)
    if root is None:
        return
    points = {attribute(node, "modelId"): node for node in root.iter("{*}pt")}
    below: dict[str, list[tuple[int, str]]] = {}
    for line in root.iter("{*}cxn"):
        if attribute(line, "type", "parOf") == "parOf":
            order = attribute(line, "srcOrd", "0")
            place = int(order) if order.isdigit() else 0
            below.setdefault(attribute(line, "srcId"), []).append((place, attribute(line, "destId")))
    children = {key for lines in below.values() for _, key in lines}
    waiting = [*reversed(points), *[key for key in points if key not in children][::-1]]  # those of a circle at the end
    seen: set[str] = set()
    while waiting:
        key = waiting.pop()
        if key in seen or key not in points:
            continue
        seen.add(key)
        yield from (Element("list", text, page) for text in paragraphs(points[key]))
        waiting += [child for _, child in sorted(below.get(key, ()), reverse=True)]


def paragraphs(node: Any) -> Iterator[str]:
    """Yield the texts of DrawingML paragraphs below a node."""
    for paragraph in node.iter("{*}p"):
        if text := paragraph_text(paragraph):
            yield text


def paragraph_text(paragraph: Any) -> str:
    """Return the text of a DrawingML paragraph; what stands as a slide's number goes."""
    pieces: list[str] = []
    for run in paragraph.iter("{*}t", "{*}br", "{*}tab"):
        above = run.getparent()
        if local(run) == "t":
            number = above is not None and local(above) == "fld" and attribute(above, "type") == "slidenum"
            text = "" if number else run.text or ""
            look = above.find("{*}rPr") if above is not None and text.strip().isdecimal() else None
            up = look is not None and (look.get("baseline") or "0")[:1] not in {"0", "-"}
            pieces.append(raised(pieces[-1] if pieces else "", text) if up else text)
        else:
            pieces.append("\n" if local(run) == "br" else " ")
    return clean("".join(pieces))


def drawn(package: Package, part: str, node: Any, page: int) -> Iterator[Element]:
    """Yield the chart or diagram that a node of `part` points to (`c:chart`, `cx:chart`, `dgm:relIds`)."""
    name = "dm" if local(node) == "relIds" else "id"
    relation = package.relations(part).get(relation_id(node, name))
    if relation is None or relation.external:
        what = "diagram" if name == "dm" else "chart"
        package.warnings.append(f"a {what} was left out: its part is not in the package")
    elif name == "dm":
        yield from diagram_elements(package, relation.target, page)
    else:
        yield from chart_elements(package, relation.target, page)
