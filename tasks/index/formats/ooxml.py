"""What the readers of Office packages (DOCX, PPTX, XLSX) share: parts, relations, properties, and odd flavours.

Word and slides are walked by the names of their elements without namespaces, so that strict and transitional OOXML,
macro documents and templates are one. openpyxl knows only the transitional flavour with the plain main content type: for
it the package is rewritten in memory, which costs milliseconds and spares a second reader.
"""

from __future__ import annotations

import contextlib
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from infra.errors import DocumentError
from tasks.index.formats.base import clean, corrupt
from tasks.index.guard import open_archive

if TYPE_CHECKING:
    from tasks.index.look import Look

_STRICT = b"http://purl.oclc.org/ooxml/"
_TRANSITIONAL = (
    (
        b"http://purl.oclc.org/ooxml/officeDocument/relationships/metadata/core-properties",
        b"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties",
    ),
    (b"http://purl.oclc.org/ooxml/officeDocument/", b"http://schemas.openxmlformats.org/officeDocument/2006/"),
    (b"http://purl.oclc.org/ooxml/wordprocessingml/", b"http://schemas.openxmlformats.org/wordprocessingml/2006/"),
    (b"http://purl.oclc.org/ooxml/spreadsheetml/", b"http://schemas.openxmlformats.org/spreadsheetml/2006/"),
    (b"http://purl.oclc.org/ooxml/presentationml/", b"http://schemas.openxmlformats.org/presentationml/2006/"),
    (b"http://purl.oclc.org/ooxml/drawingml/", b"http://schemas.openxmlformats.org/drawingml/2006/"),
)
_MAIN_TYPES = {
    "word/": b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "ppt/": b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
    "xl/": b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
}
_ODD_TYPE = re.compile(
    rb"application/vnd\.(?:ms-(?:word|powerpoint|excel)\.(?:document|template|presentation|slideshow|addin|sheet)"
    rb"\.macroEnabled(?:Template)?|openxmlformats-officedocument\.(?:wordprocessingml\.template"
    rb"|presentationml\.(?:template|slideshow)|spreadsheetml\.template)|ms-word\.(?:document|template)"
    rb"\.macroEnabledTemplate)\.main\+xml"
)
_PROPERTIES = {
    "creator": "author",
    "created": "created",
    "modified": "modified",
    "subject": "subject",
    "title": "title",
    "keywords": "keywords",
    "description": "description",
}


def local(node: Any) -> str:
    """Return the name of an element without its namespace; "" for comments and the like."""
    tag = node.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(node: Any, name: str, default: str = "") -> str:
    """Return an attribute by its name without namespace."""
    found = node.get(name)
    if found is None:
        found = next((value for key, value in node.attrib.items() if key.endswith("}" + name)), default)
    return str(found)


def relation_id(node: Any, name: str = "id") -> str:
    """Return the relation that a node points to (`r:id`, `r:embed` …), "" for none."""
    return next((v for k, v in node.attrib.items() if k.endswith("/relationships}" + name)), "")


@dataclass(frozen=True, slots=True)
class Relation:
    """Where a part points: `kind` is the last word of the relation's type (`chart`, `footnotes` …)."""

    target: str
    kind: str
    external: bool = False


_WORKBOOK = re.compile(r"xl/workbook\d*\.xml")
_HOLDING = frozenset(
    "header footer footnotes endnotes comments threadedComment notesSlide image package oleObject drawing vmlDrawing "
    "sharedStrings chartUserShapes".split()
)
"""Kinds of relations whose parts hold text; of charts, slides, sheets and imported parts their readers say that they are gone."""


