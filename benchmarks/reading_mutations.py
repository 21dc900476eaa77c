"""Damaged files, made from sound ones along their structure: a reader meets what it did not expect deep inside, not at the door.

Of a ZIP package one part is changed: in XML an element is dropped, doubled, moved, renamed, emptied, nested or given another attribute;
other parts are cut or lost. Of anything else bytes, numbers and lines are changed where they stand.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
import zlib
from collections.abc import Iterator

_EXTREMES = [
    "",
    "0",
    "-1",
    "2147483648",
    "99999999999999999999",
    "NaN",
    "1e308",
    "../../x",
    "rIdNone",
    "A1:XFD1048576",
    "\u202e",
]
_NAMES = [
    "sdt",
    "ins",
    "del",
    "tbl",
    "tc",
    "tr",
    "p",
    "r",
    "t",
    "AlternateContent",
    "sp",
    "c",
    "row",
    "x",
    "table-cell",
    "list",
]
_LEAST = b"<a/>"


def mutations(data: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    """An endless row of (what was done, damaged file); equal seeds give equal rows."""
    dice = random.Random(seed)
    is_package = data.startswith(b"PK")
    while True:
        try:
            yield _package(data, dice) if is_package else _plain(data, dice)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError):
            is_package = False  # the source itself is broken, encrypted or packed in an odd way


def _package(data: bytes, dice: random.Random) -> tuple[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as given:
        parts = {name: given.read(name) for name in given.namelist()}
    names = [name for name in parts if name.endswith((".xml", ".rels", ".vml", ".xhtml", ".html", ".opf"))] or list(
        parts
    )
    told = []
    for _ in range(dice.choice((1, 1, 2, 5))):
        name = dice.choice(names)
        what, parts[name] = _part(parts.get(name, b""), dice)
        told.append(f"{name}: {what}")
    if dice.random() < 0.1:
        lost = dice.choice(list(parts))
        del parts[lost]
        told.append(f"{lost}: lost")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name, part in parts.items():
            made.writestr(name, part)
    return "; ".join(told), target.getvalue()


def _part(data: bytes, dice: random.Random) -> tuple[str, bytes]:
    from lxml import etree

    if dice.random() < 0.12:
        return _bytes(data, dice)
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, huge_tree=True))
    except (etree.XMLSyntaxError, ValueError):
        return _bytes(data, dice)
    nodes = [node for node in root.iter() if isinstance(node.tag, str)]
    node = dice.choice(nodes)
    what = dice.choice(("drop", "double", "move", "rename", "empty", "nest", "attribute", "attribute", "text"))
    _change(root, node, what, dice)
    tag = node.tag.rpartition("}")[2]
    return f"{what} {tag}", etree.tostring(root)


def _change(root, node, what: str, dice: random.Random) -> None:  # type: ignore[no-untyped-def]
    import copy

    from lxml import etree

    above = node.getparent()
    space = node.tag[: node.tag.rfind("}") + 1]
    if what == "drop" and above is not None:
        above.remove(node)
    elif what == "double":
        for _ in range(dice.choice((1, 3, 40))):
            node.append(copy.deepcopy(node)) if above is None or dice.random() < 0.3 else node.addnext(
                copy.deepcopy(node)
            )
            if sum(1 for _ in root.iter()) > 50_000:
                break
    elif what == "move" and above is not None:
        target = dice.choice([n for n in root.iter() if isinstance(n.tag, str)])
        if node not in target.iterancestors() and target is not node:
            target.append(node)
    elif what == "rename":
        node.tag = space + dice.choice(_NAMES)
    elif what == "empty":
        node.clear()
    elif what == "nest":
        deepest = node
        for _ in range(dice.choice((3, 60, 400))):
            deepest = etree.SubElement(deepest, space + dice.choice(_NAMES))
        deepest.text = "7"
    elif what == "text":
        node.text = dice.choice(_EXTREMES)
    elif node.attrib:
        node.set(dice.choice(list(node.attrib)), dice.choice(_EXTREMES))


def _plain(data: bytes, dice: random.Random) -> tuple[str, bytes]:
    told = []
    for _ in range(dice.choice((1, 1, 3, 12))):
        what, data = _bytes(data, dice)
        told.append(what)
    return "; ".join(told), data


def _bytes(data: bytes, dice: random.Random) -> tuple[str, bytes]:
    if len(data) < 8:
        return "replaced", _LEAST
    place = dice.randrange(len(data))
    what = dice.choice(("flip", "cut", "doubled", "gap", "number", "noise"))
    if what == "flip":
        return what, data[:place] + bytes([data[place] ^ (1 << dice.randrange(8))]) + data[place + 1 :]
    if what == "cut":
        return what, data[:place]
    end = min(len(data), place + dice.choice((1, 4, 64, 2048)))
    if what == "doubled":
        return what, data[:end] + data[place:end] * dice.choice((1, 20)) + data[end:]
    if what == "gap":
        return what, data[:place] + data[end:]
    if what == "noise":
        return what, data[:place] + dice.randbytes(end - place) + data[end:]
    numbers = list(re.finditer(rb"\d+", data[place : place + 4096]))
    if not numbers:
        return "flip", data[:place] + b"\xff" + data[place + 1 :]
    match = dice.choice(numbers)
    extreme = dice.choice((b"0", b"-1", b"65536", b"4294967295", b"99999999999999999999"))
    return what, data[: place + match.start()] + extreme + data[place + match.end() :]
