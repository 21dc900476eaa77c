"""XML of any vocabulary, and XBRL instances, which have a table of facts.

Nobody knows what the tags of an arbitrary XML file mean, so its shape decides: like siblings that only hold values (the
lines of an invoice) are a table with a column a tag; other values are "tag: value" lines, together with their
siblings; text with markup inside is prose. The section is the path of tags.

Entities are expanded only when the file itself declares them, within libxml2's limit on amplification; nothing is
fetched.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.index.decode import decode
from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, clean, corrupt, load, table, title_of, too_large
from tasks.index.formats.facts import LONGEST_VALUE, Fact, facts_element, instance_facts, local
from tasks.index.formats.markup import is_well_formed, repaired, root_and_namespace
from tasks.index.look import HEAD
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("xml", "xbrl")
VERSION = "2"
SAMPLES = {
    "xml": b'<?xml version="1.0"?><a:invoice xmlns:a="u"/>',
    "xbrl": b'<xbrli:xbrl xmlns:xbrli="http://www.xbrl.org/2003/instance"/>',
}

_HARMLESS = frozenset({99, 100, 200, 201, 202, 203, 204, 205})
"""libxml2's errors of namespaces (xmlerror.h): an address that is not one, a prefix that is not declared. No text is lost by them."""

_FEWEST_CODED = 400
_CODED = re.compile(r"(?:[A-Za-z0-9+/]{32,}\s*)*[A-Za-z0-9+/]+={0,2}")
_FILE_NAME = re.compile(r"[^/\\\n]{1,120}\.[A-Za-z0-9]{2,5}")

_NO_DOCUMENTS = {
    "http://www.w3.org/1999/XSL/Transform": "an XML style sheet (XSLT)",
    "http://www.w3.org/2001/XMLSchema": "an XML schema",
}
"""What lies beside invoices so that programs can show and check them; their words would head every search for invoices."""

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


