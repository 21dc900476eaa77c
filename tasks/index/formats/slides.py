"""PPTX, with PPTM, PPSX, templates and the strict flavour: one walk over the slides, a slide a page.

A slide's shapes come in the order in which they stand on it, title first; then speaker notes and comments. Charts are
tables, diagrams lists. Hidden slides are read too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError
from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, clean, hidden_parts, load, title_of, with_sections
from tasks.index.formats.drawing import drawn, paragraph_text
from tasks.index.formats.embedded import embedded_files
from tasks.index.formats.grid import Place, table_of_grid
from tasks.index.formats.ooxml import Package, attribute, core_properties, has_main_part, local, relation_id
from tasks.index.formats.pictures import PAGE, Pictures
from tasks.records import Element, ElementKind, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("pptx",)
VERSION = "3"
SAMPLES = {"pptx": {"ppt/presentation.xml": b"<a/>"}}

_TITLES = frozenset({"title", "ctrTitle"})
_FEET = frozenset({"ftr", "dt", "hdr"})
_SHAPES = frozenset({"sp", "graphicFrame", "grpSp", "pic", "cxnSp", "AlternateContent", "Choice", "Fallback"})
_BULLETS = ("{*}buChar", "{*}buAutoNum", "{*}buBlip")
_FEW_LETTERS = 100
"""Of a slide that has a picture for its contents."""
_COMMENTS = ("comments", "comment")

Spot = tuple[int, int]
"""Distance from the top and from the left, in EMU."""


def sniff(look: Look) -> str:
    """Know a package by its main part."""
    return "pptx" if has_main_part(look, "ppt/presentation", "presentationml|ms-powerpoint") else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a presentation.

    Raises:
        DocumentError: CORRUPT; TOO_LARGE above `limits.pages` slides.
    """
    package = Package(load(source))
    properties = core_properties(package.archive)
    slides = list(_slide_names(package))
    pictures = Pictures(context, package.warnings)
    whole = _slide_size(package)
    elements = []
    hidden: list[str] = []
    for page, part in enumerate(slides, 1):
        found = list(_slide(package, part, page, hidden))
        bare = sum(len(element.text) for element in found) < _FEW_LETTERS
        found += _pictures(package, part, page, pictures, whole, bare)
        elements += found
    elements = elements or list(pictures.left())
    pictures.told()
    attachments, left_out = held(embedded_files(package), context.limits)
    return Parsed(
        format="pptx",
        title=title_of(elements, properties.pop("title", None)),
        language="",
        pages=max(1, len(slides)),
        elements=with_sections(elements, by_page=True),
        metadata=properties,
        attachments=attachments,
        warnings=(*dict.fromkeys(package.warnings), *hidden_parts("slide", hidden), *left_out),
    )


def _slide_names(package: Package) -> Iterator[str]:
    """Yield the parts of the slides in the order in which they are shown."""
    main = package.main(r"ppt/presentation\d*\.xml")
    relations = package.relations(main)
    for slide in package.xml(main).iter("{*}sldId"):
        if (target := relations.get(relation_id(slide))) is not None and not target.external:
            yield target.target
        else:
            package.warnings.append("a slide was left out: it is not in the package")


def _slide_size(package: Package) -> tuple[int, int]:
    """Return width and height of a slide in EMU."""
    root = package.xml(package.main(r"ppt/presentation\d*\.xml"))
    size = next(root.iter("{*}sldSz"), None)
    return _extent(size) if size is not None else PAGE


def _extent(node: Any) -> tuple[int, int]:
    width, height = attribute(node, "cx"), attribute(node, "cy")
    return (int(width), int(height)) if width.isdigit() and height.isdigit() else (0, 0)


def _pictures(
    package: Package, part: str, page: int, pictures: Pictures, whole: tuple[int, int], bare: bool
) -> Iterator[Element]:
    """Read the pictures of a slide that says next to nothing else (`bare`); of others they are only counted."""
    root = package.aside(part)
    for shape in root.iter("{*}pic") if root is not None else ():
        blip = next(shape.iter("{*}blip"), None)
        relation = package.lead(part, relation_id(blip, "embed"), "a picture") if blip is not None else None
        size = next(shape.iter("{*}ext"), None)
        if relation is None or relation.external:
            continue
        extent = _extent(size) if size is not None else (0, 0)
        if not bare:
            pictures.leave(relation.target, extent, whole)
            continue
        try:
            data = package.read(relation.target)
        except DocumentError as error:
            package.warnings.append(f"a picture was left out: {error.message}")
            continue
        yield from pictures.large(relation.target, data, extent, page, whole)


def _slide(package: Package, part: str, page: int, hidden: list[str]) -> Iterator[Element]:
    """Yield the shapes of a slide, its notes and its comments; the number of one that is not shown is added to `hidden`."""
    root = package.aside(part)
    if root is None:
        return
    hidden += [str(page)] * (attribute(root, "show") in {"0", "false"})
    found = list(_shapes(package, part, next(root.iter("{*}spTree"), root), page, _layout(package, part)))
    yield from sorted(found, key=lambda element: element.kind != "title")
    for notes in package.related(part, "notesSlide"):
        if (tree := package.aside(notes)) is not None:
            yield from _notes(tree, page)
    for kind in _COMMENTS:
        for name in package.related(part, kind):
            if (tree := package.aside(name)) is not None:
                yield from _comments(tree, page)


