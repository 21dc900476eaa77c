"""What the readers of Office packages (DOCX, PPTX, XLSX) share: opening, properties, and rewriting odd flavours.

The libraries below know one flavour each: transitional OOXML with the plain main content type. Strict OOXML differs in
its namespaces, macro documents and templates in one content type; both are put right by rewriting the package
in memory, which costs milliseconds and spares a second reader.
"""

from __future__ import annotations

import contextlib
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from tasks.index.formats.base import clean, corrupt
from tasks.index.guard import open_archive

if TYPE_CHECKING:
    from tasks.index.look import Look

_STRICT = b"http://purl.oclc.org/ooxml/"
_TRANSITIONAL = (
    (b"http://purl.oclc.org/ooxml/officeDocument/relationships/metadata/core-properties",
     b"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"),
    (b"http://purl.oclc.org/ooxml/officeDocument/", b"http://schemas.openxmlformats.org/officeDocument/2006/"),
    (b"http://purl.oclc.org/ooxml/wordprocessingml/", b"http://schemas.openxmlformats.org/wordprocessingml/2006/"),
    (b"http://purl.oclc.org/ooxml/spreadsheetml/", b"http://schemas.openxmlformats.org/spreadsheetml/2006/"),
    (b"http://purl.oclc.org/ooxml/presentationml/", b"http://schemas.openxmlformats.org/presentationml/2006/"),
    (b"http://purl.oclc.org/ooxml/drawingml/", b"http://schemas.openxmlformats.org/drawingml/2006/"),
)  # fmt: skip
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
_PROPERTIES = {"creator": "author", "created": "created", "modified": "modified", "subject": "subject",
               "title": "title", "keywords": "keywords", "description": "description"}  # fmt: skip


def open_package(data: bytes) -> zipfile.ZipFile:
    """The package, or CORRUPT."""
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
    """The bytes of one part.

    Raises:
        DocumentError: CORRUPT, absent or broken.
    """
    try:
        return package.read(name)
    except (KeyError, zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise corrupt(f"part {name} of the package is damaged: {error}") from None


def read_xml(package: zipfile.ZipFile, name: str) -> Any:
    """The root of one XML part (lxml), read without entities, network or size tricks.

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
    """Whether the libraries open this package as it stands: transitional, with the usual content type, undamaged."""
    names = package.namelist()
    if "[Content_Types].xml" not in names or _STRICT in read_part(package, "_rels/.rels"):
        return False
    types = read_part(package, "[Content_Types].xml")
    return _MAIN_TYPES[folder] in types and not any(name.startswith("/") or "\\" in name for name in names)


def rewritten(package: zipfile.ZipFile) -> bytes:
    """The same package in the flavour that the libraries know.

    Parts that cannot be read are left out, and so are references to parts that are not there.
    """
    parts: dict[str, bytes] = {}
    for member in package.infolist():
        name = member.filename.replace("\\", "/").lstrip("/")
        if not member.is_dir() and name not in parts:
            with contextlib.suppress(zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError):
                parts[name] = _usual(name, package.read(member))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as copy:
        for name, data in parts.items():
            copy.writestr(name, _without_dangling(name, data, parts) if name.endswith(".rels") else data)
    return target.getvalue()


def _without_dangling(name: str, data: bytes, parts: Collection[str]) -> bytes:
    """A part of references without those that lead nowhere; the libraries would stop at the first."""
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
    """One part with transitional namespaces and plain content types."""
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
    """Title, author, created … of docProps/core.xml; nothing when it is absent or broken (it is not the document)."""
    from infra.errors import DocumentError

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
