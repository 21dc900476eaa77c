"""HTML and XHTML, web pages, mail bodies and filings, read with lxml in one walk over the tree.

Not through Unstructured: it forgets the column spans of tables, which puts every figure of a statement under the wrong
year, and knows neither page breaks nor inline XBRL. The walk is iterative, so deep nesting costs no stack.

Titles are h1 to h6. Filings have none: there a short block that is bold throughout is a title. Blocks in `nav` and
`footer` are kept as kinds of their own, what is hidden is left out, scripts and styles too. A page break of the style
sheet (`page-break-after: always` and its kin) begins a new page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError, FailureKind
from tasks.index.decode import decode
from tasks.index.formats.base import Context, clean, load, title_of, with_sections
from tasks.index.formats.facts import facts_element, inline_facts
from tasks.index.formats.html_signs import write_signs
from tasks.index.formats.html_tables import HIDDEN, inline_text, is_layout, read_table
from tasks.index.formats.markup import HTML_NAMES, html_share, is_markdown, root_name
from tasks.index.formats.pictures import unread_pictures
from tasks.records import Element, ElementKind, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("html",)
VERSION = "4"
EXTENSIONS = {"htm": "html", "html": "html", "xhtml": "html"}
SAMPLES = {"html": b"<!DOCTYPE html><html><body>x</body></html>"}

_SKIPPED = frozenset({"script", "style", "head", "noscript", "template", "svg", "object", "iframe", "ix:header"})
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q s samp small span strike"
    " strong sub sup time tt u var wbr ix:nonfraction ix:nonnumeric ix:continuation ix:fraction ix:footnote"
    " img input o:p ruby rb rt rp".split()
)
_KINDS: dict[str, ElementKind] = {
    "li": "list",
    "dd": "list",
    "figcaption": "caption",
    "caption": "caption",
    "nav": "header",
    "footer": "footer",
}
_VERBATIM = frozenset({"pre", "textarea"})
_BREAK_BEFORE = re.compile(r"(?:page-)?break-before\s*:\s*(?:always|page|left|right)", re.IGNORECASE)
_BREAK_AFTER = re.compile(r"(?:page-)?break-after\s*:\s*(?:always|page|left|right)", re.IGNORECASE)
_BOLD = re.compile(r"font-weight\s*:\s*(?:bold|[6-9]00)", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>", re.IGNORECASE)
_BULLET = re.compile(r"[•·▪◦‣●■]\s*\S")
_LONGEST_TITLE = 120
_ICON = 48  # pixels
_DRAWN = ("img", "svg", "canvas", "embed", "object", "iframe")
_DOCTYPE = re.compile(r"<!doctype\s+html", re.IGNORECASE)
_LATE_ROOT = re.compile(r"[^<]{0,400}<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_MOSTLY, _HALF, _FEWEST_TAGS = 0.9, 0.5, 4
_TITLE = re.compile(r"[^\W_](?=.*[^\W\d_]).*[^.,;]")
"""One line that begins with a letter or digit (not a bracket), has a letter, and does not end like a sentence."""


def sniff(look: Look) -> str:
    """Know a page by its document type or its first element, a fragment by its tags; some words may stand before it."""
    if not look.text.startswith("<"):
        return "html" if _LATE_ROOT.match(look.text) else ""
    root = root_name(look.text).lower()
    if _DOCTYPE.match(look.text) or root in {"html", "head", "body"}:
        return "html"
    says_xml = look.text.startswith("<?xml") or look.extension == "xml" or root == "svg"
    if root not in HTML_NAMES or says_xml or look.typed == "md" or is_markdown(look.text):
        return ""
    return "html" if html_share(look.text)[1] >= _MOSTLY else ""


def guess(look: Look) -> str:
    """Take for a page what begins with a tag, is not well formed, and has HTML's tags among its own."""
    count, share = html_share(look.text)
    return "html" if root_name(look.text) and count >= _FEWEST_TAGS and share >= _HALF else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a web page; the facts of inline XBRL become a table in section "XBRL facts" at the end.

    Raises:
        DocumentError: CORRUPT.
    """
    text = decode(load(source), declared=True)
    root = tree(text)
    if root is None:
        return Parsed("html", "", "", 1, ())
    elements = list(walk(root))
    pages = max((element.page for element in elements), default=1)
    facts = inline_facts(root)
    metadata = _metadata(root) | ({"xbrl": "inline"} if facts else {})
    titled = with_sections(elements)
    if facts:
        titled += (facts_element(facts, pages),)
    title = title_of(titled, metadata.pop("title", None))
    return Parsed("html", title, "", pages, titled, metadata, warnings=pictures_left_out([root]))


def elements_of_html(text: str, page: int = 1) -> list[Element]:
    """Return the elements of a page or fragment of HTML, without sections; all on `page` and after."""
    root = tree(text)
    return [] if root is None else elements_of_tree(root, page)


def elements_of_tree(root: Any, page: int = 1) -> list[Element]:
    """Return the same of its tree."""
    return [replace(e, page=e.page + page - 1) for e in walk(root)]


def pictures_left_out(roots: Iterable[Any]) -> tuple[str, ...]:
    """Warn of pictures and drawings in these trees; icons and counting pixels are not meant."""
    names: list[str] = []
    nameless = 0
    for node in (node for root in roots for node in root.iter(*_DRAWN)):
        sizes = [re.match(r"\d+", node.get(side) or "") for side in ("width", "height")]
        source = (node.get("src") or "").partition("?")[0]
        if any(size and int(size[0]) <= _ICON for size in sizes):
            continue
        if node.tag == "img" and source and not source.startswith("data:"):
            names.append(source)
        elif node.tag != "img" or source:
            nameless += 1
    warning = unread_pictures(names, nameless, "a page of HTML is read for its text")
    return (warning,) if warning else ()


def tree(text: str) -> Any:
    """Return the root of the lenient HTML tree, None when nothing is in it.

    Raises:
        DocumentError: CORRUPT, the parser gave up.
    """
    from lxml import etree, html

    parser = html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    data = _DECLARATION.sub("", text).encode("utf-8", errors="replace")
    if not data.strip():
        return None
    try:
        root = html.document_fromstring(data, parser=parser, ensure_head_body=False)
    except etree.ParserError:
        return None  # only comments or blanks
    except (etree.XMLSyntaxError, AssertionError, ValueError) as error:
        raise DocumentError(FailureKind.CORRUPT, f"the HTML cannot be read: {error}") from None
    write_signs(root)
    for reading in root.iter("rt"):  # of characters, above them: in brackets, which a page may have of its own
        if not any(node.tag == "rp" for node in reading.itersiblings(preceding=True)):
            reading.text = f"({reading.text or ''}"
            reading.tail = f"){reading.tail or ''}"
    # libxml2 drops what nests deeper than 2,048 elements and only notes it in its log
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise DocumentError(FailureKind.CORRUPT, "the HTML nests deeper than 2,048 elements, beyond any real page")
    return root


def walk(root: Any) -> Iterator[Element]:
    """Yield the elements of a tree in reading order."""
    from lxml import etree

    headed = root.find(".//h1") is not None or root.find(".//h2") is not None or root.find(".//h3") is not None
    blocks = _Blocks(bold_titles=not headed)
    walker = etree.iterwalk(root, events=("start", "end"))
    skipped = None  # the node whose inside is not walked: its end is the next event
    for event, node in walker:
        if event == "end":
            yield from () if node is skipped else blocks.close(node)
            blocks.after(node)
        elif _is_left_out(node):
            skipped = node
            walker.skip_subtree()
        elif node.tag == "table" and not is_layout(node):
            skipped = node
            walker.skip_subtree()
            yield from blocks.flush()
            blocks.break_page(node, _BREAK_BEFORE)
            yield from read_table(node, blocks.page)
        else:
            yield from blocks.open(node)
    yield from blocks.flush()


def _is_left_out(node: Any) -> bool:
    """Tell whether a node is a comment, a script and the like, or hidden."""
    if not isinstance(node.tag, str) or node.tag in _SKIPPED:
        return True
    style = node.get("style")
    return bool(style and HIDDEN.search(style)) or node.get("hidden") is not None


class _Blocks:
    """The block that is being collected: its text, how much of it is bold, its kind, and the page."""

    def __init__(self, bold_titles: bool) -> None:
        self.page = 1
        self._bold_titles = bold_titles
        self._pieces: list[str] = []
        self._letters = self._bold_letters = self._bold = self._verbatim = 0
        self._kinds: list[tuple[ElementKind, int]] = [("text", 0)]
        self._began = False

    def open(self, node: Any) -> Iterator[Element]:
        if node.tag == "br":
            self._pieces.append("\n")
        elif node.tag not in _INLINE:
            yield from self.flush()
            self.break_page(node, _BREAK_BEFORE)
            self._kinds.append(self._kind(node.tag, node))
            self._verbatim += node.tag in _VERBATIM
        self._bold += _is_bold(node)
        self._add(node.text)

    def close(self, node: Any) -> Iterator[Element]:
        if node.tag not in _INLINE and node.tag != "br":
            yield from self.flush()
            self._kinds.pop()
            self._verbatim -= node.tag in _VERBATIM
        self._bold -= _is_bold(node)

    def after(self, node: Any) -> None:
        """Take what stands behind a node, whether it was walked or not."""
        self.break_page(node, _BREAK_AFTER)
        self._add(node.tail)

    def break_page(self, node: Any, pattern: re.Pattern[str]) -> None:
        style = node.get("style")
        if style and self._began and pattern.search(style):
            self.page += 1
            self._began = False

    def _kind(self, tag: str, node: Any) -> tuple[ElementKind, int]:
        if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            return "title", int(tag[1])
        if node.get("role") == "heading":
            level = node.get("aria-level", "2")
            return "title", int(level) if level.isdigit() else 2
        above = self._kinds[-1]
        return (_KINDS[tag], 0) if tag in _KINDS and above[0] not in {"header", "footer"} else above

    def _add(self, text: str | None) -> None:
        if not text:
            return
        self._pieces.append(text if self._verbatim else _SPACE.sub(" ", text))
        letters = sum(map(str.isalnum, text))
        self._letters += letters
        self._bold_letters += letters if self._bold else 0

    def flush(self) -> Iterator[Element]:
        """Yield the element that was collected, if any, and a fresh start."""
        text = clean("".join(self._pieces))
        kind, level = self._kinds[-1]
        bold = self._letters and self._bold_letters == self._letters
        self._pieces, self._letters, self._bold_letters = [], 0, 0
        if not text:
            return
        self._began = True
        if kind == "text" and _BULLET.match(text):
            kind = "list"
        if kind == "text" and bold and self._bold_titles and _may_be_title(text):
            kind, level = "title", 2
        yield Element(kind, text, self.page, level)


def _is_bold(node: Any) -> bool:
    style = node.get("style")
    return node.tag in {"b", "strong"} or bool(style and _BOLD.search(style))


def _may_be_title(text: str) -> bool:
    return len(text) <= _LONGEST_TITLE and bool(_TITLE.fullmatch(text))


def _metadata(root: Any) -> dict[str, str]:
    """Return title, author, description and language that the page states."""
    found = {}
    title = root.find(".//title")
    if title is not None and (text := clean(inline_text(title))):
        found["title"] = text
    for meta in root.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").lower()
        if name in {"author", "description", "keywords", "date"} and (content := clean(meta.get("content") or "")):
            found[name] = content
    return found