def sniff(look: Look) -> str:
    """Know a text by its declaration, its name or a namespace; without these it has to be well formed.

    HTML, asked for before, begins alike; a letter that begins «<Bozza> Verbale …» does too, and is plain text.
    """
    root, namespace = root_and_namespace(look.text)
    if root == "xbrl":
        return "xbrl"
    says_so = look.text.startswith("<?xml") or (root and (namespace or look.extension == "xml"))
    return "xml" if says_so or (root and is_well_formed(look.text, len(look.head) < HEAD)) else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read an XML file.

    Raises:
        DocumentError: CORRUPT (not well formed, with the line), TOO_LARGE (an entity bomb).
    """
    root, warnings = root_of(decode(load(source), declared=True))
    if what := _NO_DOCUMENTS.get(str(root.tag).rpartition("}")[0].lstrip("{")):
        words = f"{what}: it says how other files look and is no document, so its content is not read"
        return Parsed("xml", "", "", 1, (Element("text", what),), {"root": _name(root)}, warnings=(*warnings, words))
    if local(root) == "xbrl":
        return replace(_instance(root), warnings=warnings)
    attachments, left_out = held(_taken_out(root), context.limits)
    elements = tuple(_elements(root))
    title = _titled(root) or title_of(elements)
    return Parsed("xml", title, "", 1, elements, {"root": _name(root)}, attachments, (*warnings, *left_out))


def _taken_out(root: Any) -> Iterator[tuple[str, bytes]]:
    """Yield the files that stand in an XML as base64, taken out of its text: (name, data).

    A file is named by a value beside it that looks like a file's name, else by its tag.
    """
    for node in list(root.iter("{*}*")):
        if len(node) or len(node.text or "") < _FEWEST_CODED or not _CODED.fullmatch(node.text.strip()):
            continue
        letters = re.sub(r"\s", "", node.text)
        try:
            data = base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
        except binascii.Error:
            continue
        node.text = ""
        beside = (
            [] if node.getparent() is None else [clean(one.text or "") for one in node.getparent() if one is not node]
        )
        name = next((text for text in (*node.attrib.values(), *beside) if _FILE_NAME.fullmatch(text)), _name(node))
        yield name, data


def root_of(text: str) -> tuple[Any, tuple[str, ...]]:
    """Return the root of an XML text, and what had to be repaired.

    lxml refuses what the tax office's exchange system takes, a blank in a namespace's address above all, and programs write
    HTML's entities, a bare `&` or control characters. Such a file is read a second time with repair and said to be repaired;
    one that was cut off, or whose tags do not match, stays corrupt: repair would drop a part.

    Raises:
        DocumentError: CORRUPT (with the line), TOO_LARGE (an entity bomb).
    """
    from lxml import etree

    bare = _DECLARATION.sub("", text)
    parser = _parser()
    try:
        return etree.fromstring(bare.encode("utf-8", errors="replace"), parser), ()
    except etree.XMLSyntaxError as error:
        if "amplification" in str(error) or "entity loop" in str(error).lower():
            raise too_large("the XML declares entities that expand without end: it may be a bomb") from None
        line = (str(error).splitlines() or [""])[0][:200]
    mended, what = repaired(bare)
    if not what and not _harmless(parser):  # the error's own log may hold entries of files that were read before
        raise corrupt(f"the XML is not well formed: {line}") from None
    parser = _parser(recover=True)
    try:
        root = etree.fromstring(mended.encode("utf-8", errors="replace"), parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None or not _harmless(parser):
        raise corrupt(f"the XML is not well formed: {line}") from None
    return root, (f"repaired: {', '.join(what) or 'the XML breaks a rule'} ({line})",)


def _harmless(parser: Any) -> bool:
    return all(entry.type in _HARMLESS for entry in parser.error_log)


def _parser(recover: bool = False) -> Any:
    from lxml import etree

    return etree.XMLParser(
        resolve_entities="internal",
        no_network=True,
        load_dtd=False,
        collect_ids=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
    )


def _instance(root: Any) -> Parsed:
    """Return an XBRL instance: facts as a table, text blocks as prose under their concept."""
    facts = instance_facts(root)
    short = [fact for fact in facts if len(fact.value) <= LONGEST_VALUE]
    elements = [facts_element(short, 1)] if short else []
    elements += [element for fact in facts if len(fact.value) > LONGEST_VALUE for element in _block(fact)]
    title = next(
        (f.value for f in short if re.search(r"(?i)(registrant|entity|denominazione).*name|denominazione", f.concept)),
        "",
    )
    return Parsed("xbrl", title, "", 1, tuple(elements), {"xbrl": "instance"})


def _block(fact: Fact) -> Iterator[Element]:
    """Yield a text block, whose value is often HTML that was escaped."""
    from tasks.index.formats.html import elements_of_html

    section = f"{fact.concept} {fact.period}".strip()
    found = elements_of_html(fact.value) if "<" in fact.value else [Element("text", fact.value)]
    for element in found:
        yield replace(element, section=section)


def _elements(root: Any) -> Iterator[Element]:
    """Yield the elements below a node, depth first, without recursion."""
    stack: list[tuple[Any, str]] = [(root, "")]
    while stack:
        node, path = stack.pop()
        section = f"{path} > {_name(node)}" if path else _name(node)
        if _is_prose(node):
            yield Element("text", clean(" ".join("".join(node.itertext()).split())), section=path)
            continue
        yield from _values(node, section)
        records = _records(node)
        for name in dict.fromkeys(_name(child) for child in node):
            if name in records and (found := table(_as_rows(node, name), section=f"{section} > {name}")):
                yield found
        deeper = [child for child in node if _name(child) not in records and not _is_value(child)]
        stack += [(child, section) for child in reversed(deeper)]


def _values(node: Any, section: str) -> Iterator[Element]:
    """Yield the node's attributes and its children that are plain values, as lines."""
    lines = [f"{key.rpartition('}')[2]}: {value}" for key, value in node.attrib.items() if value.strip()]
    if len(node) == 0 and (node.text or "").strip():
        lines.append(f"{_name(node)}: {clean(node.text)}")
    for child in node:
        if _is_value(child) and (text := clean(child.text or "")):
            lines.append(f"{_name(child)}: {text}")
        if _is_value(child):
            lines += [f"{_name(child)} {k.rpartition('}')[2]}: {v}" for k, v in child.attrib.items() if v.strip()]
    if lines:
        yield Element("text", "\n".join(clean(line) for line in lines), section=section)


def _records(node: Any) -> set[str]:
    """Return names of children that occur at least twice and hold nothing but values."""
    counts: dict[str, int] = {}
    for child in node:
        flat = len(child) > 0 and all(_is_value(grandchild) for grandchild in child)
        counts[_name(child)] = counts.get(_name(child), 0) + (1 if flat else -1_000_000)
    return {name for name, count in counts.items() if count >= 2}


def _as_rows(node: Any, name: str) -> list[list[str]]:
    """Return the records of one name as rows: heads are their attributes and children in the order met; repeats are joined."""
    records = []
    for child in node:
        if _name(child) == name:
            record = {key.rpartition("}")[2]: value for key, value in child.attrib.items()}
            for field in child:
                text = clean(field.text or "")
                record[_name(field)] = f"{record[_name(field)]}; {text}" if record.get(_name(field)) else text
            records.append(record)
    heads = list(dict.fromkeys(key for record in records for key in record))
    return [heads, *([record.get(head, "") for head in heads] for record in records)]


def _is_value(node: Any) -> bool:
    return isinstance(node.tag, str) and len(node) == 0


def _is_prose(node: Any) -> bool:
    """Return text and elements mixed: markup inside running text."""
    return len(node) > 0 and bool((node.text or "").strip() or any((child.tail or "").strip() for child in node))


def _name(node: Any) -> str:
    return str(node.tag).rpartition("}")[2] if isinstance(node.tag, str) else ""


def _titled(root: Any) -> str:
    """Return the text of the first `title` that stands near the top."""
    for node in list(root)[:20]:
        if local(node) == "title" and (text := clean("".join(node.itertext()))):
            return " ".join(text.split())[:300]
    return ""
