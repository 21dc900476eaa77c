"""What the readers of markup share: how HTML, XML and plain text are told apart, and how XML is repaired without loss.

What begins with `<` is HTML when its tags are HTML's, XML when it says so or is well formed, and else Markdown or text.
"""

from __future__ import annotations

import html
import re
from typing import Any
from xml.parsers import expat

from tasks.index.formats.ooxml import local

_BEFORE_ROOT = re.compile(r"<\?.*?\?>|<!--.*?-->|<!doctype[^>\[]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_ROOT = re.compile(r"<(?:([\w.-]+):)?([A-Za-z_][\w.-]*)([^>]*)")


def root_name(text: str) -> str:
    """Return the name of the first element without its prefix; "" for what does not begin with `<` or has none."""
    return root_and_namespace(text)[0]


def root_and_namespace(text: str) -> tuple[str, str]:
    """Return the name of the first element, and the namespace that its own tag declares for it, "" where it declares none."""
    if not text.startswith("<"):
        return "", ""
    found = _ROOT.match(_BEFORE_ROOT.sub("", text).lstrip())
    if not found:
        return "", ""
    declaration = re.escape(f"xmlns:{found.group(1)}" if found.group(1) else "xmlns")
    namespace = re.search(rf"""\s{declaration}\s*=\s*["']([^"']*)""", found.group(3))
    return found.group(2), namespace.group(1).strip() if namespace else ""


HTML_NAMES = frozenset(
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo big blockquote body br button canvas"
    " caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed fieldset"
    " figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins"
    " kbd label legend li link main map mark marquee menu meta meter nav nobr noframes noscript object ol optgroup option"
    " output p param picture pre progress q rp rt ruby s samp script search section select slot small source span strike"
    " strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr track tt u ul var"
    " video wbr".split()
)
_TAG = re.compile(r"</?([A-Za-z][\w:-]*)(?=[\s/>])")
_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style|svg)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)


def html_share(text: str) -> tuple[int, float]:
    """Return how many tags a text has, and the share of them that are HTML's; scripts and styles do not count."""
    names = [name.lower() for name in _TAG.findall(_HIDDEN.sub("<p>", text))]
    return len(names), sum(name in HTML_NAMES for name in names) / max(1, len(names))


def is_well_formed(text: str, whole: bool) -> bool:
    """Tell whether a text, or the beginning of one, is XML once what can be repaired is repaired."""
    parser = expat.ParserCreate()
    try:
        parser.Parse(repaired(text)[0].encode("utf-8", "replace"), whole)
    except expat.ExpatError:
        return False
    return True


_MARKS = (
    re.compile(r"^#{1,6} \S", re.MULTILINE),
    re.compile(r"^```", re.MULTILINE),
    re.compile(r"^\|?(?:\s*:?-{3,}:?\s*\|)+", re.MULTILINE),
    re.compile(r"\[[^\]\n]+\]\([^)\s]+\)"),
    re.compile(r"^[-*] \S", re.MULTILINE),
    re.compile(r"\*\*[^*\n]+\*\*"),
)


def is_markdown(text: str) -> bool:
    """Tell Markdown by two of its marks."""
    return sum(bool(mark.search(text)) for mark in _MARKS) >= 2


_KEPT = re.compile(
    r"(<!\[CDATA\[.*?\]\]>|<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)", re.DOTALL | re.IGNORECASE
)
_DECLARED = re.compile(r"<!ENTITY\s+([\w.-]+)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_ENTITY = re.compile(r"&(?:#(x?)([0-9A-Fa-f]+)|([A-Za-z][\w.-]*));")
_BARE_AND = re.compile(r"&(?!#x?[0-9A-Fa-f]+;|[A-Za-z][\w.-]*;)")
_BARE_LESS = re.compile(r"<(?=[\s\d=])")
_OF_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})


def repaired(text: str) -> tuple[str, tuple[str, ...]]:
    """Return an XML text with what programs get wrong put right, and what that was: nothing of its words is lost.

    HTML's entities become their characters, a bare `&` or `<` is escaped, control characters go.
    """
    declared = frozenset(_DECLARED.findall(text[:65_536])) | _OF_XML
    told: dict[str, None] = {}
    bare = _CONTROL.sub("", text)
    if bare != text:
        told["control characters"] = None
    pieces = _KEPT.split(bare)
    for place in range(0, len(pieces), 2):
        pieces[place] = _repaired_piece(pieces[place], declared, told)
    return "".join(pieces), tuple(told)


def _repaired_piece(text: str, declared: frozenset[str], told: dict[str, None]) -> str:
    def meant(found: re.Match[str]) -> str:
        whole: str = found.group(0)
        if found.group(2):  # a character by its number
            return (
                whole
                if _is_allowed(int(found.group(2), 16 if found.group(1) else 10))
                else note("control characters", "")
            )
        if found.group(3) in declared:
            return whole
        character = html.unescape(whole)
        if character == whole:
            return note("entities that nobody declares", f"&amp;{whole[1:]}")
        return note("entities of HTML", character)

    def note(what: str, put: str) -> str:
        told[what] = None
        return put

    text = _BARE_AND.sub(lambda _: note("a bare &", "&amp;"), text)
    text = _BARE_LESS.sub(lambda _: note("a bare <", "&lt;"), text)
    return _ENTITY.sub(meant, text)


def _is_allowed(number: int) -> bool:
    return number in {9, 10, 13} or 32 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0x10000 <= number < 0x110000


def formula_text(node: Any, depth: int = 50) -> str:
    """Write a formula of MathML in one line: fractions with a stroke, powers with a caret, roots with their sign."""
    if not depth:
        return "".join(node.itertext())
    parts = [formula_text(child, depth - 1) for child in node if local(child) not in {"annotation", "annotation-xml"}]
    if not parts:
        return str(node.text or "").strip()
    grouped = [part if re.fullmatch(r"\w*", part) else f"({part})" for part in parts]
    match local(node):
        case "msup":
            return "^".join(grouped)
        case "mfrac":
            return "/".join(grouped)
        case "msqrt" | "mroot":
            return "√" + "".join(grouped)
        case "mtable":
            return " ".join(parts)
        case _:
            return "".join(parts)
