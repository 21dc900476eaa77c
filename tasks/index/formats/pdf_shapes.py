"""Pictures and ruling lines of a PDF page, by one look at its objects.

A page may have ten thousand objects, nearly all of them text, so each costs two bare calls: pypdfium2's own wrappers
would take a tenth of the time of reading the page. Places come out in points from the top left of the page as shown.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import repeat
from typing import Any

from tasks.index.formats.pdf_calls import address, bare
from tasks.index.formats.pdf_places import Rect, frame

_THIN = 2.5  # points: a filled rectangle as thin as that is a line
_MOST_RULES = 4_000
"""A drawing or a map has more, and is no table."""
_LINES_OF_TABLE = 3  # each way: two cells each way, less is no table
_LINES_OF_ROW = 2  # but a single row with which a table goes on
_DEPTH = 3  # of forms within forms
_FEW_PATHS = 60  # paths whose bounds are all asked for
_SAMPLE = 3
"""Of more, each of so many first: where none of them is tall there is no table, whose three lines down come in a run or by the cell."""
_TALL = 6.0  # points: a shorter line bounds no cell
_IDENTITY = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
Matrix = tuple[float, float, float, float, float, float]
Edges = tuple[float, float, float, float]


@dataclass(slots=True)
class Shapes:
    """Pictures by their bounds, and rules as rectangles that are thin one way; both in the page as it is shown."""

    pictures: list[Rect] = field(default_factory=list)
    rules: list[Rect] = field(default_factory=list)


@dataclass(slots=True)
class _Found:
    """The same in the page's own space with y turned down; bare edges, for a page may have thousands of rules."""

    pictures: list[Edges] = field(default_factory=list)
    rules: list[Edges] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Calls:
    """pdfium's functions on plain addresses: what ctypes does to check typed pointers costs more than the call."""

    page_object: Callable[[int, int], int]
    form_object: Callable[[int, int], int]
    kind: Callable[[int], int]
    bounds: Callable[[int, int, int, int, int], int]
    mode: Callable[[int, int, int], int]
    edges: ctypes.Array[ctypes.c_float]
    places: tuple[int, int, int, int]  # addresses of the four edges
    modes: ctypes.Array[ctypes.c_int]  # how a path is filled, and whether it is stroked
    at_modes: tuple[int, int]


@cache
def _calls() -> _Calls:
    import pypdfium2.raw as raw

    edges, modes = (ctypes.c_float * 4)(), (ctypes.c_int * 2)()
    start, size = ctypes.addressof(edges), ctypes.sizeof(ctypes.c_float)
    at_modes = ctypes.addressof(modes)
    return _Calls(
        page_object=bare(raw.FPDFPage_GetObject, ctypes.c_void_p, 2),
        form_object=bare(raw.FPDFFormObj_GetObject, ctypes.c_void_p, 2),
        kind=bare(raw.FPDFPageObj_GetType, ctypes.c_int, 1),
        bounds=bare(raw.FPDFPageObj_GetBounds, ctypes.c_int, 5),
        mode=bare(raw.FPDFPath_GetDrawMode, ctypes.c_int, 3),
        edges=edges,
        places=(start, start + size, start + 2 * size, start + 3 * size),
        modes=modes,
        at_modes=(at_modes, at_modes + ctypes.sizeof(ctypes.c_int)),
    )


