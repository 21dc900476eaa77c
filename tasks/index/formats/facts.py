"""XBRL facts, of instances and of inline XBRL in web pages, as one table that an analysis can read.

A fact is a value of a concept (`us-gaap:Assets`) for a period, in a unit. The table has one row a fact and the
columns of FACT_COLUMNS; a period is an ISO date, or two with a slash between for a span; numbers are plain, scale and
sign applied. Facts of a part of the firm (a segment) name it under `dimensions`; the firm's own have "" there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from tasks.index.formats.base import clean
from tasks.records import Element

FACT_COLUMNS = ("concept", "period", "unit", "decimals", "value", "dimensions")
FACTS_SECTION = "XBRL facts"
LONGEST_VALUE = 300
"""Characters; a longer value is a text block, which the page's own text (or a text element) already holds."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of the table."""

    concept: str
    period: str
    unit: str
    decimals: str
    value: str
    dimensions: str


def facts_element(facts: Iterable[Fact], page: int) -> Element:
    """Return the table of facts."""
    rows = [FACT_COLUMNS]
    rows += [(f.concept, f.period, f.unit, f.decimals, f.value, f.dimensions) for f in facts]
    text = "\n".join(" | ".join(cell for cell in row if cell) for row in rows)
    return Element("table", text, page, rows=tuple(rows), section=FACTS_SECTION)


def local(node: Any) -> str:
    """Return the name of a node without namespace or prefix, in small letters; "" for comments and the like."""
    tag = node.tag if isinstance(node.tag, str) else ""
    return tag.rpartition("}")[2].rpartition(":")[2].lower()


def contexts(root: Any) -> dict[str, tuple[str, str]]:
    """Return context id → (period, dimensions)."""
    found = {}
    for node in root.iter():
        if local(node) == "context" and node.get("id"):
            dates = {local(child): clean("".join(child.itertext())) for child in node.iter()}
            period = dates.get("instant") or "/".join(filter(None, (dates.get("startdate"), dates.get("enddate"))))
            found[node.get("id")] = (period, "; ".join(_dimensions(node)))
    return found


def _dimensions(context: Any) -> Iterator[str]:
    for node in context.iter():
        if local(node) in {"explicitmember", "typedmember"}:
            yield f"{node.get('dimension', '')}={clean(''.join(node.itertext()))}"


def units(root: Any) -> dict[str, str]:
    """Return unit id → `EUR`, `shares`, `USD/shares` …"""
    found = {}
    for node in root.iter():
        if local(node) == "unit" and node.get("id"):
            measures = [clean("".join(n.itertext())).rpartition(":")[2] for n in node.iter() if local(n) == "measure"]
            found[node.get("id")] = "/".join(measures)
    return found


def instance_facts(root: Any) -> list[Fact]:
    """Return the facts of an XBRL instance (an XML tree): the root's children that point to a context."""
    periods, measures = contexts(root), units(root)
    names = {uri: prefix for prefix, uri in root.nsmap.items() if prefix}
    facts = []
    for node in root.iter():
        reference = node.get("contextRef")
        if reference is None or not isinstance(node.tag, str):
            continue
        uri, _, name = node.tag.lstrip("{").rpartition("}")
        prefix = (node.prefix or names.get(uri) or "").strip()
        period, dimensions = periods.get(reference, ("", ""))
        nil = next((value for key, value in node.attrib.items() if key.endswith("}nil")), "") == "true"
        value = "" if nil else clean("".join(node.itertext()))
        concept = f"{prefix}:{name}" if prefix else name
        unit = measures.get(node.get("unitRef", ""), "")
        facts.append(Fact(concept, period, unit, node.get("decimals", ""), value, dimensions))
    return facts


def inline_facts(root: Any) -> list[Fact]:
    """Return the facts of inline XBRL in an HTML tree, in reading order; text blocks are left to the page's own text."""
    if not any(local(node) == "context" for node in root.iter()):
        return []
    periods, measures = contexts(root), units(root)
    facts = []
    for node in root.iter():
        if local(node) not in {"nonfraction", "nonnumeric"}:
            continue
        period, dimensions = periods.get(_attribute(node, "contextref"), ("", ""))
        text = clean("".join(node.itertext()))
        value = inline_number(text, node) if local(node) == "nonfraction" else " ".join(text.split())
        if len(value) <= LONGEST_VALUE:
            unit = measures.get(_attribute(node, "unitref"), "")
            facts.append(Fact(_attribute(node, "name"), period, unit, _attribute(node, "decimals"), value, dimensions))
    return facts


def _attribute(node: Any, name: str) -> str:
    """Return an attribute whatever its case: HTML parsers make it small, XML ones leave it."""
    return next((value for key, value in node.attrib.items() if key.lower() == name), "")


def inline_number(text: str, node: Any) -> str:
    """Return the number that a tagged figure stands for: its format's separators read, scale and sign applied.

    Follows the transformation registry of Inline XBRL 1.1: `num-comma-decimal` and its older names have a decimal
    comma, `fixed-zero` and `zerodash` are 0.
    """
    style = _attribute(node, "format").rpartition(":")[2].lower()
    if style in {"fixed-zero", "zerodash", "numdash", "zero-dash"} or re.fullmatch(r"[-–—−\s]+", text):
        return "0"
    digits = re.sub(r"[^\d.,]", "", text)
    comma = style in {"num-comma-decimal", "numcommadecimal", "numdotcomma", "numspacecomma"}
    digits = digits.replace(".", "").replace(",", ".") if comma else digits.replace(",", "")
    try:
        number = Decimal(digits).scaleb(int(_attribute(node, "scale") or 0))
    except (InvalidOperation, ValueError):
        return text
    return f"{-number if _attribute(node, 'sign') == '-' else number:f}"