def _notes(root: Any, page: int) -> Iterator[Element]:
    for body in root.iter("{*}txBody"):
        above = body.getparent()
        role, _ = _placeholder(above)
        if role != "sldNum":
            kind: ElementKind = "footer" if role in _FEET else "text"
            yield from (Element(kind, text, page) for text in map(paragraph_text, body.iter("{*}p")) if text)


def _comments(root: Any, page: int) -> Iterator[Element]:
    for node in root.iter("{*}text", "{*}p"):
        if text := clean(node.text or "") if local(node) == "text" else paragraph_text(node):
            yield Element("text", text, page)


def _placeholder(shape: Any) -> tuple[str, str]:
    """Return (type, idx) of the placeholder that a shape fills; ("", "") for none."""
    node = next(shape.iter("{*}ph"), None)
    return (attribute(node, "type", "obj"), attribute(node, "idx", "0")) if node is not None else ("", "")


def _layout(package: Package, part: str) -> dict[str, Spot]:
    """Return where the placeholders of a slide's layout stand, by idx and by type."""
    spots: dict[str, Spot] = {}
    for name in package.related(part, "slideLayout"):
        if (root := package.aside(name)) is not None:
            for shape in root.iter("{*}sp"):
                role, index = _placeholder(shape)
                if role and (spot := _spot(shape)) is not None:
                    spots[f"#{index}"] = spots[role] = spot
    return spots


def _spot(shape: Any) -> Spot | None:
    frame = next(shape.iter("{*}xfrm"), None)
    place = next(frame.iterchildren("{*}off"), None) if frame is not None else None
    try:
        return (int(attribute(place, "y")), int(attribute(place, "x"))) if place is not None else None
    except ValueError:
        return None


def _shapes(package: Package, part: str, tree: Any, page: int, layout: dict[str, Spot]) -> Iterator[Element]:
    """Yield the elements of the shapes of a slide or a group, from the top left down."""
    shapes = [node for node in tree if local(node) in _SHAPES]

    def place(shape: Any) -> Spot:
        role, index = _placeholder(shape) if local(shape) == "sp" else ("", "")
        return _spot(shape) or layout.get(f"#{index}") or layout.get(role) or (0, 0)

    for shape in sorted(shapes, key=place):
        if local(shape) in {"grpSp", "AlternateContent", "Choice", "Fallback"}:
            yield from _shapes(package, part, shape, page, layout)
        elif local(shape) == "graphicFrame":
            yield from _frame(package, part, shape, page)
        else:
            yield from _texts(shape, page)


def _texts(shape: Any, page: int) -> Iterator[Element]:
    """Yield the paragraphs of a shape; those of the slide's title are one."""
    role, _ = _placeholder(shape)
    texts = [
        (node, text) for body in shape.iter("{*}txBody") for node in body.iter("{*}p") if (text := paragraph_text(node))
    ]
    if role in _TITLES:
        if texts:
            yield Element("title", " ".join(" ".join(text for _, text in texts).split()), page, 1)
    elif role != "sldNum":
        for node, text in texts:
            kind: ElementKind = "list" if _is_listed(node, role) else "text"
            yield Element("footer" if role in _FEET else kind, text, page)


def _is_listed(paragraph: Any, role: str) -> bool:
    """Tell whether a paragraph has a bullet; in the body of a slide it has one unless it says no."""
    properties = next(paragraph.iterchildren("{*}pPr"), None)
    if properties is not None and any(next(properties.iterchildren(mark), None) is not None for mark in _BULLETS):
        return True
    refused = properties is not None and next(properties.iterchildren("{*}buNone"), None) is not None
    return role in {"body", "obj"} and not refused


def _frame(package: Package, part: str, frame: Any, page: int) -> Iterator[Element]:
    """Yield a table, chart or diagram."""
    for node in frame.iter("{*}tbl", "{*}chart", "{*}relIds"):
        if local(node) != "tbl":
            yield from drawn(package, part, node, page)
        elif found := table_of_grid(_grid(node), page):
            yield found


def _grid(node: Any) -> list[list[Place]]:
    """Return the cells of a table; one that is merged into another holds that one's text and number."""
    grid: list[list[Place]] = []
    number = 0
    for row in node.iterchildren("{*}tr"):
        line: list[Place] = []
        for cell in row.iterchildren("{*}tc"):
            number += 1
            place = (" ".join(text for text in map(paragraph_text, cell.iter("{*}p")) if text), number)
            if attribute(cell, "hMerge") in {"1", "true"} and line:
                place = line[-1]
            elif attribute(cell, "vMerge") in {"1", "true"} and grid and len(line) < len(grid[-1]):
                place = grid[-1][len(line)]
            line.append(place)
        grid.append(line)
    return grid