class Package:
    """The parts of an Office package by name, and what points to what.

    Names are found whatever their case, slashes and escapes: programs differ, and Office opens them all. `warnings`
    gathers what had to be left out.
    """

    def __init__(self, data: bytes) -> None:
        """Open a package.

        Raises:
            DocumentError: CORRUPT.
        """
        self._archive = open_archive(data)
        self._names = {_key(member.filename): member.filename for member in self._archive.infolist()}
        self._relations: dict[str, dict[str, Relation]] = {}
        self._told: set[tuple[str, str]] = set()
        self.warnings: list[str] = []

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._names

    @property
    def names(self) -> list[str]:
        """The parts' names as the directory has them, with plain slashes."""
        return [name.replace("\\", "/").lstrip("/") for name in self._names.values()]

    @property
    def archive(self) -> zipfile.ZipFile:
        return self._archive

    def read(self, name: str) -> bytes:
        """Return the bytes of a part.

        Raises:
            DocumentError: CORRUPT, absent or broken.
        """
        return read_part(self._archive, self._names.get(_key(name), name))

    def xml(self, name: str) -> Any:
        """Return the root of an XML part, of contents in several versions (`mc:AlternateContent`) only one.

        Raises:
            DocumentError: CORRUPT.
        """
        root = xml_root(self.read(name), f"part {name} of the package")
        _choose(root)
        return root

    def aside(self, name: str) -> Any | None:
        """Do as `xml` does, for a part that the document can do without: None and a warning when it is damaged."""
        try:
            return self.xml(name)
        except DocumentError as error:
            self.warnings.append(f"left out: {error.message}")
            return None

    def relations(self, part: str) -> dict[str, Relation]:
        """Return relation id → where it leads; those to parts that are not there are left out."""
        if part not in self._relations:
            self._relations[part] = self._read_relations(part)
        return self._relations[part]

    def _read_relations(self, part: str) -> dict[str, Relation]:
        folder, name = posixpath.split(part)
        rels = posixpath.join(folder, "_rels", f"{name}.rels")
        root = self.aside(rels) if rels in self else None
        found = {}
        for node in root.iterchildren("{*}Relationship") if root is not None else ():
            target, kind = node.get("Target") or "", (node.get("Type") or "").rpartition("/")[2]
            external = node.get("TargetMode") == "External"
            if not external:
                target = posixpath.normpath(posixpath.join("/", folder, target.replace("\\", "/"))).lstrip("/")
            if external or target in self:
                found[node.get("Id") or ""] = Relation(target, kind, external)
            elif kind in _HOLDING:
                words = f"{part or 'the package'} points to {target[-80:]} ({kind}), which is not in the file"
                self.warnings.append(f"left out: {words}")
                self._told.add((part, node.get("Id") or ""))
        return found

    def lead(self, part: str, identity: str, what: str) -> Relation | None:
        """Return where a relation of `part` leads; None, and a warning that `what` is left out, where it leads nowhere."""
        relation = self.relations(part).get(identity)
        if relation is None and identity and (part, identity) not in self._told:
            self.warnings.append(f"{what} was left out: its part is not in the package ({identity[:40]})")
        return relation

    def related(self, part: str, kind: str) -> list[str]:
        """Return the parts of a kind that `part` points to, each once."""
        found = (r.target for r in self.relations(part).values() if r.kind == kind and not r.external)
        return list(dict.fromkeys(found))

    def main(self, pattern: str) -> str:
        """Return the main part: what the package points to, or else the part whose name matches.

        Raises:
            DocumentError: CORRUPT, there is none.
        """
        named = [name for name in self.names if re.fullmatch(pattern, name, re.IGNORECASE)]
        told = [name for name in self.related("", "officeDocument") if name.endswith(".xml")]
        for name in (*told, *named):
            return name
        raise corrupt(f"the package has no main document part ({pattern})")


_SAYING = ("{*}t", "{*}chart", "{*}relIds", "{*}tbl", "{*}oleObj", "{*}textpath")


def _choose(root: Any) -> None:
    """Leave of each content that stands there in several versions the first that says anything."""
    for node in list(root.iter("{*}AlternateContent")):
        versions = list(node)
        kept = next(
            (v for v in versions if next(v.iter(*_SAYING), None) is not None), versions[0] if versions else None
        )
        for version in versions:
            if version is not kept:
                node.remove(version)


def _key(name: str) -> str:
    return unquote(name.replace("\\", "/").lstrip("/")).lower()


def open_package(data: bytes) -> zipfile.ZipFile:
    """Return the package, or CORRUPT."""
    return open_archive(data)


def has_main_part(look: Look, part: str, types: str) -> bool:
    """Tell an Office package by its main part, or by the type that it declares for one with another name.

    Args:
        part: how the part's name begins.
        types: a regular expression for the words in its content type.
    """
    if any(name.startswith(part) for name in look.parts):
        return True
    declared = look.part("[content_types].xml").decode("utf-8", "replace")
    return re.search(rf"(?:{types})[^\"']*main\+xml", declared) is not None


def read_part(package: zipfile.ZipFile, name: str) -> bytes:
    """Return the bytes of one part.

    Raises:
        DocumentError: CORRUPT, absent or broken.
    """
    try:
        return package.read(name)
    except (KeyError, zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError) as error:
        raise corrupt(f"part {name} of the package is damaged: {error}") from None


def read_xml(package: zipfile.ZipFile, name: str) -> Any:
    """Return the root of one XML part (lxml), read without entities, network or size tricks.

    Raises:
        DocumentError: CORRUPT.
    """
    return xml_root(read_part(package, name), f"part {name} of the package")