def read_shapes(page: Any) -> Shapes:
    """Return the pictures and rules of a pdfium page (`pypdfium2.PdfPage`)."""
    import pypdfium2.raw as raw

    found = _Found()
    count, whole = raw.FPDFPage_CountObjects(page.raw), address(page.raw)
    _collect(list(map(_calls().page_object, repeat(whole, count), range(count))), _IDENTITY, found, _DEPTH)
    rules = found.rules if _could_bound_cells(found.rules) else []
    if not rules and not found.pictures:
        return Shapes()
    shown = frame(page.get_cropbox(), page.get_rotation() // 90, 0)
    return Shapes([Rect(*shown.edges(*room)) for room in found.pictures], [Rect(*shown.edges(*rule)) for rule in rules])


def _could_bound_cells(rules: Sequence[Edges]) -> bool:
    """Tell whether there are enough lines both ways for a table: most pages have only the lines below sums."""
    wide = sum(x1 - x0 > bottom - top for x0, top, x1, bottom in rules)
    fewer, more = sorted((wide, len(rules) - wide))
    return len(rules) <= _MOST_RULES and fewer >= _LINES_OF_ROW and more >= _LINES_OF_TABLE


def _collect(items: list[int], matrix: Matrix, shapes: _Found, depth: int) -> None:
    """Add the pictures and rules among `items`, in the page's own space with y turned down."""
    import pypdfium2.raw as raw

    calls = _calls()
    text = raw.FPDF_PAGEOBJ_TEXT
    others = [(kind, item) for kind, item in zip(map(calls.kind, items), items, strict=True) if kind != text]
    paths = [item for kind, item in others if kind == raw.FPDF_PAGEOBJ_PATH]
    if len(paths) <= _FEW_PATHS or any(map(_is_tall, paths[::_SAMPLE])):
        _add_rules(paths, matrix, shapes.rules)
    for kind, item in others:
        if kind == raw.FPDF_PAGEOBJ_IMAGE:
            shapes.pictures.append(_turned(_bounds(item), matrix))
        elif kind == raw.FPDF_PAGEOBJ_FORM and depth:
            form = _handle(item)
            inner = [calls.form_object(item, index) for index in range(raw.FPDFFormObj_CountObjects(form))]
            _collect(inner, _within(_matrix(form), matrix), shapes, depth - 1)


def _is_tall(path: int) -> bool:
    """Tell a path that may be, or have, a line down the page, whichever way the page is turned."""
    left, bottom, right, top = _bounds(path)
    return (top - bottom >= _TALL and right - left < _THIN) or min(top - bottom, right - left) >= _THIN


def _add_rules(paths: list[int], matrix: Matrix, rules: list[Edges]) -> None:
    calls = _calls()
    places, edges, plain = calls.places, calls.edges, matrix == _IDENTITY
    for path in paths:
        calls.bounds(path, *places)
        left, bottom, right, top = edges
        if plain and (top - bottom < _THIN or right - left < _THIN):  # nearly always
            rules.append((left, -top, right, -bottom))
        elif len(rules) <= _MOST_RULES and not (plain and _only_filled(path)):
            rules += _rules(path, matrix)


def _only_filled(path: int) -> bool:
    calls = _calls()
    calls.mode(path, *calls.at_modes)
    return not calls.modes[1]


def _handle(item: int) -> Any:
    import pypdfium2.raw as raw

    return ctypes.cast(item, raw.FPDF_PAGEOBJECT)


def _bounds(item: int) -> Edges:
    """Left, bottom, right and top in the space of the page or form that the object belongs to."""
    calls = _calls()
    calls.bounds(item, *calls.places)
    left, bottom, right, top = calls.edges
    return left, bottom, right, top


def _matrix(item: Any) -> Matrix:
    import pypdfium2.raw as raw

    found = raw.FS_MATRIX()
    if not raw.FPDFPageObj_GetMatrix(item, found):
        return _IDENTITY
    return found.a, found.b, found.c, found.d, found.e, found.f


def _within(inner: Matrix, outer: Matrix) -> Matrix:
    """Return the matrix of what stands in a form that stands in another."""
    a, b, c, d, e, f = inner
    (x0, y0), (x1, y1) = _point(e, f, outer), (outer[4], outer[5])
    ax, ay = _point(a, b, outer)
    cx, cy = _point(c, d, outer)
    return ax - x1, ay - y1, cx - x1, cy - y1, x0, y0


def _point(x: float, y: float, matrix: Matrix) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def _turned(bounds: Edges, matrix: Matrix) -> Rect:
    """Return the bounds in reading coordinates (y down) of a rectangle given by left, bottom, right, top (y up)."""
    left, bottom, right, top = bounds
    if matrix == _IDENTITY:
        return Rect(left, -top, right, -bottom)
    corners = [_point(x, y, matrix) for x in (left, right) for y in (bottom, top)]
    xs, ys = [x for x, _ in corners], [-y for _, y in corners]
    return Rect(min(xs), min(ys), max(xs), max(ys))


def _rules(item: int, matrix: Matrix) -> Iterator[Rect]:
    """Yield the straight lines of a path along the page's edges: its strokes, or itself where it is a thin filled bar."""
    whole = _turned(_bounds(item), matrix)
    if min(whole.x1 - whole.x0, whole.bottom - whole.top) < _THIN:
        yield whole
        return
    if _only_filled(item):
        return
    path = _handle(item)
    for (x0, y0), (x1, y1) in _lines(path, _within(_matrix(path), matrix)):
        if min(abs(x1 - x0), abs(y1 - y0)) < 1.0:
            yield Rect(min(x0, x1), -max(y0, y1), max(x0, x1), -min(y0, y1))


def _lines(path: Any, matrix: Matrix) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Yield the straight segments of a path, the one that closes it included."""
    import pypdfium2.raw as raw

    x, y = ctypes.c_float(), ctypes.c_float()
    start = last = (0.0, 0.0)
    for index in range(min(raw.FPDFPath_CountSegments(path), _MOST_RULES)):
        segment = raw.FPDFPath_GetPathSegment(path, index)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        here = _point(x.value, y.value, matrix)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            start = here
        elif kind == raw.FPDF_SEGMENT_LINETO:
            yield last, here
        last = here
        if raw.FPDFPathSegment_GetClose(segment):
            yield here, start
            last = start