def xml_root(data: bytes, what: str = "the XML", recover: bool = False) -> Any:
    """Parse XML with everything off that could reach out or blow up: no DTD, no entities, no network.

    Raises:
        DocumentError: CORRUPT, with the place of the error.
    """
    from lxml import etree

    options = {"resolve_entities": False, "no_network": True, "load_dtd": False, "recover": recover}
    options["collect_ids"] = False  # an xml:id that stands twice would be an error; nobody asks for them
    try:
        root = etree.fromstring(
            data, etree.XMLParser(**options, remove_comments=True, remove_pis=True, huge_tree=False)
        )
    except (etree.XMLSyntaxError, ValueError) as error:
        raise corrupt(f"{what} is not well formed: {(str(error).splitlines() or [''])[0][:200]}") from None
    if root is None:
        raise corrupt(f"{what} is not well formed: no root element")
    return root


def is_plain(package: zipfile.ZipFile, folder: str) -> bool:
    """Tell whether the libraries open this package as it stands: transitional, with the usual content type, undamaged."""
    names = package.namelist()
    if not {"[Content_Types].xml", "_rels/.rels"} <= set(names) or _STRICT in read_part(package, "_rels/.rels"):
        return False
    types = read_part(package, "[Content_Types].xml")
    return _MAIN_TYPES[folder] in types and not any(name.startswith("/") or "\\" in name for name in names)


def rewritten(package: zipfile.ZipFile) -> bytes:
    """Return the same package in the flavour that the libraries know.

    Parts that cannot be read are left out, and so are references to parts that are not there.
    """
    parts: dict[str, bytes] = {}
    for member in package.infolist():
        name = member.filename.replace("\\", "/").lstrip("/")
        if not member.is_dir() and name not in parts:
            with contextlib.suppress(zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError):
                parts[name] = _usual(name, package.read(member))
    target = io.BytesIO()
    parts |= {name: _without_dangling(name, data, parts) for name, data in parts.items() if name.endswith(".rels")}
    parts |= {
        name: _without_lost_sheets(name, data, parts) for name, data in parts.items() if _WORKBOOK.fullmatch(name)
    }
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as copy:
        for name, data in parts.items():
            copy.writestr(name, data)
    return target.getvalue()


def _without_lost_sheets(name: str, data: bytes, parts: Mapping[str, bytes]) -> bytes:
    """Return a workbook's main part without the sheets that no relation leads to any more."""
    from lxml import etree

    root = xml_root(data, f"part {name} of the package", recover=True)
    folder, file = posixpath.split(name)
    relations = parts.get(f"{folder}/_rels/{file}.rels", b"<none/>")
    known = {node.get("Id") for node in xml_root(relations, "the relations of the workbook", recover=True)}
    for sheet in list(root.iter("{*}sheet")):
        if relation_id(sheet) not in known:
            sheet.getparent().remove(sheet)
    return bytes(etree.tostring(root))


def _without_dangling(name: str, data: bytes, parts: Collection[str]) -> bytes:
    """Return a part of references without those that lead nowhere; the libraries would stop at the first."""
    from lxml import etree

    root = xml_root(data, f"part {name} of the package", recover=True)
    folder = posixpath.dirname(posixpath.dirname(name))
    for reference in list(root):
        target = reference.get("Target") or ""
        place = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
        if reference.get("TargetMode") != "External" and place not in parts:
            root.remove(reference)
    return bytes(etree.tostring(root))


def _usual(name: str, data: bytes) -> bytes:
    """Return one part with transitional namespaces and plain content types."""
    if not name.endswith((".xml", ".rels", ".vml")):
        return data
    if _STRICT in data:
        for strict, transitional in _TRANSITIONAL:
            data = data.replace(strict, transitional)
    return _ODD_TYPE.sub(_plain_type, data) if name == "[Content_Types].xml" else data


def _plain_type(match: re.Match[bytes]) -> bytes:
    found = match.group(0)
    if b"word" in found:
        return _MAIN_TYPES["word/"]
    return _MAIN_TYPES["ppt/"] if b"presentation" in found or b"powerpoint" in found else _MAIN_TYPES["xl/"]


def core_properties(package: zipfile.ZipFile) -> dict[str, str]:
    """Return title, author, created … of docProps/core.xml; nothing when it is absent or broken (it is not the document)."""
    name = next((n for n in package.namelist() if n.lower().endswith("docprops/core.xml")), None)
    if name is None:
        return {}
    try:
        root = read_xml(package, name)
    except DocumentError:
        return {}
    found = {}
    for child in root.iterchildren("{*}*"):
        key = _PROPERTIES.get(child.tag.rpartition("}")[2])
        if key and child.text and (text := clean(child.text)):
            found[key] = text
    return found
